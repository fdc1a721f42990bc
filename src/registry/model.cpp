#include "registry/model.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/assert.hpp"

namespace deputy::registry {
namespace {

template <class Enum>
struct Texts;

template <>
struct Texts<ConnectionState> {
  static constexpr std::string_view noun = "connection state";
  static constexpr std::array<std::string_view, 7> all{
      "awaiting_role", "verifying", "active", "rejected", "suspended", "in_review", "disconnected"};
};
template <>
struct Texts<Proof> {
  static constexpr std::string_view noun = "proof";
  static constexpr std::array<std::string_view, 3> all{"none", "probed", "proved"};
};
template <>
struct Texts<VerificationOutcome> {
  static constexpr std::string_view noun = "outcome";
  static constexpr std::array<std::string_view, 3> all{"passed", "failed", "inconclusive"};
};
template <>
struct Texts<RotationState> {
  static constexpr std::string_view noun = "rotation state";
  static constexpr std::array<std::string_view, 3> all{"awaiting_customer", "verified", "retiring"};
};
template <>
struct Texts<CheckResult> {
  static constexpr std::string_view noun = "check result";
  static constexpr std::array<std::string_view, 4> all{"passed", "failed", "inconclusive", "skipped"};
};
template <>
struct Texts<KeyRole> {
  static constexpr std::string_view noun = "key role";
  static constexpr std::array<std::string_view, 4> all{"admin", "onboarding", "workload", "auditor"};
};
template <>
struct Texts<TrustForm> {
  static constexpr std::string_view noun = "trust form";
  static constexpr std::array<std::string_view, 2> all{"role", "account_with_principal_arn"};
};
template <>
struct Texts<GrantOption> {
  static constexpr std::string_view noun = "grant option";
  static constexpr std::array<std::string_view, 6> all{"session_policy", "tags",   "source_identity",
                                                       "session_name",   "region", "duration"};
};
template <>
struct Texts<IssuanceSource> {
  static constexpr std::string_view noun = "issuance source";
  static constexpr std::array<std::string_view, 2> all{"cache", "sts"};
};
template <>
struct Texts<WebhookEventType> {
  static constexpr std::string_view noun = "event";
  static constexpr std::array<std::string_view, 6> all{"connection.active",       "connection.rejected",
                                                       "connection.suspended",    "connection.in_review",
                                                       "connection.disconnected", "connection.rotated"};
};

// The texts stand in the order of the enumerators.
template <class Enum>
std::string_view text_of(Enum value) {
  const auto index = static_cast<std::size_t>(value);
  DEPUTY_ASSERT(index < Texts<Enum>::all.size());
  return Texts<Enum>::all[index];
}

}  // namespace

bool Grant::covers(const Connection& connection) const {
  if (integration && *integration != connection.integration) return false;
  return !tenants || std::ranges::find(*tenants, connection.tenant_id) != tenants->end();
}

std::string_view to_text(ConnectionState value) {
  return text_of(value);
}
std::string_view to_text(Proof value) {
  return text_of(value);
}
std::string_view to_text(VerificationOutcome value) {
  return text_of(value);
}
std::string_view to_text(RotationState value) {
  return text_of(value);
}
std::string_view to_text(CheckResult value) {
  return text_of(value);
}
std::string_view to_text(KeyRole value) {
  return text_of(value);
}
std::string_view to_text(TrustForm value) {
  return text_of(value);
}
std::string_view to_text(GrantOption value) {
  return text_of(value);
}
std::string_view to_text(IssuanceSource value) {
  return text_of(value);
}
std::string_view to_text(WebhookEventType value) {
  return text_of(value);
}

template <class Enum>
Result<Enum> parse_enum(std::string_view text) {
  const auto& all = Texts<Enum>::all;
  if (const auto found = std::ranges::find(all, text); found != all.end())
    return static_cast<Enum>(found - all.begin());
  std::string choices;
  for (const std::string_view choice : all) {
    if (!choices.empty()) choices += ", ";
    choices += "`" + std::string{choice} + "`";
  }
  return Error{ErrorKind::invalid_request, in_backticks(text) + " is not a " +
                                               std::string{Texts<Enum>::noun} + ": it is one of " + choices};
}

template Result<ConnectionState> parse_enum(std::string_view);
template Result<Proof> parse_enum(std::string_view);
template Result<VerificationOutcome> parse_enum(std::string_view);
template Result<RotationState> parse_enum(std::string_view);
template Result<CheckResult> parse_enum(std::string_view);
template Result<KeyRole> parse_enum(std::string_view);
template Result<TrustForm> parse_enum(std::string_view);
template Result<GrantOption> parse_enum(std::string_view);
template Result<IssuanceSource> parse_enum(std::string_view);
template Result<WebhookEventType> parse_enum(std::string_view);

}  // namespace deputy::registry
