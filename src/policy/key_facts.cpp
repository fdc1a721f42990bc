#include "policy/key_facts.hpp"

#include <algorithm>
#include <array>

#include "policy/comparand.hpp"
#include "policy/pattern.hpp"

namespace deputy::policy {
namespace {

struct KnownKey {
  std::string_view name;
  KeyFacts facts;
};

constexpr KeyFacts one(ValueKind kind) {
  return {.kind = kind, .always_present = false, .never_present = false, .single_valued = true};
}
constexpr KeyFacts always(ValueKind kind) {
  return {.kind = kind, .always_present = true, .never_present = false, .single_valued = true};
}

using enum ValueKind;
constexpr std::array known_keys{
    KnownKey{"sts:ExternalId", one(external_id)},
    KnownKey{"sts:RoleSessionName", always(session_name)},
    KnownKey{"sts:SourceIdentity", one(session_name)},
    KnownKey{"aws:SourceIdentity", one(session_name)},
    // Often written for sts:ExternalId. There is no such key, so no request has it.
    KnownKey{"aws:ExternalId",
             {.kind = text, .always_present = false, .never_present = true, .single_valued = true}},
    KnownKey{"aws:CurrentTime", always(instant)},
    KnownKey{"aws:EpochTime", always(instant)},
    KnownKey{"aws:TokenIssueTime", one(instant)},
    KnownKey{"aws:MultiFactorAuthAge", one(number)},
    KnownKey{"aws:MultiFactorAuthPresent", one(boolean)},
    KnownKey{"aws:SecureTransport", always(boolean)},
    KnownKey{"aws:ViaAWSService", always(boolean)},
    KnownKey{"aws:PrincipalIsAWSService", one(boolean)},
    KnownKey{"aws:SourceIp", one(address)},
    KnownKey{"aws:VpcSourceIp", one(address)},
    KnownKey{"aws:PrincipalAccount", one(account)},
    KnownKey{"aws:SourceAccount", one(account)},
    KnownKey{"aws:ResourceAccount", one(account)},
    KnownKey{"aws:PrincipalArn", one(text)},
    KnownKey{"aws:PrincipalType", one(text)},
    KnownKey{"aws:PrincipalOrgID", one(text)},
    KnownKey{"aws:PrincipalServiceName", one(text)},
    KnownKey{"aws:userid", one(text)},
    KnownKey{"aws:username", one(text)},
    KnownKey{"aws:UserAgent", one(text)},
    KnownKey{"aws:Referer", one(text)},
    KnownKey{"aws:RequestedRegion", one(text)},
    KnownKey{"aws:SourceArn", one(text)},
    KnownKey{"aws:SourceOrgID", one(text)},
    KnownKey{"aws:SourceVpc", one(text)},
    KnownKey{"aws:SourceVpce", one(text)},
    KnownKey{"aws:FederatedProvider", one(text)},
    KnownKey{"graph.facebook.com:id", one(text)},
    KnownKey{"www.amazon.com:user_id", one(text)},
};
// `aws:PrincipalTag/team` and the like: one value for each tag.
constexpr std::array<std::string_view, 4> tag_keys{"aws:PrincipalTag/", "aws:RequestTag/", "aws:ResourceTag/",
                                                   "iam:ResourceTag/"};

constexpr std::string_view name_alphabet =
    "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_+=,.@";
constexpr std::string_view id_alphabet =
    "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_+=,.@:/";

}  // namespace

KeyFacts facts_about(std::string_view key) {
  for (const KnownKey& known : known_keys) {
    if (equal_ignoring_case(known.name, key)) return known.facts;
  }
  for (const std::string_view prefix : tag_keys) {
    if (equal_ignoring_case(prefix, key.substr(0, prefix.size()))) return one(text);
  }
  // Of identity providers: `SAML:sub`, `token.actions.githubusercontent.com:sub`.
  constexpr std::string_view subject = ":sub";
  if (key.size() > subject.size() && equal_ignoring_case(subject, key.substr(key.size() - subject.size())))
    return one(text);
  return {};
}

TextDomain text_domain(ValueKind kind) {
  switch (kind) {
    case external_id:
      return {id_alphabet, 2, 1'224};
    case session_name:
      return {name_alphabet, 2, 64};
    case account:
      return {"0123456789", 12, 12};
    default:
      return {{}, 1, 0};
  }
}

bool admits(ValueKind kind, std::string_view value) {
  switch (kind) {
    case number:
      return parse_number(value).has_value();
    case instant:
      return parse_instant(value).has_value();
    case address:
      return parse_address(value).has_value();
    case boolean:
      return parse_boolean(value).has_value();
    case text:
      return true;
    default:
      break;
  }
  const TextDomain domain = text_domain(kind);
  return value.size() >= domain.length_min && value.size() <= domain.length_max &&
         value.find_first_not_of(domain.alphabet) == std::string_view::npos;
}

std::string_view sample(ValueKind kind) {
  switch (kind) {
    case external_id:
      return "another-customer";
    case session_name:
      return "any-session";
    case account:
      return "999999999999";
    case number:
      return "1";
    case instant:
      return "2030-01-01T00:00:00Z";
    case address:
      return "198.51.100.7";
    case boolean:
      return "true";
    case text:
      return "anything";
  }
  return "anything";
}

}  // namespace deputy::policy
