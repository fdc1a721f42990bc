#include "logs/source_machine.hpp"

#include "logs/fair_queue.hpp"
#include "logs/group_pattern.hpp"
#include "logs/pace.hpp"
#include "support/fake_random.hpp"
#include "support/log_records.hpp"

#include <gtest/gtest.h>

namespace deputy::logs {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class SourceMachine : public testing::Test {
 protected:
  SourceMachine() {
    progress.high_water = start;
    progress.rescanned.assign(plan.rescan_offsets.size(), start);
    mood.recent_events = plan.quiet_events_max + 1;  // a busy group: windows of their own
  }
  // Reads the window that is due to its last page, at once.
  void read(EventTime at, std::uint64_t found = 0) {
    progress.window = next_window(progress, mood, plan, at);
    ASSERT_TRUE(progress.window);
    EXPECT_TRUE(take_page(progress, mood, plan, {.new_events = found, .date = at}));
  }
  FailureStep fail(aws::AwsErrorClass error_class, std::string code = "Code") {
    return take_failure(progress, mood, plan, {.error_class = error_class, .code = std::move(code)}, now,
                        random);
  }

  const EventTime start{hours{500'000}};
  const EventTime now = start + minutes{1};
  SourcePlan plan;
  SourceProgress progress;
  SourceMood mood;
  SeededRandom random;
};

TEST_F(SourceMachine, AWindowBeginsAtTheHighWaterMarkAndEndsAtAwsTime) {
  const auto window = next_window(progress, mood, plan, now);
  ASSERT_TRUE(window);
  EXPECT_EQ(window->begin, start);
  EXPECT_EQ(window->end, now);
  read(now);
  EXPECT_EQ(progress.high_water, now);
  EXPECT_FALSE(next_window(progress, mood, plan, now));
}

TEST_F(SourceMachine, OnlyAMissingTokenMovesTheMark) {
  progress.window = next_window(progress, mood, plan, now);
  EXPECT_FALSE(take_page(progress, mood, plan, {.new_events = 0, .next_token = "t", .date = now}));
  EXPECT_EQ(progress.high_water, start);
  EXPECT_EQ(progress.window->next_token, "t");
  EXPECT_TRUE(take_page(progress, mood, plan, {.date = now}));
  EXPECT_EQ(progress.high_water, now);
}

TEST_F(SourceMachine, TheMarkNeverPassesAwsOwnDate) {
  progress.window = next_window(progress, mood, plan, now);
  EXPECT_TRUE(take_page(progress, mood, plan, {.date = now - seconds{20}}));
  EXPECT_EQ(progress.high_water, now - seconds{20});
}

// Nor do the marks of what was read again come closer to it than their offsets: an event that is visible late
// counts from AWS's time.
TEST_F(SourceMachine, RescansCountFromAwsOwnDate) {
  const EventTime late = start + std::chrono::minutes{10};
  progress.high_water = late;
  mood.recent_events = 0;  // quiet: the window reaches back to the first mark
  progress.window = next_window(progress, mood, plan, late + minutes{1});
  ASSERT_EQ(progress.window->begin, start);
  EXPECT_TRUE(take_page(progress, mood, plan, {.date = late - seconds{20}}));
  EXPECT_EQ(progress.rescanned[0], late - seconds{20} - plan.rescan_offsets[0]);
}

TEST_F(SourceMachine, NoErrorMovesTheMark) {
  using enum aws::AwsErrorClass;
  for (const auto error_class :
       {throttled, unavailable, caller_credentials, invalid_request, not_found, access_denied, other}) {
    progress.status = SourceStatus::active;
    progress.window.reset();
    progress.window = next_window(progress, mood, plan, now);
    fail(error_class);
    EXPECT_EQ(progress.high_water, start);
    EXPECT_GT(mood.not_before, now);
    ASSERT_TRUE(progress.last_error);
    mood.not_before = {};
  }
}

TEST_F(SourceMachine, WhatWasReadIsReadAgainAtEachOffset) {
  EventTime at = now;
  read(at);
  for (int minute = 0; minute < 60 * 42; ++minute) {
    at += minutes{1};
    mood.recent_events = plan.quiet_events_max + 1;
    while (due_at(progress, mood, plan) <= at) read(at);
    for (std::size_t i = 0; i < plan.rescan_offsets.size(); ++i) {
      EXPECT_LE(progress.rescanned[i], std::max(start, at - plan.rescan_offsets[i]));
      if (at - start > plan.rescan_offsets[i] * 2)
        EXPECT_GE(progress.rescanned[i], at - plan.rescan_offsets[i] * 3 / 2 - minutes{2}) << i;
    }
  }
  EXPECT_GT(progress.rescans, 100u);
}

TEST_F(SourceMachine, LittleIsReadOfAGroupThatIsQuietAndNotBehindAndWhosePageIsAWindowsFirst) {
  mood.known = true;
  EXPECT_FALSE(reads_little(progress, mood, plan, now)) << "it is busy";
  mood.recent_events = plan.quiet_events_max;
  EXPECT_TRUE(reads_little(progress, mood, plan, now));
  mood.known = false;
  EXPECT_FALSE(reads_little(progress, mood, plan, now)) << "nothing was read yet";
  mood.known = true;
  mood.recent_bytes = plan.quiet_bytes_max + 1;
  EXPECT_FALSE(reads_little(progress, mood, plan, now)) << "few events, and huge ones";
  mood.recent_bytes = plan.quiet_bytes_max;
  EXPECT_FALSE(reads_little(progress, mood, plan, start + plan.quiet_lag_max + seconds{1})) << "behind";
  progress.window = next_window(progress, mood, plan, now);
  EXPECT_TRUE(reads_little(progress, mood, plan, now));
  progress.window->next_token = "more";
  EXPECT_FALSE(reads_little(progress, mood, plan, now)) << "AWS has more";
}

// A call of its own as well would make every poll later still, where the quota is what they wait for.
TEST_F(SourceMachine, AQuietGroupsPollIsItsFirstRescanAsWellHoweverLateItIs) {
  mood.recent_events = 0;
  read(now);
  read(now + minutes{1});
  for (const EventTime at : {now + minutes{3}, now + minutes{5}}) {
    const auto window = next_window(progress, mood, plan, at);
    ASSERT_TRUE(window);
    EXPECT_EQ(window->begin, progress.rescanned[0]);
    EXPECT_LT(window->begin, progress.high_water);
    EXPECT_EQ(window->end, at);
  }
}

// Hours of what was written before it became quiet.
TEST_F(SourceMachine, ALaterRescanOfAQuietGroupIsNotLittle) {
  mood.recent_events = 0;
  EventTime at = now;
  int polls = 0, rescans = 0;
  for (read(at); at < now + minutes{60}; at += seconds{1}) {
    if (due_at(progress, mood, plan) > at) continue;
    const auto window = next_window(progress, mood, plan, at);
    if (window) {
      const bool is_new = window->end > progress.high_water;
      ++(is_new ? polls : rescans);
      EXPECT_EQ(reads_little(progress, mood, plan, at), is_new);
    }
    read(at);
  }
  EXPECT_GT(polls, 50);
  EXPECT_GT(rescans, 1);
}

TEST_F(SourceMachine, WhatIsRecentIsKnownByPages) {
  mood = {};
  progress.window = next_window(progress, mood, plan, now);
  take_page(progress, mood, plan, {.new_events = 3, .message_bytes = 4000, .next_token = {}, .date = now});
  EXPECT_TRUE(mood.known);
  EXPECT_EQ(mood.recent_bytes, 4000U);
  progress.window = next_window(progress, mood, plan, now + minutes{2});
  take_page(progress, mood, plan, {.next_token = {}, .date = now + minutes{2}});
  EXPECT_EQ(mood.recent_bytes, 2000U);
}

// It was cut in half once; a year of quiet later it is as long as it may be, and not longer than time itself.
TEST_F(SourceMachine, AWindowGrowsToItsGreatestLengthAndNoFurther) {
  mood.window = plan.window_max / 2;
  for (int i = 1; i <= 100; ++i) read(start + i * minutes{10});
  EXPECT_GE(mood.window, plan.window_max);
  EXPECT_LE(mood.window, 2 * plan.window_max);
}

TEST_F(SourceMachine, ARefusedTokenBeginsTheWindowAnew) {
  progress.window = next_window(progress, mood, plan, now);
  take_page(progress, mood, plan, {.next_token = "t", .date = now});
  EXPECT_EQ(fail(aws::AwsErrorClass::invalid_request), FailureStep::restart_window);
  ASSERT_TRUE(progress.window);
  EXPECT_EQ(progress.window->next_token, "");
  EXPECT_EQ(progress.window->begin, start);
  EXPECT_FALSE(progress.last_error);
}

TEST_F(SourceMachine, AnOldTokenIsNotEvenTried) {
  OpenWindow window{
      .begin = start, .end = now, .begun = now, .done_end = now, .next_token = "t", .token_at = now};
  take_up_window(window, plan, now + hours{1});
  EXPECT_EQ(window.next_token, "t");
  take_up_window(window, plan, now + hours{23});
  EXPECT_EQ(window.next_token, "");
  EXPECT_EQ(window.begun, now + hours{23}) << "what its first pages read may have changed since";
}

TEST_F(SourceMachine, ASourceIsParkedAndTakenUpAgain) {
  EXPECT_EQ(fail(aws::AwsErrorClass::not_found), FailureStep::suspend);
  EXPECT_EQ(progress.status, SourceStatus::not_found);
  EXPECT_TRUE(take_discovery(progress, mood, now, "STANDARD", now, plan));
  EXPECT_EQ(progress.status, SourceStatus::active);
  EXPECT_EQ(progress.recreations, 1u);
  EXPECT_EQ(progress.high_water, start);
  EXPECT_TRUE(take_discovery(progress, mood, now, "INFREQUENT_ACCESS", now, plan));
  EXPECT_EQ(progress.status, SourceStatus::infrequent_access);
}

TEST_F(SourceMachine, ADeniedOneIsTriedAgainAfterAWhile) {
  EXPECT_EQ(fail(aws::AwsErrorClass::access_denied), FailureStep::suspend);
  progress.group_created = start;
  EXPECT_FALSE(take_discovery(progress, mood, start, "STANDARD", now + minutes{1}, plan));
  EXPECT_TRUE(take_discovery(progress, mood, start, "STANDARD", now + plan.denied_retry, plan));
  EXPECT_EQ(progress.status, SourceStatus::active);
}

// Identities may be forgotten only where nothing is read again.
TEST_F(SourceMachine, SettledIsWhatNoMarkIsBehind) {
  progress.rescanned = {start + hours{1}, start + hours{2}, start + hours{3}, start + hours{4}};
  EXPECT_EQ(settled_before(progress), start);
  progress.high_water = start + hours{9};
  EXPECT_EQ(settled_before(progress), start + hours{1});
}

TEST(Pace, NoSecondHasMoreThanTheRate) {
  Pace pace{3};
  auto now = Pace::Time{hours{1}};
  std::vector<Pace::Time> calls;
  for (int i = 0; i < 100; ++i) {
    now = std::max(now, pace.next());
    pace.take(now);
    calls.push_back(now);
  }
  for (std::size_t i = 3; i < calls.size(); ++i) EXPECT_GE(calls[i] - calls[i - 3], seconds{1});
}

TEST(Pace, AThrottleHalvesAndAMinuteHeals) {
  Pace pace{8};
  const auto now = Pace::Time{hours{1}};
  pace.throttled(now);
  pace.throttled(now + milliseconds{10});
  EXPECT_NEAR(pace.rate(now), 4, 0.1) << "once a second";
  EXPECT_NEAR(pace.rate(now + seconds{15}), 6, 0.1);
  EXPECT_EQ(pace.rate(now + seconds{61}), 8);
}

TEST(Pace, QuotasAreAwsOwn) {
  EXPECT_EQ(filter_log_events_quota(Region::parse("us-east-1").value()), 25);
  EXPECT_EQ(filter_log_events_quota(Region::parse("eu-central-1").value()), 5);
  EXPECT_EQ(filter_log_events_quota(Region::parse("eu-west-1").value()), 10);
}

// A tenant with a thousand busy groups, and one with a single quiet one.
TEST(FairQueue, ANoisyTenantDelaysAnotherByATurn) {
  const TenantId noisy = an_origin('a').tenant, quiet = an_origin('b').tenant;
  std::vector<int> items(1001);
  FairQueue<int> queue;
  for (int i = 0; i < 1000; ++i) queue.push(noisy, &items[static_cast<std::size_t>(i)], at_ms(i));
  for (int i = 0; i < 50; ++i) {
    queue.pop();
    queue.charge(noisy, 4'000'000);
  }
  queue.push(quiet, &items[1000], at_ms(5));
  int turns = 1;
  while (queue.pop() != &items[1000]) {
    queue.charge(noisy, 4'000'000);
    ++turns;
  }
  EXPECT_LE(turns, 2);
}

TEST(FairQueue, ForgetsATenantThatHasNothingAnyMore) {
  const TenantId tenant = an_origin().tenant;
  FairQueue<int> queue;
  int item = 0;
  queue.push(tenant, &item, at_ms(1));
  queue.forget(tenant);
  EXPECT_EQ(queue.pop(), &item);  // it had something
  EXPECT_EQ(queue.tenants(), 1U);
  queue.forget(tenant);
  EXPECT_EQ(queue.tenants(), 0U);
}

TEST(FairQueue, WithinATenantTheFurthestBehindGoesFirst) {
  const TenantId tenant = an_origin().tenant;
  int a = 0, b = 0, c = 0;
  FairQueue<int> queue;
  queue.push(tenant, &a, at_ms(30));
  queue.push(tenant, &b, at_ms(10));
  queue.push(tenant, &c, at_ms(20));
  queue.remove(tenant, &c, at_ms(20));
  EXPECT_EQ(queue.pop(), &b);
  EXPECT_EQ(queue.pop(), &a);
  EXPECT_EQ(queue.pop(), nullptr);
  EXPECT_TRUE(queue.empty());
}

// Whoever has its share of the windows is passed over, but for what has one open.
TEST(FairQueue, TheOpenOnesOfAllTenantsAreHadAloneAndLeaveTheRestInItsPlace) {
  const TenantId first = an_origin('a').tenant, second = an_origin('b').tenant;
  FairQueue<int> queue;
  int waiting = 0, early = 1, late = 2, gone = 3;
  queue.push(first, &waiting, at_ms(1));
  queue.push(first, &late, at_ms(3), true);
  queue.push(second, &early, at_ms(2), true);
  queue.push(second, &gone, at_ms(1), true);
  queue.remove(second, &gone, at_ms(1));
  EXPECT_EQ(queue.pop_open(), &early);
  EXPECT_EQ(queue.pop_open(), &late);
  EXPECT_EQ(queue.pop_open(), nullptr);
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_EQ(queue.pop(), &waiting);
  EXPECT_TRUE(queue.empty());
}

TEST(FairQueue, ACrowdedTenantHasTurnsOfItsOpenOnesOnly) {
  const TenantId crowded = an_origin('a').tenant, other = an_origin('b').tenant;
  int waits = 0, open = 0, of_other = 0;
  FairQueue<int> queue;
  queue.push(crowded, &waits, at_ms(1));
  EXPECT_FALSE(queue.others_wait(crowded));
  EXPECT_TRUE(queue.others_wait(other));
  queue.crowd(crowded);
  EXPECT_FALSE(queue.others_wait(other));
  EXPECT_EQ(queue.pop(), nullptr);
  queue.push(crowded, &open, at_ms(2), true);
  queue.push(other, &of_other, at_ms(3));
  EXPECT_EQ(queue.pop(), &open);
  EXPECT_EQ(queue.pop(), &of_other);
  EXPECT_EQ(queue.pop(), nullptr);
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_TRUE(queue.admit(crowded.text()));
  EXPECT_FALSE(queue.admit(crowded.text()));
  EXPECT_EQ(queue.pop(), &waits);
}

TEST(GroupPattern, StarStandsForAnyText) {
  EXPECT_TRUE(matches_group("/app/*", "/app/web"));
  EXPECT_TRUE(matches_group("*", "/x"));
  EXPECT_TRUE(matches_group("/a*b*c", "/axxbyyc"));
  EXPECT_FALSE(matches_group("/a*b*c", "/axxbyy"));
  EXPECT_FALSE(matches_group("/app", "/app2"));
  EXPECT_FALSE(matches_group("/app/?", "/app/1"));
  EXPECT_FALSE(matches_group(std::string(500, '*') + "x", std::string(500, 'a')));
  EXPECT_EQ(group_prefixes({"/b/*", "/a", "/a/x*", "/b/c"}), (std::vector<std::string>{"/a", "/b/"}));
  EXPECT_EQ(group_prefixes({"/b/*", "*"}), std::vector<std::string>{""});
}

TEST(SeenSet, KnowsWhatItWasGiven) {
  SeenSet seen;
  for (std::uint64_t i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert({i, i * 64}));
  for (std::uint64_t i = 0; i < 1000; ++i) EXPECT_FALSE(seen.insert({i, i * 64}));
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_EQ(seen.all().size(), 1000u);
  EXPECT_TRUE(seen.contains({0, 0}));
  EXPECT_FALSE(seen.contains({1, 0}));
}

}  // namespace
}  // namespace deputy::logs
