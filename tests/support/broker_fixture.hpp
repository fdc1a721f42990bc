#pragma once

#include "support/fake_random.hpp"
#include "support/fake_sts.hpp"
#include "support/gate.hpp"
#include "support/manual_loop.hpp"
#include "support/registry_fixture.hpp"
#include "support/scripted_role.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/broker.hpp"

namespace deputy {

// A broker over a real registry and database, in front of a scripted STS that says yes to every role: session
// number n has the access key ID ASIAFAKE0000000n.
class BrokerFixture : public RegistryFixture {
 public:
  ~BrokerFixture() override {
    gate.open();
    loop.run_ready();
    loop.run(broker->stop());
  }

 protected:
  using Issued = Result<broker::IssuedCredentials>;

  BrokerFixture() {
    sts.on_assume_role = [this](const FakeSts::AssumeRoleCall& call) -> aws::AwsResult<aws::AssumedRole> {
      return FakeSts::session(call.request, clock().now() + call.request.duration, ++sessions);
    };
    sts.before_answer = [this] { return gate.pass(); };
    start_broker({.region = Region::parse("eu-central-1").value()});
  }

  void start_broker(broker::BrokerSettings settings) {
    settings.sts_attempts_max = sts_attempts;
    if (broker) loop.run(broker->stop());
    broker = std::make_unique<broker::Broker>(loop, clock(), seeded, pool, registry(), sts, base, settings);
  }

  // An active connection of a tenant of its own, to a role in an account of its own.
  registry::Connection connect(const std::string& tenant_name) {
    const std::string account = std::to_string(200'000'000'000 + ++accounts_);
    return connect(make_tenant(tenant_name),
                   RoleArn::parse("arn:aws:iam::" + account + ":role/reader").value());
  }
  registry::Connection connect(const registry::Tenant& tenant, const RoleArn& role) {
    const auto connection = make_connection(tenant);
    EXPECT_TRUE(registry().set_role(actor(), connection.id, role));
    return verify_due(registry::VerificationOutcome::passed);
  }
  // Finishes the one verification that is due.
  registry::Connection verify_due(registry::VerificationOutcome outcome) {
    auto tasks = registry().claim_due(10, std::chrono::minutes{10}).value();
    EXPECT_EQ(tasks.size(), 1U);
    registry::VerificationReport report;
    report.outcome = outcome;
    if (outcome == registry::VerificationOutcome::passed) report.proof = registry::Proof::probed;
    return registry().finish_verification(tasks.at(0), report).value();
  }

  registry::Key key(registry::KeyRole role, std::optional<WorkloadName> workload = std::nullopt,
                    std::optional<ConnectionId> connection = std::nullopt) {
    registry::NewKey wanted{
        .role = role, .workload = std::move(workload), .connection_id = std::move(connection)};
    if (wanted.connection_id) wanted.expires_in = std::chrono::minutes{30};
    return registry().create_key(actor(), wanted, std::nullopt).value().value.key;
  }
  // A workload with these grants, and a key of its.
  registry::Key workload(const std::string& name, std::vector<registry::Grant> grants) {
    auto parsed = WorkloadName::parse(name).value();
    EXPECT_TRUE(registry().put_workload(actor(), {parsed, std::move(grants)}));
    return key(registry::KeyRole::workload, parsed);
  }
  static registry::Grant everything() {
    using enum registry::GrantOption;
    return {.may = {session_policy, tags, source_identity, session_name, region, duration}};
  }

  static broker::CredentialRequest request(const registry::Key& key, const ConnectionId& connection,
                                           broker::CredentialOptions options = {}) {
    return {.actor = {"key", key.id.text(), "127.0.0.1"},
            .key = std::make_shared<const registry::Key>(key),
            .connection_id = connection,
            .options = std::move(options)};
  }
  Issued issue(const registry::Key& key, const ConnectionId& connection,
               broker::CredentialOptions options = {}) {
    return loop.run(broker->issue(request(key, connection, std::move(options))));
  }

  // A request that goes on beside the test.
  struct Ongoing {
    std::optional<Issued> result;
    TaskGroup group;
  };
  std::unique_ptr<Ongoing> begin(broker::CredentialRequest what) {
    auto ongoing = std::make_unique<Ongoing>();
    ongoing->group.spawn(answer(*broker, std::move(what), ongoing->result));
    return ongoing;
  }
  Issued end(Ongoing& ongoing) {
    loop.run(ongoing.group.join());
    return *ongoing.result;
  }
  // Lets the loop and the pool get as far as they can at this moment.
  void settle() {
    for (int turn = 0; turn < 4; ++turn)
      loop.run(run_on(pool, loop, [] { return Result<void>{success()}; })).assume_value();
    loop.run_ready();
  }

  std::vector<registry::Issuance> issuances(const ConnectionId& connection) {
    return registry().issuances(connection, {.limit = 200}).value().items;
  }
  std::vector<journal::Entry> journal_entries(std::string_view act) {
    std::vector<journal::Entry> found;
    registry::PageRequest page{.limit = 200};
    for (;;) {
      const auto entries = registry().journal(page).value();
      for (const auto& chained : entries.items)
        if (chained.entry.act == act) found.push_back(chained.entry);
      if (!entries.next_cursor) return found;
      page.after = *entries.next_cursor;
    }
  }

  ManualLoop loop{clock()};
  SeededRandom seeded;
  WorkPool pool{{.threads = 1}};
  FakeSts sts;
  FakeBaseCredentials base;
  Gate gate{loop};
  int sessions = 0;
  int sts_attempts = 1;  // time stands still: nobody would wake who pauses before another
  std::unique_ptr<broker::Broker> broker;

 private:
  static Task<void> answer(broker::Broker& broker, broker::CredentialRequest what,
                           std::optional<Issued>& result) {
    result.emplace(co_await broker.issue(std::move(what)));
  }
  std::int64_t accounts_ = 0;
};

// The same with one customer, and a workload that may do everything there.
class OneCustomerFixture : public BrokerFixture {
 protected:
  registry::Connection acme = connect("Acme");
  registry::Key collector = workload("collector", {everything()});

  static ErrorKind kind(const Issued& issued) {
    EXPECT_FALSE(issued);
    return issued ? ErrorKind::internal : issued.error().kind;
  }
  void fail_sts(aws::AwsError error) {
    sts.on_assume_role = [error](const auto&) -> aws::AwsResult<aws::AssumedRole> { return error; };
  }
  void pass_time(std::chrono::milliseconds by) { clock().advance(by); }
};

}  // namespace deputy
