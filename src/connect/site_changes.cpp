#include "connect/difference.hpp"
#include "connect/permissions.hpp"
#include "connect/site_state.hpp"
#include "connect/texts.hpp"

#include "api/role_description.hpp"
#include "templates/template.hpp"

// What a customer changes later: the external ID, the permissions, the connection's end, another account.
namespace deputy::connect {
namespace {

std::optional<std::string> text_of(const std::optional<ExternalId>& id) {
  return id ? std::optional{id->text()} : std::nullopt;
}
std::optional<std::string> text_of(const std::optional<RoleArn>& arn) {
  return arn ? std::optional{arn->text()} : std::nullopt;
}

std::pair<Way, templates::Format> way_of(const Visit& visit) {
  const std::string text = visit.query_value("way").value_or("");
  if (text == "terraform") return {Way::terraform, templates::Format::terraform};
  if (text == "aws-cli") return {Way::aws_cli, templates::Format::aws_cli};
  return {Way::cloudformation, templates::Format::cloudformation};
}

}  // namespace

Task<Result<Page>> Site::State::rotate(Visit& visit) {
  const registry::Connection& connection = visit.connection();
  const auto& rotation = connection.rotation;
  const auto role = api::describe_role(registry().settings().partner_principal, connection, visit.view.tenant,
                                       visit.view.integration);
  co_return Page{
      .body = screens.render(RotateView{
          .frame = frame(visit),
          .rotation = rotation ? std::optional{rotation->state} : std::nullopt,
          .external_id = connection.external_id.text(),
          .next_external_id = rotation ? text_of(rotation->next_external_id) : std::nullopt,
          .previous_external_id = rotation ? text_of(rotation->previous_external_id) : std::nullopt,
          .verified_at = rotation ? rotation->verified_at : std::nullopt,
          .retire_by = rotation ? rotation->retire_by : std::nullopt,
          .trust_policy = templates::trust_policy_json(role),
          .role_arn = text_of(connection.role_arn)})};
}

Task<Result<Page>> Site::State::begin_rotation(Visit& visit) {
  const auto begun = co_await run([&] { return registry().begin_rotation(visit.mandate); });
  if (begun.has_error()) co_return refused("/rotate", begun.error());
  parts.wake_verification();
  co_return Page{.status = 303, .location = "/rotate"};
}

Task<Result<Page>> Site::State::promote_rotation(Visit& visit) {
  const auto promoted = co_await run([&] { return registry().promote_rotation(visit.mandate); });
  if (promoted.has_error()) co_return refused("/rotate", promoted.error());
  parts.revoke(visit.mandate.connection());
  parts.wake_verification();
  co_return Page{.status = 303, .location = "/rotate"};
}

Task<Result<Page>> Site::State::cancel_rotation(Visit& visit) {
  const auto cancelled = co_await run([&] { return registry().cancel_rotation(visit.mandate); });
  if (cancelled.has_error()) co_return refused("/rotate", cancelled.error());
  parts.revoke(visit.mandate.connection());
  co_return Page{.status = 303, .location = "/connected"};
}

Task<Result<Page>> Site::State::update(Visit& visit) {
  const registry::ConnectView& view = visit.view;
  if (view.newest.version == view.integration.version)
    co_return Page{.status = 303, .location = std::string{first_page(visit.connection().state)}};
  const auto [way, format] = way_of(visit);
  const auto role = api::describe_role(registry().settings().partner_principal, visit.connection(),
                                       view.tenant, view.newest);
  DEPUTY_CO_TRY(auto text, templates::render(format, role));
  co_return Page{.body = screens.render(
                     UpdateView{.frame = frame(visit),
                                .version_now = view.integration.version,
                                .version_new = view.newest.version,
                                .difference = difference_of(indented_json(view.integration.policy),
                                                            indented_json(view.newest.policy)),
                                .permissions = permissions_of(view.newest.policy, view.newest.reasons),
                                .way = way,
                                .file_name = std::string{templates::file_name_of(format)},
                                .file_text = std::move(text),
                                .named_role = view.newest.role_name.has_value(),
                                .role_arn = text_of(visit.connection().role_arn)})};
}

// The customer agreed to one version; one that came meanwhile is shown first.
Task<Result<Page>> Site::State::adopt_update(Visit& visit) {
  if (visit.view.newest.version == visit.view.integration.version)
    co_return Page{.status = 303, .location = "/connected"};
  if (visit.form_value("version") != std::to_string(visit.view.newest.version))
    co_return Page{.status = 303, .location = "/update"};
  const auto adopted =
      co_await run([&] { return registry().adopt_integration(visit.mandate, visit.view.newest.version); });
  if (adopted.has_error()) co_return refused("/update", adopted.error());
  parts.wake_verification();
  co_return Page{.status = 303, .location = "/checks"};
}

Page Site::State::disconnect_page(const Visit& visit, std::optional<std::string> error) const {
  const int status = error ? 400 : 200;
  return {.status = status,
          .body = screens.render(DisconnectView{.frame = frame(visit),
                                                .account = account_of(visit.connection()),
                                                .role_arn = text_of(visit.connection().role_arn),
                                                .error = std::move(error)})};
}

Task<Result<Page>> Site::State::disconnect(Visit& visit) {
  co_return disconnect_page(visit, std::nullopt);
}

Task<Result<Page>> Site::State::confirm_disconnect(Visit& visit) {
  if (visit.form_value("confirm") != "yes")
    co_return disconnect_page(visit, std::string{text("disconnect.tick_missing")});
  DEPUTY_CO_TRY(co_await run([&] { return registry().disconnect(visit.mandate); }));
  parts.revoke(visit.mandate.connection());
  co_return Page{.status = 303};
}

Task<Result<Page>> Site::State::connect_another(Visit& visit) {
  DEPUTY_CO_TRY(const auto turned_to,
                co_await run([&] { return registry().connect_another(visit.mandate.actor(), visit.id); }));
  const bool same = turned_to.id == visit.mandate.connection();
  co_return Page{.status = 303, .location = same ? with_notice("", "unfinished") : std::string{}};
}

Task<Result<Page>> Site::State::choose_connection(Visit& visit) {
  const auto id = ConnectionId::parse(visit.form_value("connection"));
  if (!id) co_return Error{ErrorKind::not_found, "no such connection"};
  DEPUTY_CO_TRY(co_await run(
      [&] { return registry().choose_connection(visit.mandate.actor(), visit.id, id.value()); }));
  co_return Page{.status = 303};
}

}  // namespace deputy::connect
