#include "logs/collector.hpp"

#include "logs/collector_fixture.hpp"

// What a single collector does, step by step. What it promises over time is held by tests/logs_simulation.
namespace deputy::logs {
namespace {

TEST_F(CollectorTest, CredentialsOfAnotherAccountReadNothing) {
  access.subscriptions = {subscription()};
  access.account_of_credentials = AccountId::parse("999999999999").value();
  write(aws.add_group("111111111111", "eu-central-1", "/app/x"), "x");
  OneProcess process{*this, "a"};
  loop.advance(std::chrono::minutes{10});
  EXPECT_TRUE(aws.reads.empty());
  EXPECT_TRUE(collected(*process.spool).empty());
  ASSERT_EQ(process.collector.discoveries().size(), 1U);
  EXPECT_TRUE(process.collector.discoveries()[0].last_error);
}

TEST_F(CollectorTest, ADroppedConnectionIsReadNoMore) {
  access.subscriptions = {subscription('a'), subscription('b')};
  write(aws.add_group("111111111111", "eu-central-1", "/app/x"), "x");
  OneProcess process{*this, "a"};
  loop.advance(seconds{30});
  const auto gone = access.subscriptions[0].connection;
  access.subscriptions.erase(access.subscriptions.begin());
  process.collector.drop(gone);
  process.collector.wake();
  aws.keys.clear();
  loop.advance(std::chrono::minutes{10});
  EXPECT_EQ(std::ranges::count(aws.keys, "ASIA111111111111"), 0);
  EXPECT_TRUE(process.collector.sources({}, gone, "", 100).value().items.empty());
}

// Whatever the step waits for when it comes: its call is not made, and what it had read is thrown away.
TEST_F(CollectorTest, ADropInTheMidstOfAStepEndsIt) {
  for (int jobs = 1; jobs <= 6; ++jobs) {
    SlowDisk reading{loop};
    access.subscriptions = {subscription()};
    const std::string group = "/app/" + std::to_string(jobs);
    aws.groups.clear();
    const std::string arn = aws.add_group("111111111111", "eu-central-1", group);
    const TemporaryFolder own;
    const auto spool = Spool::open({.directory = own.path() / "logs"}).value();
    Collector collector{{loop, clock, random, aws, access, access, *spool, reading, disk},
                        {.plan = {}, .holder = "a"}};
    collector.start();
    while (reading.begun < jobs) loop.advance(milliseconds{50});
    write(arn, "late", seconds{0});
    const auto held = collected(*spool);
    collector.drop(std::exchange(access.subscriptions, {}).front().connection);
    aws.keys.clear();
    loop.advance(std::chrono::minutes{10});
    EXPECT_TRUE(aws.keys.empty()) << "a call after " << jobs << " jobs of the disk";
    EXPECT_EQ(collected(*spool), held);
    stop(loop, collector);
  }
}

// A tenant's account in a Region that fails must not keep its other Regions waiting for room.
TEST_F(CollectorTest, ARegionThatFailsHoldsNoWindowsOfItsTenant) {
  access.subscriptions = {subscription('a', {"eu-central-1", "us-east-1"})};
  for (int i = 0; i < 30; ++i)
    aws.errors[aws.add_group("111111111111", "eu-central-1", "/app/" + std::to_string(i))] =
        refusal(aws::AwsErrorClass::unavailable, "ServiceUnavailableException");
  const auto arn = aws.add_group("111111111111", "us-east-1", "/app/there");
  OneProcess process{*this, "a"};
  loop.advance(std::chrono::minutes{5});
  for (int i = 0; i < 5; ++i) {
    write(arn, "of minute " + std::to_string(i), seconds{0});
    loop.advance(seconds{90});
    EXPECT_EQ(collected(*process.spool).size(), static_cast<std::size_t>(i + 1));
  }
}

// Windows that do not end, of one tenant: neither their number nor what they hold leaves others without room.
TEST_F(CollectorTest, ATenantHasAShareOfTheWindowsAndOfTheMemory) {
  const std::vector<std::string> regions{"us-east-1", "us-east-2", "us-west-1", "us-west-2",
                                         "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1"};
  for (const bool by_number : {true, false}) {
    access.subscriptions = {subscription('a', regions)};
    aws.groups.clear();
    aws.endless.clear();
    aws.reads.clear();
    const std::string name = by_number ? "/app/many" : "/app/large";
    for (const std::string& region : regions) {
      const auto arn = aws.add_group("111111111111", region, name);
      aws.endless.insert(arn);
      for (int event = 0; event < 60; ++event) write(arn, region + std::to_string(event));
    }
    const TemporaryFolder own;
    const auto spool = Spool::open({.directory = own.path() / "logs"}).value();
    CollectorSettings settings{.plan = {}, .holder = "a"};
    settings.windows_per_tenant_max = by_number ? 5 : 20;
    settings.identities_max = by_number ? 1'000'000 : 400;
    settings.identities_per_tenant_max = by_number ? 1'000'000 : 170;
    Collector collector{{loop, clock, random, aws, access, access, *spool, disk, disk}, settings};
    collector.start();
    loop.advance(std::chrono::minutes{2});
    std::set<std::string> open;
    for (const auto& read : aws.reads) open.insert(read.group_arn);
    EXPECT_EQ(open.size(), by_number ? 5U : 3U);
    access.subscriptions.push_back(subscription('b', {"sa-east-1"}));
    write(aws.add_group("222222222222", "sa-east-1", name), "of another");
    collector.wake();
    loop.advance(seconds{30});
    EXPECT_EQ(std::ranges::count(collected(*spool), "of another"), 1);
    stop(loop, collector);
  }
}

// What this machine's clock says is of no account.
TEST_F(CollectorTest, WindowsEndAtAwsTimeHoweverFarOursIsOff) {
  for (const milliseconds off : {milliseconds{-7'200'000}, milliseconds{7'200'000}}) {
    aws.ahead = off;
    aws.groups.clear();
    aws.reads.clear();
    access.subscriptions = {subscription()};
    const std::string name = off.count() < 0 ? "/app/behind" : "/app/ahead";
    const auto arn = aws.add_group("111111111111", "eu-central-1", name);
    write(arn, name, seconds{5});
    OneProcess process{*this, name.substr(5)};
    loop.advance(seconds{60});
    for (const auto& read : aws.reads) EXPECT_LE(read.end_ms, aws.now_ms());
    EXPECT_EQ(std::ranges::count(collected(*process.spool), name), 1);
  }
}

TEST_F(CollectorTest, WhatStandsHowIsCountedAsItChanges) {
  access.subscriptions = {subscription('a'), subscription('b')};
  for (int i = 0; i < 5; ++i)
    write(aws.add_group("111111111111", "eu-central-1", "/app/" + std::to_string(i)), std::to_string(i));
  aws.add_group("222222222222", "eu-central-1", "/app/rare", "INFREQUENT_ACCESS");
  OneProcess process{*this, "a"};
  const auto hold_against_the_sources = [&] {
    std::map<SourceStatus, std::uint64_t> by_status;
    milliseconds lag_max{0};
    process.collector.for_each_source([&](const Source& source, milliseconds lag) {
      ++by_status[source.progress.status];
      if (source.progress.status == SourceStatus::active) lag_max = std::max(lag_max, lag);
    });
    auto counts = process.collector.counts();
    std::erase_if(counts.by_status, [](const auto& each) { return each.second == 0; });
    EXPECT_EQ(counts.by_status, by_status);
    EXPECT_EQ(counts.lag_max, lag_max);
    std::map<std::string, TenantView> by_tenant;
    process.collector.for_each_source([&](const Source& source, milliseconds lag) {
      TenantView& tenant = by_tenant[source.origin.tenant.text()];
      ++tenant.sources;
      tenant.events += source.progress.events;
      tenant.message_bytes += source.progress.message_bytes;
      if (source.progress.status == SourceStatus::active) tenant.lag_max = std::max(tenant.lag_max, lag);
    });
    const auto tenants = process.collector.tenants();
    EXPECT_EQ(tenants.size(), by_tenant.size());
    std::uint64_t sources = 0;
    for (const TenantView& tenant : tenants) {
      EXPECT_EQ(tenant.sources, by_tenant[tenant.tenant].sources);
      EXPECT_EQ(tenant.events, by_tenant[tenant.tenant].events);
      EXPECT_EQ(tenant.message_bytes, by_tenant[tenant.tenant].message_bytes);
      EXPECT_EQ(tenant.lag_max, by_tenant[tenant.tenant].lag_max);
      sources += tenant.sources;
    }
    for (const DiscoveryView& view : process.collector.discoveries()) sources -= view.sources;
    EXPECT_EQ(sources, 0U);
  };
  loop.advance(seconds{30});
  hold_against_the_sources();
  aws.errors[aws.groups["eu-central-1"][2].arn] =
      refusal(aws::AwsErrorClass::not_found, "ResourceNotFoundException");
  loop.advance(std::chrono::minutes{3});
  hold_against_the_sources();
  process.collector.drop(access.subscriptions[0].connection);
  access.subscriptions.erase(access.subscriptions.begin());
  loop.advance(seconds{30});
  hold_against_the_sources();
  process.collector.drop_all();
  hold_against_the_sources();
}

TEST_F(CollectorTest, SourcesComeInPagesThatMeetEachOnce) {
  access.subscriptions = {subscription('a'), subscription('b')};
  for (int i = 0; i < 7; ++i) aws.add_group("111111111111", "eu-central-1", "/app/" + std::to_string(i));
  OneProcess process{*this, "a"};
  loop.advance(seconds{30});
  const auto all = [&](const std::optional<TenantId>& tenant, const std::optional<ConnectionId>& connection) {
    std::set<std::string> met;
    std::string after;
    do {
      const auto page = process.collector.sources(tenant, connection, after, 3).value();
      EXPECT_LE(page.items.size(), 3U);
      for (const SourceView& view : page.items)
        EXPECT_TRUE(met.insert(view.source.origin.connection.text() + view.source.group_arn).second);
      after = page.next;
    } while (!after.empty());
    return met.size();
  };
  EXPECT_EQ(all({}, {}), 14U);  // the script gives both connections the same groups
  EXPECT_EQ(all(an_origin('b').tenant, {}), 7U);
  EXPECT_EQ(all({}, an_origin('a').connection), 7U);
  EXPECT_EQ(all(an_origin('a').tenant, an_origin('b').connection), 0U);
  for (const char* bad : {"x", "3", "con_x.1", ".1"})
    EXPECT_EQ(process.collector.sources({}, {}, bad, 3).error().field, "cursor") << bad;
}

// Whoever had the lease before may have called until a moment ago.
TEST_F(CollectorTest, ALeaseThatWasTakenOverIsNotUsedInItsFirstSecond) {
  access.subscriptions = {subscription()};
  write(aws.add_group("111111111111", "eu-central-1", "/app/x"), "x");
  std::chrono::steady_clock::time_point last;
  {
    OneProcess first{*this, "a"};
    loop.advance(seconds{45});
    ASSERT_FALSE(aws.read_at.empty());
    last = aws.read_at.back();
  }
  const std::size_t before = aws.read_at.size();
  const auto began = clock.steady_now();
  OneProcess second{*this, "b"};
  loop.advance(seconds{45});
  ASSERT_GT(aws.read_at.size(), before);
  EXPECT_GE(aws.read_at[before] - began, seconds{1});
  EXPECT_GE(aws.read_at[before] - last, seconds{1});
}

TEST_F(CollectorTest, ALeaseThatIsLostHoldsNoWindowsOfItsTenant) {
  access.subscriptions = {subscription('a', {"sa-east-1", "eu-west-1"})};
  aws.endless.insert(aws.add_group("111111111111", "sa-east-1", "/app/busy"));
  const auto arn = aws.add_group("111111111111", "eu-west-1", "/app/x");
  const auto spool = Spool::open({.directory = folder.path() / "logs"}).value();
  CollectorSettings settings{.plan = {}, .holder = "a"};
  settings.windows_per_tenant_max = 1;
  settings.plan.quiet_lag_max = milliseconds{-1};  // all have much to be read
  Collector collector{{loop, clock, random, aws, access, access, *spool, disk, disk}, settings};
  collector.start();
  loop.advance(std::chrono::minutes{2});
  write(arn, "waits", seconds{0});
  // Just before the leases are prolonged: that finds it gone, and no step.
  loop.advance(std::chrono::minutes{2} - milliseconds{10});
  ASSERT_TRUE(collected(*spool).empty());
  ASSERT_TRUE(spool->release("a"));
  const std::string name = lease_name(access.subscriptions[0].account, Region::parse("sa-east-1").value());
  ASSERT_TRUE(spool->acquire(name, "b", clock.now(), std::chrono::hours{10}).value());
  loop.advance(std::chrono::minutes{3});
  EXPECT_EQ(collected(*spool), std::vector<std::string>{"waits"});
  stop(loop, collector);
}

// At the start, say, when connections are known while leases are asked for.
TEST_F(CollectorTest, LeasesAreAskedForFromOnePlaceAtATime) {
  SlowDisk writing{loop};
  access.subscriptions = {subscription()};
  const auto spool = Spool::open({.directory = folder.path() / "logs"}).value();
  Collector collector{{loop, clock, random, aws, access, access, *spool, disk, writing},
                      {.plan = {}, .holder = "a"}};
  collector.start();
  loop.advance(seconds{3});
  EXPECT_EQ(writing.most_at_once, 1);
  EXPECT_EQ(collector.counts().leases, 1U);
  stop(loop, collector);
}

// The disk does not answer: the lease cannot be prolonged, and another process may have it soon.
TEST_F(CollectorTest, NothingIsAskedWhileTheLeaseMayBeAnothers) {
  class StuckDisk final : public Blocking {
   public:
    explicit StuckDisk(EventLoop& loop) : loop_(loop) {}
    Task<Result<void>> run(std::function<void()> work) override {
      while (stuck) co_await sleep_for(loop_, milliseconds{500}, {});
      work();
      co_return success();
    }
    bool stuck = false;

   private:
    EventLoop& loop_;
  };
  StuckDisk writing{loop};
  access.subscriptions = {subscription()};
  for (int i = 0; i < 4; ++i) aws.add_group("111111111111", "eu-central-1", "/app/" + std::to_string(i));
  const auto spool = Spool::open({.directory = folder.path() / "logs"}).value();
  Collector collector{{loop, clock, random, aws, access, access, *spool, disk, writing},
                      {.plan = {}, .holder = "a"}};
  collector.start();
  loop.advance(seconds{50});
  ASSERT_FALSE(aws.reads.empty());
  writing.stuck = true;
  loop.advance(seconds{31});  // more than half a lease
  aws.reads.clear();
  loop.advance(seconds{120});
  EXPECT_TRUE(aws.reads.empty());
  writing.stuck = false;
  loop.advance(seconds{120});
  EXPECT_FALSE(aws.reads.empty());
  stop(loop, collector);
}

// One step after the other: the first learns that the lease is gone while the others stand in the queue.
TEST_F(CollectorTest, WhoStoodInTheQueueWhenTheLeaseWentWaitsForTheNext) {
  SlowDisk reading{loop};
  access.subscriptions = {subscription()};
  for (int i = 0; i < 4; ++i)
    write(aws.add_group("111111111111", "eu-central-1", "/app/" + std::to_string(i)),
          "e" + std::to_string(i));
  const auto spool = Spool::open({.directory = folder.path() / "logs"}).value();
  CollectorSettings settings{.plan = {}, .holder = "a"};
  settings.calls_max = 1;
  settings.lease = std::chrono::hours{10};  // nobody prolongs it meanwhile
  Collector collector{{loop, clock, random, aws, access, access, *spool, reading, disk}, std::move(settings)};
  collector.start();
  loop.advance(seconds{50});
  ASSERT_EQ(collected(*spool).size(), 4U);
  ASSERT_TRUE(spool->release("a"));
  const std::string name = lease_name(access.subscriptions[0].account, Region::parse("eu-central-1").value());
  ASSERT_TRUE(spool->acquire(name, "b", clock.now(), std::chrono::hours{10}).value());
  loop.advance(std::chrono::minutes{10});
  EXPECT_EQ(collector.counts().leases_lost, 1U);
  aws.reads.clear();
  loop.advance(std::chrono::minutes{10});
  EXPECT_TRUE(aws.reads.empty());
  stop(loop, collector);
}

TEST_F(CollectorTest, AnAuditTellsWhatIsMissing) {
  access.subscriptions = {subscription()};
  const auto arn = aws.add_group("111111111111", "eu-central-1", "/app/x");
  OneProcess process{*this, "a"};
  write(arn, "known", seconds{20});
  const auto from = std::chrono::floor<milliseconds>(clock.now() - seconds{60});
  loop.advance(seconds{90});
  const auto to = std::chrono::floor<milliseconds>(clock.now() - seconds{60});
  ASSERT_EQ(collected(*process.spool), std::vector<std::string>{"known"});
  aws.events[arn].push_back({to.time_since_epoch().count() - 1, "unknown", "slipped in"});
  aws.events[arn].push_back({to.time_since_epoch().count(), "beyond", "after the stretch"});
  const auto audit = [&](EventTime begin, EventTime end) {
    return loop.run_through_time(process.collector.audit(
        an_origin().connection, Region::parse("eu-central-1").value(), "/app/x", begin, end));
  };
  const auto report = audit(from, to);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report.value().found, 2U);
  EXPECT_EQ(report.value().collected, 1U);
  EXPECT_EQ(report.value().missing, std::vector<std::string>{"unknown"});
  EXPECT_EQ(audit(to, from).error().field, "to");
  EXPECT_EQ(audit(from, to + std::chrono::hours{2}).error().field, "to");
  EXPECT_EQ(audit(from - std::chrono::hours{24 * 30}, from - std::chrono::hours{24 * 30 - 1}).error().field,
            "from");
}

TEST_F(CollectorTest, OneAuditAtATimeAndAThrottleSlowsTheRegionDown) {
  access.subscriptions = {subscription()};
  const auto arn = aws.add_group("111111111111", "eu-central-1", "/app/x");
  for (int i = 0; i < 5; ++i)  // busy ones: they use all of the rate
    aws.endless.insert(aws.add_group("111111111111", "eu-central-1", "/app/" + std::to_string(i)));
  SlowDisk reading{loop};
  const auto spool = Spool::open({.directory = folder.path() / "logs"}).value();
  Collector collector{{loop, clock, random, aws, access, access, *spool, reading, disk},
                      {.plan = {}, .holder = "a"}};
  collector.start();
  const auto from = std::chrono::floor<milliseconds>(clock.now() - seconds{60});
  loop.advance(std::chrono::minutes{5});
  std::vector<Result<AuditReport>> reports;
  TaskGroup asking;
  const auto ask = [&]() -> Task<void> {
    reports.push_back(co_await collector.audit(an_origin().connection, Region::parse("eu-central-1").value(),
                                               "/app/x", from, from + seconds{60}));
  };
  asking.spawn(ask());
  asking.spawn(ask());
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].error().kind, ErrorKind::overloaded);
  loop.advance(seconds{30});
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_TRUE(reports[1]) << reports[1].error().message;
  aws.errors[arn] = refusal(aws::AwsErrorClass::throttled, "ThrottlingException");
  const auto failed = collector.counts().failed;
  asking.spawn(ask());
  while (reports.size() < 3) loop.advance(milliseconds{10});
  EXPECT_EQ(reports[2].error().kind, ErrorKind::upstream_throttled);
  ASSERT_EQ(collector.counts().failed, failed);  // it was not the source's own call that slowed it down
  const std::size_t calls = aws.read_at.size();
  aws.errors.clear();
  loop.advance(seconds{10});  // thirty calls, were it not halved
  EXPECT_GT(aws.read_at.size(), calls + 10);
  EXPECT_LT(aws.read_at.size(), calls + 22);
  stop(loop, collector);
}

