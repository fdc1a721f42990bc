#include <algorithm>
#include <gtest/gtest.h>
#include <random>

#include "policy/analyzer_test_support.hpp"

// What must hold of any analysis, tried on many random policies. Seeds are fixed: a failure repeats.
namespace deputy::policy {
namespace {

const std::string partner_arn = "arn:aws:iam::111111111111:role/deputy-broker";

struct KeyWorld {
  std::string name;
  std::vector<std::string> operators, written, sent;
};

// Small worlds, so that conditions meet: what policies write about each key, and what requests send.
const std::vector<KeyWorld>& worlds() {
  static const std::vector<std::string> texts{
      "StringEquals",  "StringNotEquals",        "StringLike",
      "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"};
  static const std::vector<KeyWorld> all{
      {"sts:ExternalId",
       texts,
       {issued_id, issued_id, issued_id, foreign_id, "4f6c*", "*9e42", "*", "??", "${sts:RoleSessionName}",
        "${aws:PrincipalTag/x, 'ab'}", "4F6C1B1E-2A7D-4C55-9B0E-7D1F0A3C9E42"},
       {foreign_id, "4f6c", "4f6c0", "x9e42", "ab", "xx", "any-session", "deploy", "team",
        "4F6C1B1E-2A7D-4C55-9B0E-7D1F0A3C9E42", issued_id + "0"}},
      {"sts:RoleSessionName",
       texts,
       {"deploy", "d*", "*y", "??", "any-session"},
       {"deploy", "dx", "zy", "ab", "any-session"}},
      {"aws:SourceIp",
       {"IpAddress", "NotIpAddress", "StringLike"},
       {"10.0.0.0/8", "0.0.0.0/1", "::/0", "10.1.0.0/16"},
       {"10.0.0.1", "10.1.2.3", "11.0.0.0", "200.0.0.1", "::1"}},
      {"aws:CurrentTime",
       {"DateLessThan", "DateGreaterThan", "DateEquals", "DateNotEquals"},
       {"2026-01-01", "2027-01-01", "1767225600"},
       {"2025-06-01", "2026-01-01", "2026-06-01", "2027-01-01", "2028-01-01"}},
      {"aws:PrincipalTag/x", texts, {"ab", "team", "t*"}, {"ab", "team", "to", foreign_id}},
      {"aws:TagKeys", texts, {"a", "b", "*", "?"}, {"a", "b", "ab", ""}},
      {"k:n",
       {"NumericLessThan", "NumericEquals", "NumericNotEquals"},
       {"5", "7"},
       {"4", "5", "6", "7", "8", "x"}},
      {"k:arn",
       {"ArnLike", "ArnNotEquals", "StringLike"},
       {"arn:aws:iam::1:role/*", "arn:aws:iam::*:role/a"},
       {"arn:aws:iam::1:role/a", "arn:aws:iam::2:role/a", "arn:aws:iam::1:role/b", "x"}},
      {"aws:PrincipalArn",
       {"ArnLike", "ArnEquals", "StringNotEquals", "StringLike"},
       {partner_arn, "arn:aws:iam::111111111111:role/*", "arn:aws:iam::*:role/*"},
       {}},
      {"aws:PrincipalAccount",
       {"StringEquals", "StringNotEquals", "StringLike"},
       {"111111111111", "1*", "9*"},
       {}},
  };
  return all;
}

class Generator {
 public:
  explicit Generator(unsigned seed) : engine_(seed) {}

  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>{0, bound - 1}(engine_);
  }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class List>
  const auto& any_of(const List& list) {
    return list[below(list.size())];
  }

  std::string condition(std::size_t id_weight) {
    const KeyWorld& world = one_in(id_weight) ? worlds().front() : any_of(worlds());
    if (one_in(8)) return R"("Null":{")" + world.name + R"(":")" + (one_in(2) ? "true" : "false") + "\"}";
    std::string values;
    for (std::size_t i = 0, count = 1 + below(2); i < count; ++i)
      values += (i == 0 ? "\"" : ",\"") + any_of(world.written) + "\"";
    const bool addresses = world.name == "aws:SourceIp";
    const std::string name = any_of(world.operators);
    if (addresses && name == "StringLike") values = "\"10.*\"";
    static const std::vector<std::string> qualifiers{"", "", "", "", "ForAllValues:", "ForAnyValue:"};
    return "\"" + any_of(qualifiers) + name + (one_in(6) ? "IfExists" : "") + "\":{\"" + world.name + "\":[" +
           values + "]}";
  }

