#include "broker/sessions.hpp"

#include "support/fake_random.hpp"
#include "support/fake_sts.hpp"
#include "support/gate.hpp"
#include "support/manual_loop.hpp"
#include "support/scripted_role.hpp"

#include <gtest/gtest.h>

namespace deputy::broker {
namespace {

using registry::IssuanceSource;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Sessions in front of a scripted STS, without a registry; a connection is as good as its order.
class SessionsTest : public testing::Test {
 public:
  ~SessionsTest() override {
    gate.open();
    stop();
  }

 protected:
  using Answer = std::optional<Result<Obtained>>;

  SessionsTest() {
    sts.on_assume_role = [this](const FakeSts::AssumeRoleCall& call) -> aws::AwsResult<aws::AssumedRole> {
      if (trouble) return *trouble;
      return FakeSts::session(call.request, clock.now() + call.request.duration, ++sessions_made);
    };
    sts.before_answer = [this] { return gate.pass(); };
    start({.region = Region::parse("eu-central-1").value()});
  }
  void stop() {
    if (!sessions) return;
    loop.run(sessions->stop());
    sessions.reset();
  }
  void start(BrokerSettings settings) {
    stop();
    quota = std::make_unique<StsQuota>(StsQuota::Settings{.rate = settings.sts_rate}, tally);
    sessions = std::make_unique<Sessions>(
        SessionSource::Surroundings{loop, clock, random, sts, base, *quota, tally}, settings);
  }

  Order order(const ConnectionId& connection, const std::string& workload = "collector") {
    const auto role = RoleArn::parse("arn:aws:iam::222222222222:role/reader").value();
    return {.key = connection.text() + "/" + workload,
            .owners = {connection, WorkloadName::parse(workload).value()},
            .session = {.request = {.role_arn = role,
                                    .session_name = SessionName::parse("session").value(),
                                    .external_id = std::nullopt,
                                    .session_policy = std::nullopt,
                                    .tags = {},
                                    .source_identity = std::nullopt},
                        .region = Region::parse("eu-central-1").value(),
                        .connection = connection}};
  }
  Order order() { return order(acme); }

  struct Ongoing {
    Answer answer;
    TaskGroup group;
  };
  std::unique_ptr<Ongoing> begin(Order what) {
    auto ongoing = std::make_unique<Ongoing>();
    ongoing->group.spawn(store(*sessions, std::move(what), ongoing->answer));
    loop.run_ready();
    return ongoing;
  }
  Result<Obtained> end(Ongoing& ongoing) {
    loop.run(ongoing.group.join());
    return *ongoing.answer;
  }
  Result<Obtained> obtain(Order what) { return loop.run_through_time(sessions->obtain(std::move(what))); }
  static std::string id(const Result<Obtained>& obtained) {
    EXPECT_TRUE(obtained);
    return obtained ? obtained.value().session->credentials.access_key_id : "";
  }
  std::vector<ConnectionId> draw(std::size_t count) {
    std::vector<ConnectionId> drawn;
    for (std::size_t i = 0; i < count; ++i) drawn.push_back(ConnectionId::draw(random));
    return drawn;
  }

  FakeClock clock;
  ManualLoop loop{clock};
  SeededRandom random;
  FakeSts sts;
  FakeBaseCredentials base;
  Gate gate{loop};
  Tally tally;
  std::optional<aws::AwsError> trouble;
  int sessions_made = 0;
  std::unique_ptr<StsQuota> quota;
  std::unique_ptr<Sessions> sessions;
  ConnectionId acme = ConnectionId::draw(random);

