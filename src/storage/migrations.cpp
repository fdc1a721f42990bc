#include "storage/migrations.hpp"

#include <array>
#include <fmt/format.h>
#include <map>

#include "core/assert.hpp"
#include "storage/rewritten_rows.hpp"

namespace deputy::storage {

namespace {

// Times are microseconds since 1970 UTC. `mac` authenticates all other columns of the row and its table;
// columns that are told to be sealed hold a nonce and a ciphertext.
constexpr std::string_view first_schema = R"sql(
CREATE TABLE meta (
  name TEXT NOT NULL PRIMARY KEY,
  value BLOB NOT NULL,
  mac BLOB NOT NULL
) STRICT;

-- What rows there should be (count and keyed digest of each table) and the journal's head, sealed as one.
CREATE TABLE inventory (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  sealed BLOB NOT NULL
) STRICT;

CREATE TABLE tenants (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  reference TEXT UNIQUE,
  created_at INTEGER NOT NULL,
  mac BLOB NOT NULL
) STRICT;
CREATE INDEX tenants_by_age ON tenants (created_at, id);

CREATE TABLE integrations (
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  description TEXT NOT NULL,
  policy TEXT NOT NULL,
  reasons TEXT NOT NULL,
  role_name TEXT,
  trust_form TEXT NOT NULL,
  require_proof INTEGER NOT NULL,
  logs TEXT,
  accept_risk TEXT,
  created_at INTEGER NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (name, version)
) STRICT;

-- Every external ID ever issued, as a keyed hash of its lower case. Nothing ever leaves.
CREATE TABLE issued_external_ids (
  id_hash BLOB NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  mac BLOB NOT NULL
) STRICT;
CREATE TRIGGER issued_external_ids_stay BEFORE DELETE ON issued_external_ids
BEGIN SELECT RAISE(ABORT, 'an issued external ID is never forgotten'); END;
CREATE TRIGGER issued_external_ids_are_fixed BEFORE UPDATE ON issued_external_ids
BEGIN SELECT RAISE(ABORT, 'an issued external ID never changes hands'); END;

CREATE TABLE connections (
  id TEXT NOT NULL PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  integration TEXT NOT NULL,
  integration_version INTEGER NOT NULL,
  account_id TEXT,
  external_id BLOB NOT NULL,           -- sealed
  rotation_state TEXT,
  rotation_next_external_id BLOB,      -- sealed
  rotation_previous_external_id BLOB,  -- sealed
  rotation_verified_at INTEGER,
  rotation_retire_by INTEGER,
  role_arn BLOB,                       -- sealed
  held_account_hash BLOB,              -- keyed hash of the account that the connection holds
  state TEXT NOT NULL,
  proof TEXT NOT NULL,
  binding_version INTEGER NOT NULL,
  verified_at INTEGER,
  last_verification_id TEXT,
  last_verification_outcome TEXT,
  last_verification_finished_at INTEGER,
  next_verification_at INTEGER,
  revision INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  mac BLOB NOT NULL,
  FOREIGN KEY (integration, integration_version) REFERENCES integrations (name, version)
) STRICT;
CREATE INDEX connections_by_age ON connections (created_at, id);
CREATE INDEX connections_by_state ON connections (state, created_at, id);
CREATE INDEX connections_by_tenant ON connections (tenant_id, created_at, id);
CREATE INDEX connections_by_tenant_and_state ON connections (tenant_id, state, created_at, id);
CREATE INDEX connections_by_integration ON connections (integration, integration_version);
CREATE INDEX connections_by_account ON connections (held_account_hash)
  WHERE held_account_hash IS NOT NULL;
CREATE INDEX connections_due ON connections (next_verification_at, id) WHERE next_verification_at IS NOT NULL;

CREATE TABLE verifications (
  id TEXT NOT NULL PRIMARY KEY,
  connection_id TEXT NOT NULL REFERENCES connections (id),
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  role_arn BLOB NOT NULL,           -- sealed
  partner_principal BLOB NOT NULL,  -- sealed
  binding_version INTEGER NOT NULL,
  integration_version INTEGER NOT NULL,
  done INTEGER NOT NULL,
  outcome TEXT,
  proof TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  finished_at INTEGER,
  checks BLOB NOT NULL,             -- sealed: what to mend names the external ID
  mac BLOB NOT NULL
) STRICT;
CREATE INDEX verifications_by_connection ON verifications (connection_id, started_at, id);
CREATE INDEX verifications_by_tenant ON verifications (tenant_id);
CREATE INDEX verifications_running ON verifications (connection_id, started_at) WHERE done = 0;
CREATE INDEX verifications_running_by_age ON verifications (started_at, id) WHERE done = 0;

CREATE TABLE requests (
  id INTEGER NOT NULL PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  what TEXT NOT NULL,
  at INTEGER NOT NULL,
  mac BLOB NOT NULL
) STRICT;
CREATE INDEX requests_by_tenant ON requests (tenant_id, what, at);

CREATE TABLE workloads (
  name TEXT NOT NULL PRIMARY KEY,
  grants TEXT NOT NULL,
  mac BLOB NOT NULL
) STRICT;

CREATE TABLE keys (
  id TEXT NOT NULL PRIMARY KEY,
  secret_hash BLOB NOT NULL UNIQUE,
  role TEXT NOT NULL,
  workload TEXT,
  connection_id TEXT REFERENCES connections (id),
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  last_used_at INTEGER,
  made_with TEXT REFERENCES keys (id),
  mac BLOB NOT NULL
) STRICT;
CREATE INDEX keys_by_age ON keys (created_at, id);
CREATE INDEX keys_by_connection ON keys (connection_id) WHERE connection_id IS NOT NULL;

-- Those of one transaction in one row, numbered from 1.
CREATE TABLE issuances (
  last INTEGER NOT NULL PRIMARY KEY,
  first INTEGER NOT NULL,
  packed BLOB NOT NULL,
  mac BLOB NOT NULL
) STRICT;
-- Which are of a connection: complete up to the number beside it.
CREATE TABLE issuance_places (
  connection_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (connection_id, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE issuance_places_complete (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  number INTEGER NOT NULL
) STRICT;

CREATE TABLE connect_sessions (
  id TEXT NOT NULL PRIMARY KEY,
  secret_hash BLOB NOT NULL,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  integration TEXT NOT NULL,
  connection_id TEXT REFERENCES connections (id),
  return_url TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  ended_at INTEGER,
  opened_at INTEGER,
  mac BLOB NOT NULL
) STRICT;
CREATE INDEX connect_sessions_by_age ON connect_sessions (created_at, id);
CREATE INDEX connect_sessions_by_tenant ON connect_sessions (tenant_id, created_at, id);
CREATE INDEX connect_sessions_by_connection ON connect_sessions (connection_id) WHERE connection_id IS NOT NULL;

-- What the partner is still to be told. Of each connection only the oldest event has a time of its next attempt.
CREATE TABLE webhook_events (
  id TEXT NOT NULL PRIMARY KEY,
  sequence INTEGER NOT NULL UNIQUE,
  type TEXT NOT NULL,
  connection_id TEXT NOT NULL REFERENCES connections (id),
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  body TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  next_attempt_at INTEGER,
  mac BLOB NOT NULL
) STRICT;
CREATE INDEX webhook_events_by_connection ON webhook_events (connection_id, sequence);
CREATE INDEX webhook_events_by_tenant ON webhook_events (tenant_id);
CREATE INDEX webhook_events_due ON webhook_events (next_attempt_at, sequence) WHERE next_attempt_at IS NOT NULL;

CREATE TABLE idempotency (
  request_hash BLOB NOT NULL PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  object_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  mac BLOB NOT NULL
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency (at);

-- Those of one transaction in one row; the hash is that of the last.
CREATE TABLE journal (
  last INTEGER NOT NULL PRIMARY KEY,
  first INTEGER NOT NULL,
  entries BLOB NOT NULL,
  hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER journal_entries_stay BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'a journal entry is never removed'); END;
CREATE TRIGGER journal_entries_are_fixed BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'a journal entry never changes'); END;
)sql";

// Who speaks for an AWS account, since when; what bounds the keys that workloads make; and what a connect
// session may be about.
constexpr std::string_view account_claims = R"sql(
ALTER TABLE connections ADD COLUMN claimed_account_hash BLOB;  -- keyed hash of the account
ALTER TABLE connections ADD COLUMN account_claimed_at INTEGER;
CREATE INDEX connections_by_claim ON connections (claimed_account_hash, account_claimed_at, id)
  WHERE claimed_account_hash IS NOT NULL;
CREATE INDEX connections_by_tenant_and_integration ON connections (tenant_id, integration, state, created_at, id);
CREATE INDEX keys_by_maker ON keys (made_with, expires_at) WHERE made_with IS NOT NULL;
CREATE INDEX keys_narrowed_by_expiry ON keys (expires_at, created_at) WHERE connection_id IS NOT NULL;
)sql";

constexpr std::array all_migrations{
    Migration{1, "first schema", first_schema},
    Migration{2, "account claims", account_claims, &add_account_claims},
};

// Name of each table, index and trigger, with its kind and text.
using Schema = std::map<std::string, Row>;

Result<Schema> schema_objects(SqliteConnection& connection) {
  static const std::string sql =
      "SELECT name, type, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
  Schema schema;
  DEPUTY_TRY(connection.for_each(sql, {}, [&](const Row& row) -> Result<void> {
    const auto* name = std::get_if<std::string>(&row[0]);
    if (name == nullptr) return Error{ErrorKind::internal, "the database's schema is damaged"};
    schema.emplace(*name, row);
    return success();
  }));
  return schema;
}

}  // namespace

std::span<const Migration> migrations() {
  return all_migrations;
}
int newest_schema() {
  return all_migrations.back().number;
}

Result<int> schema_of(SqliteConnection& connection) {
  DEPUTY_TRY(const std::int64_t version, connection.number("PRAGMA user_version"));
  DEPUTY_TRY(const std::int64_t application, connection.number("PRAGMA application_id"));
  if (application == 0 && version == 0) {
    DEPUTY_TRY(const std::int64_t objects, connection.number("SELECT COUNT(*) FROM sqlite_schema"));
    if (objects == 0) return 0;
  }
  if (application != application_id || version < 1)
    return Error{ErrorKind::internal,
                 "the file is another program's database: `storage.url` must name Deputy's"};
  if (version > newest_schema())
    return Error{ErrorKind::internal,
                 fmt::format("the database was made by a newer Deputy (schema {}, this one knows up to {}): "
                             "run that version",
                             version, newest_schema())};
  return static_cast<int>(version);
}

Result<void> migrate(SqliteConnection& connection, int from, const StoreKeys* keys) {
  DEPUTY_ASSERT(from == 0 || keys != nullptr);
  for (const Migration& migration : all_migrations) {
    if (migration.number <= from) continue;
    DEPUTY_TRY(connection.execute(std::string{migration.sql}));
    if (from > 0 && migration.rewrite != nullptr) {
      DEPUTY_TRY(migration.rewrite(connection, *keys));
    }
  }
  return connection.execute(
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {};", application_id, newest_schema()));
}

Result<std::optional<std::string>> schema_difference(SqliteConnection& connection) {
  using Difference = std::optional<std::string>;
  DEPUTY_TRY(auto fresh,
             SqliteConnection::open({}, SqliteConnection::Access::read_write, std::chrono::milliseconds{0}));
  DEPUTY_TRY(migrate(*fresh, 0, nullptr));
  DEPUTY_TRY(const Schema expected, schema_objects(*fresh));
  DEPUTY_TRY(const Schema found, schema_objects(connection));
  for (const auto& [name, object] : expected) {
    const auto same = found.find(name);
    if (same == found.end()) return Difference{in_backticks(name) + " is missing"};
    if (same->second != object) return Difference{in_backticks(name) + " was changed"};
  }
  for (const auto& [name, object] : found) {
    if (!expected.contains(name)) return Difference{in_backticks(name) + " was added"};
  }
  return Difference{};
}

}  // namespace deputy::storage
