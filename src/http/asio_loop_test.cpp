#include "http/asio_loop.hpp"

#include "support/loop_runner.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace deputy::http {
namespace {

using namespace std::chrono_literals;
using Interest = EventLoop::Interest;

// Two connected stream sockets.
struct SocketPair {
  std::array<int, 2> ends{-1, -1};
  SocketPair() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
  }
  ~SocketPair() {
    for (const int end : ends) ::close(end);
  }
  void write(int end, std::string_view text) const {
    ASSERT_EQ(::write(ends.at(static_cast<std::size_t>(end)), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }
  char read_one(int end) const {
    char c = '\0';
    EXPECT_EQ(::read(ends.at(static_cast<std::size_t>(end)), &c, 1), 1);
    return c;
  }
};

TEST(AsioLoop, RunsWhatOtherThreadsPostAllOnItsThread) {
  AsioLoop loop;
  constexpr int each = 500;
  int runs = 0;
  bool elsewhere = false;
  const auto here = std::this_thread::get_id();
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < each; ++i) {
        loop.post([&] {
          if (std::this_thread::get_id() != here) elsewhere = true;
          if (++runs == 4 * each) loop.stop();
        });
      }
    });
  }
  loop.run();
  EXPECT_EQ(runs, 4 * each);
  EXPECT_FALSE(elsewhere);
}

TEST(AsioLoop, PostNeverRunsInsideTheCall) {
  AsioLoop loop;
  bool inside = true;
  loop.post([&] {
    loop.post([&] {
      EXPECT_FALSE(inside);
      loop.stop();
    });
    inside = false;
  });
  loop.run();
}

TEST(AsioLoop, StopBeforeRunEndsItAtOnceAndItRunsAgain) {
  AsioLoop loop;
  loop.stop();
  loop.run();
  bool ran = false;
  loop.post([&] {
    ran = true;
    loop.stop();
  });
  loop.run();
  EXPECT_TRUE(ran);
}

TEST(AsioLoop, TimersRunInTheOrderOfTheirTimes) {
  AsioLoop loop;
  std::string order;
  // Far enough apart for a machine that is busy between these calls.
  loop.call_after(250ms, [&] {
    order += 'c';
    loop.stop();
  });
  loop.call_after(10ms, [&] { order += 'b'; });
  loop.call_after(0ms, [&] { order += 'a'; });
  loop.run();
  EXPECT_EQ(order, "abc");
}

TEST(AsioLoop, CancelledTimersDoNotRunEvenWhenDue) {
  AsioLoop loop;
  EventLoop::TimerId second = 0;
  bool second_ran = false;
  // Both are due in the same turn: the first cancels the second, and cancels itself in vain.
  EventLoop::TimerId first = 0;
  first = loop.call_after(1ms, [&] {
    loop.cancel(first);
    loop.cancel(second);
  });
  second = loop.call_after(1ms, [&] { second_ran = true; });
  loop.post([] { std::this_thread::sleep_for(5ms); });
  loop.call_after(15ms, [&] { loop.stop(); });
  loop.run();
  EXPECT_FALSE(second_ran);
  loop.cancel(12345);
}

TEST(AsioLoop, ATimerThatIsDueAtOnceIsCancelledLikeAnyOther) {
  AsioLoop loop;
  bool ran = false;
  loop.cancel(loop.call_after(0ms, [&] { ran = true; }));
  EventLoop::TimerId later = 0;
  loop.call_after(0ms, [&] { loop.cancel(later); });
  later = loop.call_after(0ms, [&] { ran = true; });
  loop.call_after(0ms, [&] { loop.stop(); });
  loop.run();
  EXPECT_FALSE(ran);
}

TEST(AsioLoop, WatchIsLevelTriggered) {
  AsioLoop loop;
  const SocketPair pair;
  pair.write(1, "abc");
  std::string read;
  loop.watch(pair.ends[0], {.read = true}, [&](Interest ready) {
    EXPECT_TRUE(ready.read);
    read += pair.read_one(0);  // leaves the rest: it must be called again
    if (read.size() == 3) loop.stop();
  });
  loop.run();
  EXPECT_EQ(read, "abc");
  loop.unwatch(pair.ends[0]);
}

TEST(AsioLoop, WatchesAgainWithAnotherInterestInsideTheCallback) {
  AsioLoop loop;
  const SocketPair pair;
  std::string events;
  const std::function<void(Interest)> on_read = [&](Interest ready) {
    EXPECT_TRUE(ready.read);
    events += pair.read_one(0);
    loop.stop();
  };
  loop.watch(pair.ends[0], {.read = true, .write = true}, [&](Interest ready) {
    EXPECT_TRUE(ready.write);
    events += 'w';
    loop.watch(pair.ends[0], {.read = true}, on_read);
    pair.write(1, "r");
  });
  loop.run();
  EXPECT_EQ(events, "wr");
  loop.unwatch(pair.ends[0]);
}

