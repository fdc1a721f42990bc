#include "http/readiness.hpp"

#include "support/loop_runner.hpp"

#include <array>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace deputy::http {
namespace {

using namespace std::chrono_literals;

struct Pair {
  FileDescriptor ours;
  FileDescriptor theirs;
  Pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
    ours = FileDescriptor{ends[0]};
    theirs = FileDescriptor{ends[1]};
  }
  void write() const { EXPECT_EQ(::write(theirs.get(), "x", 1), 1); }
};

struct Noting final : Readiness::Watcher {
  std::function<void()> then;
  int told = 0;
  int to_read = 0;
  bool ended = false;
  void on_ready(Readiness::Ready ready) override {
    ++told;
    to_read += ready.to_read ? 1 : 0;
    ended = ended || ready.ended;
    if (then) then();
  }
};

TEST(Readiness, TellsOnceOfWhatBecomesReady) {
  RealLoop real;
  Readiness readiness{real.loop()};
  const Pair pair;
  Noting noting;
  ASSERT_TRUE(readiness.add(pair.ours.get(), noting));
  real.run_for(20ms);
  EXPECT_EQ(noting.to_read, 0);
  pair.write();
  real.run_for(20ms);
  EXPECT_EQ(noting.to_read, 1) << "not again and again while nobody reads";
  pair.write();
  real.run_for(20ms);
  EXPECT_EQ(noting.to_read, 2);
  readiness.close();
}

TEST(Readiness, TellsOfTheOthersEnd) {
  RealLoop real;
  Readiness readiness{real.loop()};
  Pair pair;
  Noting noting;
  ASSERT_TRUE(readiness.add(pair.ours.get(), noting));
  pair.theirs = FileDescriptor{};
  real.run_for(20ms);
  EXPECT_TRUE(noting.ended);
  readiness.close();
}

TEST(Readiness, WhoIsRemovedInTheSameTurnIsNotTold) {
  RealLoop real;
  Readiness readiness{real.loop()};
  const Pair first;
  const Pair second;
  Noting one;
  Noting other;
  ASSERT_TRUE(readiness.add(first.ours.get(), one));
  ASSERT_TRUE(readiness.add(second.ours.get(), other));
  one.then = [&] { readiness.remove(second.ours.get(), other); };
  other.then = [&] { readiness.remove(first.ours.get(), one); };
  first.write();
  second.write();
  real.run_for(20ms);
  EXPECT_EQ(one.told + other.told, 1);
  readiness.close();
}

}  // namespace
}  // namespace deputy::http
