#include "support/fake_random.hpp"
#include "support/raw_database.hpp"
#include "support/registry_samples.hpp"
#include "support/temporary_folder.hpp"

#include <functional>
#include <gtest/gtest.h>

#include "storage/sqlite_store.hpp"

// Group E: what someone can do who reads or writes the database file but has no master key.
namespace deputy {
namespace {

using namespace registry;

constexpr std::string_view secret_canary = "dpk_workload_canary0canary0canary";

// A database with something in every table; Acme's connection is active, Mallory's rejected.
class DatabaseFile : public testing::Test {
 protected:
  DatabaseFile() {
    acme_.role_arn = samples::role("CanaryRoleName");
    acme_.rotation->previous_external_id = samples::external_id();
    mallory_.state = ConnectionState::rejected;
    open();
    must(store_->write([&](Transaction& t) { return fill(t); }));
  }

  Result<void> fill(Transaction& t) {
    DEPUTY_TRY(t.insert(acme_tenant_));
    DEPUTY_TRY(t.insert(mallory_tenant_));
    DEPUTY_TRY(t.insert(samples::integration()));
    for (const Connection& each : {acme_, mallory_}) {
      DEPUTY_TRY(t.claim_external_id(each.external_id, each.id));
      DEPUTY_TRY(t.claim_external_id(*each.rotation->next_external_id, each.id));
      if (each.rotation->previous_external_id) {
        DEPUTY_TRY(t.claim_external_id(*each.rotation->previous_external_id, each.id));
      }
      DEPUTY_TRY(t.insert(each));
      DEPUTY_TRY(t.insert(samples::issuance(each)));
    }
    Verification verification = samples::finished(samples::verification(acme_.id));
    verification.role_arn = *acme_.role_arn;
    verification.checks[1].mend = "set sts:ExternalId to " + acme_.external_id.text();
    DEPUTY_TRY(t.insert(verification));
    DEPUTY_TRY(t.insert(key_, SecretString{secret_canary}));
    DEPUTY_TRY(t.put(samples::workload("collector", acme_tenant_.id)));
    DEPUTY_TRY(t.note_requested(acme_tenant_.id, "verification", samples::at(1)));
    DEPUTY_TRY(t.insert_idempotency({"scope", "key", "fingerprint"}, "ten_x", samples::at(1)));
    DEPUTY_TRY(t.insert(ConnectSession{.id = ConnectSessionId::draw(samples::random()),
                                       .tenant_id = acme_tenant_.id,
                                       .integration = acme_.integration,
                                       .connection_id = acme_.id,
                                       .return_url = "https://acme.example/done",
                                       .created_at = samples::at(1),
                                       .expires_at = samples::at(100),
                                       .ended_at = std::nullopt},
                        SecretString{secret_canary}));
    DEPUTY_TRY(t.insert(WebhookEvent{.id = WebhookEventId::draw(samples::random()),
                                     .type = WebhookEventType::suspended,
                                     .connection_id = acme_.id,
                                     .tenant_id = acme_tenant_.id,
                                     .body = "{}",
                                     .created_at = samples::at(1),
                                     .expires_at = samples::at(100)}));
    for (int i = 1; i <= 4; ++i) {
      DEPUTY_TRY(t.append(entry(i)));
    }
    return success();
  }
  static journal::Entry entry(int number) {
    return {.sequence = 0,
            .at = samples::at(number),
            .actor = {"key", "key_x", "192.0.2.1"},
            .act = "connection.created",
            .subject = "con_" + std::to_string(number),
            .tenant = "ten_x",
            .outcome = journal::Outcome::done,
            .detail = "{}"};
  }

  void open() {
    auto opened = storage::open_sqlite({.file = file_, .create = true}, master_);
    if (!opened) throw std::runtime_error{opened.error().message};
    store_ = std::move(opened).value();
  }
  void close() { store_.reset(); }
  static void must(const Result<void>& result) {
    if (!result) throw std::runtime_error{result.error().message + " " + result.error().detail};
  }
  std::filesystem::path copy_to(std::string_view name) {
    const auto copy = folder_.path() / name;
    std::filesystem::copy_file(file_, copy, std::filesystem::copy_options::overwrite_existing);
    return copy;
  }

  // The database does not even open, or the check finds it.
  std::optional<std::string> found_in(const std::filesystem::path& file,
                                      const std::optional<journal::Checkpoint>& checkpoint = std::nullopt) {
    const auto opened = storage::open_sqlite({.file = file}, master_);
    if (!opened) return opened.error().message;
    const auto checked = opened.value()->check_integrity(checkpoint);
    if (checked) return std::nullopt;
    EXPECT_EQ(checked.error().kind, ErrorKind::conflict) << checked.error().message;
    return checked.error().message;
  }

