#include "support/source_folder.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <sstream>

#include "json/reader.hpp"
#include "policy/policy_test_support.hpp"

// Every shape of corpus/trust-policies against reader and evaluator. Samples only: that no other request
// comes in is for the analyzer to prove.
namespace deputy::policy {
namespace {

// The reader of policies is strict about spelling, so a policy that stands in the corpus as JSON is cut out
// of its text.
std::string print_json(const json::Value& value) {
  const auto quoted = [](std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '\n') {
        out += "\\n";
      } else {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
      }
    }
    return out + "\"";
  };
  std::string out;
  switch (value.kind) {
    case json::Kind::null:
      return "null";
    case json::Kind::boolean:
      return value.boolean ? "true" : "false";
    case json::Kind::number:
      return value.text;
    case json::Kind::string:
      return quoted(value.text);
    case json::Kind::array:
      for (const json::Value& element : value.elements) out += (out.empty() ? "" : ",") + print_json(element);
      return "[" + out + "]";
    case json::Kind::object:
      for (const json::Member& member : value.members) {
        out += (out.empty() ? "" : ",") + quoted(member.name) + ":" + print_json(member.value);
      }
      return "{" + out + "}";
  }
  return out;
}

struct CorpusCase {
  std::string id, verdict, document;
  std::vector<std::string> also_accepted;
};
struct Corpus {
  std::string external_id, next_external_id, foreign_external_id, principal, customer_account;
  std::vector<CorpusCase> cases;
};

Corpus load() {
  std::ifstream file{in_source_folder("corpus/trust-policies/cases.json")};
  std::stringstream text;
  text << file.rdbuf();
  const auto read = json::read(text.str(), {.bytes_max = 1U << 20U});
  if (!read) std::abort();
  const json::Value& root = read.value();
  const auto text_of = [&](std::string_view name) { return root.find(name)->text; };
  Corpus corpus{text_of("external_id"), text_of("next_external_id"), text_of("foreign_external_id"),
                text_of("principal"),   text_of("customer_account"), {}};
  for (const json::Value& element : root.find("cases")->elements) {
    CorpusCase one{element.find("id")->text, element.find("verdict")->text, {}, {}};
    const json::Value* policy = element.find("policy");
    one.document = policy != nullptr ? print_json(*policy) : element.find("text")->text;
    if (const json::Value* also = element.find("also_accepted")) {
      for (const json::Value& verdict : also->elements) one.also_accepted.push_back(verdict.text);
    }
    corpus.cases.push_back(std::move(one));
  }
  return corpus;
}

Request from_partner(const Corpus& corpus, const std::optional<std::string>& external_id) {
  Request request;
  request.caller = {"111111111111", "arn:aws:sts::111111111111:assumed-role/deputy-broker/deputy-con",
                    corpus.principal, "AROAPARTNERPARTNER01:deputy-con", ""};
  request.action = "sts:AssumeRole";
  request.resource = "arn:aws:iam::" + corpus.customer_account + ":role/for-partner";
  request.context = {{"sts:RoleSessionName", {"deputy-con"}},
                     {"aws:SourceIp", {"198.51.100.9"}},
                     {"aws:SecureTransport", {"true"}},
                     {"aws:CurrentTime", {"2026-11-22T20:00:00Z"}}};
  add_principal_keys(request);
  if (external_id) request.context.push_back({"sts:ExternalId", {*external_id}});
  return request;
}

void set(Request& request, std::string_view name, std::string value) {
  for (ContextKey& key : request.context) {
    if (key.name == name) {
      key.values = {std::move(value)};
      return;
    }
  }
  request.context.push_back({std::string{name}, {std::move(value)}});
}

