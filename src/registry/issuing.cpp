#include <algorithm>
#include <fmt/format.h>

#include "registry/connection_life.hpp"
#include "registry/registry.hpp"
#include "registry/unit_of_work.hpp"

namespace deputy::registry {
namespace {

// What was decided on `view` may be carried out only while it still holds.
Result<void> check_still_issuable(Transaction& tx, const Connection& now_stored, const IssuingView& view,
                                  Timestamp now, const Settings& settings) {
  DEPUTY_TRY(require_connected(now_stored));
  if (now_stored.state != ConnectionState::active)
    return Error{ErrorKind::connection_not_active,
                 fmt::format("the connection is `{}`; credentials are issued while it is `active`",
                             to_text(now_stored.state))};
  if (now_stored.binding_version != view.connection.binding_version)
    return Error{ErrorKind::conflict, "the connection's role or external ID changed meanwhile; ask again"};
  if (!now_stored.verified_at || now - *now_stored.verified_at > settings.verification_max_age)
    return Error{ErrorKind::verification_expired, "the last passed verification is too old; verify again"};
  DEPUTY_TRY(const bool for_us, is_last_verified_for(tx, now_stored, settings.partner_principal));
  if (!for_us)
    return Error{ErrorKind::verification_expired,
                 "the role was verified for another partner principal; verify the connection again"};
  if (!view.workload) return success();
  DEPUTY_TRY(const auto workload, tx.find_workload(view.workload->name));
  const auto covers = [&](const Grant& grant) { return grant.covers(now_stored); };
  if (!workload || !std::ranges::any_of(workload->grants, covers))
    return Error{ErrorKind::not_found, "no such connection"};
  if (workload->grants != view.workload->grants)
    return Error{ErrorKind::conflict, "the workload's grants changed meanwhile; ask again"};
  return success();
}

Result<void> check_key_still_usable(Transaction& tx, const Actor& actor, Timestamp now) {
  if (actor.kind != "key") return success();
  DEPUTY_TRY(const auto id, KeyId::parse(actor.id));
  const Error unusable{ErrorKind::unauthorized, "the key is missing, unknown, expired or revoked"};
  DEPUTY_TRY(const auto key, tx.find_key(id));
  if (!key || !is_usable(*key, now)) return unusable;
  if (!key->made_with) return success();
  DEPUTY_TRY(const auto maker, tx.find_key(*key->made_with));
  if (!maker || !is_usable(*maker, now)) return unusable;
  return success();
}

}  // namespace

Result<IssuingView> Registry::issuing_view(const ConnectionId& id,
                                           const std::optional<WorkloadName>& workload) {
  return in_read(store_, [&](Transaction& tx) -> Result<IssuingView> {
    DEPUTY_TRY(auto connection, required(tx.find_connection(id), "connection"));
    IssuingView view{std::move(connection), std::nullopt};
    if (workload) {
      DEPUTY_TRY(view.workload, tx.find_workload(*workload));
      if (!view.workload) return Error{ErrorKind::not_found, "no such connection"};
    }
    return view;
  });
}

Result<void> Registry::record_issuance(const Actor& actor, const Issuance& issuance,
                                       const IssuingView& view) {
  const Timestamp now = clock_.now();
  return in_write(store_, [&](Transaction& tx) -> Result<void> {
    DEPUTY_TRY(const auto connection, required(tx.find_connection(issuance.connection_id), "connection"));
    DEPUTY_TRY(check_key_still_usable(tx, actor, now));
    DEPUTY_TRY(check_still_issuable(tx, connection, view, now, settings_));
    DEPUTY_TRY(tx.insert(issuance));
    return tx.append(
        entry_of(actor, now, "credentials.issued", issuance.connection_id.text(), issuance.tenant_id.text(),
                 fmt::format(R"({{"issuance":"{}","workload":"{}","access_key_id":"{}","source":"{}"}})",
                             issuance.id.text(), issuance.workload, issuance.access_key_id,
                             to_text(issuance.source))));
  });
}

Result<Page<Issuance>> Registry::issuances(const ConnectionId& connection, const PageRequest& page) {
  return in_read(store_, [&](Transaction& tx) -> Result<Page<Issuance>> {
    DEPUTY_TRY(required(tx.find_connection(connection), "connection"));
    return tx.list_issuances(connection, page);
  });
}

}  // namespace deputy::registry
