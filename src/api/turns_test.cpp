#include "api/turns.hpp"

#include "support/manual_loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdexcept>

#include "core/task_group.hpp"

namespace deputy::api {
namespace {

using testing::ElementsAre;

class TurnsTest : public testing::Test {
 public:
  ~TurnsTest() override { loop.run(group.join()); }

 protected:
  void come(const std::string& client) {
    group.spawn(enter(client));
    loop.run_ready();
  }
  void leave() {
    turns.leave();
    loop.run_ready();
  }

  FakeClock clock;
  ManualLoop loop{clock};
  Turns turns{loop, {.at_once_max = 1, .waiting_max = 4, .waiting_of_client_max = 3}};
  TaskGroup group;
  std::vector<std::string> entered, refused;

 private:
  Task<void> enter(std::string client) {
    const bool mine = co_await turns.enter(client);
    (mine ? entered : refused).push_back(client);
  }
};

// Else two failures would be enough, and nobody's key would be looked up any more.
TEST_F(TurnsTest, ATurnIsGivenBackByAFailureToo) {
  come("a");
  come("b");
  EXPECT_THROW(
      {
        const Turns::Leaving leaving{turns};
        throw std::runtime_error{"the database is gone"};
      },
      std::runtime_error);
  loop.run_ready();
  EXPECT_THAT(entered, ElementsAre("a", "b"));
  leave();
}

TEST_F(TurnsTest, WhoBringsMuchWaitsBehindItself) {
  for (const char* client : {"a", "a", "a", "a", "b"}) come(client);
  EXPECT_THAT(entered, ElementsAre("a"));
  for (int i = 0; i < 5; ++i) leave();
  EXPECT_THAT(entered, ElementsAre("a", "a", "b", "a", "a"));
  come("c");  // all have left
  EXPECT_EQ(entered.back(), "c");
  leave();
}

TEST_F(TurnsTest, NeitherOneNorAllOfThemWaitWithoutEnd) {
  for (const char* client : {"a", "a", "a", "a", "a", "b", "c"}) come(client);
  EXPECT_THAT(refused, ElementsAre("a", "c"));
  EXPECT_EQ(turns.waiting(), 4U);
  leave();
  come("c");
  EXPECT_THAT(refused, ElementsAre("a", "c"));
  for (int i = 0; i < 5; ++i) leave();
  EXPECT_EQ(turns.waiting(), 0U);
}

TEST(ClientAt, IsAnAddressOrANetworkOfOneMachine) {
  EXPECT_EQ(client_at("192.0.2.1"), "192.0.2.1");
  EXPECT_NE(client_at("192.0.2.1"), client_at("192.0.2.2"));
  EXPECT_EQ(client_at("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(client_at("2001:db8:1:2::1"), client_at("2001:db8:1:2:ffff::9"));
  EXPECT_NE(client_at("2001:db8:1:2::1"), client_at("2001:db8:1:3::1"));
  EXPECT_EQ(client_at("fe80::1%eth0"), client_at("fe80::2%eth0"));
  EXPECT_EQ(client_at("unix"), "unix");
}

}  // namespace
}  // namespace deputy::api