// AWS takes its time for an answer: many that have little to say are waited for at once, few that have much.
TEST_F(CollectorTest, ManyQuietGroupsArePolledEachMinuteHoweverSlowAwsIs) {
  for (const char letter : {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'})
    access.subscriptions.push_back(subscription(letter, {"us-east-1"}));
  std::vector<std::string> arns;
  for (int i = 0; i < 40; ++i)
    arns.push_back(aws.add_group("111111111111", "us-east-1", "/app/" + std::to_string(i)));
  aws.slow_loop = &loop;
  aws.reading_takes = seconds{8};
  OneProcess process{*this, "a"};
  loop.advance(seconds{9});
  EXPECT_EQ(aws.most_at_once, 32) << "an hour behind: each may have much";
  loop.advance(std::chrono::minutes{5});
  aws.reads.clear();
  loop.advance(std::chrono::minutes{1});
  EXPECT_GE(aws.reads.size(), 310U);
  EXPECT_LE(process.collector.counts().lag_max, seconds{90});
  EXPECT_GT(aws.most_at_once, 32);
  // All of them have much all of a sudden.
  for (const std::string& arn : arns) aws.endless.insert(arn);
  loop.advance(std::chrono::minutes{2});
  aws.most_at_once = 0;
  loop.advance(seconds{30});
  EXPECT_EQ(aws.most_at_once, 32);
}

// Few and large events: fewer are asked for at once, and more again later.
TEST_F(CollectorTest, AnAnswerThatIsTooLargeIsAskedForInSmallerPages) {
  access.subscriptions = {subscription()};
  const auto arn = aws.add_group("111111111111", "eu-central-1", "/app/x");
  write(arn, "large");
  aws.page_limit_max = 700;
  OneProcess process{*this, "a"};
  loop.advance(seconds{60});
  EXPECT_EQ(collected(*process.spool), std::vector<std::string>{"large"});
  aws.page_limit_max = 10'000;
  loop.advance(std::chrono::minutes{10});
  EXPECT_EQ(aws.reads.back().limit, 10'000);
}

// A quiet group is read again with each poll: what only that finds is counted as well.
TEST_F(CollectorTest, WhatAQuietPollFindsLateIsCountedAsFoundByReadingAgain) {
  access.subscriptions = {subscription()};
  const auto arn = aws.add_group("111111111111", "eu-central-1", "/app/x");
  write(arn, "in time");
  OneProcess process{*this, "a"};
  loop.advance(seconds{90});
  EXPECT_EQ(process.collector.counts().rescan_events, 0U);
  write(arn, "late", seconds{100});
  loop.advance(seconds{90});
  EXPECT_EQ(collected(*process.spool).size(), 2U);
  EXPECT_EQ(process.collector.counts().rescan_events, 1U);
}

}  // namespace
}  // namespace deputy::logs