// External IDs that must be refused; nothing is the absent one.
std::vector<std::optional<std::string>> wrong_ids(const Corpus& corpus) {
  std::string upper = corpus.external_id;
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  std::string last_changed = corpus.external_id;
  last_changed.back() = '3';
  return {std::nullopt,
          corpus.foreign_external_id,
          corpus.next_external_id,
          upper,
          last_changed,
          corpus.external_id + "0",
          "0" + corpus.external_id,
          corpus.external_id.substr(0, corpus.external_id.size() - 1),
          corpus.external_id.substr(0, 8) + "-0000-4000-8000-000000000000",
          "xx",
          std::string(1'224, 'a')};
}

// Settings of the other condition keys under which some shapes open.
std::vector<void (*)(Request&)> settings() {
  return {[](Request&) {},
          [](Request& r) { set(r, "sts:RoleSessionName", "deputy"); },
          [](Request& r) { set(r, "sts:RoleSessionName", "production"); },
          [](Request& r) { set(r, "aws:SourceIp", "198.51.100.7"); },
          [](Request& r) { set(r, "aws:SourceIp", "2001:db8::7"); },
          [](Request& r) { set(r, "sts:SourceIdentity", "ann"); },
          [](Request& r) { set(r, "aws:MultiFactorAuthPresent", "true"); },
          [](Request& r) { set(r, "aws:CurrentTime", "2027-11-22T20:00:00Z"); },
          [](Request& r) { set(r, "aws:RequestTag/team", "x"); }};
}

Request from_stranger(const Corpus& corpus) {
  Request request = from_partner(corpus, corpus.external_id);
  request.caller = {"999999999999", "arn:aws:iam::999999999999:user/mallory", "", "AIDASTRANGERSTRANG01", ""};
  return request;
}

bool accepts_something_wrong(const Policy& policy, const Corpus& corpus) {
  if (evaluate(policy, from_stranger(corpus)).allowed()) return true;
  for (const auto setting : settings()) {
    for (const auto& id : wrong_ids(corpus)) {
      Request request = from_partner(corpus, id);
      setting(request);
      if (evaluate(policy, request).allowed()) return true;
    }
  }
  return false;
}

bool accepts_issued(const Policy& policy, const Corpus& corpus) {
  for (const auto setting : settings()) {
    Request request = from_partner(corpus, corpus.external_id);
    setting(request);
    if (evaluate(policy, request).allowed()) return true;
  }
  return false;
}

Result<Policy> read_document(const CorpusCase& one) {
  DEPUTY_TRY(auto document, decode_document(one.document));
  return Policy::read(document, PolicyKind::trust);
}

TEST(Corpus, EveryCaseIsReadAndJudgedAsItsVerdictSays) {
  const Corpus corpus = load();
  ASSERT_GT(corpus.cases.size(), 60U);
  for (const CorpusCase& one : corpus.cases) {
    SCOPED_TRACE(one.id);
    const auto policy = read_document(one);
    const bool may_be_invalid =
        std::find(one.also_accepted.begin(), one.also_accepted.end(), "invalid") != one.also_accepted.end();
    if (!policy) {
      EXPECT_TRUE(one.verdict == "invalid" || may_be_invalid) << policy.error().message;
      continue;
    }
    EXPECT_NE(one.verdict, "invalid");
    // A federated path without conditions is open to whom no AWS caller can stand for.
    const bool beyond_samples = one.id == "web-identity-open";
    EXPECT_EQ(accepts_something_wrong(policy.value(), corpus), one.verdict == "unsafe" && !beyond_samples);
    if (one.verdict == "safe") EXPECT_TRUE(accepts_issued(policy.value(), corpus));
    if (one.verdict == "denied") EXPECT_FALSE(accepts_issued(policy.value(), corpus));
    EXPECT_EQ(read_good(print(policy.value()), PolicyKind::trust), policy.value());
  }
}

TEST(Corpus, InvalidCasesSayWhere) {
  for (const CorpusCase& one : load().cases) {
    if (one.verdict != "invalid") continue;
    const auto policy = read_document(one);
    ASSERT_FALSE(policy.has_value()) << one.id;
    EXPECT_NE(policy.error().message.find(" at line "), std::string::npos)
        << one.id << ": " << policy.error().message;
  }
}

}  // namespace
}  // namespace deputy::policy
