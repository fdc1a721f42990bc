#include "connect/permissions.hpp"
#include "connect/site_state.hpp"
#include "connect/texts.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "api/role_description.hpp"
#include "registry/connection_life.hpp"

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

CheckState state_of(const registry::Check& check) {
  const bool of_rotation =
      check.name == "next_external_id_works" || check.name == "previous_external_id_denied";
  // It was tried, and there is something to be done.
  if (of_rotation && check.result == registry::CheckResult::skipped && check.mend) return CheckState::awaited;
  return state_of(check.result);
}

CheckView view_of(const registry::Check& check) {
  CheckView view{.name = check.name,
                 .state = state_of(check),
                 .message = check.message,
                 .mend = check.mend,
                 .aws_error_code = std::nullopt,
                 .aws_request_id = std::nullopt,
                 .at = std::nullopt};
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

CheckView waiting(std::string_view name) {
  return {.name = std::string{name},
          .state = CheckState::waiting,
          .message = {},
          .mend = std::nullopt,
          .aws_error_code = std::nullopt,
          .aws_request_id = std::nullopt,
          .at = std::nullopt};
}

}  // namespace

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

std::vector<CheckView> check_views(const registry::Verification& verification) {
  std::vector<CheckView> views;
  for (const registry::Check& check : verification.checks) views.push_back(view_of(check));
  if (views.empty())
    for (const std::string_view name : check_names) views.push_back(waiting(name));
  return views;
}

std::vector<CheckView> check_views(const verify::Progress& progress, bool rotating_next,
                                   bool rotating_previous) {
  std::vector<CheckView> views;
  for (const std::string_view name : check_names) views.push_back(waiting(name));
  if (rotating_next) views.push_back(waiting("next_external_id_works"));
  if (rotating_previous) views.push_back(waiting("previous_external_id_denied"));
  for (CheckView& view : views) {
    const auto settled = std::ranges::find(progress.settled, view.name, &registry::Check::name);
    if (settled != progress.settled.end()) view = view_of(*settled);
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
