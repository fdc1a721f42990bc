#include "broker/entitlement.hpp"

#include <algorithm>
#include <set>

#include "aws/tag_text.hpp"
#include "registry/grant_rules.hpp"
#include "registry/session_name.hpp"

namespace deputy::broker {
namespace {

using registry::ConnectionState;
using registry::Grant;
using registry::GrantOption;
using registry::KeyRole;

constexpr std::chrono::seconds duration_min{1'800};
constexpr std::chrono::seconds duration_max{43'200};
constexpr std::size_t tags_max = 50;
constexpr std::size_t suffix_max = 32;
constexpr std::size_t reason_max = 200;

Error invalid(std::string message, std::string field) {
  return Error{ErrorKind::invalid_request, std::move(message)}.with_field(std::move(field));
}

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html
Result<void> check_tags(const std::vector<std::pair<std::string, std::string>>& tags) {
  if (tags.size() > tags_max) return invalid("a session takes at most 50 tags", "tags");
  std::set<std::string> keys;  // STS compares them without case
  for (const auto& [key, value] : tags) {
    if (key.empty() || !aws::is_tag_text(key, aws::tag_key_characters_max))
      return invalid(
          "a tag's key has 1 to 128 letters, digits, spaces and _.:/=+-@; " + in_backticks(key) + " does not",
          "tags");
    if (!aws::is_tag_text(value, aws::tag_value_characters_max))
      return invalid("a tag's value has at most 256 letters, digits, spaces and _.:/=+-@; that of " +
                         in_backticks(key) + " does not",
                     "tags");
    std::string folded = aws::folded_tag_key(key);
    if (folded.starts_with("aws:")) return invalid("a tag's key may not begin with `aws:`", "tags");
    if (!keys.insert(std::move(folded)).second)
      return invalid("the tag " + in_backticks(key) + " is given twice: upper and lower case are one",
                     "tags");
  }
  return success();
}

// The option of the request that the grant does not allow; nullptr when it allows all of them.
const char* beyond(const Grant& grant, const CredentialOptions& options) {
  const auto may = [&](GrantOption option) {
    return std::ranges::find(grant.may, option) != grant.may.end();
  };
  // The grant's own policy cannot be replaced, and STS takes one only.
  if (options.session_policy && (grant.session_policy || !may(GrantOption::session_policy)))
    return "session_policy";
  if (!options.tags.empty() && !may(GrantOption::tags)) return "tags";
  if (options.source_identity && !may(GrantOption::source_identity)) return "source_identity";
  if (options.session_name && !may(GrantOption::session_name)) return "session_name";
  if (options.region && !may(GrantOption::region)) return "region";
  if (options.duration && !may(GrantOption::duration)) return "duration_seconds";
  return nullptr;
}

std::vector<const Grant*> covering(const registry::Workload& workload,
                                   const registry::Connection& connection) {
  std::vector<const Grant*> found;
  for (const Grant& grant : workload.grants)
    if (grant.covers(connection)) found.push_back(&grant);
  return found;
}

std::string name_of(const Grant& grant, const registry::Workload& workload) {
  return "grants[" + std::to_string(&grant - workload.grants.data()) + "] of the workload " +
         in_backticks(workload.name.text());
}

bool forces(const Grant* grant) {
  return grant->session_policy.has_value();
}

// Where one of the grants forces a policy, only such count: no option that another one allows is a way out of
// it. What two of them force differently could be given as neither, and is refused. What comes of it is the
// same in whatever order the grants are listed.
Result<Entitlement> entitle_workload(const CredentialRequest& request, const registry::IssuingView& view) {
  std::vector<const Grant*> grants;
  if (view.workload && request.key->workload == view.workload->name)
    grants = covering(*view.workload, *view.connection);
  if (grants.empty()) return no_such_connection(request.connection_id);
  if (std::ranges::any_of(grants, forces))
    std::erase_if(grants, [](const Grant* grant) { return !forces(grant); });
  const auto& forced = grants.front()->session_policy;
  if (std::ranges::any_of(grants, [&](const Grant* grant) { return grant->session_policy != forced; }))
    return Error{ErrorKind::forbidden,
                 "the workload's grants force different session policies on this connection; have one of "
                 "them changed"};
  std::string_view refused;
  for (const Grant* grant : grants) {
    const char* option = beyond(*grant, request.options);
    if (option == nullptr)
      return forced ? Entitlement{forced, name_of(*grant, *view.workload)}
                    : Entitlement{request.options.session_policy};
    refused = std::max(refused, std::string_view{option});
  }
  if (forced && refused == "session_policy")
    return Error{ErrorKind::forbidden,
                 "the workload's grant forces a session policy of its own; leave `session_policy` out"}
        .with_field(std::string{refused});
  return Error{ErrorKind::forbidden, "the workload's grant does not allow " + in_backticks(refused) +
                                         "; leave it out, or have it added to the grant's `may`"}
      .with_field(std::string{refused});
}

}  // namespace

Error no_such_connection(const ConnectionId& id) {
  return Error{ErrorKind::not_found, "there is no connection " + in_backticks(id.text())};
}

Result<void> check_options(const CredentialOptions& options) {
  if (options.duration && (*options.duration < duration_min || *options.duration > duration_max))
    return invalid("duration_seconds is from 1800 to 43200", "duration_seconds");
  if (options.session_policy) {
    DEPUTY_TRY(registry::check_session_policy(*options.session_policy, "session_policy"));
  }
  if (options.session_name &&
      (options.session_name->size() > suffix_max || !SessionName::parse(*options.session_name)))
    return invalid("a session name's suffix is 2–32 of letters, digits and _+=,.@-", "session_name");
  if (options.reason && (options.reason->size() > reason_max || has_control_characters(*options.reason)))
    return invalid("a reason has at most 200 bytes and no control characters", "reason");
  return check_tags(options.tags);
}

Result<void> check_key(const CredentialRequest& request) {
  if (request.key->role != KeyRole::admin && request.key->role != KeyRole::workload)
    return Error{ErrorKind::forbidden, "a key of this role gets no credentials; use a workload's key"};
  // Its sessions could not be told from those of the acts that the name stands for.
  if (request.key->workload && registry::is_reserved_caller(request.key->workload->text()))
    return Error{ErrorKind::forbidden,
                 "a workload of this name gets no credentials; make one of another name"};
  // A key for one connection alone does not learn whether there are others.
  if (request.key->connection_id && *request.key->connection_id != request.connection_id)
    return no_such_connection(request.connection_id);
  return success();
}

Result<Entitlement> entitle(const CredentialRequest& request, const registry::IssuingView& view) {
  DEPUTY_TRY(check_key(request));
  if (request.key->role == KeyRole::workload) return entitle_workload(request, view);
  return Entitlement{request.options.session_policy};
}

Result<void> check_state(const registry::Connection& connection, Timestamp now,
                         std::chrono::milliseconds verification_max_age) {
  switch (connection.state) {
    case ConnectionState::active:
      break;
    case ConnectionState::disconnected:
      return Error{ErrorKind::connection_disconnected, "the connection is disconnected"};
    case ConnectionState::awaiting_role:
    case ConnectionState::verifying:
    case ConnectionState::rejected:
    case ConnectionState::suspended:
    case ConnectionState::in_review:
      return Error{ErrorKind::connection_not_active, "the connection is " +
                                                         in_backticks(registry::to_text(connection.state)) +
                                                         "; credentials are given only while it is `active`"};
  }
  if (!connection.role_arn)
    return Error{ErrorKind::internal, "something is wrong inside Deputy",
                 "an active connection without a role"};
  if (!connection.verified_at || now - *connection.verified_at > verification_max_age)
    return Error{ErrorKind::verification_expired,
                 "the role was not verified for too long; verify the connection again"};
  return success();
}

}  // namespace deputy::broker
