#include "policy_spec/requests.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "json/text.hpp"
#include "policy/key_facts.hpp"
#include "policy/pattern.hpp"

namespace deputy::policy_spec {
namespace {

using policy::PrincipalType;

constexpr std::string_view external_id = "sts:ExternalId";
constexpr std::size_t values_each = 48;  // of one key, so that hostile policies do not make the making slow

// What AWS fills in from the caller: add_principal_keys does.
bool is_of_caller(std::string_view key) {
  for (const std::string_view name :
       {"aws:PrincipalArn", "aws:PrincipalAccount", "aws:PrincipalType", "aws:userid", "aws:username",
        "aws:PrincipalIsAWSService", "aws:PrincipalServiceName", "aws:PrincipalServiceNamesList"}) {
    if (policy::equal_ignoring_case(name, key)) return true;
  }
  return false;
}

std::string segment(std::string_view arn, int index) {
  for (int i = 0; i < index; ++i) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    arn.remove_prefix(colon + 1);
  }
  return std::string{index == 5 ? arn : arn.substr(0, arn.find(':'))};
}

// The pattern with each wildcard replaced; variables stay as they are written.
std::string without_wildcards(std::string_view pattern, std::string_view run, char one) {
  std::string out;
  for (const char c : pattern) {
    if (c == '*') {
      out += run;
    } else {
      out += c == '?' ? one : c;
    }
  }
  return out;
}

std::string other_case(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') {
      c = static_cast<char>(c - 'a' + 'A');
    } else if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return text;
}

// A text, and what lies beside it.
void add_with_neighbours(const std::string& text, std::set<std::string>& out) {
  if (text.size() > 1'300) return;
  for (const std::string& one : {text, other_case(text), text + "0", "0" + text,
                                 without_wildcards(text, "", 'x'), without_wildcards(text, "ab", 'a')})
    out.insert(one);
  const bool is_ascii = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0; });
  if (text.empty() || !is_ascii) return;  // no character is cut in two
  out.insert(text.substr(0, text.size() / 2));
  out.insert(text.substr(0, text.size() - 1));
}

// An ARN that the pattern of one matches, most likely, in some account.
std::string arn_like(std::string_view pattern, std::string_view run) {
  std::string account = segment(pattern, 4);
  if (account.find_first_of("*?") != std::string::npos) account = "188888888888";
  return fmt::format("arn:aws:iam::{}:{}", account, without_wildcards(segment(pattern, 5), run, 'x'));
}

constexpr std::string_view everywhere[] = {"a",
                                           "ab",
                                           "any-session",
                                           "another-customer",
                                           "true",
                                           "false",
                                           "0",
                                           "5",
                                           "1000000",
                                           "-1",
                                           "2020-01-01T00:00:00Z",
                                           "2026-06-01T00:00:00Z",
                                           "2035-01-01T00:00:00Z",
                                           "10.0.0.1",
                                           "198.51.100.7",
                                           "2001:db8::7",
                                           "arn:aws:iam::111111111111:role/deputy-broker"};

}  // namespace

RequestMaker::RequestMaker(const policy::Policy& trust_policy, const policy::TrustQuestion& question)
    : policy_(trust_policy), question_(question) {
  add_callers();
  add_keys();
}

bool RequestMaker::is_partner(std::string_view account) const {
  const auto& partners = question_.partner_accounts;
  return account == question_.partner_principal.account().text() ||
         std::any_of(partners.begin(), partners.end(),
                     [&](const AccountId& one) { return one.text() == account; });
}
bool RequestMaker::is_own(std::string_view account) const {
  return question_.role_account && question_.role_account->text() == account && !is_partner(account);
}

void RequestMaker::add_caller(policy::Caller caller) {
  if (caller.unique_id.empty() && !caller.account.empty())
    caller.unique_id = caller.role_arn.empty() ? "AIDASOMEBODYSOMEBODY" : "AROASOMEBODYSOMEBODY:any-session";
  callers_.push_back(caller);
  if (caller.service.empty() && !is_own(caller.account)) wrong_callers_.push_back(std::move(caller));
}

void RequestMaker::add_identities_of(const std::string& account) {
  const std::string role = fmt::format("arn:aws:iam::{}:role/some-role", account);
  add_caller(
      {account, fmt::format("arn:aws:sts::{}:assumed-role/some-role/any-session", account), role, "", ""});
  add_caller({account, fmt::format("arn:aws:iam::{}:user/some-user", account), "", "", ""});
}

