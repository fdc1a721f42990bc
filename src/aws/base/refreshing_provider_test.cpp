#include "aws/base/refreshing_provider.hpp"

#include "support/fake_clock.hpp"
#include "support/fake_random.hpp"
#include "support/gate.hpp"
#include "support/manual_loop.hpp"

#include <gtest/gtest.h>
#include <set>
#include <vector>

namespace deputy::aws {
namespace {

using namespace std::chrono_literals;

class RefreshingProviderTest : public testing::Test {
 public:
  ~RefreshingProviderTest() override {
    gate.open();
    loop.run(provider.stop());
  }

 protected:
  Task<Result<Supply>> fetch() {
    const int number = ++fetches;
    co_await gate.pass();
    if (broken) co_return broken_source("scripted " + std::to_string(number));
    Supply supply{.credentials = {.access_key_id = "KEY" + std::to_string(number),
                                  .secret_access_key = SecretString{"secret"},
                                  .session_token = {},
                                  .expires_at = std::nullopt},
                  .look_again_after = look_again};
    if (life) supply.credentials.expires_at = clock.now() + *life;
    co_return supply;
  }
  // The key's ID, or the reason why there is none.
  std::string get() { return told(loop.run(provider.get())); }
  static std::string told(const Result<Credentials>& got) {
    return got ? got.value().access_key_id : got.error().detail;
  }
  Task<void> store(std::string& where) { where = told(co_await provider.get()); }
  // Begins to ask; the answer may come later.
  void begin(std::string& where) {
    asking.spawn(store(where));
    loop.run_ready();
  }

