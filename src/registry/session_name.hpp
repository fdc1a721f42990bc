#pragma once

#include <string>
#include <string_view>

#include "core/identifiers.hpp"

namespace deputy::registry {

// STS's limit for a role session name.
inline constexpr std::size_t session_name_length_max = 64;

// What stands in a workload's place where none asked: an admin, and the probes. No workload may be named so
// (`is_reserved_caller`), or CloudTrail and the list of issuances would tell of the wrong one.
inline constexpr std::string_view admin_caller = "admin";
inline constexpr std::string_view verify_caller = "verify";
inline constexpr std::string_view logs_caller = "logs";  // the log collector
bool is_reserved_caller(std::string_view name);

// The session name that CloudTrail shows the customer: `<connection>@<workload>`, with `.<suffix>` where one
// was asked for; 64 characters at most. A workload's name that does not fit is cut, and then ends in `=` and
// ten letters and digits that are its own alone: no two workloads share a session name, with or without a
// suffix. (A workload's name has neither `.` nor `=`.) The one form for production and for probes: a trust
// policy that tells session names apart must not tell these apart. Opaque identifiers and names of the
// partner's only: REQUIRES that `workload` and `suffix` have a session name's characters; no text of a
// customer's gets in here. `invalid_request` with the field `session_name` for a suffix that leaves no room.
Result<SessionName> production_session_name(const ConnectionId& connection, std::string_view workload,
                                            std::string_view suffix);
// Without a suffix there is always room.
SessionName production_session_name(const ConnectionId& connection, std::string_view workload);

// What STS must name for a session of the role: the role's path does not show in it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
std::string assumed_role_arn(const RoleArn& role, const SessionName& session);

}  // namespace deputy::registry
