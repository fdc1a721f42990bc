#include <algorithm>
#include <fmt/compile.h>
#include <fmt/format.h>

#include "registry/connection_life.hpp"
#include "registry/facts.hpp"
#include "registry/registry.hpp"
#include "registry/unit_of_work.hpp"

namespace deputy::registry {
namespace {

const Error unusable_key{ErrorKind::unauthorized, "the key is missing, unknown, expired or revoked"};

Result<std::shared_ptr<const ConnectionFact>> read_connection(Transaction& tx, const ConnectionId& id,
                                                              const RoleArn& partner_principal) {
  DEPUTY_TRY(auto connection, required(tx.find_connection(id), "connection"));
  DEPUTY_TRY(const bool for_us, is_last_verified_for(tx, connection, partner_principal));
  return std::make_shared<const ConnectionFact>(ConnectionFact{std::move(connection), for_us});
}

Result<std::shared_ptr<const Workload>> read_workload(Transaction& tx, const WorkloadName& name) {
  DEPUTY_TRY(auto workload, required(tx.find_workload(name), "connection"));
  return std::make_shared<const Workload>(std::move(workload));
}

// How things stand within a transaction that writes: from memory, which is exact there, else from the
// database.
class Standing {
 public:
  Standing(Transaction& tx, Facts& facts, const Settings& settings)
      : tx_(tx), facts_(facts), settings_(settings) {}

  Result<std::shared_ptr<const ConnectionFact>> connection(const ConnectionId& id) {
    if (auto known = facts_.connection(id)) return known;
    return read_connection(tx_, id, settings_.partner_principal);
  }
  Result<std::shared_ptr<const Workload>> workload(const WorkloadName& name) {
    if (auto known = facts_.workload(name)) return known;
    return read_workload(tx_, name);
  }
  Result<bool> is_usable_key(const KeyId& id, Timestamp now) {
    auto key = facts_.key(id);
    if (!key) {
      DEPUTY_TRY(auto found, tx_.find_key(id));
      if (!found) return false;
      key = std::make_shared<const Key>(*std::move(found));
    }
    if (!is_usable(*key, now)) return false;
    return key->made_with ? is_usable_key(*key->made_with, now) : Result<bool>{true};
  }

 private:
  Transaction& tx_;
  Facts& facts_;
  const Settings& settings_;
};

// What was decided on `view` may be carried out only while it still holds.
Result<void> check_still_issuable(Standing& standing, const IssuanceRecord& record, Timestamp now,
                                  const Settings& settings) {
  DEPUTY_TRY(const auto fact, standing.connection(record.issuance.connection_id));
  const Connection& connection = fact->connection;
  DEPUTY_TRY(require_connected(connection));
  if (connection.state != ConnectionState::active)
    return Error{ErrorKind::connection_not_active,
                 fmt::format("the connection is `{}`; credentials are issued while it is `active`",
                             to_text(connection.state))};
  if (connection.binding_version != record.view.connection->binding_version)
    return Error{ErrorKind::conflict, "the connection's role or external ID changed meanwhile; ask again"};
  if (!connection.verified_at || now - *connection.verified_at > settings.verification_max_age)
    return Error{ErrorKind::verification_expired, "the last passed verification is too old; verify again"};
  if (!fact->verified_for_us)
    return Error{ErrorKind::verification_expired,
                 "the role was verified for another partner principal; verify the connection again"};
  const auto& decided_on = record.view.workload;
  if (!decided_on) return success();
  DEPUTY_TRY(const auto workload, standing.workload(decided_on->name));
  const auto covers = [&](const Grant& grant) { return grant.covers(connection); };
  if (!std::ranges::any_of(workload->grants, covers))
    return Error{ErrorKind::not_found, "no such connection"};
  if (workload != decided_on && workload->grants != decided_on->grants)
    return Error{ErrorKind::conflict, "the workload's grants changed meanwhile; ask again"};
  return success();
}

Result<void> check_key_still_usable(Standing& standing, const Actor& actor, Timestamp now) {
  if (actor.kind != "key") return success();
  DEPUTY_TRY(const auto id, KeyId::parse(actor.id));
  DEPUTY_TRY(const bool usable, standing.is_usable_key(id, now));
  return usable ? Result<void>{success()} : unusable_key;
}

journal::Entry issuance_entry(const IssuanceRecord& record, Timestamp now) {
  const Issuance& issuance = record.issuance;
  return entry_of(
      record.actor, now, "credentials.issued", issuance.connection_id.text(), issuance.tenant_id.text(),
      fmt::format(FMT_COMPILE(R"({{"issuance":"{}","workload":"{}","access_key_id":"{}","source":"{}"}})"),
                  issuance.id.text(), issuance.workload, issuance.access_key_id, to_text(issuance.source)));
}

}  // namespace

std::optional<IssuingView> Registry::known_view(const ConnectionId& id,
                                                const std::optional<WorkloadName>& workload) {
  const auto fact = facts_->connection(id);
  if (!fact) return std::nullopt;
  IssuingView view{{fact, &fact->connection}, nullptr};
  if (!workload) return view;
  view.workload = facts_->workload(*workload);
  return view.workload ? std::optional{std::move(view)} : std::nullopt;
}

Result<IssuingView> Registry::issuing_view(const ConnectionId& id,
                                           const std::optional<WorkloadName>& workload) {
  const Facts::Mark mark = facts_->mark();
  return in_read(store_, [&](Transaction& tx) -> Result<IssuingView> {
    DEPUTY_TRY(const auto fact, read_connection(tx, id, settings_.partner_principal));
    IssuingView view{{fact, &fact->connection}, nullptr};
    if (workload) {
      DEPUTY_TRY(view.workload, read_workload(tx, *workload));
      facts_->put(mark, view.workload);
    }
    facts_->put(mark, fact);
    return view;
  });
}

std::vector<Result<void>> Registry::record_issuances(std::span<const IssuanceRecord* const> records) {
  const Timestamp now = clock_.now();
  std::vector<Result<void>> outcomes;
  const auto written = store_.write([&](Transaction& tx) -> Result<void> {
    outcomes.clear();
    Standing standing{tx, *facts_, settings_};
    for (const IssuanceRecord* const each : records) {
      const IssuanceRecord& record = *each;
      // Nothing of a record is written before all of it may be.
      auto allowed = check_key_still_usable(standing, record.actor, now);
      if (allowed) allowed = check_still_issuable(standing, record, now, settings_);
      if (allowed) {
        DEPUTY_TRY(tx.insert(record.issuance));
        DEPUTY_TRY(tx.append(issuance_entry(record, now)));
      }
      outcomes.push_back(std::move(allowed));
    }
    return success();
  });
  if (!written) outcomes.assign(records.size(), written);
  return outcomes;
}

Result<void> Registry::record_issuance(const Actor& actor, const Issuance& issuance,
                                       const IssuingView& view) {
  const IssuanceRecord record{actor, issuance, view};
  const IssuanceRecord* const only = &record;
  return record_issuances(std::span{&only, 1}).front();
}

Result<Page<Issuance>> Registry::issuances(const ConnectionId& connection, const PageRequest& page) {
  return in_read(store_, [&](Transaction& tx) -> Result<Page<Issuance>> {
    DEPUTY_TRY(required(tx.find_connection(connection), "connection"));
    return tx.list_issuances(connection, page);
  });
}

}  // namespace deputy::registry