  using Read = std::function<Result<void>(Transaction&)>;
  // After the edit, `read` fails as `internal` and gives no value; the check finds it as well.
  void expect_refused(const std::string& edit, const Read& read) {
    close();
    const auto copy = copy_to("edited.db");
    RawDatabase{copy}.edit(edit);
    const auto opened = storage::open_sqlite({.file = copy}, master_);
    ASSERT_TRUE(opened) << edit;
    const auto result = opened.value()->read(read);
    ASSERT_FALSE(result) << edit;
    EXPECT_EQ(result.error().kind, ErrorKind::internal) << edit;
    EXPECT_TRUE(found_in(copy)) << edit;
    open();
  }
  Read finds(const Connection& connection) {
    return [id = connection.id](Transaction& t) -> Result<void> {
      DEPUTY_TRY(t.find_connection(id));
      return success();
    };
  }
  Read finds_key() {
    return [](Transaction& t) -> Result<void> {
      DEPUTY_TRY(t.find_key_by_secret(SecretString{secret_canary}));
      return success();
    };
  }
  static std::string quoted(const std::string& text) { return "'" + text + "'"; }
  std::string acme() const { return quoted(acme_.id.text()); }
  std::string mallory() const { return quoted(mallory_.id.text()); }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "deputy.db";
  SeededRandom random_{3};
  storage::MasterKey master_ = storage::MasterKey::draw(random_);
  std::unique_ptr<Store> store_;
  Tenant acme_tenant_ = samples::tenant(1);
  Tenant mallory_tenant_ = samples::tenant(2);
  Connection acme_ = samples::full_connection(acme_tenant_.id, 1);
  Connection mallory_ = samples::full_connection(mallory_tenant_.id, 2);
  Key key_ = samples::key(KeyRole::auditor, 1);
};

// 37, 38: the file, its log and its index hold no external ID, no role ARN, no key's secret, in any case,
// also not inside a diagnosis; nor does what is left of rows that were changed.
TEST_F(DatabaseFile, ShowsNoSecretToWhoReadsIt) {
  Connection changed = acme_;
  changed.role_arn = samples::role("SecondCanaryRole");
  must(store_->write([&](Transaction& t) { return t.update(changed); }));
  const std::vector<std::string> canaries{acme_.external_id.text(),
                                          acme_.rotation->next_external_id->text(),
                                          acme_.rotation->previous_external_id->text(),
                                          mallory_.external_id.text(),
                                          "CanaryRoleName",
                                          "SecondCanaryRole",
                                          ":role/",
                                          "arn:aws:iam",
                                          std::string{secret_canary},
                                          "canary0canary0"};
  const auto search = [&] {
    const std::string bytes = database_bytes(file_);
    ASSERT_NE(bytes.find(acme_tenant_.name), std::string::npos) << "the search itself does not work";
    for (const std::string& canary : canaries) EXPECT_EQ(bytes.find(canary), std::string::npos) << canary;
  };
  search();  // open, with a log beside it
  close();
  search();
}

// 39: the sealed pair of Acme's moved to Mallory's row, and every likeness of that.
TEST_F(DatabaseFile, KeepsASealedPairInItsPlace) {
  const auto from_acme = [&](const std::string& column) {
    return column + " = (SELECT " + column + " FROM connections WHERE id = " + acme() + ")";
  };
  const std::string pair = "UPDATE connections SET " + from_acme("external_id") + ", " +
                           from_acme("role_arn") + ", " + from_acme("held_account_hash");
  expect_refused(pair + " WHERE id = " + mallory(), finds(mallory_));
  expect_refused(pair + ", " + from_acme("mac") + " WHERE id = " + mallory(), finds(mallory_));
  expect_refused("UPDATE connections SET " + from_acme("role_arn") + " WHERE id = " + mallory(),
                 finds(mallory_));
  // Acme's whole row under Mallory's identifier.
  expect_refused("DELETE FROM connections WHERE id = " + mallory() +
                     "; UPDATE connections SET id = " + mallory() + " WHERE id = " + acme(),
                 finds(mallory_));
  // Acme's connection given to Mallory's tenant.
  expect_refused(
      "UPDATE connections SET tenant_id = " + quoted(mallory_tenant_.id.text()) + " WHERE id = " + acme(),
      finds(acme_));
  // Between columns of one row.
  expect_refused("UPDATE connections SET external_id = rotation_previous_external_id WHERE id = " + acme(),
                 finds(acme_));
  expect_refused(
      "UPDATE connections SET external_id = rotation_next_external_id, rotation_next_external_id = "
      "external_id "
      "WHERE id = " +
          acme(),
      finds(acme_));
}

// 39: states, keys and grants edited in the file.
TEST_F(DatabaseFile, RefusesEditedStatesKeysAndGrants) {
  for (const char* edit : {"state = 'active'", "proof = 'proved'", "verified_at = verified_at + 1",
                           "account_id = '999999999999'", "binding_version = 1", "integration_version = 2",
                           "next_verification_at = NULL", "mac = zeroblob(32)", "mac = zeroblob(0)"})
    expect_refused("UPDATE connections SET " + std::string{edit} + " WHERE id = " + mallory(),
                   finds(mallory_));
  for (const char* edit :
       {"role = 'admin'", "expires_at = NULL", "expires_at = expires_at + 1", "revoked_at = 1",
        "connection_id = 'con_x'", "workload = 'collector'", "created_at = 0"})
    expect_refused("UPDATE keys SET " + std::string{edit}, finds_key());
  const auto finds_workload = [](Transaction& t) -> Result<void> {
    DEPUTY_TRY(t.find_workload(WorkloadName::parse("collector").value()));
    return success();
  };
  expect_refused(R"(UPDATE workloads SET grants = '[{"may":[]}]')", finds_workload);
  expect_refused("UPDATE workloads SET grants = ''", finds_workload);
  expect_refused("UPDATE integrations SET policy = '{}'", [](Transaction& t) -> Result<void> {
    DEPUTY_TRY(t.find_integration(samples::integration_name(), std::nullopt));
    return success();
  });
}

// 39: a list does not hand out an edited row either.
TEST_F(DatabaseFile, RefusesEditedRowsInLists) {
  expect_refused("UPDATE connections SET state = 'active' WHERE id = " + mallory(),
                 [](Transaction& t) -> Result<void> {
                   DEPUTY_TRY(t.list_connections({}, {}));
                   return success();
                 });
  expect_refused("UPDATE connections SET next_verification_at = 1 WHERE id = " + acme(),
                 [](Transaction& t) -> Result<void> {
                   DEPUTY_TRY(t.due_connections(samples::at(1'000'000), 10));
                   return success();
                 });
  expect_refused(
      "UPDATE issuances SET packed = CAST(REPLACE(CAST(packed AS TEXT), 'collector', 'c0llector') AS BLOB)",
      [&](Transaction& t) -> Result<void> {
        DEPUTY_TRY(t.list_issuances(acme_.id, {}));
        return success();
      });
  expect_refused("UPDATE verifications SET outcome = 'passed'", [&](Transaction& t) -> Result<void> {
    DEPUTY_TRY(t.list_verifications(acme_.id, {}));
    return success();
  });
}

// The index of issuances leads to evidence and is none: IssuanceTable.AnEditedIndexIsFound looks at it.
const std::string every_table =
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE "
    "'issuance_places%'";

// 39: not one column of one table can be changed without the check finding it. New tables are covered too.
TEST_F(DatabaseFile, FindsAnEditInAnyColumnOfAnyTable) {
  close();
  std::size_t edits = 0;
  RawDatabase original{file_};
  for (const auto& table : original.rows(every_table)) {
    ASSERT_NE(original.value("SELECT COUNT(*) FROM " + table[0]), "0") << table[0] << " is not covered";
    for (const auto& column : original.rows("SELECT name, type FROM pragma_table_info('" + table[0] + "')")) {
      if (table[0] == "inventory" && column[0] == "id") continue;  // it can only be 1
      const std::string& name = column[0];
      const std::string changed = column[1] == "INTEGER" ? "COALESCE(" + name + ", 0) + 1000"
                                  : column[1] == "TEXT"
                                      ? "COALESCE(" + name + ", '') || 'x'"
                                      : "CAST(COALESCE(" + name + ", x'') || x'00' AS BLOB)";
      const auto copy = copy_to("edited.db");
      RawDatabase{copy}.edit("UPDATE " + table[0] + " SET " + name + " = " + changed +
                             " WHERE rowid = (SELECT MAX(rowid) FROM " + table[0] + ")");
      EXPECT_TRUE(found_in(copy)) << table[0] << "." << name;
      ++edits;
    }
  }
  EXPECT_GT(edits, 70U);
  EXPECT_EQ(found_in(file_), std::nullopt);
}

// 39: not one row of one table can go.
TEST_F(DatabaseFile, FindsARowRemovedFromAnyTable) {
  close();
  RawDatabase original{file_};
  for (const auto& table : original.rows(every_table)) {
    for (const char* which : {"MAX", "MIN"}) {
      const auto copy = copy_to("edited.db");
      RawDatabase{copy}.edit("DELETE FROM " + table[0] + " WHERE rowid = (SELECT " + which + "(rowid) FROM " +
                             table[0] + ")");
      EXPECT_TRUE(found_in(copy)) << table[0];
    }
  }
}

// 5, 39: the tombstones: the schema refuses to forget one, and who forces it is found.
TEST_F(DatabaseFile, NeverForgetsAnIssuedExternalId) {
  close();
  EXPECT_THROW(RawDatabase{file_}.run("DELETE FROM issued_external_ids"), std::runtime_error);
  EXPECT_THROW(RawDatabase{file_}.run("UPDATE issued_external_ids SET owner = 'x'"), std::runtime_error);
  EXPECT_THROW(RawDatabase{file_}.run("DELETE FROM journal"), std::runtime_error);
  EXPECT_THROW(RawDatabase{file_}.run("UPDATE journal SET entries = x'00'"), std::runtime_error);
  EXPECT_EQ(found_in(file_), std::nullopt);
  RawDatabase{file_}.edit("DELETE FROM issued_external_ids WHERE owner = " + acme());
  EXPECT_EQ(found_in(file_),
            "table issued_external_ids holds 2 rows where the inventory says 5: rows were removed");
}

// 39: an old copy of one row put back: each is authentic by itself, the sum is not.
TEST_F(DatabaseFile, FindsARowPutBackToAnOlderState) {
  close();
  const auto old = copy_to("old.db");
  open();
  Key revoked = key_;
  revoked.revoked_at = samples::at(9);
  must(store_->write([&](Transaction& t) -> Result<void> {
    DEPUTY_TRY(t.update(revoked));
    return t.append(entry(5));
  }));
  close();
  EXPECT_EQ(found_in(file_), std::nullopt);
  const std::string attach = "ATTACH " + quoted(old.native()) + " AS old; ";
  const std::string put_key_back = "DELETE FROM main.keys; INSERT INTO main.keys SELECT * FROM old.keys; ";
  const std::string put_inventory_back =
      "UPDATE main.inventory SET sealed = (SELECT sealed FROM old.inventory);";

  const auto one_row = copy_to("one-row.db");
  RawDatabase{one_row}.run(attach + put_key_back);
  EXPECT_EQ(found_in(one_row),
            "table keys holds 1 rows where the inventory says 1: rows were put back to an older state");
  // With the inventory of that time: then the journal does not fit.
  const auto with_inventory = copy_to("with-inventory.db");
  RawDatabase{with_inventory}.run(attach + put_key_back + put_inventory_back);
  EXPECT_TRUE(found_in(with_inventory));
  // The inventory alone.
  const auto inventory_alone = copy_to("inventory.db");
  RawDatabase{inventory_alone}.run(attach + put_inventory_back);
  EXPECT_TRUE(found_in(inventory_alone));
}

// 39, 41: the whole file put back is consistent in itself: only a checkpoint from outside shows it.
TEST_F(DatabaseFile, ShowsAWholeRollbackAgainstACheckpoint) {
  close();
  const auto old = copy_to("old.db");
  open();
  must(store_->write([&](Transaction& t) { return t.append(entry(5)); }));
  const auto exported = store_->check_integrity({});
  ASSERT_TRUE(exported);
  EXPECT_EQ(found_in(old), std::nullopt);
  EXPECT_EQ(found_in(old, exported.value()),
            "the journal ends with entry 4, but the checkpoint names entry 5: its tail was cut off");
}

// 39: rows added: a copy of one's own making, and one that was there once.
TEST_F(DatabaseFile, FindsAddedRows) {
  close();
  const auto old = copy_to("old.db");
  open();
  must(store_->write([&](Transaction& t) { return t.forget_idempotency_before(samples::at(100)); }));
  close();
  const auto replayed = copy_to("replayed.db");
  RawDatabase{replayed}.run("ATTACH " + quoted(old.native()) +
                            " AS old; INSERT INTO main.idempotency SELECT * FROM old.idempotency");
  EXPECT_EQ(found_in(replayed), "table idempotency holds 1 rows where the inventory says 0: rows were added");
  const auto made = copy_to("made.db");
  RawDatabase{made}.run(
      "INSERT INTO keys SELECT 'key_aaaaaaaaaaaaaaaaaaaaaaaa', zeroblob(32), 'admin', workload, "
      "connection_id, "
      "created_at, NULL, NULL, last_used_at, made_with, mac FROM keys");
  EXPECT_TRUE(found_in(made));
}

// 39: an index that leads elsewhere than its table says hides nothing from the check.
TEST_F(DatabaseFile, FindsAnIndexThatHidesARow) {
  close();
  const auto copy = copy_to("edited.db");
  RawDatabase raw{copy};
  const std::string index = raw.value("SELECT sql FROM sqlite_schema WHERE name = 'connections_due'");
  raw.run(
      "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'IS NOT NULL', '< 0') WHERE "
      "name "
      "= 'connections_due'; PRAGMA writable_schema = RESET");
  raw.run("REINDEX connections_due; PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = " +
          quoted(index) + " WHERE name = 'connections_due'; PRAGMA writable_schema = RESET");
  EXPECT_EQ(found_in(copy), "the database file is damaged: its pages or indices do not hold together");
}

}  // namespace
}  // namespace deputy
