#include "connect/permissions.hpp"
#include "connect/site_state.hpp"
#include "connect/texts.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "api/role_description.hpp"
#include "registry/connection_life.hpp"
#include "verify/diagnosis.hpp"

// From the domain's values to what screens show. Pure.
namespace deputy::connect {
namespace {

using registry::ConnectionState;

constexpr std::chrono::seconds session_max{3'600};

constexpr std::string_view check_names[] = {
    "role_assumable",  "external_id_required", "external_id_exact", "role_still_assumable",
    "account_matches", "trust_policy",         "permissions"};

CheckState state_of(registry::CheckResult result) {
  switch (result) {
    case registry::CheckResult::passed:
      return CheckState::passed;
    case registry::CheckResult::failed:
      return CheckState::failed;
    case registry::CheckResult::inconclusive:
      return CheckState::inconclusive;
    case registry::CheckResult::skipped:
      break;
  }
  return CheckState::skipped;
}

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional{text};
}

// Some mends are a document or a part of one, to paste, and some are words.
bool is_to_paste(std::string_view mend) {
  return mend.starts_with('{') || mend.starts_with('"');
}

// As people write it, each value on a line of its own.
std::string laid_out(const std::string& mend) {
  if (mend.starts_with('{')) return indented_json(mend);
  const std::string whole = indented_json("{" + mend + "}");
  constexpr std::string_view opening = "{\n  ", closing = "\n}";
  if (!whole.starts_with(opening)) return mend;
  std::string out = whole.substr(opening.size(), whole.size() - opening.size() - closing.size());
  for (auto at = out.find("\n  "); at != std::string::npos; at = out.find("\n  ", at + 1))
    out.erase(at + 1, 2);
  return out;
}

constexpr std::string_view next_works = "next_external_id_works";
constexpr std::string_view previous_denied = "previous_external_id_denied";

CheckView in_state(std::string_view name, CheckState state) {
  return {.name = std::string{name},
          .state = state,
          .message = {},
          .mend = std::nullopt,
          .aws_error_code = std::nullopt,
          .aws_request_id = std::nullopt,
          .at = std::nullopt};
}

// A run stays the last one when a rotation is begun or cancelled: it may speak of one that is over.
bool is_of_another_rotation(const registry::Check& check, const std::optional<registry::Rotation>& rotation,
                            bool run_passed) {
  if (check.name != next_works && check.name != previous_denied) return false;
  if (check.result == registry::CheckResult::skipped) return check.mend && !is_awaited(check, rotation);
  // Had it been the next ID of this rotation, the rotation would be verified.
  return check.name == next_works && check.result == registry::CheckResult::passed && run_passed &&
         rotation && rotation->state == registry::RotationState::awaiting_customer;
}

// `condition` is what the trust policy's should be now. The run's own may list an external ID that is none by
// now.
CheckView view_of(const registry::Check& check, const std::optional<registry::Rotation>& rotation,
                  const std::string& condition) {
  CheckView view =
      in_state(check.name, is_awaited(check, rotation) ? CheckState::awaited : state_of(check.result));
  view.message = check.message;
  view.mend = check.mend;
  if (view.mend && view.mend->starts_with(R"("Condition": )")) view.mend = condition;
  if (view.mend && !is_to_paste(*view.mend)) {
    view.message += ". " + *view.mend;
    view.mend.reset();
  }
  if (view.mend) view.mend = laid_out(*view.mend);
  if (check.evidence) {
    view.aws_error_code = unless_empty(check.evidence->aws_error_code);
    view.aws_request_id = unless_empty(check.evidence->aws_request_id);
    view.at = check.evidence->at;
  }
  return view;
}

}  // namespace

bool is_awaited(const registry::Check& check, const std::optional<registry::Rotation>& rotation) {
  using registry::RotationState;
  // It was tried, and there is something to be done.
  if (check.result != registry::CheckResult::skipped || !check.mend || !rotation) return false;
  if (check.name == previous_denied) return rotation->state == RotationState::retiring;
  return check.name == next_works && rotation->state == RotationState::awaiting_customer &&
         rotation->next_external_id &&
         check.mend->find(rotation->next_external_id->text()) != std::string::npos;
}

std::string sentence(const Error& error) {
  std::string text = error.message;
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text + ".";
}

bool is_for_the_form(const Error& error) {
  switch (error.kind) {
    case ErrorKind::invalid_request:
    case ErrorKind::role_arn_invalid:
    case ErrorKind::role_arn_forbidden:
    case ErrorKind::account_mismatch:
    case ErrorKind::rate_limited:
    case ErrorKind::conflict:
      return true;
    default:
      return false;
  }
}

std::string with_notice(std::string_view page, std::string_view code) {
  return fmt::format("{}?notice={}", page, code);
}

std::optional<std::string> notice_of(const Visit& visit) {
  const std::string_view notice = text_or_nothing("notice." + visit.query_value("notice").value_or(""));
  return notice.empty() ? std::nullopt : std::optional{std::string{notice}};
}

Result<Page> Site::State::refused(std::string_view page, const Error& error) const {
  if (!is_for_the_form(error)) return error;
  const bool often = error.retry_after > registry().settings().verification_min_interval;
  const std::string_view code = error.kind != ErrorKind::rate_limited ? "changed" : often ? "often" : "soon";
  return Page{.status = 303, .location = with_notice(page, code)};
}

Step reachable_step(ConnectionState state) {
  switch (state) {
    case ConnectionState::awaiting_role:
      return Step::role;
    case ConnectionState::verifying:
    case ConnectionState::rejected:
    case ConnectionState::in_review:
      return Step::checks;
    case ConnectionState::active:
    case ConnectionState::suspended:
    case ConnectionState::disconnected:
      break;
  }
  return Step::connected;
}

std::optional<std::string> account_of(const registry::Connection& connection) {
  if (connection.account_id) return connection.account_id->text();
  return connection.role_arn ? std::optional{connection.role_arn->account().text()} : std::nullopt;
}

bool is_unfinished(ConnectionState state) {
  return std::ranges::find(registry::unfinished_states, state) != registry::unfinished_states.end();
}

std::string_view first_page(ConnectionState state) {
  switch (reachable_step(state)) {
    case Step::connected:
      return "/connected";
    case Step::checks:
      return "/checks";
    default:
      return "/ask";
  }
}

std::vector<CheckView> check_views(const registry::Verification& verification,
                                   const std::optional<registry::Rotation>& rotation,
                                   const std::string& condition) {
  std::vector<CheckView> views;
  const bool passed = verification.outcome == registry::VerificationOutcome::passed;
  for (const registry::Check& check : verification.checks)
    views.push_back(is_of_another_rotation(check, rotation, passed)
                        ? in_state(check.name, CheckState::skipped)
                        : view_of(check, rotation, condition));
  if (views.empty())
    for (const std::string_view name : check_names) views.push_back(in_state(name, CheckState::waiting));
  return views;
}

std::vector<CheckView> check_views(const verify::Progress& progress,
                                   const std::optional<registry::Rotation>& rotation,
                                   const std::string& condition) {
  std::vector<CheckView> views;
  const auto add = [&](std::string_view name) { views.push_back(in_state(name, CheckState::waiting)); };
  for (const std::string_view name : check_names) add(name);
  if (rotation && rotation->next_external_id) add(next_works);
  if (rotation && rotation->previous_external_id) add(previous_denied);
  for (CheckView& view : views) {
    const auto settled = std::ranges::find(progress.settled, view.name, &registry::Check::name);
    if (settled != progress.settled.end()) view = view_of(*settled, rotation, condition);
  }
  const auto next = std::ranges::find(views, CheckState::waiting, &CheckView::state);
  if (next != views.end()) next->state = CheckState::running;
  return views;
}

std::optional<RoleArn> derived_role(const RoleArn& partner_principal, const AccountId& account,
                                    const std::optional<std::string>& role_name) {
  if (!role_name) return std::nullopt;
  auto arn = RoleArn::parse("arn:" + std::string{to_text(partner_principal.partition())} +
                            ":iam::" + account.text() + ":role/" + *role_name);
  return arn ? std::optional{std::move(arn).value()} : std::nullopt;
}

Frame Site::State::frame(const Visit& visit) const {
  const registry::ConnectView& view = visit.view;
  // It was on the partner's list when the session was made: it may have been taken off since.
  const bool leads_back =
      view.session.return_url &&
      registry::allowed_return_url(*view.session.return_url, registry().settings().return_urls);
  return {.session = visit.id.text(),
          .csrf = visit.csrf,
          .connection = visit.connection().id.text(),
          .tenant = view.tenant.name,
          .tenant_id = view.tenant.id.text(),
          .integration = view.integration.description,
          .reachable = reachable_step(visit.connection().state),
          .return_url = leads_back ? view.session.return_url : std::nullopt,
          .expires_at = view.session.expires_at,
          .newer_version = view.newest.version > visit.connection().integration_version,
          .notice = notice_of(visit)};
}

std::string Site::State::condition_now(const Visit& visit) const {
  const registry::Connection& connection = visit.connection();
  const bool names_account =
      visit.view.integration.trust_form == registry::TrustForm::account_with_principal_arn;
  return verify::condition_snippet(
      connection.external_id, connection.rotation ? connection.rotation->next_external_id : std::nullopt,
      names_account ? std::optional{registry().settings().partner_principal} : std::nullopt);
}

Ask Site::State::ask_of(const Visit& visit) const {
  const registry::ConnectView& view = visit.view;
  const RoleArn& principal = registry().settings().partner_principal;
  const auto role = api::describe_role(principal, visit.connection(), view.tenant, view.integration);
  const auto& account = visit.connection().account_id;
  return {.integration_name = view.integration.name.text(),
          .integration_version = view.integration.version,
          .permissions = permissions_of(view.integration.policy, view.integration.reasons),
          .policy = indented_json(view.integration.policy),
          .trust_policy = templates::trust_policy_json(role),
          .partner_principal = principal.text(),
          .partner_account = principal.account().text(),
          .session_max = session_max,
          .reads_itself = role.grants_self_read,
          .account = account ? std::optional{account->text()} : std::nullopt};
}

}  // namespace deputy::connect