  std::string statement(bool deny) {
    static const std::vector<std::string> principals{
        "{\"AWS\":\"" + partner_arn + "\"}",
        "{\"AWS\":\"" + partner_arn + "\"}",
        R"({"AWS":"111111111111"})",
        R"("*")",
        R"({"AWS":["222222222222","arn:aws:iam::111111111111:role/other"]})",
        R"({"AWS":"999999999999"})",
        R"({"AWS":"arn:aws:sts::111111111111:assumed-role/deputy-broker/deploy"})"};
    static const std::vector<std::string> actions{
        R"("Action":"sts:AssumeRole")", R"("Action":"sts:AssumeRole")", R"("Action":"*")",
        R"("NotAction":"sts:TagSession")", R"("Action":"sts:TagSession")"};
    const std::string& principal =
        deny ? any_of(principals) : principals[below(one_in(4) ? principals.size() : 2)];
    std::vector<std::string> conditions;
    if (!deny && !one_in(4))
      conditions.push_back(R"("StringEquals":{"sts:ExternalId":")" + issued_id + "\"}");
    for (std::size_t i = 0, count = below(4); i < count; ++i) {
      std::string next = condition(3);
      const auto name_of = [](const std::string& text) {
        return text.substr(0, text.find(':', text.find('"', 1)));
      };
      const bool twice = std::any_of(conditions.begin(), conditions.end(),
                                     [&](const std::string& one) { return name_of(one) == name_of(next); });
      if (!twice) conditions.push_back(std::move(next));
    }
    std::string joined;
    for (const std::string& one : conditions) joined += (joined.empty() ? "" : ",") + one;
    return "{\"Effect\":\"" + std::string{deny ? "Deny" : "Allow"} + "\",\"Principal\":" + principal + "," +
           any_of(actions) + ",\"Condition\":{" + joined + "}}";
  }

  std::vector<std::string> statements() {
    std::vector<std::string> out{statement(false)};
    for (std::size_t i = 0, count = below(4); i < count; ++i) out.push_back(statement(!one_in(3)));
    return out;
  }

  // Which should be refused: without an ID or with another one, or from a stranger with any.
  Request wrong_request() {
    static const std::vector<Caller> callers{
        {"111111111111", "arn:aws:sts::111111111111:assumed-role/deputy-broker/deploy", partner_arn,
         "AROAPARTNERPARTNER01:deploy", ""},
        {"111111111111", "arn:aws:sts::111111111111:assumed-role/deputy-broker/x", partner_arn,
         "AROAPARTNERPARTNER01:x", ""},
        {"111111111111", "arn:aws:sts::111111111111:assumed-role/other/x",
         "arn:aws:iam::111111111111:role/other", "AROAOTHEROTHEROTHER1:x", ""},
        {"111111111111", "arn:aws:iam::111111111111:user/ann", "", "AIDAANNANNANNANNANN1", ""},
        {"999999999999", "arn:aws:sts::999999999999:assumed-role/deputy-broker/x",
         "arn:aws:iam::999999999999:role/deputy-broker", "AROASTRANGERSTRANG01:x", ""},
        {"888888888888", "arn:aws:iam::888888888888:user/bob", "", "AIDABOBBOBBOBBOBBOB1", ""},
    };
    Request request;
    request.caller = any_of(callers);
    request.action = "sts:AssumeRole";
    const bool stranger = request.caller.account != "111111111111";
    for (const KeyWorld& world : worlds()) {
      if (world.sent.empty()) continue;
      const bool id = world.name == "sts:ExternalId";
      const bool always = world.name == "sts:RoleSessionName" || world.name == "aws:CurrentTime";
      if (!always && one_in(3)) continue;
      if (id && stranger && one_in(2)) {
        request.context.push_back({world.name, {issued_id}});
        continue;
      }
      request.context.push_back({world.name, {any_of(world.sent)}});
      if (world.name == "aws:TagKeys" && one_in(2))
        request.context.back().values.push_back(any_of(world.sent));
    }
    add_principal_keys(request);
    return request;
  }

  // From the customer's own account, or from a stranger, with any ID or none.
  Request request_of_others() {
    static const std::vector<Caller> callers{
        {"222222222222", "arn:aws:sts::222222222222:assumed-role/admin/x",
         "arn:aws:iam::222222222222:role/admin", "AROAADMINADMINADMIN1:x", ""},
        {"222222222222", "arn:aws:iam::222222222222:user/carl", "", "AIDACARLCARLCARLCAR1", ""},
        {"999999999999", "arn:aws:iam::999999999999:user/dora", "", "AIDADORADORADORADOR1", ""},
    };
    Request request = wrong_request();
    request.caller = any_of(callers);
    std::erase_if(request.context, [](const ContextKey& key) {
      return key.name.starts_with("aws:Principal") || key.name == "aws:userid" || key.name == "aws:username";
    });
    if (one_in(2)) {
      std::erase_if(request.context, [](const ContextKey& key) { return key.name == "sts:ExternalId"; });
      request.context.push_back({"sts:ExternalId", {issued_id}});
    }
    if (one_in(2)) request.context.push_back({"aws:PrincipalTag/x", {one_in(2) ? "ab" : "team"}});
    add_principal_keys(request);
    return request;
  }

  std::mt19937& engine() { return engine_; }

 private:
  std::mt19937 engine_;
};

