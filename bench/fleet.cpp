// Fills a database with active connections, thousands at once, for benchmarks: bench/issuing.py.
// Usage: deputy_bench_fleet DATABASE MASTER_KEY_FILE PARTNER_PRINCIPAL ROLE_ARN COUNT
// Prints a workload's key, then the identifiers of the connections, a line each. All lead to the one role.

#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "registry/external_id.hpp"
#include "registry/registry.hpp"
#include "storage/sqlite_store.hpp"

namespace {

using namespace deputy;
using namespace deputy::registry;

constexpr std::size_t connections_at_once = 5'000;

template <class T>
T must(Result<T> result) {
  if (result) return std::move(result).value();
  fmt::print(stderr, "fleet: {} ({})\n", result.error().message, result.error().detail);
  std::exit(1);
}
void must(Result<void> result) {
  if (result) return;
  fmt::print(stderr, "fleet: {} ({})\n", result.error().message, result.error().detail);
  std::exit(1);
}

class Fleet {
 public:
  Fleet(const char* database, const char* key_file, const char* principal, const char* role)
      : principal_(must(RoleArn::parse(principal))),
        role_(must(RoleArn::parse(role))),
        store_(must(storage::open_sqlite({.file = database}, must(storage::MasterKey::load(key_file))))),
        registry_(*store_, clock_, random_, {.partner_principal = principal_, .partner_accounts = {}}) {}

  void make_workload() {
    must(registry_.put_integration(
        actor_, {.name = integration_,
                 .description = "Reads your CloudWatch Logs",
                 .policy = R"({"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow",)"
                           R"("Action":"logs:FilterLogEvents","Resource":"*"}]})"}));
    const auto workload = must(WorkloadName::parse("log-loader"));
    must(registry_.put_workload(actor_, {workload, {Grant{.integration = integration_}}}));
    const auto made =
        must(registry_.create_key(actor_, {.role = KeyRole::workload, .workload = workload}, std::nullopt));
    fmt::print("{}\n", made.value.secret->reveal());
  }

  void make_connections(std::size_t count) {
    while (count > 0) {
      const std::size_t now = std::min(count, connections_at_once);
      must(store_->write([&](Transaction& tx) -> Result<void> {
        for (std::size_t i = 0; i < now; ++i) {
          DEPUTY_TRY(insert_one(tx));
        }
        return success();
      }));
      count -= now;
    }
  }

 private:
  Result<void> insert_one(Transaction& tx) {
    const Timestamp now = clock_.now();
    const Tenant tenant{.id = TenantId::draw(random_),
                        .name = fmt::format("Customer {}", ++made_),
                        .reference = fmt::format("customer-{}-{}", now.time_since_epoch().count(), made_),
                        .created_at = now};
    Connection connection{.id = ConnectionId::draw(random_),
                          .tenant_id = tenant.id,
                          .integration = integration_,
                          .account_id = role_.account(),
                          .external_id = issue_external_id(random_),
                          .role_arn = role_,
                          .state = ConnectionState::active,
                          .proof = Proof::probed,
                          .verified_at = now,
                          .next_verification_at = now + std::chrono::hours{24},
                          .created_at = now,
                          .updated_at = now};
    const Verification verification{.id = VerificationId::draw(random_),
                                    .connection_id = connection.id,
                                    .role_arn = role_,
                                    .partner_principal = principal_,
                                    .done = true,
                                    .outcome = VerificationOutcome::passed,
                                    .proof = Proof::probed,
                                    .started_at = now,
                                    .finished_at = now};
    connection.last_verification = {verification.id, VerificationOutcome::passed, now};
    DEPUTY_TRY(tx.insert(tenant));
    DEPUTY_TRY(tx.claim_external_id(connection.external_id, connection.id));
    DEPUTY_TRY(tx.insert(connection));
    DEPUTY_TRY(tx.insert(verification));
    fmt::print("{}\n", connection.id.text());
    return success();
  }

  SystemClock clock_;
  SystemRandom random_;
  const RoleArn principal_;
  const RoleArn role_;
  const Actor actor_ = Actor::command("bench");
  const IntegrationName integration_ = must(IntegrationName::parse("log-reader"));
  std::unique_ptr<Store> store_;
  Registry registry_;
  std::size_t made_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    fmt::print(stderr,
               "usage: deputy_bench_fleet DATABASE MASTER_KEY_FILE PARTNER_PRINCIPAL ROLE_ARN COUNT\n");
    return 2;
  }
  Fleet fleet{argv[1], argv[2], argv[3], argv[4]};
  fleet.make_workload();
  fleet.make_connections(std::strtoull(argv[5], nullptr, 10));
  return 0;
}
