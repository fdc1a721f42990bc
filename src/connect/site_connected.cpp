#include "connect/site_state.hpp"

#include <ranges>

#include "templates/template.hpp"

// Step 5: what stands, every use of it, and a report to keep; and what is left once it has ended.
namespace deputy::connect {
namespace {

constexpr std::size_t issuances_a_page = 20;
constexpr std::size_t others_max = 50;

IssuanceRow row_of(const registry::Issuance& issuance) {
  return {.id = issuance.id.text(),
          .workload = issuance.workload,
          .reason = issuance.reason,
          .session_name = issuance.session_name,
          .access_key_id = issuance.access_key_id,
          .issued_at = issuance.issued_at,
          .expires_at = issuance.expires_at,
          .from_cache = issuance.source == registry::IssuanceSource::cache};
}

// What the page reads besides the session's view.
struct Details {
  Uses uses;
  Others others;
  std::optional<registry::Verification> last;  // the last one that is done
};

Others others_of(const std::vector<registry::Connection>& beside, registry::ConnectionState shown) {
  Others others{
      .listed = {}, .more = beside.size() > others_max, .can_connect_another = !is_unfinished(shown)};
  for (const registry::Connection& other : beside | std::views::take(others_max))
    others.listed.push_back(
        {.id = other.id.text(),
         .account = other.account_id ? std::optional{other.account_id->text()} : std::nullopt,
         .state = other.state});
  return others;
}

// `not_found` for a cursor that is none.
Result<Details> read_details(registry::Registry& registry, const registry::Connection& connection,
                             const std::string& cursor) {
  Details details;
  auto issuances = registry.issuances(connection.id, {.limit = issuances_a_page, .after = cursor});
  if (issuances.has_error() && issuances.error().kind == ErrorKind::invalid_request)
    return Error{ErrorKind::not_found, "no such page"};
  DEPUTY_TRY(auto page, std::move(issuances));
  for (const registry::Issuance& issuance : page.items) details.uses.rows.push_back(row_of(issuance));
  if (!cursor.empty()) details.uses.newer_cursor.emplace();
  details.uses.older_cursor = std::move(page.next_cursor);
  DEPUTY_TRY(const auto beside, registry.connections_beside(connection, others_max + 1));
  details.others = others_of(beside, connection.state);
  if (connection.last_verification) {
    DEPUTY_TRY(details.last, registry.verification(connection.id, connection.last_verification->id));
  }
  return details;
}

}  // namespace

Task<Result<Page>> Site::State::connected(Visit& visit) {
  if (visit.connection().state == registry::ConnectionState::awaiting_role)
    co_return Page{.status = 303, .location = "/ask"};
  const registry::Connection& connection = visit.connection();
  const std::string cursor = visit.query_value("cursor").value_or("");
  DEPUTY_CO_TRY(auto details, co_await run([&] { return read_details(registry(), connection, cursor); }));
  const auto& last = details.last;
  co_return Page{
      .body = screens.render(ConnectedView{
          .frame = frame(visit),
          .connection = connection.id.text(),
          .state = connection.state,
          .proof = connection.proof,
          .account = connection.account_id ? std::optional{connection.account_id->text()} : std::nullopt,
          .role_arn = connection.role_arn ? std::optional{connection.role_arn->text()} : std::nullopt,
          .external_id = connection.external_id.text(),
          .last_verification = connection.last_verification,
          .next_verification_at = connection.next_verification_at,
          .checks =
              last ? check_views(*last, connection.rotation, condition_now(visit)) : std::vector<CheckView>{},
          .ask = ask_of(visit),
          .uses = std::move(details.uses),
          .rotation = connection.rotation ? std::optional{connection.rotation->state} : std::nullopt,
          .report = last && verify::signed_report(parts.signer, connection, visit.view.tenant,
                                                  visit.view.integration, *last, now()),
          .others = std::move(details.others)})};
}

// On every address: what was done with the role stays to be read.
Task<Result<Page>> Site::State::disconnected_page(Visit& visit) {
  const registry::Connection& connection = visit.connection();
  const std::string cursor = visit.query_value("cursor").value_or("");
  DEPUTY_CO_TRY(auto details, co_await run([&] { return read_details(registry(), connection, cursor); }));
  co_return Page{
      .body = screens.render(DisconnectedView{
          .frame = frame(visit),
          .account = account_of(connection),
          .role_arn = connection.role_arn ? std::optional{connection.role_arn->text()} : std::nullopt,
          .stack_name = templates::default_role_name(connection.integration, connection.id),
          .disconnected_at = connection.updated_at,
          .uses = std::move(details.uses),
          .others = std::move(details.others)})};
}

Task<Result<Page>> Site::State::report(Visit& visit) {
  const registry::Connection& connection = visit.connection();
  if (!connection.last_verification) co_return Error{ErrorKind::not_found, "no such report"};
  DEPUTY_CO_TRY(const auto last, co_await run([&] {
                  return registry().verification(connection.id, connection.last_verification->id);
                }));
  auto text =
      verify::signed_report(parts.signer, connection, visit.view.tenant, visit.view.integration, last, now());
  if (!text) co_return Error{ErrorKind::not_found, "no such report"};
  co_return Page{.body = *std::move(text),
                 .content_type = "application/json",
                 .file_name = "deputy-report-" + last.id.text() + ".json"};
}

}  // namespace deputy::connect