  FakeClock clock;
  ManualLoop loop{clock};
  SeededRandom random;
  Gate gate{loop};
  int fetches = 0;
  bool broken = false;
  std::optional<std::chrono::seconds> life = 1h;
  std::optional<std::chrono::seconds> look_again;
  RefreshingProvider provider{clock, random, [this](std::stop_token) { return fetch(); }};
  TaskGroup asking;
};

TEST_F(RefreshingProviderTest, OneFetchServesUntilItIsTimeToRenew) {
  EXPECT_EQ(get(), "KEY1");
  loop.advance(41min);  // 19 minutes left; renewing begins with 15 to 18.75
  EXPECT_EQ(get(), "KEY1");
  loop.run_ready();
  EXPECT_EQ(fetches, 1);
  loop.advance(4min);
  EXPECT_EQ(get(), "KEY2");
  EXPECT_EQ(fetches, 2);
}

TEST_F(RefreshingProviderTest, RenewsInTheBackgroundWhileTheOldOnesServe) {
  EXPECT_EQ(get(), "KEY1");
  loop.advance(46min);
  gate.close();
  EXPECT_EQ(get(), "KEY1") << "nobody waits";
  EXPECT_EQ(get(), "KEY1");
  EXPECT_EQ(fetches, 2) << "one attempt at a time";
  gate.open();
  loop.run_ready();
  EXPECT_EQ(get(), "KEY2");
}

TEST_F(RefreshingProviderTest, ThoseWhoHaveToWaitJoinOneAttempt) {
  gate.close();
  std::vector<std::string> answers(50);
  for (std::string& answer : answers) begin(answer);
  EXPECT_EQ(fetches, 1);
  gate.open();
  loop.run_ready();
  for (const std::string& answer : answers) EXPECT_EQ(answer, "KEY1");
  EXPECT_EQ(fetches, 1);
}

TEST_F(RefreshingProviderTest, InTheLastMinuteCallersWaitForNewOnes) {
  EXPECT_EQ(get(), "KEY1");
  loop.advance(59min + 30s);
  gate.close();
  std::string answer;
  begin(answer);
  EXPECT_EQ(answer, "");
  gate.open();
  loop.run_ready();
  EXPECT_EQ(answer, "KEY2");
}

TEST_F(RefreshingProviderTest, AFailedRenewalKeepsTheOldOnesUntilTheyExpire) {
  EXPECT_EQ(get(), "KEY1");
  broken = true;
  loop.advance(46min);
  EXPECT_EQ(get(), "KEY1");
  const int after_first = fetches;
  EXPECT_EQ(get(), "KEY1");
  EXPECT_EQ(fetches, after_first) << "the failure is remembered";
  loop.advance(13min + 30s);
  EXPECT_EQ(get(), "KEY1") << "half a minute left, and it failed again";
  EXPECT_GT(fetches, after_first);
  loop.advance(30s);
  const std::string reason = get();
  EXPECT_EQ(reason.find("scripted"), 0U) << reason;
  broken = false;
  loop.advance(5s);
  EXPECT_EQ(get(), "KEY" + std::to_string(fetches));
}

TEST_F(RefreshingProviderTest, FailuresAreRememberedAndTheirDistanceGrows) {
  broken = true;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(get(), "scripted 1");
  EXPECT_EQ(fetches, 1);
  for (int second = 0; second < 300; ++second) {
    loop.advance(1s);
    get();
  }
  EXPECT_GE(fetches, 60) << "with nothing in hand an attempt each five seconds at least";
  EXPECT_LE(fetches, 130);
}

TEST_F(RefreshingProviderTest, WithSomethingInHandAttemptsAreRare) {
  EXPECT_EQ(get(), "KEY1");
  broken = true;
  loop.advance(46min);
  for (int second = 0; second < 600; ++second) {
    loop.advance(1s);
    EXPECT_EQ(get(), "KEY1");
  }
  EXPECT_GE(fetches, 20);
  EXPECT_LE(fetches, 50);
}

TEST_F(RefreshingProviderTest, ShortOnesAreRenewedInTheLastThirdOfTheirLife) {
  life = 3min;
  EXPECT_EQ(get(), "KEY1");
  loop.advance(100s);
  EXPECT_EQ(get(), "KEY1");
  EXPECT_EQ(fetches, 1);
  loop.advance(21s);
  get();
  EXPECT_EQ(fetches, 2);
}

TEST_F(RefreshingProviderTest, JitterKeepsProcessesApart) {
  std::set<std::int64_t> moments;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom own{seed};
    int own_fetches = 0;
    RefreshingProvider one{clock, own, [&](std::stop_token) {
                             ++own_fetches;
                             return fetch();
                           }};
    EXPECT_TRUE(loop.run(one.get()));
    std::int64_t second = 0;
    while (own_fetches < 2 && second < 3'600) {
      loop.advance(5s);
      second += 5;
      EXPECT_TRUE(loop.run(one.get()));
    }
    EXPECT_GE(second, 41 * 60);
    EXPECT_LE(second, 45 * 60 + 5);
    moments.insert(second);
    loop.run(one.stop());
  }
  EXPECT_GE(moments.size(), 10U);
}

TEST_F(RefreshingProviderTest, AClockSetForwardRenewsAndOneSetBackLengthensNothing) {
  EXPECT_EQ(get(), "KEY1");
  clock.jump(2h);
  EXPECT_EQ(get(), "KEY2") << "by the clock they have expired";
  clock.jump(-24h);
  loop.advance(59min + 59s);
  gate.close();
  std::string answer;
  begin(answer);
  EXPECT_EQ(answer, "") << "a second of their life is left, whatever the clock says";
  gate.open();
  loop.run_ready();
  EXPECT_EQ(answer, "KEY3");
}

TEST_F(RefreshingProviderTest, WhatDoesNotExpireIsFetchedOnce) {
  life.reset();
  EXPECT_EQ(get(), "KEY1");
  loop.advance(1000h);
  EXPECT_EQ(get(), "KEY1");
  EXPECT_EQ(fetches, 1);
}

TEST_F(RefreshingProviderTest, WhatMayChangeIsLookedAtAgain) {
  life.reset();
  look_again = 10s;
  EXPECT_EQ(get(), "KEY1");
  loop.advance(9s);
  EXPECT_EQ(get(), "KEY1");
  EXPECT_EQ(fetches, 1);
  loop.advance(2s);
  gate.close();
  EXPECT_EQ(get(), "KEY1") << "in the background";
  EXPECT_EQ(fetches, 2);
  gate.open();
  loop.run_ready();
  EXPECT_EQ(get(), "KEY2");
  loop.advance(1h);
  EXPECT_EQ(get(), "KEY3") << "not looked at for long: the caller waits";
  broken = true;
  loop.advance(14min);
  EXPECT_EQ(get(), "KEY3");
  loop.advance(2min);
  EXPECT_EQ(get().find("scripted"), 0U) << "unreadable for a quarter of an hour";
}

TEST_F(RefreshingProviderTest, AfterStopNothingIsStarted) {
  EXPECT_EQ(get(), "KEY1");
  loop.run(provider.stop());
  loop.advance(50min);
  EXPECT_EQ(get(), "KEY1");
  loop.advance(1h);
  EXPECT_EQ(get(), "the service stops");
  EXPECT_EQ(fetches, 1);
}

}  // namespace
}  // namespace deputy::aws