TEST(AsioLoop, InterestThatWentIsNotCalled) {
  AsioLoop loop;
  const SocketPair pair;
  int calls = 0;
  loop.watch(pair.ends[0], {.read = true}, [&](Interest) { ++calls; });
  loop.watch(pair.ends[0], {}, [&](Interest) { ++calls; });
  pair.write(1, "x");
  loop.call_after(10ms, [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(calls, 0);
  loop.watch(pair.ends[0], {.read = true}, [&](Interest) { loop.stop(); });
  loop.run();  // ends only if it is called for what has been readable all along
  loop.unwatch(pair.ends[0]);
}

TEST(AsioLoop, UnwatchInsideTheCallbackEndsItAndLeavesTheDescriptorOpen) {
  AsioLoop loop;
  const SocketPair pair;
  pair.write(1, "x");
  int calls = 0;
  loop.watch(pair.ends[0], {.read = true, .write = true}, [&](Interest) {
    ++calls;
    loop.unwatch(pair.ends[0]);
    loop.call_after(10ms, [&] { loop.stop(); });
  });
  loop.run();
  EXPECT_EQ(calls, 1);
  EXPECT_NE(::fcntl(pair.ends[0], F_GETFD), -1);
  EXPECT_EQ(pair.read_one(0), 'x');
  loop.unwatch(pair.ends[0]);
}

TEST(AsioLoop, UnwatchThenWatchInsideTheCallbackGoesOn) {
  AsioLoop loop;
  const SocketPair pair;
  pair.write(1, "x");
  std::string events;
  loop.watch(pair.ends[0], {.read = true}, [&](Interest) {
    events += '1';
    loop.unwatch(pair.ends[0]);
    loop.watch(pair.ends[0], {.read = true}, [&](Interest) {
      events += '2';
      loop.stop();
    });
  });
  loop.run();
  EXPECT_EQ(events, "12");
  loop.unwatch(pair.ends[0]);
}

TEST(AsioLoop, ClosingTheOtherEndShowsAsReadable) {
  AsioLoop loop;
  SocketPair pair;
  loop.watch(pair.ends[0], {.read = true}, [&](Interest ready) {
    EXPECT_TRUE(ready.read);
    loop.unwatch(pair.ends[0]);
    loop.stop();
  });
  ::shutdown(pair.ends[1], SHUT_RDWR);
  loop.run();
}

TEST(AsioLoop, ANumberThatIsUsedAgainIsAnotherDescriptor) {
  AsioLoop loop;
  int stale = 0;
  int number = -1;
  {
    const SocketPair pair;
    number = pair.ends[0];
    pair.write(1, "x");
    loop.watch(number, {.read = true}, [&](Interest) { ++stale; });
    loop.unwatch(number);
  }
  const SocketPair pair;
  ASSERT_EQ(pair.ends[0], number);
  loop.watch(number, {.read = true}, [&](Interest) { loop.stop(); });
  loop.post([&] { pair.write(1, "y"); });
  loop.run();
  EXPECT_EQ(stale, 0);
  loop.unwatch(number);
}

TEST(AsioLoop, DestructionLeavesWatchedDescriptorsOpen) {
  const SocketPair pair;
  {
    AsioLoop loop;
    loop.watch(pair.ends[0], {.read = true}, [](Interest) {});
  }
  EXPECT_NE(::fcntl(pair.ends[0], F_GETFD), -1);
}

TEST(AsioLoop, StopSignalsReachTheLoopEachTime) {
  AsioLoop loop;
  std::vector<int> signals;
  loop.on_stop_signal([&](int signal) {
    signals.push_back(signal);
    if (signals.size() == 1) ::raise(SIGINT);
    if (signals.size() == 2) loop.stop();
  });
  loop.post([] { ::raise(SIGTERM); });
  loop.run();
  EXPECT_EQ(signals, (std::vector<int>{SIGTERM, SIGINT}));
}

Task<int> sleep_and_count(EventLoop& loop) {
  int turns = 0;
  for (; turns < 3; ++turns) co_await sleep_for(loop, 1ms, {});
  co_return turns;
}

TEST(RealLoop, RunsATaskOnThisThread) {
  RealLoop real;
  EXPECT_EQ(real.run(sleep_and_count(real.loop())), 3);
  EXPECT_EQ(real.run(sleep_and_count(real.loop())), 3);
}

TEST(LoopThread, RunsTasksAndCallsOnItsThread) {
  LoopThread thread;
  EXPECT_EQ(thread.run(sleep_and_count(thread.loop())), 3);
  std::thread::id seen;
  thread.call([&] { seen = std::this_thread::get_id(); });
  EXPECT_NE(seen, std::this_thread::get_id());
}

}  // namespace
}  // namespace deputy::http
