#include "connect/site_state.hpp"

#include <algorithm>
#include <array>

#include "api/role_description.hpp"
#include "templates/template.hpp"

// Step 4: the checks as they run, and once more.
namespace deputy::connect {
namespace {

using registry::ConnectionState;
using registry::Verification;
using registry::VerificationOutcome;

// Is the run about the role, the external ID and the permissions that the connection has now?
bool is_current(const std::optional<Verification>& verification, const registry::Connection& connection) {
  return verification && verification->binding_version == connection.binding_version &&
         verification->integration_version == connection.integration_version;
}

// The role may simply not be there yet: nothing failed but that it could not be assumed.
bool found_no_role(const Verification& verification) {
  return verification.done && verification.outcome == VerificationOutcome::failed &&
         !verification.checks.empty() &&
         std::ranges::all_of(verification.checks, [](const registry::Check& check) {
           return (check.result == registry::CheckResult::failed) == (check.name == "role_assumable");
         });
}

// A failure that the trust policy as the templates write it mends, or a rotation that waits for it. Where the
// role could be read, its check has the corrected policy already.
bool wants_whole_policy(const Verification& verification, const std::optional<registry::Rotation>& rotation) {
  constexpr std::array about_trust{"role_assumable", "external_id_required", "external_id_exact",
                                   "next_external_id_works", "previous_external_id_denied"};
  const bool passed = verification.outcome == VerificationOutcome::passed;
  return std::ranges::any_of(verification.checks, [&](const registry::Check& check) {
    if (passed && is_awaited(check, rotation)) return true;
    return check.result == registry::CheckResult::failed &&
           std::ranges::find(about_trust, check.name) != about_trust.end();
  });
}

// Deputy made up the ARN from the account and the fixed name: then it looks until the role is there, for as
// long as somebody has this page open.
bool looks_for_role(const registry::Connection& connection, const registry::Integration& integration,
                    const RoleArn& partner_principal) {
  return connection.role_arn && derived_role(partner_principal, connection.role_arn->account(),
                                             integration.role_name) == connection.role_arn;
}

// From when on the role may be checked again; absent: now. A run that lies ahead began by a clock that was
// set back since, and no request waits for it.
std::optional<Timestamp> again_from(const std::optional<Verification>& last,
                                    std::chrono::milliseconds interval, Timestamp now) {
  if (!last || last->started_at > now || last->started_at + interval <= now) return std::nullopt;
  return last->started_at + interval;
}

}  // namespace

// What the visit sees, after something was changed.
Task<Result<void>> Site::State::refresh(Visit& visit) {
  DEPUTY_CO_TRY(visit.view, co_await run([&] { return registry().connect_view(visit.id, visit.secret); }));
  co_return success();
}

Task<Result<Page>> Site::State::checks(Visit& visit) {
  if (!visit.connection().role_arn) co_return Page{.status = 303, .location = "/role"};
  const bool absent =
      visit.connection().state == ConnectionState::rejected &&
      is_current(visit.view.verification, visit.connection()) && found_no_role(*visit.view.verification) &&
      looks_for_role(visit.connection(), visit.view.integration, registry().settings().partner_principal);
  std::optional<std::string> notice;
  bool looking = false;
  if (absent) {
    const auto asked = co_await run([&] { return registry().request_verification(visit.mandate); });
    if (asked) {
      notice = visit.view.verification->checks.front().message;
      parts.wake_verification();
      DEPUTY_CO_TRY(co_await refresh(visit));
    }
    looking = asked.has_error() && asked.error().kind == ErrorKind::rate_limited;
  }
  co_return co_await checks_page(visit, std::move(notice), looking);
}

Task<Result<Page>> Site::State::checks_page(Visit& visit, std::optional<std::string> notice, bool looking) {
  const registry::Connection& connection = visit.connection();
  const auto& verification = visit.view.verification;
  if (!connection.role_arn) co_return Page{.status = 303, .location = "/role"};
  const bool current = is_current(verification, connection);
  const bool settled = current && verification->done && verification->outcome;
  const bool under_way = current && !verification->done;
  // In whatever state: what is verified next is what the page is about; no earlier run says anything of it.
  const bool to_begin = !settled && connection.next_verification_at;
  const bool running = looking || under_way || to_begin;
  ChecksView view{
      .frame = frame(visit),
      .role_arn = connection.role_arn->text(),
      .external_id = connection.external_id.text(),
      .state = connection.state,
      .running = running,
      .outcome = std::nullopt,
      .proof = connection.proof,
      .waiting_until = std::nullopt,
      .checks = {},
      .next_attempt_at = std::nullopt,
      .again_from = again_from(verification, registry().settings().verification_min_interval, now()),
      .watch = visit.query_value("watch") == "1"};
  const auto& rotation = connection.rotation;
  if (rotation) {
    view.rotation = rotation->state;
    view.retire_by = rotation->retire_by;
  }
  if (notice) view.frame.notice = std::move(notice);
  if (running) {
    std::optional<verify::Progress> progress;
    if (current) progress = parts.progress(verification->id);
    view.waiting_for_aws = looking || (progress && progress->waiting_for_aws);
    if (progress) view.waiting_until = progress->waiting_until;
    view.checks = check_views(progress.value_or(verify::Progress{}), rotation, condition_now(visit));
    if (!under_way && connection.next_verification_at > now()) {
      view.next_attempt_at = connection.next_verification_at;
      for (CheckView& check : view.checks) check.state = CheckState::waiting;
    }
  } else if (settled) {
    view.outcome = verification->outcome;
    view.checks = check_views(*verification, rotation, condition_now(visit));
    if (wants_whole_policy(*verification, rotation))
      view.trust_policy = templates::trust_policy_json(api::describe_role(
          registry().settings().partner_principal, connection, visit.view.tenant, visit.view.integration));
    view.next_attempt_at = connection.next_verification_at;
  }
  co_return Page{.body = screens.render(view)};
}

Task<Result<Page>> Site::State::verify_again(Visit& visit) {
  const auto asked = co_await run([&] { return registry().request_verification(visit.mandate); });
  if (asked.has_error()) {
    const std::string from = visit.form_value("from");
    co_return refused(from == "connected" ? "/connected"
                      : from == "rotate"  ? "/rotate"
                                          : "/checks",
                      asked.error());
  }
  parts.wake_verification();
  co_return Page{.status = 303, .location = "/checks"};
}

}  // namespace deputy::connect