 private:
  static Task<void> store(Sessions& from, Order what, Answer& answer) {
    answer.emplace(co_await from.obtain(std::move(what)));
  }
};

TEST_F(SessionsTest, WhoeverAsksOftenNeverWaits) {
  obtain(order()).value();
  for (int minute = 0; minute < 2'000; ++minute) {
    loop.advance(minutes{1});
    const auto obtained = obtain(order());
    ASSERT_TRUE(obtained);
    EXPECT_EQ(obtained.value().source, IssuanceSource::cache);
    EXPECT_GE(obtained.value().session->life_left(clock), minutes{15});
    loop.run_ready();
  }
  EXPECT_EQ(tally.misses, 1U);
  EXPECT_GT(tally.refreshes, 40U);
  EXPECT_LT(tally.refreshes, 60U);
}

TEST_F(SessionsTest, RefreshesAreSpreadOverMinutes) {
  const auto connections = draw(50);
  for (const auto& each : connections) obtain(order(each)).value();
  std::map<std::uint64_t, std::uint64_t> per_minute;
  for (std::uint64_t minute = 0; minute < 45; ++minute) {
    const auto before = tally.refreshes;
    for (const auto& each : connections) obtain(order(each)).value();
    loop.advance(minutes{1});
    if (tally.refreshes > before) per_minute[minute] = tally.refreshes - before;
  }
  EXPECT_GE(per_minute.size(), 4U);
  for (const auto& [minute, count] : per_minute) EXPECT_LT(count, 30U) << minute;
}

TEST_F(SessionsTest, AThrottleIsTriedAgainAfterAPause) {
  trouble = FakeSts::throttle();
  const auto ongoing = begin(order());
  EXPECT_EQ(sts.assume_role_calls.size(), 1U);
  trouble.reset();
  loop.advance(seconds{1});
  EXPECT_EQ(id(end(*ongoing)), "ASIAFAKE00000001");
  EXPECT_EQ(sts.assume_role_calls.size(), 2U);
  EXPECT_EQ(tally.quota_cuts, 1U);
  EXPECT_EQ(tally.sts_errors_by_code.at("Throttling"), 1U);
}

TEST_F(SessionsTest, NotForEver) {
  for (const auto& each : {FakeSts::throttle(), FakeSts::no_answer()}) {
    trouble = each;
    sts.assume_role_calls.clear();
    const auto began = clock.steady_now();
    const auto obtained = obtain(order());
    ASSERT_FALSE(obtained);
    EXPECT_TRUE(is_outage(obtained.error()));
    EXPECT_TRUE(obtained.error().retry_after.has_value());
    EXPECT_EQ(sts.assume_role_calls.size(), 3U);
    EXPECT_LT(clock.steady_now() - began, seconds{5});
  }
}

TEST_F(SessionsTest, ARefusalIsNotTriedAgain) {
  trouble = FakeSts::denial();
  EXPECT_FALSE(obtain(order()));
  EXPECT_EQ(sts.assume_role_calls.size(), 1U);
}

TEST_F(SessionsTest, ABadRequestIsRememberedToo) {
  trouble = FakeSts::error(aws::AwsErrorClass::invalid_request, 400, "PackedPolicyTooLarge");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(obtain(order()).error().kind, ErrorKind::invalid_request);
  EXPECT_EQ(sts.assume_role_calls.size(), 1U);
  EXPECT_EQ(tally.remembered_denials, 4U);
  trouble.reset();
  EXPECT_TRUE(obtain(order(acme, "reporter")));  // another's request is not locked out
  loop.advance(seconds{10});
  EXPECT_TRUE(obtain(order()));
}

TEST_F(SessionsTest, NobodyWaitsLongForASlowSts) {
  gate.close();
  const auto ongoing = begin(order());
  const auto joined = begin(order());
  loop.advance(milliseconds{9'999});
  EXPECT_FALSE(ongoing->answer.has_value());
  loop.advance(milliseconds{1});
  for (const auto& each : {&ongoing, &joined}) {
    const auto obtained = end(**each);
    ASSERT_FALSE(obtained);
    EXPECT_EQ(obtained.error().kind, ErrorKind::upstream_unavailable);
    EXPECT_TRUE(obtained.error().retry_after.has_value());
  }
  gate.open();
  loop.run_ready();
  EXPECT_EQ(id(obtain(order())), "ASIAFAKE00000001");  // what came late is not lost
  EXPECT_EQ(tally.hits, 1U);
}

TEST_F(SessionsTest, InAnOutageWhatIsGoodIsServedAtOnceAndSoonAfterNoMore) {
  obtain(order()).value();
  loop.advance(minutes{50});
  gate.close();
  const auto first = begin(order());  // finds out that STS does not answer
  loop.advance(milliseconds{499});
  EXPECT_FALSE(first->answer.has_value());
  loop.advance(milliseconds{1});
  ASSERT_TRUE(first->answer.has_value());
  EXPECT_EQ(id(end(*first)), "ASIAFAKE00000001");
  for (int i = 0; i < 100; ++i) {
    const auto next = begin(order());
    ASSERT_TRUE(next->answer.has_value());
    EXPECT_EQ(id(end(*next)), "ASIAFAKE00000001");
  }
  EXPECT_EQ(tally.outage_hits, 101U);
  EXPECT_EQ(tally.refreshes_failed, 0U);
  gate.open();
  loop.run_ready();
  EXPECT_EQ(id(obtain(order())), "ASIAFAKE00000002");
}

// An STS that takes every call and answers none: each ends by its time-out, and the next begins. SDKs give up
// long before that; whoever asks must not wait for it a second time.
TEST_F(SessionsTest, InAHangingOutageOnlyTheFirstWaitsAndNotForLong) {
  obtain(order()).value();
  loop.advance(minutes{47});
  sts.before_answer = [this]() -> Task<void> { (co_await sleep_for(loop, seconds{8}, {})); };
  trouble = FakeSts::no_answer();
  const auto first = begin(order());
  loop.advance(milliseconds{500});
  ASSERT_TRUE(first->answer.has_value());
  EXPECT_EQ(id(end(*first)), "ASIAFAKE00000001");
  for (int second = 0; second < 600; second += 5) {
    const auto next = begin(order());
    ASSERT_TRUE(next->answer.has_value()) << second;
    EXPECT_EQ(id(end(*next)), "ASIAFAKE00000001");
    loop.advance(seconds{5});
  }
  EXPECT_GT(sts.assume_role_calls.size(), 15U);  // it goes on being asked
  trouble.reset();
  for (int second = 0; second < 40; second += 5) {
    obtain(order()).value();
    loop.advance(seconds{5});
  }
  EXPECT_NE(id(obtain(order())), "ASIAFAKE00000001");
}

// One call that is up for longer than an outage is remembered.
TEST_F(SessionsTest, AnOutageIsRememberedForAsLongAsTheCallIsUp) {
  obtain(order()).value();
  loop.advance(minutes{47});
  gate.close();
  const auto first = begin(order());
  loop.advance(milliseconds{500});
  EXPECT_EQ(id(end(*first)), "ASIAFAKE00000001");
  for (const auto later : {seconds{29}, seconds{31}, seconds{60}, seconds{300}}) {
    loop.advance(later);
    const auto next = begin(order());
    ASSERT_TRUE(next->answer.has_value()) << later.count();
    EXPECT_EQ(id(end(*next)), "ASIAFAKE00000001");
  }
  EXPECT_EQ(sts.assume_role_calls.size(), 2U);
  gate.open();
  loop.run_ready();
  EXPECT_EQ(id(obtain(order())), "ASIAFAKE00000002");
}

// What there was to fall back on is gone: then it is waited for as if there never had been anything.
TEST_F(SessionsTest, WhatIsForgottenDuringTheWaitIsNotHandedOut) {
  obtain(order()).value();
  loop.advance(minutes{47});
  gate.close();
  const auto ongoing = begin(order());
  sessions->forget(acme);
  loop.advance(milliseconds{500});
  EXPECT_FALSE(ongoing->answer.has_value());
  loop.advance(seconds{10});
  ASSERT_TRUE(ongoing->answer.has_value());
  EXPECT_FALSE(end(*ongoing));
}

TEST_F(SessionsTest, TheMemoryOfAnOutageDoesNotLast) {
  obtain(order()).value();
  loop.advance(minutes{50});
  trouble = FakeSts::no_answer();
  EXPECT_EQ(id(obtain(order())), "ASIAFAKE00000001");
  trouble.reset();
  loop.advance(seconds{31});
  EXPECT_EQ(id(obtain(order())), "ASIAFAKE00000002");  // fifteen minutes are the rule again
}

// A thousand sessions outlive an outage of half an hour, and when STS is back it is not asked for all of
// them at once.
TEST_F(SessionsTest, AnOutageIsRiddenOutAndItsEndMakesNoStampede) {
  const auto connections = draw(1'000);
  for (std::size_t i = 0; i < connections.size(); ++i) {
    if (i % 90 == 0) loop.advance(seconds{1});
    obtain(order(connections[i])).value();
  }
  std::vector<std::unique_ptr<Ongoing>> asked;
  const auto all_ask_for = [&](int rounds) {
    for (int second = 0; second < rounds; ++second) {
      for (const auto& each : connections) asked.push_back(begin(order(each)));
      loop.advance(seconds{1});
      std::erase_if(asked, [](const auto& each) {
        if (!each->answer) return false;
        EXPECT_TRUE(each->answer->has_value());
        return true;
      });
    }
  };
  trouble = FakeSts::no_answer();
  for (int minute = 0; minute < 55; minute += 5) {
    all_ask_for(5);
    loop.advance(minutes{5} - seconds{5});
  }
  trouble.reset();
  sts.assume_role_calls.clear();
  std::size_t before = 0;
  for (int second = 1; second <= 60; ++second) {
    all_ask_for(1);
    const std::size_t calls = sts.assume_role_calls.size();
    EXPECT_LE(calls, 100U * static_cast<unsigned>(second) + 100U) << second;
    EXPECT_LE(calls - before, 200U) << second;
    before = calls;
  }
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(sts.assume_role_calls.size(), connections.size());  // one each, and none twice
}

TEST_F(SessionsTest, ThrottlesHoldTheRateBackUntilItFits) {
  start({.region = Region::parse("eu-central-1").value(), .sts_rate = 400});
  // An STS that takes a hundred a second.
  auto refilled = clock.steady_now();
  double tokens = 100;
  std::size_t throttles = 0, made = 0;
  sts.on_assume_role = [&](const FakeSts::AssumeRoleCall& call) -> aws::AwsResult<aws::AssumedRole> {
    tokens =
        std::min(100.0, tokens + 100 * std::chrono::duration<double>(clock.steady_now() - refilled).count());
    refilled = clock.steady_now();
    if (tokens < 1) {
      ++throttles;
      return FakeSts::throttle();
    }
    tokens -= 1;
    ++made;
    return FakeSts::session(call.request, clock.now() + call.request.duration, 1);
  };
  std::vector<std::unique_ptr<Ongoing>> asked;
  for (int second = 0; second < 30; ++second)
    for (int tick = 0; tick < 10; ++tick) {
      for (const auto& each : draw(20)) asked.push_back(begin(order(each)));
      loop.advance(milliseconds{100});
    }
  loop.advance(seconds{10});
  EXPECT_GE(made, 30U * 70U);
  EXPECT_LT(static_cast<double>(throttles), 0.5 * static_cast<double>(made)) << made;
}

TEST_F(SessionsTest, TheLeastRecentlyUsedGoesAndIsCounted) {
  start({.region = Region::parse("eu-central-1").value(), .cache_entries_max = 10});
  const auto connections = draw(30);
  for (const auto& each : connections) obtain(order(each)).value();
  EXPECT_EQ(sessions->size(), 10U);
  EXPECT_EQ(tally.evictions, 20U);
  obtain(order(connections.back())).value();
  EXPECT_EQ(tally.hits, 1U);
}

TEST_F(SessionsTest, WhatIsForgottenWhileItIsFetchedIsNotKept) {
  gate.close();
  const auto ongoing = begin(order());
  sessions->forget(acme);
  const auto anew = begin(order());  // a call of its own
  EXPECT_EQ(tally.misses, 2U);
  gate.open();
  EXPECT_TRUE(end(*ongoing));  // the broker throws it away
  EXPECT_EQ(id(end(*anew)), "ASIAFAKE00000002");
  EXPECT_EQ(id(obtain(order())), "ASIAFAKE00000002");
}

}  // namespace
}  // namespace deputy::broker
