#include "logs/collector_fixture.hpp"

// Whose turn it is where there is not enough of something: of an account's quota, of windows, of memory.
namespace deputy::logs {
namespace {

using std::chrono::minutes;

const std::vector<std::string> ten_regions{"us-east-1", "us-east-2", "us-west-1",  "us-west-2", "eu-west-1",
                                           "eu-west-2", "eu-west-3", "eu-north-1", "sa-east-1", "ap-south-1"};

class CollectorShares : public CollectorTest {
 protected:
  // In eu-central-1, of the first tenant: more quiet groups than three calls a second poll each minute, and
  // one with six hundred events a minute.
  void add_a_crowd() {
    busy = aws.add_group("111111111111", "eu-central-1", "/app/busy");
    for (int i = 0; i < 250; ++i) aws.add_group("111111111111", "eu-central-1", "/app/" + std::to_string(i));
  }
  // Minutes in which the busy group was not read, of so many.
  int minutes_without(int all, Collector& collector, milliseconds& lag_max) {
    int without = 0;
    for (int minute = 0; minute < all; ++minute) {
      for (int event = 0; event < 600; ++event)
        write(busy, "e" + std::to_string(++written), milliseconds{event * 100});
      aws.reads.clear();
      loop.advance(minutes{1});
      const auto of_busy = [&](const auto& read) { return read.group_arn == busy; };
      without += std::ranges::none_of(aws.reads, of_busy) ? 1 : 0;
      for (const TenantView& tenant : collector.tenants())
        if (tenant.tenant == an_origin('a').tenant.text()) lag_max = std::max(lag_max, tenant.lag_max);
    }
    return without;
  }
  void add_groups(int each) {
    for (const std::string& region : ten_regions)
      for (int i = 0; i < each; ++i) aws.add_group("111111111111", region, "/app/" + std::to_string(i));
  }

