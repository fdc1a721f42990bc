#pragma once

#include "support/fake_iam.hpp"
#include "support/fake_random.hpp"
#include "support/fake_sts.hpp"
#include "support/manual_loop.hpp"
#include "support/registry_fixture.hpp"
#include "support/scripted_role.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "verify/service.hpp"

namespace deputy {

// A database that can be told to fail.
class FlakyStore final : public registry::Store {
 public:
  explicit FlakyStore(registry::Store& store) : store_(store) {}

  void add_listener(registry::WriteListener& listener) override { store_.add_listener(listener); }
  void remove_listener(registry::WriteListener& listener) override { store_.remove_listener(listener); }
  bool failing = false;

  Result<void> write(const std::function<Result<void>(registry::Transaction&)>& work) override {
    if (failing) return Error{ErrorKind::overloaded, "the database is busy"};
    return store_.write(work);
  }
  Result<void> read(const std::function<Result<void>(registry::Transaction&)>& work) override {
    if (failing) return Error{ErrorKind::overloaded, "the database is busy"};
    return store_.read(work);
  }
  std::optional<Error> write_trouble() const override { return store_.write_trouble(); }
  Result<void> try_to_write() override { return store_.try_to_write(); }
  Result<journal::Checkpoint> check_integrity(const std::optional<journal::Checkpoint>& checkpoint) override {
    return store_.check_integrity(checkpoint);
  }

 private:
  registry::Store& store_;
};

// The verification service over a real registry and database. `trust` says which external IDs each role
// takes; a role that is not in it does not exist.
class ServiceFixture : public RegistryFixture {
 public:
  ~ServiceFixture() override { loop.run(service->stop()); }

 protected:
  using Accepts = std::function<bool(const std::optional<ExternalId>&)>;

  ServiceFixture() {
    sts.on_assume_role = [this](const FakeSts::AssumeRoleCall& call) -> aws::AwsResult<aws::AssumedRole> {
      const auto found = trust.find(call.request.role_arn.text());
      if (found == trust.end() || !found->second(call.request.external_id)) return FakeSts::denial();
      auto session = FakeSts::session(call.request, clock().now() + call.request.duration, ++sessions_);
      owners_.insert_or_assign(session.credentials.access_key_id, session.assumed_role_arn);
      return session;
    };
    sts.on_get_caller_identity =
        [this](const FakeSts::CallerIdentityCall& call) -> aws::AwsResult<aws::CallerIdentity> {
      const std::string arn = owners_.at(call.credentials.access_key_id);
      return aws::CallerIdentity{.account = AccountId::parse(arn.substr(13, 12)).value(), .arn = arn};
    };
    restart({.region = Region::parse("eu-central-1").value()});
  }

  void restart(verify::ServiceSettings settings) {
    if (service) loop.run(service->stop());
    service = std::make_unique<verify::Service>(
        loop, clock(), pool, own_registry, verifier, settings,
        [this](const registry::Connection& connection) { changes.push_back(connection); });
  }

  registry::Connection connect(const std::string& tenant, const RoleArn& role) {
    const auto connection = make_connection(make_tenant(tenant));
    return registry().set_role(actor(), connection.id, role).value();
  }
  static Accepts only(const registry::Connection& connection) {
    return ScriptedRole::only(connection.external_id);
  }
  registry::ConnectionState state(const registry::Connection& connection) {
    return registry().connection(connection.id).value().state;
  }
  // Lets the loop and the pool get as far as they can at this moment.
  void settle() {
    for (int turn = 0; turn < 8; ++turn)
      loop.run(run_on(pool, loop, [] { return Result<void>{success()}; })).assume_value();
    loop.run_ready();
  }
  void pass_time(std::chrono::milliseconds by) {
    loop.advance(by);
    settle();
    // What came due while the pool was at work is looked at a moment later.
    loop.advance(std::chrono::seconds{1});
    settle();
  }

  ManualLoop loop{clock()};
  SeededRandom seeded;
  WorkPool pool{{.threads = 1}};
  FlakyStore flaky{store()};
  registry::Registry own_registry{flaky, clock(), random(), registry().settings()};
  FakeSts sts;
  FakeIam iam;
  FakeHarmlessCalls calls;
  FakeBaseCredentials base;
  verify::Verifier verifier{loop, clock(), seeded, {sts, iam, calls}, base, {}};
  std::map<std::string, Accepts> trust;
  std::vector<registry::Connection> changes;
  std::unique_ptr<verify::Service> service;

 private:
  int sessions_ = 0;
  std::map<std::string, std::string> owners_;  // access key ID → session
};

}  // namespace deputy
