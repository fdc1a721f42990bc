#include <algorithm>
#include <gtest/gtest.h>
#include <random>

#include "policy/policy_test_support.hpp"

// What must hold for any policy and any request, tried on many random ones. Seeds are fixed: a failure
// repeats.
namespace deputy::policy {
namespace {

// Small worlds, so that things meet often.
class Generator {
 public:
  explicit Generator(unsigned seed) : engine_(seed) {}

  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>{0, bound - 1}(engine_);
  }
  template <std::size_t count>
  std::string any_of(const char* const (&choices)[count]) {
    return choices[below(count)];
  }

  std::string condition() {
    static constexpr const char* qualifiers[] = {"", "", "ForAllValues:", "ForAnyValue:"};
    static constexpr const char* names[] = {"StringEquals",
                                            "StringNotEquals",
                                            "StringLike",
                                            "StringNotLike",
                                            "StringEqualsIgnoreCase",
                                            "NumericLessThan",
                                            "NumericNotEquals",
                                            "DateGreaterThan",
                                            "IpAddress",
                                            "NotIpAddress",
                                            "Bool",
                                            "ArnLike",
                                            "ArnNotEquals"};
    static constexpr const char* endings[] = {"", "", "IfExists"};
    if (below(8) == 0) return std::string{R"("Null":{"k:x":")"} + any_of({"true", "false"}) + "\"}";
    const std::string name = any_of(names);
    std::string values;
    for (std::size_t i = 0, count = 1 + below(3); i < count; ++i)
      values += (i == 0 ? "\"" : ",\"") + value_for(name) + "\"";
    return "\"" + any_of(qualifiers) + name + any_of(endings) + "\":{\"" + any_of({"k:x", "K:Y"}) + "\":[" +
           values + "]}";
  }

  std::string statement(std::string_view effect) {
    static constexpr const char* actions[] = {R"("Action":"sts:AssumeRole")",
                                              R"("Action":["sts:Tag*","sts:a*"])",
                                              R"("NotAction":"sts:TagSession")", R"("Action":"*")"};
    static constexpr const char* principals[] = {
        R"("*")", R"({"AWS":"111111111111"})", R"({"AWS":"999999999999"})",
        R"({"AWS":"arn:aws:iam::111111111111:role/team/deputy-broker"})",
        R"({"Service":"ec2.amazonaws.com"})"};
    return "{\"Effect\":\"" + std::string{effect} + "\",\"Principal\":" + any_of(principals) + "," +
           any_of(actions) + (below(3) == 0 ? "" : ",\"Condition\":{" + condition() + "}") + "}";
  }
  std::string any_statement() { return statement(below(3) == 0 ? "Deny" : "Allow"); }

  std::string version() { return any_of({"2012-10-17", "2008-10-17"}); }

  Request request() {
    static constexpr const char* values[] = {"a",
                                             "A",
                                             "b",
                                             "",
                                             "*",
                                             "${k:y}",
                                             "5",
                                             "10abc",
                                             "-1",
                                             "true",
                                             "10.0.0.1",
                                             "::1",
                                             "2026-01-01T00:00:00Z",
                                             "1767225600",
                                             "arn:aws:iam::1:role/a"};
    std::vector<ContextKey> context;
    for (const std::string_view name : {"k:x", "k:y"}) {
      if (below(4) == 0) continue;
      context.push_back({std::string{name}, {}});
      for (std::size_t i = 0, count = below(5) == 0 ? below(4) : 1; i < count; ++i) {
        context.back().values.push_back(any_of(values));
      }
    }
    Request out = asking(std::move(context));
    out.action = any_of({"sts:AssumeRole", "sts:TagSession"});
    return out;
  }

  std::mt19937& engine() { return engine_; }

 private:
  std::string value_for(const std::string& name) {
    if (name.starts_with("Numeric")) return any_of({"0", "5", "10", "-1.5"});
    if (name.starts_with("Date")) return any_of({"2026-01-01", "1767225600", "2025-06-01T00:00Z"});
    if (name.ends_with("IpAddress")) return any_of({"10.0.0.0/8", "0.0.0.0/0", "::/0", "::1"});
    if (name == "Bool") return any_of({"true", "false"});
    if (name.starts_with("Arn"))
      return any_of({"arn:aws:iam::*:role/*", "arn:aws:iam::1:role/a", "arn:aws:iam::2:role/?"});
    return any_of({"a", "b", "*", "a*", "?", "${k:y}", "${k:y, 'a'}", "${*}"});
  }

  std::mt19937 engine_;
};

std::string joined(const std::vector<std::string>& statements) {
  std::string out;
  for (const std::string& statement : statements) out += (out.empty() ? "" : ",") + statement;
  return out;
}

constexpr unsigned policies = 1'500, requests_each = 12;

TEST(PolicyProperties, AddingADenyNeverWidens) {
  Generator generator{1};
  for (unsigned i = 0; i < policies; ++i) {
    std::vector<std::string> statements{generator.any_statement(), generator.any_statement()};
    const std::string version = generator.version();
    const Policy before = policy_of(joined(statements), version);
    statements.push_back(generator.statement("Deny"));
    const Policy after = policy_of(joined(statements), version);
    for (unsigned j = 0; j < requests_each; ++j) {
      const Request request = generator.request();
      if (evaluate(after, request).allowed())
        EXPECT_TRUE(evaluate(before, request).allowed()) << print(after);
    }
  }
}

TEST(PolicyProperties, StatementOrderNeverMatters) {
  Generator generator{2};
  for (unsigned i = 0; i < policies; ++i) {
    std::vector<std::string> statements{generator.any_statement(), generator.any_statement(),
                                        generator.any_statement()};
    const std::string version = generator.version();
    const Policy before = policy_of(joined(statements), version);
    std::shuffle(statements.begin(), statements.end(), generator.engine());
    const Policy after = policy_of(joined(statements), version);
    for (unsigned j = 0; j < requests_each; ++j) {
      const Request request = generator.request();
      EXPECT_EQ(evaluate(after, request).verdict, evaluate(before, request).verdict) << print(after);
      EXPECT_FALSE(explain(evaluate(after, request), request).empty());
    }
  }
}

TEST(PolicyProperties, ReadingWhatWasPrintedIsTheSame) {
  Generator generator{3};
  for (unsigned i = 0; i < policies; ++i) {
    const Policy policy =
        policy_of(joined({generator.any_statement(), generator.any_statement()}), generator.version());
    EXPECT_EQ(read_good(print(policy), PolicyKind::trust), policy);
  }
}

TEST(PolicyProperties, SomeAreAllowedAndSomeAreNot) {
  Generator generator{4};
  std::size_t allowed = 0, asked = 0;
  for (unsigned i = 0; i < policies; ++i, ++asked) {
    const Policy policy =
        policy_of(joined({generator.any_statement(), generator.any_statement()}), generator.version());
    allowed += evaluate(policy, generator.request()).allowed() ? 1U : 0U;
  }
  EXPECT_GT(allowed, asked / 20);
  EXPECT_LT(allowed, asked * 19 / 20);
}

}  // namespace
}  // namespace deputy::policy