void RequestMaker::add_caller_named(const policy::StatementPrincipal& principal) {
  const std::string& value = principal.value;
  switch (principal.type) {
    case PrincipalType::everyone:
      add_identities_of("888888888888");
      add_identities_of("199999999999");
      add_identities_of(question_.partner_principal.account().text());
      add_caller({"", "", "", "", "", "some-provider.example.com"});
      return;
    case PrincipalType::aws_account:
      return add_identities_of(value);
    case PrincipalType::aws_unique_id:
      return add_caller({"777777777777", "arn:aws:sts::777777777777:assumed-role/gone/any-session",
                         "arn:aws:iam::777777777777:role/gone",
                         value.starts_with("AROA") ? value + ":any-session" : value, ""});
    case PrincipalType::canonical_user:
      return add_caller({"", "arn:aws:iam::777777777777:user/whoever", "", "", "", "", value});
    case PrincipalType::service:
      return add_caller({"", "", "", "", value});
    case PrincipalType::federated:
      return add_caller({"", "", "", "", "", value});
    case PrincipalType::aws_arn:
      break;
  }
  const std::string partition = segment(value, 1), account = segment(value, 4), resource = segment(value, 5);
  // An account's number in another partition is not that account.
  const bool same_partition = partition == to_text(question_.partner_principal.partition());
  if (!same_partition && (is_own(account) || is_partner(account))) return;
  if (resource.starts_with("role/")) {
    const std::string name = resource.substr(resource.rfind('/') + 1);
    add_caller({account, fmt::format("arn:{}:sts::{}:assumed-role/{}/any-session", partition, account, name),
                value, "", ""});
  } else if (resource.starts_with("assumed-role/")) {
    const std::string name = resource.substr(13, resource.rfind('/') - 13);
    std::string role = fmt::format("arn:{}:iam::{}:role/{}", partition, account, name);
    const std::string& partner = question_.partner_principal.text();
    if (segment(partner, 4) == account && partner.substr(partner.rfind('/') + 1) == name) role = partner;
    add_caller({account, value, role, "", ""});
  } else {
    add_caller({account, value, "", "", ""});
  }
}

void RequestMaker::add_callers() {
  const std::string& partner = question_.partner_principal.text();
  const std::string name = partner.substr(partner.rfind('/') + 1), account = segment(partner, 4);
  const std::string session =
      fmt::format("arn:{}:sts::{}:assumed-role/{}/", segment(partner, 1), account, name);
  for (const char* one : {"any-session", "ab"}) add_caller({account, session + one, partner, "", ""});
  for (const policy::Statement& statement : policy_.statements()) {
    for (const policy::StatementPrincipal& principal : statement.principals) {
      if (callers_.size() < 64) add_caller_named(principal);
    }
    for (const policy::Condition& condition : statement.conditions) add_callers_meant(condition);
  }
}

// Whom a condition tells apart.
void RequestMaker::add_callers_meant(const policy::Condition& condition) {
  for (const std::string& value : condition.values) {
    if (callers_.size() >= 96) return;
    if (policy::equal_ignoring_case(condition.key, "aws:PrincipalAccount")) {
      std::string account = without_wildcards(value, "8", '8');
      account.resize(12, '8');
      if (account.find_first_not_of("0123456789") == std::string::npos) add_identities_of(account);
    }
    if (!policy::equal_ignoring_case(condition.key, "aws:PrincipalArn")) continue;
    for (const char* run : {"", "some"}) {
      const std::string arn = arn_like(value, run);
      const std::string resource = segment(arn, 5);
      const bool is_identity = resource.starts_with("role/") || resource.starts_with("user/");
      if (is_identity && resource.size() > 5 && resource.back() != '/' &&
          AccountId::parse(segment(arn, 4)).has_value())
        add_caller_named({PrincipalType::aws_arn, arn});
    }
  }
}

void RequestMaker::add_keys() {
  std::set<std::string> names, texts;
  for (const std::string_view text : everywhere) texts.emplace(text);
  for (const policy::Statement& statement : policy_.statements()) {
    for (const policy::Condition& condition : statement.conditions) {
      names.insert(condition.key);
      for (std::size_t i = 0; i < condition.values.size() && texts.size() < 4'000; ++i) {
        add_with_neighbours(condition.values[i], texts);
        const auto* parts = std::get_if<policy::VariableText>(&condition.comparands[i]);
        for (std::size_t j = 0; parts != nullptr && j < parts->parts.size(); ++j) {
          const policy::VariableText::Part& part = parts->parts[j];
          if (part.kind == policy::VariableText::Kind::variable) names.insert(part.text);
          if (part.fallback) add_with_neighbours(*part.fallback, texts);
        }
      }
    }
  }
  std::set<std::string> known;
  for (const auto* list : {&question_.issued, &question_.tolerated}) {
    for (const ExternalId& id : *list) {
      known.insert(id.text());
      add_with_neighbours(id.text(), texts);
    }
  }
  for (const std::string& text : texts) {
    if (!known.contains(text) && policy::admits(policy::ValueKind::external_id, text)) ids_.push_back(text);
  }
  std::vector<std::string> added;
  for (const std::string& name : names) {
    const bool twice = std::any_of(added.begin(), added.end(), [&](const std::string& one) {
      return policy::equal_ignoring_case(one, name);
    });
    if (twice || is_of_caller(name) || policy::equal_ignoring_case(name, external_id)) continue;
    added.push_back(name);
    Key key{name, {}};
    const policy::ValueKind kind = policy::facts_about(name).kind;
    for (const std::string& text : texts) {
      if (policy::admits(kind, text)) key.values.push_back(text);
    }
    key.values.emplace_back(policy::sample(kind));
    keys_.push_back(std::move(key));
  }
}

