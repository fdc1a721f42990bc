#include "logs/collector_fixture.hpp"

// Which log groups are found, and what becomes of them.
namespace deputy::logs {
namespace {

class CollectorDiscovery : public CollectorTest {};

TEST_F(CollectorDiscovery, OneGroupOfManyThatIsDeniedHoldsUpNoOther) {
  access.subscriptions = {subscription()};
  std::vector<std::string> arns;
  for (int i = 0; i < 20; ++i)
    arns.push_back(aws.add_group("111111111111", "eu-central-1", "/app/" + std::to_string(i)));
  for (const std::string& arn : arns) write(arn, "of-" + arn.substr(arn.rfind('/') + 1));
  aws.errors[arns[7]] = refusal(aws::AwsErrorClass::access_denied, "AccessDeniedException");
  OneProcess process{*this, "a"};
  loop.advance(seconds{60});
  EXPECT_EQ(collected(*process.spool).size(), 19U);
  EXPECT_EQ(status_of(process, arns[7]), SourceStatus::denied);
  EXPECT_EQ(status_of(process, arns[8]), SourceStatus::active);
  const auto page = process.collector.sources({}, {}, "", 100).value();
  for (const SourceView& view : page.items)
    if (view.source.group_arn == arns[7]) {
      ASSERT_TRUE(view.source.progress.last_error);
      EXPECT_EQ(view.source.progress.last_error->code, "AccessDeniedException");
    }
  EXPECT_EQ(process.collector.discoveries().at(0).denied, 1U);
  EXPECT_EQ(process.collector.discoveries().at(0).denied_groups, std::vector<std::string>{"/app/7"});
  // Granted by the customer later on: what was written meanwhile is there.
  aws.errors.clear();
  loop.advance(std::chrono::minutes{25});
  EXPECT_EQ(collected(*process.spool).size(), 20U);
  EXPECT_TRUE(process.collector.discoveries().at(0).denied_groups.empty());
}

TEST_F(CollectorDiscovery, ARegionThatIsDisabledHoldsUpNoOther) {
  access.subscriptions = {subscription('a', {"eu-central-1", "ap-southeast-3"})};
  write(aws.add_group("111111111111", "eu-central-1", "/app/here"), "here");
  aws.errors["ap-southeast-3"] =
      refusal(aws::AwsErrorClass::caller_credentials, "UnrecognizedClientException");
  OneProcess process{*this, "a"};
  loop.advance(seconds{60});
  EXPECT_EQ(collected(*process.spool), std::vector<std::string>{"here"});
  int shown = 0;
  for (const DiscoveryView& view : process.collector.discoveries()) {
    if (view.region.text() != "ap-southeast-3") continue;
    ++shown;
    ASSERT_TRUE(view.last_error);
    EXPECT_EQ(view.last_error->code, "UnrecognizedClientException");
  }
  EXPECT_EQ(shown, 1);
}

TEST_F(CollectorDiscovery, AGroupOfTheInfrequentAccessClassIsShownAndNeverRead) {
  access.subscriptions = {subscription()};
  const auto arn = aws.add_group("111111111111", "eu-central-1", "/app/rare", "INFREQUENT_ACCESS");
  OneProcess process{*this, "a"};
  loop.advance(std::chrono::minutes{10});
  EXPECT_EQ(status_of(process, arn), SourceStatus::infrequent_access);
  EXPECT_TRUE(aws.reads.empty());
}

TEST_F(CollectorDiscovery, AGroupThatNoPatternNamesAnyMoreIsReadNoMoreAndGoneOnWithWhenOneDoesAgain) {
  access.subscriptions = {subscription()};
  access.subscriptions[0].groups = {"/app/*", "/pay/*"};
  const auto kept = aws.add_group("111111111111", "eu-central-1", "/app/x");
  const auto left = aws.add_group("111111111111", "eu-central-1", "/pay/y");
  write(left, "first");
  OneProcess process{*this, "a"};
  loop.advance(seconds{60});
  ASSERT_EQ(collected(*process.spool), std::vector<std::string>{"first"});
  access.subscriptions[0].groups = {"/app/*"};
  process.collector.wake();
  loop.advance(seconds{1});
  aws.reads.clear();
  write(left, "meanwhile", seconds{0});
  write(kept, "of the other", seconds{0});
  loop.advance(std::chrono::hours{2});
  for (const auto& read : aws.reads) EXPECT_EQ(read.group_arn, kept);
  EXPECT_EQ(process.collector.sources({}, {}, "", 100).value().items.size(), 1U);
  EXPECT_EQ(collected(*process.spool), (std::vector<std::string>{"first", "of the other"}));
  access.subscriptions[0].groups = {"/app/*", "/pay/*"};
  process.collector.wake();
  loop.advance(std::chrono::minutes{2});
  EXPECT_EQ(collected(*process.spool), (std::vector<std::string>{"first", "of the other", "meanwhile"}));
}

TEST_F(CollectorDiscovery, APatternThatIsRefusedEndsTheDiscoveryOfNoOther) {
  access.subscriptions = {subscription()};
  access.subscriptions[0].groups = {"/app/bad", "/denied/*", "/ok/*"};
  aws.errors["/app/bad"] = refusal(aws::AwsErrorClass::invalid_request, "InvalidParameterException");
  aws.errors["/denied/"] = refusal(aws::AwsErrorClass::access_denied, "AccessDeniedException");
  write(aws.add_group("111111111111", "eu-central-1", "/ok/x"), "found");
  OneProcess process{*this, "a"};
  loop.advance(seconds{60});
  EXPECT_EQ(collected(*process.spool), std::vector<std::string>{"found"});
  ASSERT_EQ(process.collector.discoveries().size(), 1U);
  ASSERT_TRUE(process.collector.discoveries()[0].last_error);
  EXPECT_EQ(process.collector.discoveries()[0].last_error->code, "AccessDeniedException");
}

// Discoveries that take longer than until they are due again must not go before one that never was begun.
TEST_F(CollectorDiscovery, DiscoveryPassesNobodyOver) {
  aws.slow_loop = &loop;
  aws.describing_takes = seconds{20};
  for (const char letter : {'a', 'b', 'c'}) access.subscriptions.push_back(subscription(letter));
  const auto spool = Spool::open({.directory = folder.path() / "logs"}).value();
  CollectorSettings settings{.plan = {}, .holder = "a"};
  settings.discovery = seconds{10};
  settings.discoveries_max = 1;
  Collector collector{{loop, clock, random, aws, access, access, *spool, disk, disk}, std::move(settings)};
  collector.start();
  loop.advance(std::chrono::minutes{5});
  const std::set<std::string> met(aws.described.begin(), aws.described.end());
  EXPECT_EQ(met.size(), 3U);
  stop(loop, collector);
}

TEST_F(CollectorDiscovery, ATenantHasAShareOfTheDiscoveries) {
  aws.slow_loop = &loop;
  aws.describing_takes = std::chrono::hours{1};
  for (int i = 0; i < 20; ++i) {
    access.subscriptions.push_back(subscription());
    std::string id = "con_" + std::string(23, 'a') + static_cast<char>('a' + i);
    access.subscriptions.back().connection = ConnectionId::parse(id).value();
  }
  access.subscriptions.push_back(subscription('b'));
  OneProcess process{*this, "a"};
  loop.advance(std::chrono::minutes{5});
  EXPECT_EQ(aws.described.size(), 5U);
  EXPECT_EQ(std::ranges::count(aws.described, "ASIA222222222222"), 1);
  aws.slow_loop = nullptr;
  loop.advance(std::chrono::hours{1});
}

// What AWS has no more, and connections that are none any more, do not stay in the books for ever.
TEST_F(CollectorDiscovery, WhatIsGoneIsForgottenInTheEnd) {
  access.subscriptions = {subscription('a'), subscription('b', {"us-east-1"})};
  aws.add_group("111111111111", "eu-central-1", "/app/stays");
  const auto gone = aws.add_group("111111111111", "eu-central-1", "/app/gone");
  write(gone, "seen");
  write(aws.add_group("222222222222", "us-east-1", "/app/ended"), "seen too");
  const auto spool = Spool::open({.directory = folder.path() / "logs"}).value();
  CollectorSettings settings{.plan = {.rescan_offsets = {std::chrono::minutes{2}, std::chrono::hours{2}}},
                             .holder = "a"};
  settings.connection_memory = std::chrono::hours{8};
  Collector collector{{loop, clock, random, aws, access, access, *spool, disk, disk}, settings};
  collector.start();
  loop.advance(seconds{60});
  ASSERT_EQ(collected(*spool).size(), 2U);
  const auto first = access.subscriptions[0].connection, second = access.subscriptions[1].connection;
  std::erase_if(aws.groups["eu-central-1"], [&](const auto& group) { return group.arn == gone; });
  aws.errors[gone] = refusal(aws::AwsErrorClass::not_found, "ResourceNotFoundException");
  access.subscriptions.pop_back();
  collector.drop(second);
  const auto known = [&](const ConnectionId& connection) {
    return spool->sources(connection).value().size();
  };
  loop.advance(std::chrono::minutes{90});
  EXPECT_EQ(collector.sources({}, first, "", 100).value().items.size(), 2U);  // it is shown meanwhile
  EXPECT_EQ(known(first), 2U);
  loop.advance(std::chrono::hours{3});
  EXPECT_EQ(collector.sources({}, first, "", 100).value().items.size(), 1U);
  EXPECT_EQ(known(first), 1U);
  EXPECT_EQ(known(second), 1U);  // it may have been suspended, and come back
  loop.advance(std::chrono::hours{6});
  EXPECT_EQ(known(second), 0U);
  EXPECT_EQ(known(first), 1U);
  // A group of the same name is another one.
  aws.errors.clear();
  aws.add_group("111111111111", "eu-central-1", "/app/gone");
  loop.advance(std::chrono::minutes{10});
  EXPECT_EQ(known(first), 2U);
  stop(loop, collector);
}

}  // namespace
}  // namespace deputy::logs
