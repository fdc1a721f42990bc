#include "storage/table.hpp"

#include <array>
#include <fmt/format.h>

#include "core/assert.hpp"

namespace deputy::storage {

Table::Table(std::string_view name, std::size_t key_columns, std::initializer_list<std::string_view> columns)
    : name_(name), key_columns_(key_columns), columns_(columns) {
  DEPUTY_ASSERT(key_columns_ > 0 && key_columns_ < columns_.size());
  std::string list, holes, key, assignments;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    list += fmt::format("{}, ", columns_[i]);
    holes += fmt::format("?{}, ", i + 1);
    if (i < key_columns_)
      key += fmt::format("{}{} = ?{}", i == 0 ? "" : " AND ", columns_[i], i + 1);
    else
      assignments += fmt::format("{} = ?{}, ", columns_[i], i + 1);
  }
  const std::size_t mac = columns_.size() + 1;
  select_ = fmt::format("SELECT {}mac FROM {} ", list, name_);
  select_by_key_ = fmt::format("{}WHERE {}", select_, key);
  insert_ = fmt::format("INSERT INTO {} ({}mac) VALUES ({}?{})", name_, list, holes, mac);
  update_ = fmt::format("UPDATE {} SET {}mac = ?{} WHERE {}", name_, assignments, mac, key);
  erase_ = fmt::format("DELETE FROM {} WHERE {}", name_, key);
}

namespace tables {

const Table meta{"meta", 1, {"name", "value"}};
const Table tenants{"tenants", 1, {"id", "name", "reference", "created_at"}};
const Table integrations{"integrations",
                         2,
                         {"name", "version", "description", "policy", "reasons", "role_name", "trust_form",
                          "require_proof", "logs", "accept_risk", "created_at"}};
const Table issued_external_ids{"issued_external_ids", 1, {"id_hash", "owner"}};
const Table connections{"connections",
                        1,
                        {"id",
                         "tenant_id",
                         "integration",
                         "integration_version",
                         "account_id",
                         "external_id",
                         "rotation_state",
                         "rotation_next_external_id",
                         "rotation_previous_external_id",
                         "rotation_verified_at",
                         "rotation_retire_by",
                         "role_arn",
                         "held_account_hash",
                         "state",
                         "proof",
                         "binding_version",
                         "verified_at",
                         "last_verification_id",
                         "last_verification_outcome",
                         "last_verification_finished_at",
                         "next_verification_at",
                         "revision",
                         "created_at",
                         "updated_at",
                         "claimed_account_hash",
                         "account_claimed_at"}};
const Table verifications{
    "verifications",
    1,
    {"id", "connection_id", "tenant_id", "role_arn", "partner_principal", "binding_version",
     "integration_version", "done", "outcome", "proof", "started_at", "finished_at", "checks"}};
const Table requests{"requests", 1, {"id", "tenant_id", "what", "at"}};
const Table workloads{"workloads", 1, {"name", "grants"}};
const Table keys{"keys",
                 1,
                 {"id", "secret_hash", "role", "workload", "connection_id", "created_at", "expires_at",
                  "revoked_at", "last_used_at", "made_with"}};
const Table issuances{"issuances", 1, {"last", "first", "packed"}};
const Table connect_sessions{"connect_sessions",
                             1,
                             {"id", "secret_hash", "tenant_id", "integration", "connection_id", "return_url",
                              "created_at", "expires_at", "ended_at", "opened_at"}};
const Table webhook_events{"webhook_events",
                           1,
                           {"id", "sequence", "type", "connection_id", "tenant_id", "body", "attempts",
                            "created_at", "expires_at", "next_attempt_at"}};
const Table idempotency{"idempotency", 1, {"request_hash", "fingerprint", "object_id", "at"}};

}  // namespace tables

std::span<const Table* const> authenticated_tables() {
  static constexpr std::array<const Table*, 13> all{
      &tables::meta,        &tables::tenants,          &tables::integrations,   &tables::issued_external_ids,
      &tables::connections, &tables::verifications,    &tables::requests,       &tables::workloads,
      &tables::keys,        &tables::connect_sessions, &tables::webhook_events, &tables::issuances,
      &tables::idempotency};
  return all;
}

}  // namespace deputy::storage
