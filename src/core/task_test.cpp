#include "support/manual_loop.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>

#include "core/event_loop.hpp"
#include "core/result.hpp"
#include "core/task_group.hpp"

namespace deputy {
namespace {

using namespace std::chrono_literals;

Task<Result<int>> half(int number) {
  if (number % 2 != 0) co_return Error{ErrorKind::invalid_request, "odd"};
  co_return number / 2;
}

Task<Result<int>> quarter(int number) {
  DEPUTY_CO_TRY(const int once, co_await half(number));
  co_return co_await half(once);
}

TEST(Task, CarriesValuesAndErrors) {
  FakeClock clock;
  ManualLoop loop{clock};
  EXPECT_EQ(loop.run(quarter(12)).value(), 3);
  EXPECT_EQ(loop.run(quarter(6)).error().message, "odd");
}

Task<int> count_down(int from) {
  int sum = 0;
  for (int i = 0; i < from; ++i) sum += (co_await half(2)).value();
  co_return sum;
}

TEST(Task, LongLoopsOfReadyTasksKeepTheStackFlat) {
  FakeClock clock;
  ManualLoop loop{clock};
  EXPECT_EQ(loop.run(count_down(200'000)), 200'000);
}

Task<void> thrower() {
  throw std::runtime_error{"broken"};
  co_return;
}

Task<bool> catcher() {
  try {
    co_await thrower();
  } catch (const std::runtime_error&) {
    co_return true;
  }
  co_return false;
}

TEST(Task, PassesExceptionsToItsAwaiter) {
  FakeClock clock;
  ManualLoop loop{clock};
  EXPECT_TRUE(loop.run(catcher()));
}

Task<void> wait_and_count(ManualLoop& loop, std::chrono::milliseconds delay, std::stop_token stop, int& slept,
                          int& stopped) {
  if (co_await sleep_for(loop, delay, stop)) {
    ++slept;
  } else {
    ++stopped;
  }
}

TEST(TaskGroup, JoinsWhatItSpawned) {
  FakeClock clock;
  ManualLoop loop{clock};
  TaskGroup group;
  int slept = 0, stopped = 0;
  for (int i = 1; i <= 3; ++i)
    group.spawn(wait_and_count(loop, i * 10ms, group.stop_token(), slept, stopped));
  EXPECT_EQ(group.running(), 3U);
  loop.advance(20ms);
  EXPECT_EQ(slept, 2);
  group.request_stop();
  loop.run(group.join());
  EXPECT_EQ(stopped, 1);
  EXPECT_EQ(loop.timers(), 0U);
}

TEST(Sleep, EndsAtOnceWhenAlreadyStopped) {
  FakeClock clock;
  ManualLoop loop{clock};
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(loop.run(sleep_for(loop, 1h, stop.get_token())));
}

}  // namespace
}  // namespace deputy
