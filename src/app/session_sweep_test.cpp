#include "app/session_sweep.hpp"

#include "support/manual_loop.hpp"
#include "support/registry_fixture.hpp"

#include <gtest/gtest.h>

namespace deputy::app {
namespace {

using namespace std::chrono_literals;

class SessionSweepTest : public RegistryFixture {
 public:
  ~SessionSweepTest() override { loop.run(sweep.stop()); }

 protected:
  // Lets the loop and the pool get as far as they can at this moment.
  void settle() {
    for (int turn = 0; turn < 12; ++turn)
      loop.run(run_on(pool, loop, [] { return Result<void>{success()}; })).assume_value();
    loop.run_ready();
  }
  void make_sessions(int count) {
    for (int i = 0; i < count; ++i)
      ASSERT_TRUE(registry().create_connect_session(actor(),
                                                    {.tenant_id = acme.id,
                                                     .integration = integration_name(),
                                                     .connection_id = std::nullopt,
                                                     .return_url = std::nullopt,
                                                     .expires_in = std::chrono::days{7}},
                                                    std::nullopt));
  }
  std::size_t kept() {
    return registry().connect_sessions(std::nullopt, {.limit = 200}).value().items.size();
  }

  const registry::Tenant acme = make_tenant("Acme");
  ManualLoop loop{clock()};
  WorkPool pool{{.threads = 1}};
  SessionSweep sweep{loop, pool, registry(), {.interval = 1h, .at_once = 3}};
};

TEST_F(SessionSweepTest, RemovesWhatIsLongOverAllOfItAndNothingElse) {
  make_sessions(7);
  clock().advance(registry::Registry::connect_sessions_kept - 1min);
  make_sessions(2);
  sweep.start();
  settle();
  EXPECT_EQ(kept(), 9U);
  loop.advance(1h);
  settle();
  EXPECT_EQ(kept(), 2U);
  // The rows that went are not missed by the check of the whole database.
  EXPECT_TRUE(store().check_integrity(std::nullopt));
}

TEST_F(SessionSweepTest, EndsInTheMiddleOfItsPause) {
  sweep.start();
  settle();
  EXPECT_EQ(loop.timers(), 1U);
  loop.run(sweep.stop());
  EXPECT_EQ(loop.timers(), 0U);
}

}  // namespace
}  // namespace deputy::app