std::string joined(const std::vector<std::string>& statements) {
  std::string out;
  for (const std::string& statement : statements) out += (out.empty() ? "" : ",") + statement;
  return out;
}
std::string policy_with(const std::vector<std::string>& statements) {
  return R"({"Version":"2012-10-17","Statement":[)" + joined(statements) + "]}";
}

constexpr unsigned policies = 1'200, requests_each = 60;

TEST(AnalyzerProperties, NothingWrongIsAcceptedUnlessItSaysUnsafe) {
  Generator generator{11};
  unsigned closed = 0, opened = 0;
  for (unsigned i = 0; i < policies; ++i) {
    const std::string document = policy_with(generator.statements());
    const TrustAnalysis analysis = analyze(document, question());
    expect_sound(document, question(), analysis);
    ASSERT_NE(analysis.verdict, TrustVerdict::invalid) << document << codes_of(analysis);
    opened += analysis.witness ? 1U : 0U;
    if (analysis.verdict == TrustVerdict::unsafe) continue;
    ++closed;
    const Policy policy = policy_of(
        joined({document.substr(document.find('[') + 1, document.rfind(']') - document.find('[') - 1)}));
    for (unsigned j = 0; j < requests_each; ++j) {
      const Request request = generator.wrong_request();
      const Decision decision = evaluate(policy, request);
      ASSERT_FALSE(decision.allowed()) << document << "\n" << explain(decision, request);
    }
  }
  EXPECT_GT(closed, policies / 5);
  EXPECT_GT(opened, policies / 5);
}

// A mend is for the partner: nobody else may more than before.
TEST(AnalyzerProperties, AMendGivesNobodyElseMore) {
  Generator generator{15};
  unsigned mended = 0, kept = 0;
  for (unsigned i = 0; i < policies; ++i) {
    const std::string statements = joined(generator.statements());
    const Policy before = policy_of(statements);
    const TrustAnalysis analysis = analyze(before, question());
    if (analysis.mend.empty()) continue;
    ++mended;
    const Policy after = Policy::read(analysis.mend, PolicyKind::trust).value();
    for (unsigned j = 0; j < requests_each; ++j) {
      const Request request = generator.request_of_others();
      const bool allowed = evaluate(after, request).allowed();
      kept += allowed ? 1U : 0U;
      ASSERT_LE(allowed, evaluate(before, request).allowed())
          << statements << "\n"
          << analysis.mend << explain(evaluate(after, request), request);
    }
  }
  EXPECT_GT(mended, policies / 3);
  EXPECT_GT(kept, policies / 10);
}

TEST(AnalyzerProperties, AddingADenyNeverOpens) {
  Generator generator{12};
  for (unsigned i = 0; i < policies; ++i) {
    std::vector<std::string> statements = generator.statements();
    const TrustVerdict before = analyze(policy_with(statements), question()).verdict;
    statements.push_back(generator.statement(true));
    if (before == TrustVerdict::unsafe) continue;
    const TrustAnalysis after = analyze(policy_with(statements), question());
    EXPECT_NE(after.verdict, TrustVerdict::unsafe) << policy_with(statements) << codes_of(after);
  }
}

TEST(AnalyzerProperties, OrderNeverMatters) {
  Generator generator{13};
  for (unsigned i = 0; i < policies; ++i) {
    std::vector<std::string> statements = generator.statements();
    const TrustVerdict before = analyze(policy_with(statements), question()).verdict;
    std::shuffle(statements.begin(), statements.end(), generator.engine());
    EXPECT_EQ(analyze(policy_with(statements), question()).verdict, before) << policy_with(statements);
  }
}

// The stronger half of soundness: whatever requests there are in a small world, the analyzer misses none.
TEST(AnalyzerProperties, WhatIsFoundBySamplingIsFoundByAnalysis) {
  Generator generator{14};
  unsigned sampled = 0;
  for (unsigned i = 0; i < policies; ++i) {
    const std::string statements = joined(generator.statements());
    const Policy policy = policy_of(statements);
    bool open = false;
    for (unsigned j = 0; j < requests_each && !open; ++j)
      open = evaluate(policy, generator.wrong_request()).allowed();
    if (!open) continue;
    ++sampled;
    const TrustAnalysis analysis = analyze(policy, question());
    EXPECT_EQ(analysis.verdict, TrustVerdict::unsafe) << statements;
    EXPECT_TRUE(analysis.witness.has_value()) << statements << codes_of(analysis);
  }
  EXPECT_GT(sampled, policies / 10);
}

}  // namespace
}  // namespace deputy::policy
