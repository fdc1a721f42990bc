#include "core/work_pool.hpp"

#include "support/manual_loop.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <latch>

namespace deputy {
namespace {

TEST(WorkPool, RunsOffTheLoopAndResumesOnIt) {
  FakeClock clock;
  ManualLoop loop{clock};
  WorkPool pool{{.threads = 2}};
  const auto here = std::this_thread::get_id();
  const auto there =
      loop.run(run_on(pool, loop, []() -> Result<std::thread::id> { return std::this_thread::get_id(); }));
  EXPECT_NE(there.value(), here);
}

TEST(WorkPool, RefusesWhenItsQueueIsFull) {
  FakeClock clock;
  ManualLoop loop{clock};
  std::latch busy{1}, release{1};
  {
    WorkPool pool{{.threads = 1, .queue_max = 1}};
    ASSERT_TRUE(pool.try_post([&] {
      busy.count_down();
      release.wait();
    }));
    busy.wait();
    ASSERT_TRUE(pool.try_post([] {}));
    const auto refused = loop.run(run_on(pool, loop, []() -> Result<int> { return 1; }));
    EXPECT_EQ(refused.error().kind, ErrorKind::overloaded);
    release.count_down();
  }
}

TEST(WorkPool, FinishesWhatIsQueuedBeforeItEnds) {
  std::atomic<int> done = 0;
  {
    WorkPool pool{{.threads = 2}};
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(pool.try_post([&] { ++done; }));
  }
  EXPECT_EQ(done, 100);
}

}  // namespace
}  // namespace deputy