void RequestMaker::fill(Choices& choices, policy::Request& request) const {
  for (const Key& key : keys_) {
    const policy::KeyFacts facts = policy::facts_about(key.name);
    if (facts.never_present || (!facts.always_present && choices.once_in(3))) continue;
    policy::ContextKey given{key.name, {}};
    const std::size_t count = facts.single_valued || choices.once_in(2) ? 1 : choices.below(4);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t pick = choices.below(std::min(values_each, key.values.size()));
      given.values.push_back(key.values[(pick * 7 + choices.below(8)) % key.values.size()]);
    }
    if (facts.kind == policy::ValueKind::text && choices.once_in(16)) given.values.assign(1, "");
    request.context.push_back(std::move(given));
  }
}

void RequestMaker::set_external_id(Choices& choices, policy::Request& request, bool issued_too) const {
  if (choices.once_in(3) || !request.caller.federated.empty()) return;
  std::string id = ids_[(choices.below(256) * 5 + choices.below(8)) % ids_.size()];
  if (issued_too && choices.once_in(2)) id = question_.issued[choices.below(question_.issued.size())].text();
  request.context.push_back({std::string{external_id}, {std::move(id)}});
}

policy::Request RequestMaker::about(Choices& choices, const policy::Caller& caller) const {
  policy::Request request;
  request.caller = caller;
  request.action = "sts:AssumeRole";
  if (!caller.federated.empty())
    request.action = choices.once_in(2) ? "sts:AssumeRoleWithSAML" : "sts:AssumeRoleWithWebIdentity";
  request.resource = question_.role_account
                         ? fmt::format("arn:aws:iam::{}:role/this-role", question_.role_account->text())
                         : "*";
  fill(choices, request);
  return request;
}

policy::Request RequestMaker::any(Choices& choices) const {
  policy::Request request = about(choices, callers_[choices.below(callers_.size())]);
  if (choices.once_in(8)) request.action = choices.once_in(2) ? "sts:TagSession" : "STS:assumerole";
  set_external_id(choices, request, true);
  add_principal_keys(request);
  return request;
}

policy::Request RequestMaker::wrong(Choices& choices) const {
  const policy::Caller& caller = wrong_callers_[choices.below(wrong_callers_.size())];
  policy::Request request = about(choices, caller);
  const bool unknown = !caller.unique_id.empty() && caller.account == "777777777777";
  const bool foreign = !caller.account.empty() && !is_partner(caller.account) && !unknown;
  set_external_id(choices, request, foreign);
  if (!caller.federated.empty()) {
    for (policy::ContextKey& key : request.context) {
      const std::size_t colon = key.name.rfind(':');
      const std::string_view last =
          std::string_view{key.name}.substr(colon == std::string::npos ? 0 : colon + 1);
      for (const std::string_view subject : {"sub", "id", "user_id"}) {
        if (policy::equal_ignoring_case(last, subject)) key.values = {"a-subject-that-nobody-listed"};
      }
    }
  }
  add_principal_keys(request);
  return request;
}

std::string to_json(const policy::Request& request) {
  using json::in_quotes;
  const policy::Caller& caller = request.caller;
  std::string context;
  for (const policy::ContextKey& key : request.context) {
    std::string values;
    for (const std::string& value : key.values) values += (values.empty() ? "" : ",") + in_quotes(value);
    context += (context.empty() ? "" : ",") + in_quotes(key.name) + ":[" + values + "]";
  }
  return fmt::format(
      R"({{"caller":{{"account":{},"arn":{},"role_arn":{},"unique_id":{},"service":{},"federated":{},"canonical_user":{}}},)"
      R"("action":{},"resource":{},"context":{{{}}}}})",
      in_quotes(caller.account), in_quotes(caller.arn), in_quotes(caller.role_arn),
      in_quotes(caller.unique_id), in_quotes(caller.service), in_quotes(caller.federated),
      in_quotes(caller.canonical_user), in_quotes(request.action), in_quotes(request.resource), context);
}

}  // namespace deputy::policy_spec
