#include "connect/site_state.hpp"
#include "connect/texts.hpp"

#include <fmt/format.h>

#include "api/role_description.hpp"
#include "json/text.hpp"
#include "templates/template.hpp"

// From the first screen to a role: ask, create, give the ARN.
namespace deputy::connect {
namespace {

Way way_of(const Visit& visit) {
  const std::string text = visit.query_value("way").value_or("");
  if (text == "terraform") return Way::terraform;
  return text == "aws-cli" ? Way::aws_cli : Way::cloudformation;
}

templates::Format format_of(Way way) {
  switch (way) {
    case Way::terraform:
      return templates::Format::terraform;
    case Way::aws_cli:
      return templates::Format::aws_cli;
    case Way::cloudformation:
      break;
  }
  return templates::Format::cloudformation;
}

// The console's `Create stack` screen, where a template is uploaded.
std::string console_of(const Region& region) {
  const std::string path = "/cloudformation/home?region=" + region.text() + "#/stacks/create";
  switch (region.partition()) {
    case Partition::aws_us_gov:
      return "https://console.amazonaws-us-gov.com" + path;
    case Partition::aws_cn:
      return "https://console.amazonaws.cn" + path;
    case Partition::aws:
      break;
  }
  return "https://" + region.text() + ".console.aws.amazon.com" + path;
}

std::string verdict_json(bool good, std::string_view message) {
  return fmt::format(R"({{"ok":{},"message":{}}})", good, json::in_quotes(message));
}

Page to_checks() {
  return {.status = 303, .location = "/checks"};
}

}  // namespace

Task<Result<Page>> Site::State::home(Visit& visit) {
  const std::string_view page = first_page(visit.connection().state);
  const auto code = visit.query_value("notice");
  co_return Page{.status = 303,
                 .location = code && notice_of(visit) ? with_notice(page, *code) : std::string{page}};
}

Task<Result<Page>> Site::State::ask(Visit& visit) {
  co_return Page{.body = screens.render(AskView{.frame = frame(visit), .ask = ask_of(visit)})};
}

Task<Result<Page>> Site::State::create(Visit& visit) {
  const auto& [session, tenant, integration, newest, connection, verification] = visit.view;
  const auto role =
      api::describe_role(registry().settings().partner_principal, *connection, tenant, integration);
  const Way way = way_of(visit);
  const templates::Format format = format_of(way);
  DEPUTY_CO_TRY(auto text, templates::render(format, role));
  CreateView view{.frame = frame(visit),
                  .external_id = connection->external_id.text(),
                  .way = way,
                  .launch_url = std::nullopt,
                  .console_url = console_of(settings.region),
                  .file_name = std::string{templates::file_name_of(format)},
                  .file_text = std::move(text),
                  .stack_name = templates::default_role_name(integration.name, connection->id),
                  .named_role = integration.role_name.has_value(),
                  .account = role.account ? std::optional{role.account->text()} : std::nullopt,
                  .role_already_given = connection->role_arn.has_value()};
  if (way == Way::cloudformation && settings.template_url) {
    auto url = templates::launch_url(role, settings.region,
                                     api::template_url_for(*settings.template_url, connection->id),
                                     settings.console_url);
    if (url)
      view.launch_url = std::move(url).value();
    else
      parts.log_failure(visit.request.request_id, url.error());  // the template itself is still there
  }
  co_return Page{.body = screens.render(view)};
}

Task<Result<Page>> Site::State::download_template(Visit& visit) {
  auto format = templates::parse_format(visit.query_value("format").value_or("cloudformation"));
  if (format.has_error()) co_return Error{ErrorKind::not_found, "no such template"};
  const bool newer = visit.query_value("version") == std::to_string(visit.view.newest.version);
  const auto role = api::describe_role(registry().settings().partner_principal, visit.connection(),
                                       visit.view.tenant, newer ? visit.view.newest : visit.view.integration);
  DEPUTY_CO_TRY(auto text, templates::render(format.value(), role));
  co_return Page{.body = std::move(text),
                 .content_type = std::string{templates::content_type_of(format.value())},
                 .file_name = std::string{templates::file_name_of(format.value())}};
}

Page Site::State::role_page(const Visit& visit, std::optional<std::string> error,
                            std::optional<std::string> account_error) const {
  const registry::Connection& connection = visit.connection();
  const bool refused = error || account_error;
  std::string entered = visit.form_value("role_arn");
  if (!refused && connection.role_arn) entered = connection.role_arn->text();
  std::string entered_account = visit.form_value("account_id");
  if (entered_account.empty() && connection.account_id) entered_account = connection.account_id->text();
  RoleView view{
      .frame = frame(visit),
      .entered = std::move(entered),
      .error = std::move(error),
      .account = connection.account_id ? std::optional{connection.account_id->text()} : std::nullopt,
      .fixed_role_name = visit.view.integration.role_name,
      .entered_account = std::move(entered_account),
      .account_error = std::move(account_error)};
  return {.status = refused ? 400 : 200, .body = screens.render(view)};
}

Task<Result<Page>> Site::State::role(Visit& visit) {
  co_return role_page(visit, std::nullopt, std::nullopt);
}

// The same role again is no new binding: what is active must not stop for it, it is checked again.
Task<Result<Page>> Site::State::give_role(Visit& visit) {
  const bool by_account = visit.form.contains("account_id") && !visit.form.contains("role_arn");
  const auto refuse = [&](const Error& error) {
    return by_account ? role_page(visit, std::nullopt, sentence(error))
                      : role_page(visit, sentence(error), std::nullopt);
  };
  std::optional<RoleArn> wanted;
  if (by_account) {
    const auto account = AccountId::parse(visit.form_value("account_id"));
    if (!account) co_return refuse(account.error());
    wanted = derived_role(registry().settings().partner_principal, account.value(),
                          visit.view.integration.role_name);
    if (!wanted) co_return role_page(visit, std::nullopt, std::nullopt);
  } else {
    auto parsed = RoleArn::parse(visit.form_value("role_arn"));
    if (!parsed) co_return refuse(parsed.error());
    wanted = std::move(parsed).value();
  }
  const auto shown_binding = visit.connection().binding_version;
  const auto given = co_await run([&] { return registry().submit_role(visit.mandate, *wanted); });
  if (given.has_error()) {
    // Of two clicks, the other one may have given it since.
    DEPUTY_CO_TRY(co_await refresh(visit));
    if (visit.connection().role_arn == wanted) co_return refused("/checks", given.error());
    if (!is_for_the_form(given.error())) co_return given.error();
    co_return refuse(given.error());
  }
  if (given.value().binding_version != shown_binding) parts.revoke(visit.mandate.connection());
  parts.wake_verification();
  co_return to_checks();
}

// While an ARN is typed: the rules that hold when it is sent, and no more.
Task<Result<Page>> Site::State::judge_role(Visit& visit) {
  const auto verdict = [](bool good, std::string_view message) {
    return Page{.body = verdict_json(good, message), .content_type = "application/json"};
  };
  const auto arn = RoleArn::parse(visit.form_value("role_arn"));
  if (!arn) co_return verdict(false, sentence(arn.error()));
  const auto judged =
      co_await run([&] { return registry().may_have_role(visit.connection().id, arn.value()); });
  if (judged.has_error()) {
    if (!is_for_the_form(judged.error())) co_return judged.error();
    co_return verdict(false, sentence(judged.error()));
  }
  co_return verdict(true, filled("role.verdict",
                                 {{"role", arn.value().name()}, {"account", arn.value().account().text()}}));
}

}  // namespace deputy::connect