  std::string busy;
  int written = 0;
};

TEST_F(CollectorShares, QuietGroupsBeyondTheQuotaDoNotKeepABusyOneFromBeingRead) {
  access.subscriptions = {subscription()};
  add_a_crowd();
  OneProcess process{*this, "a"};
  loop.advance(minutes{5});
  milliseconds lag_max{0};
  EXPECT_EQ(minutes_without(60, process.collector, lag_max), 0);
  EXPECT_LE(lag_max, minutes{10});
}

// The busy group comes to its turn among other accounts' whenever one of those is done, and the quiet ones of
// its own account are in another line: they must not have had each call of the quota by then.
TEST_F(CollectorShares, NorWhereItsLineIsFullOfOtherAccounts) {
  access.subscriptions = {subscription('a'), subscription('b', {"us-east-1"}),
                          subscription('c', {"us-east-1"})};
  add_a_crowd();
  for (int i = 0; i < 5; ++i)
    aws.endless.insert(aws.add_group("222222222222", "us-east-1", "/app/" + std::to_string(i)));
  aws.slow_loop = &loop;
  aws.reading_takes = milliseconds{210};
  CollectorSettings settings{.plan = {}, .holder = "a"};
  settings.calls_max = 2;
  OneProcess process{*this, settings, disk};
  loop.advance(minutes{20});
  milliseconds lag_max{0};
  EXPECT_LE(minutes_without(20, process.collector, lag_max), 5);
  EXPECT_LE(lag_max, minutes{10});
}

// All of them wait for a disk before their windows are open: none of that makes room.
TEST_F(CollectorShares, ATenantsShareOfTheWindowsCountsFromTheStartOfAStep) {
  access.subscriptions = {subscription('a', ten_regions)};
  add_groups(20);
  SlowDisk reading{loop};
  aws.slow_loop = &loop;
  aws.reading_takes = minutes{3};
  CollectorSettings settings{.plan = {}, .holder = "a"};
  OneProcess process{*this, settings, reading};
  loop.advance(minutes{2});
  EXPECT_EQ(aws.most_at_once, 16) << "what they have is not known yet: each may be much";
}

TEST_F(CollectorShares, WhoWaitsForAShareIsLeftAloneUntilThereIsOne) {
  access.subscriptions = {subscription('a', ten_regions)};
  add_groups(20);
  aws.slow_loop = &loop;
  aws.reading_takes = minutes{10};
  OneProcess process{*this, "a"};
  loop.advance(minutes{1});
  ASSERT_EQ(aws.most_at_once, 16);
  int turns = 0;
  loop.advance(minutes{1}, [&] { ++turns; });
  EXPECT_LT(turns, 120) << "of the whole collector: leases, discovery";
  aws.reading_takes = seconds{0};
  loop.advance(minutes{15});
  EXPECT_LE(process.collector.counts().lag_max, minutes{2}) << "they were told";
}

// Else nothing would ever be given back.
TEST_F(CollectorShares, WindowsThatAreOpenGoOnWhileTheirTenantIsPassedOver) {
  access.subscriptions = {subscription('a', ten_regions)};
  for (const std::string& region : ten_regions)
    aws.endless.insert(aws.add_group("111111111111", region, "/app/endless"));
  CollectorSettings settings{.plan = {}, .holder = "a"};
  settings.windows_per_tenant_max = 2;
  OneProcess process{*this, settings, disk};
  loop.advance(minutes{1});
  aws.reads.clear();
  loop.advance(minutes{1});
  EXPECT_GT(aws.reads.size(), 300U);
}

TEST_F(CollectorShares, ATenantAloneHasAllOfTheQuietLine) {
  access.subscriptions = {subscription('a', ten_regions)};
  add_groups(20);
  SlowDisk reading{loop};
  aws.slow_loop = &loop;
  CollectorSettings settings{.plan = {}, .holder = "a"};
  settings.quiet_calls_max = 40;
  settings.windows_per_tenant_max = 3;
  OneProcess process{*this, settings, reading};
  loop.advance(minutes{5});
  aws.most_at_once = 0;
  aws.reading_takes = seconds{20};
  loop.advance(minutes{3});
  EXPECT_GE(aws.most_at_once, 40);
  EXPECT_LE(aws.most_at_once, 43);
}

// AWS answers one tenant slowly: turns alone would let it have nearly all of the line.
TEST_F(CollectorShares, ATenantHasHalfOfTheQuietLineWhileOthersWait) {
  access.subscriptions = {subscription('a', ten_regions), subscription('b', {"ca-central-1"})};
  add_groups(30);
  for (int i = 0; i < 150; ++i) aws.add_group("222222222222", "ca-central-1", "/app/" + std::to_string(i));
  SlowDisk reading{loop};
  aws.slow_loop = &loop;
  CollectorSettings settings{.plan = {}, .holder = "a"};
  settings.quiet_calls_max = 16;
  OneProcess process{*this, settings, reading};
  loop.advance(minutes{5});
  aws.reading_takes_of["ASIA111111111111"] = seconds{40};
  loop.advance(minutes{5});
  for (int minute = 0; minute < 10; ++minute) {
    loop.advance(minutes{1});
    for (const TenantView& tenant : process.collector.tenants())
      if (tenant.tenant == an_origin('b').tenant.text()) EXPECT_LE(tenant.lag_max, minutes{2});
  }
}

// Each has 60 identities to load of its window, which may have had 100: 110 are not for all of them.
TEST_F(CollectorShares, RoomForAWindowIsReservedBeforeItIsLoaded) {
  access.subscriptions = {subscription('a', ten_regions)};
  add_groups(1);
  for (const std::string& region : ten_regions)
    for (int event = 0; event < 60; ++event)
      write(aws.groups[region][0].arn, region + std::to_string(event), seconds{60});
  {
    OneProcess first{*this, "a"};
    loop.advance(minutes{1});
    ASSERT_EQ(collected(*first.spool).size(), 600U);
  }
  access.subscriptions.push_back(subscription('b', {"ca-central-1"}));
  const auto other = aws.add_group("222222222222", "ca-central-1", "/app/of-another");
  SlowDisk reading{loop};
  aws.slow_loop = &loop;
  aws.reading_takes = minutes{5};
  aws.most_at_once = 0;
  CollectorSettings settings{.plan = {}, .holder = "b"};
  settings.identities_max = 110;
  settings.plan.window_events_max = 100;
  OneProcess process{*this, settings, reading};
  loop.advance(minutes{4});
  EXPECT_EQ(aws.most_at_once, 2);
  loop.advance(minutes{60});
  EXPECT_GT(aws.reads.size(), 20U) << "and it goes on";
  EXPECT_TRUE(std::ranges::any_of(aws.reads, [&](const auto& read) { return read.group_arn == other; }))
      << "who holds nothing is told as well that there is room";
}

// With more to be read than there is room for, no tenant has the most of it.
TEST_F(CollectorShares, WhereThereIsRoomForOneWindowTenantsHaveItByTurns) {
  access.subscriptions = {subscription('a', {"us-east-1"}), subscription('b', {"us-east-1"}),
                          subscription('c', {"us-east-1"})};
  for (int i = 0; i < 60; ++i) aws.add_group("111111111111", "us-east-1", "/app/" + std::to_string(i));
  SlowDisk reading{loop};
  CollectorSettings settings{.plan = {}, .holder = "a"};
  settings.identities_max = settings.plan.window_events_max;
  OneProcess process{*this, settings, reading};
  loop.advance(milliseconds{40'000});
  std::map<std::string, int> reads_with;
  for (const std::string& key : aws.keys) ++reads_with[key];
  ASSERT_EQ(reads_with.size(), 3U);
  for (const auto& [key, reads] : reads_with) EXPECT_GE(reads, 10) << key;
}

}  // namespace
}  // namespace deputy::logs
