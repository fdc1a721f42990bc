#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "registry/model.hpp"

// What each screen of the connect page shows: plain values, filled by the handlers, turned into HTML by
// `Screens` (screens.hpp). Every text may be hostile; nobody but the renderer escapes. Where a field has a
// type of the registry's, the page words it itself, so that words stand once (texts.hpp).
namespace deputy::connect {

// The five steps, in the order in which they are gone.
enum class Step { ask, create, role, checks, connected };

// What every screen of a session shows and needs.
struct Frame {
  std::string session;                    // `cse_…`: part of every address
  std::string csrf;                       // into every form
  std::string connection;                 // `con_…`, the one that is shown: into every form that changes it
  std::string tenant;                     // the tenant's name: who is asking whom
  std::string tenant_id;                  // `ten_…`: names can be alike
  std::string integration;                // the integration's description, or its name
  Step reachable = Step::ask;             // the stepper links to steps up to this one
  std::optional<std::string> return_url;  // https, on the partner's list; a link back to the partner
  Timestamp expires_at;                   // of the session
  bool newer_version = false;             // the integration has newer permissions than the connection
  std::optional<std::string> notice = std::nullopt;  // what just happened, or why it did not
};

// ── Step 1: what we ask for. GET /connect/SESSION/ask
// One statement of the integration's policy. `permissions_of` (permissions.hpp) makes them.
struct Permission {
  std::string sid;                    // empty when the statement has none
  std::optional<std::string> reason;  // in the partner's words
  bool denies = false;
  bool all_actions_but = false;    // NotAction: the list names what is left out
  bool all_resources_but = false;  // NotResource
  bool conditional = false;
  std::vector<std::string> actions;
  std::vector<std::string> resources;
};

// What the role will let the partner do, and whom.
struct Ask {
  std::string integration_name;
  int integration_version = 1;
  std::vector<Permission> permissions;
  std::string policy;             // the exact document, indented
  std::string trust_policy;       // the exact document, indented
  std::string partner_principal;  // role ARN
  std::string partner_account;
  std::chrono::seconds session_max{3600};  // the role's MaxSessionDuration
  bool reads_itself = true;                // the template lets the partner read this very role
  std::optional<std::string> account;      // the customer's, where it is set beforehand
};
struct AskView {
  Frame frame;
  Ask ask;
};

// ── Step 2: create the role. GET /connect/SESSION/create?way=cloudformation|terraform|aws-cli
enum class Way { cloudformation, terraform, aws_cli };
struct CreateView {
  Frame frame;
  std::string external_id;
  Way way = Way::cloudformation;
  std::optional<std::string> launch_url;  // CloudFormation, where the partner has published the template
  std::string console_url;                // else: the console's `Create stack` screen, of the right partition
  std::string file_name;                  // `deputy-role.yaml`
  std::string file_text;  // the whole of it, previewed; GET /connect/SESSION/template?format=WAY
  std::string stack_name;
  bool named_role = false;             // needs CAPABILITY_NAMED_IAM
  std::optional<std::string> account;  // the customer's, where it is known
  bool role_already_given =
      false;  // a connection that is past this step: say that nothing needs to be made anew
};

// ── Step 3: give us the role ARN. GET /connect/SESSION/role; POST /connect/SESSION/role
// With `fixed_role_name` and no pasting: the form asks for the account alone and posts `account_id`.
struct RoleView {
  Frame frame;
  std::string entered;               // what was sent and refused, shown again; else the ARN known so far
  std::optional<std::string> error;  // one sentence at the field: what is wrong and what would be right
  std::optional<std::string> account;
  std::optional<std::string> fixed_role_name;  // offers the variant without pasting
  std::string entered_account;                 // for that variant
  std::optional<std::string> account_error;
};

// ── Step 4: checks, live. GET /connect/SESSION/checks[?watch=1]; POST /connect/SESSION/verify
// `awaited`: of a rotation, what the customer has still to do; it fails nothing.
enum class CheckState { waiting, running, passed, failed, inconclusive, skipped, awaited };
struct CheckView {
  std::string name;  // `role_assumable`, …: the page words its title and what it proves
  CheckState state = CheckState::waiting;
  std::string message;              // of the check, in plain words; empty while there is none
  std::optional<std::string> mend;  // what to paste
  std::optional<std::string> aws_error_code;
  std::optional<std::string> aws_request_id;
  std::optional<Timestamp> at;
};
struct ChecksView {
  Frame frame;
  std::string role_arn;
  std::string external_id;
  registry::ConnectionState state = registry::ConnectionState::verifying;
  bool running = false;                                  // poll while it is true
  std::optional<registry::VerificationOutcome> outcome;  // of the run that is shown, when it is done
  registry::Proof proof = registry::Proof::none;
  bool waiting_for_aws = false;  // denied so far, within the propagation window
  std::optional<Timestamp> waiting_until;
  std::vector<CheckView> checks;             // all, in order, those that did not begin yet as `waiting`
  std::optional<Timestamp> next_attempt_at;  // where one is scheduled, and none is under way
  std::optional<Timestamp> again_from;       // `check again` is refused before (rate limit); absent: now
  // The role's whole trust policy as it should be, where a failure is about it, or a rotation waits for it.
  std::optional<std::string> trust_policy = std::nullopt;
  std::optional<registry::RotationState> rotation = std::nullopt;
  std::optional<Timestamp> retire_by = std::nullopt;  // of the rotation, while it retires
  bool watch = false;  // without JavaScript: the page loads itself again, because the reader asked for it
};

// ── Step 5: connected. GET /connect/SESSION/connected[?cursor=]
struct IssuanceRow {
  std::string id;
  std::string workload;
  std::optional<std::string> reason;
  std::string session_name;
  std::string access_key_id;
  Timestamp issued_at;
  Timestamp expires_at;
  bool from_cache = false;
};
// Another connection of the same tenant and integration: POST /connect/SESSION/choose with `connection`.
struct OtherConnection {
  std::string id;
  std::optional<std::string> account;
  registry::ConnectionState state = registry::ConnectionState::active;
};
// One page of the connection's issuances, newest first.
struct Uses {
  std::vector<IssuanceRow> rows;
  std::optional<std::string> newer_cursor = std::nullopt;  // empty text: the first page
  std::optional<std::string> older_cursor = std::nullopt;
};
// What else the tenant has, the newest ones.
struct Others {
  std::vector<OtherConnection> listed;
  bool more = false;  // than are listed
  // POST /connect/SESSION/again. Not while the one that is shown is unfinished, which the page then says.
  bool can_connect_another = false;
};
struct ConnectedView {
  Frame frame;
  std::string connection;  // `con_…`
  registry::ConnectionState state = registry::ConnectionState::active;
  registry::Proof proof = registry::Proof::none;
  std::optional<std::string> account;
  std::optional<std::string> role_arn;
  std::string external_id;
  std::optional<registry::LastVerification> last_verification;
  std::optional<Timestamp> next_verification_at;
  std::vector<CheckView> checks;  // of the last verification
  Ask ask;                        // what the role lets the partner do
  Uses uses;
  std::optional<registry::RotationState> rotation;
  bool report = false;  // GET /connect/SESSION/report
  Others others;
};

// ── Rotating the external ID. GET /connect/SESSION/rotate; POST …/rotate, …/rotate/promote, …/rotate/cancel,
// …/verify
struct RotateView {
  Frame frame;
  std::optional<registry::RotationState> rotation;  // absent: none is under way, explain and offer it
  std::string external_id;                          // the one in use
  std::optional<std::string> next_external_id;
  std::optional<std::string> previous_external_id;
  std::optional<Timestamp> verified_at;
  std::optional<Timestamp> retire_by;
  std::string trust_policy;  // what the role's should be now: to paste
  std::optional<std::string> role_arn;
};

// ── Updating the permissions to a newer version. GET /connect/SESSION/update; POST …/update
enum class LineChange { same, added, removed };
struct DiffLine {
  LineChange change = LineChange::same;
  std::string text;
};
struct UpdateView {
  Frame frame;
  int version_now = 1;
  int version_new = 2;
  std::vector<DiffLine> difference;  // of the indented documents; `difference_of` (difference.hpp) makes it
  std::vector<Permission> permissions;  // of the new version
  Way way = Way::cloudformation;
  std::string file_name;
  std::string file_text;
  bool named_role = false;  // needs CAPABILITY_NAMED_IAM
  std::optional<std::string> role_arn;
};

// ── Disconnecting. GET /connect/SESSION/disconnect; POST the same, with `confirm=yes`
struct DisconnectView {
  Frame frame;
  std::optional<std::string> account;
  std::optional<std::string> role_arn;
  std::optional<std::string> error;  // the box was not ticked
};
// What a disconnected connection shows on every address.
struct DisconnectedView {
  Frame frame;
  std::optional<std::string> account;
  std::optional<std::string> role_arn;
  std::string stack_name;
  Timestamp disconnected_at;
  Uses uses;  // while it was connected
  Others others;
};

// ── What went wrong. Not about a session: none may be known.
enum class Trouble {
  link_invalid,       // unknown, mistyped, or of another deployment: 404
  session_expired,    // 410
  session_ended,      // by the partner: 410
  not_found,          // an address that is not there: 404
  form_stale,         // CSRF token missing or of another session: 403
  too_many_requests,  // 429
  unavailable,        // 503
  internal,           // 500
};
struct TroubleView {
  Trouble trouble = Trouble::internal;
  std::optional<std::string> session;  // where one is known: a link back into it
  std::optional<std::chrono::seconds> retry_after;
  std::string request_id;  // to tell the partner
};

}  // namespace deputy::connect
