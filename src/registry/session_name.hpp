#pragma once

#include <string>
#include <string_view>

#include "core/assert.hpp"
#include "core/identifiers.hpp"

namespace deputy::registry {

// STS's limit for a role session name.
inline constexpr std::size_t session_name_length_max = 64;

// The session name that CloudTrail shows the customer: `<connection>@<workload>`, with `.<suffix>` where one
// was asked for; clipped to 64 characters, the workload first. The one form for production and for probes: a
// trust policy that tells session names apart must not tell these apart. Opaque identifiers and names of the
// partner's only: REQUIRES that `workload` and `suffix` have a session name's characters; no text of a
// customer's gets in here.
inline SessionName production_session_name(const ConnectionId& connection, std::string_view workload,
                                           std::string_view suffix = {}) {
  const std::string tail = suffix.empty() ? std::string{} : "." + std::string{suffix};
  const std::string head = connection.text() + "@";
  DEPUTY_ASSERT(head.size() + tail.size() < session_name_length_max);
  const std::size_t room = session_name_length_max - head.size() - tail.size();
  auto name = SessionName::parse(head + std::string{workload.substr(0, room)} + tail);
  DEPUTY_ASSERT(name.has_value());
  return std::move(name).value();
}

// What STS must name for a session of the role: the role's path does not show in it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
inline std::string assumed_role_arn(const RoleArn& role, const SessionName& session) {
  return "arn:" + std::string{to_text(role.partition())} + ":sts::" + role.account().text() +
         ":assumed-role/" + std::string{role.name()} + "/" + session.text();
}

}  // namespace deputy::registry
