#include "logs/spool.hpp"

#include "support/log_records.hpp"
#include "support/temporary_folder.hpp"

#include <fstream>
#include <gtest/gtest.h>

namespace deputy::logs {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view group_arn = "arn:aws:logs:eu-central-1:111111111111:log-group:/acme/app";

class SpoolTest : public testing::Test {
 protected:
  std::unique_ptr<Spool> open(std::uint64_t segment_bytes = 1 << 20) {
    auto spool = Spool::open(
        {.directory = folder_.path() / "logs", .bytes_max = 4096, .segment_bytes = segment_bytes});
    EXPECT_TRUE(spool) << spool.error().message << spool.error().detail;
    return std::move(spool).value();
  }
  static void append(Spool& spool, const std::string& message) {
    OwnedRecords records;
    records.add("id-" + message, 1000, message);
    const auto done = spool.append(an_origin(), records.records());
    ASSERT_TRUE(done) << done.error().message << done.error().detail;
  }
  static std::vector<std::string> messages(Spool& spool, std::uint64_t after = 0) {
    std::vector<std::string> all;
    for (;;) {
      auto batch = spool.read(after, 1);
      EXPECT_TRUE(batch) << batch.error().detail;
      if (!batch || !batch.value()) return all;
      for (const SpooledPage& page : batch.value()->pages)
        for (const Record& record : page.page.records) all.emplace_back(record.message);
      after = batch.value()->last();
    }
  }
  std::size_t segments() const {
    std::size_t count = 0;
    for (const auto& each : std::filesystem::directory_iterator{folder_.path() / "logs"})
      count += each.path().extension() == ".segment" ? 1 : 0;
    return count;
  }

  TemporaryFolder folder_;
  const Timestamp now_{std::chrono::hours{500'000}};
};

TEST_F(SpoolTest, GivesBackInOrderWhatWasAppendedAlsoAfterAReopen) {
  {
    auto spool = open();
    append(*spool, "one");
    append(*spool, "two");
  }
  auto spool = open();
  append(*spool, "three");
  EXPECT_EQ(messages(*spool), (std::vector<std::string>{"one", "two", "three"}));
}

TEST_F(SpoolTest, BatchesKeepToTheBytesButHoldAtLeastAPage) {
  auto spool = open();
  append(*spool, "one");
  append(*spool, "two");
  EXPECT_EQ(spool->read(0, 1).value()->pages.size(), 1u);
  EXPECT_EQ(spool->read(0, 1 << 20).value()->pages.size(), 2u);
  EXPECT_FALSE(spool->read(2, 1 << 20).value().has_value());
}

TEST_F(SpoolTest, EachSinkHasACursorOfItsOwnWithWhatItKeepsBeside) {
  auto spool = open();
  append(*spool, "one");
  auto file = spool->attach("file").value();
  auto store = spool->attach("store").value();
  EXPECT_EQ(file.sequence, 0u);
  file.sequence = 1;
  file.beside = std::string("a\0b", 3);
  ASSERT_TRUE(spool->advance(file));
  spool.reset();
  spool = open();
  EXPECT_EQ(spool->attach("file").value().sequence, 1u);
  EXPECT_EQ(spool->attach("file").value().beside, std::string("a\0b", 3));
  EXPECT_EQ(spool->attach("store").value().sequence, store.sequence);
  EXPECT_EQ(messages(*spool), std::vector<std::string>{"one"}) << "the other sink has not passed";
}

TEST_F(SpoolTest, OnlyTheLastToAttachAdvances) {
  auto spool = open();
  append(*spool, "one");
  auto before = spool->attach("file").value();
  auto now = spool->attach("file").value();
  before.sequence = now.sequence = 1;
  const auto refused = spool->advance(before);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_TRUE(spool->advance(now));
}

TEST_F(SpoolTest, RemovesSegmentsThatAllSinksHavePassed) {
  auto spool = open(1);  // a page a segment
  auto file = spool->attach("file").value();
  auto store = spool->attach("store").value();
  for (const char* each : {"one", "two", "three"}) append(*spool, each);
  EXPECT_EQ(segments(), 3u);
  file.sequence = 3;
  ASSERT_TRUE(spool->advance(file));
  EXPECT_EQ(segments(), 3u);
  store.sequence = 2;
  ASSERT_TRUE(spool->advance(store));
  EXPECT_EQ(segments(), 1u);
  EXPECT_EQ(messages(*spool), std::vector<std::string>{"three"});
  ASSERT_TRUE(spool->detach("store"));
  EXPECT_EQ(messages(*spool), std::vector<std::string>{});
}

// Two processes share a directory: two spools here, which is the same to the system's locks.
TEST_F(SpoolTest, RemovesWhatAProcessThatIsGoneAppendedTo) {
  auto ours = open();
  {
    auto theirs = open();
    append(*theirs, "of the other");
    auto cursor = ours->attach("file").value();
    cursor.sequence = 1;
    ASSERT_TRUE(ours->advance(cursor));
    EXPECT_EQ(segments(), 1u) << "the other appends to it still";
  }
  append(*ours, "ours");
  auto cursor = ours->attach("file").value();
  cursor.sequence = 2;
  ASSERT_TRUE(ours->advance(cursor));
  EXPECT_EQ(segments(), 1u) << "ours alone is left";
  append(*ours, "more");
  EXPECT_EQ(messages(*ours, 2), std::vector<std::string>{"more"});
}

TEST_F(SpoolTest, HearsOfRoomThatAnotherProcessMade) {
  auto ours = open(1), theirs = open(1);
  auto cursor = theirs->attach("file").value();
  append(*ours, std::string(5000, 'x'));
  append(*ours, "the segment before this is ended");
  EXPECT_TRUE(ours->full());
  cursor.sequence = 1;
  ASSERT_TRUE(theirs->advance(cursor));
  ASSERT_TRUE(ours->renew("me", now_, milliseconds{100}));
  EXPECT_FALSE(ours->full());
}

TEST_F(SpoolTest, OneProcessFeedsItsSinks) {
  auto first = open();
  auto second = open();
  EXPECT_TRUE(first->take_feeding().value());
  EXPECT_TRUE(first->take_feeding().value());
  EXPECT_FALSE(second->take_feeding().value());
  first.reset();
  EXPECT_TRUE(second->take_feeding().value());
}

TEST_F(SpoolTest, IsFullUntilSinksMakeRoom) {
  auto spool = open();
  auto file = spool->attach("file").value();
  append(*spool, std::string(5000, 'x'));
  EXPECT_TRUE(spool->full());
  file.sequence = 1;
  ASSERT_TRUE(spool->advance(file));
  EXPECT_FALSE(spool->full()) << "the segment that is being written must not hold its bytes for ever";
  append(*spool, "more");
  EXPECT_EQ(messages(*spool, 1), std::vector<std::string>{"more"});
}

TEST_F(SpoolTest, ASinkAttachedLaterBeginsAtTheOldestPageThere) {
  auto spool = open(1);
  auto file = spool->attach("file").value();
  append(*spool, "one");
  append(*spool, "two");
  file.sequence = 1;
  ASSERT_TRUE(spool->advance(file));
  EXPECT_EQ(spool->attach("late").value().sequence, 1u);
}

TEST_F(SpoolTest, DamageIsAnErrorThatNamesThePlace) {
  auto spool = open();
  append(*spool, "one");
  for (const auto& each : std::filesystem::directory_iterator{folder_.path() / "logs"}) {
    if (each.path().extension() != ".segment") continue;
    std::fstream file{each.path(), std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(40);
    file.put('!');
  }
  const auto read = spool->read(0, 1 << 20);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().detail.find(".segment at 0"), std::string::npos) << read.error().detail;
}

// ── What the collector keeps ──

TEST_F(SpoolTest, AStaleLeaseWritesNothing) {
  auto spool = open();
  const SourceProgress start{.high_water = at_ms(10), .rescanned = {at_ms(1), at_ms(2)}};
  auto source = spool->source(an_origin(), std::string{group_arn}, start).value();
  const auto mine = spool->acquire("111111111111/eu-central-1", "me", now_, milliseconds{100}).value();
  ASSERT_TRUE(mine);
  EXPECT_FALSE(spool->acquire("111111111111/eu-central-1", "you", now_, milliseconds{100}).value());
  const auto yours =
      spool->acquire("111111111111/eu-central-1", "you", now_ + milliseconds{100}, milliseconds{100}).value();
  ASSERT_TRUE(yours);
  EXPECT_GT(yours->epoch, mine->epoch);

  OwnedRecords records;
  records.add("1", 20, "message");
  SourceCommit commit{.source = source.id, .lease = *mine};
  encode_page(an_origin(), records.records(), commit.page);
  commit.seen = {{1, 2}};
  commit.progress = source.progress;
  commit.progress.high_water = at_ms(30);
  const auto refused = spool->commit({&commit, 1});
  ASSERT_TRUE(refused);
  ASSERT_FALSE(refused.value().at(0));
  EXPECT_EQ(refused.value().at(0).error().kind, ErrorKind::conflict);
  EXPECT_EQ(messages(*spool), std::vector<std::string>{});
  EXPECT_EQ(spool->count_seen(source.id, at_ms(-1000), at_ms(1000)).value(), 0u);
  EXPECT_EQ(spool->sources(an_origin().connection).value().at(0).progress.high_water, at_ms(10));

  commit.lease = *yours;
  ASSERT_TRUE(spool->commit({&commit, 1}).value().at(0));
  EXPECT_EQ(messages(*spool), std::vector<std::string>{"message"});
  EXPECT_EQ(spool->sources(an_origin().connection).value().at(0).progress.high_water, at_ms(30));
}

TEST_F(SpoolTest, WhatDoesNotGoOnFromTheStateThatIsThereIsRefused) {
  auto spool = open();
  auto source = spool->source(an_origin(), std::string{group_arn}, {}).value();
  SourceCommit commit{.source = source.id,
                      .lease = *spool->acquire("a", "me", now_, milliseconds{100}).value()};
  ASSERT_TRUE(spool->commit({&commit, 1}).value().at(0));
  OwnedRecords records;
  records.add("1", 20, "message");
  encode_page(an_origin(), records.records(), commit.page);
  const auto again = spool->commit({&commit, 1});
  ASSERT_FALSE(again.value().at(0));
  EXPECT_EQ(again.value().at(0).error().field, "source");
  EXPECT_EQ(messages(*spool), std::vector<std::string>{});
}

TEST_F(SpoolTest, LeasesAreProlongedAndGivenBack) {
  auto spool = open();
  ASSERT_TRUE(spool->acquire("a", "me", now_, milliseconds{100}).value());
  EXPECT_EQ(spool->renew("me", now_ + milliseconds{50}, milliseconds{100}).value(),
            std::vector<std::string>{"a"});
  EXPECT_FALSE(spool->acquire("a", "you", now_ + milliseconds{120}, milliseconds{100}).value());
  EXPECT_TRUE(spool->renew("me", now_ + milliseconds{151}, milliseconds{100}).value().empty()) << "ran out";
  ASSERT_TRUE(spool->acquire("a", "me", now_ + milliseconds{152}, milliseconds{100}).value());
  ASSERT_TRUE(spool->release("me"));
  EXPECT_TRUE(spool->acquire("a", "you", now_ + milliseconds{153}, milliseconds{100}).value());
}

TEST_F(SpoolTest, TheLeaseOfAProcessThatIsGoneIsFree) {
  auto mine = open();
  auto yours = open();
  const auto later = now_ + milliseconds{1};
  ASSERT_TRUE(yours->acquire("a", "you", now_, milliseconds{100}).value());
  EXPECT_FALSE(mine->acquire("a", "me", later, milliseconds{100}).value());
  EXPECT_TRUE(mine->acquire_free({"a", "b"}, "me", later, milliseconds{100}).value() ==
              (std::vector{Lease{"b", 1}}));
  yours.reset();  // without giving anything back
  const auto taken = mine->acquire("a", "me", later, milliseconds{100}).value();
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->epoch, 2u);
}

TEST_F(SpoolTest, ASourceIsKeptWholeOverAReopen) {
  SourceProgress progress{
      .status = SourceStatus::denied, .high_water = at_ms(50), .rescanned = {at_ms(40), at_ms(-3)}};
  progress.window = OpenWindow{.begin = at_ms(50),
                               .end = at_ms(60),
                               .begun = at_ms(61),
                               .done_end = at_ms(59),
                               .next_token = "token",
                               .token_at = at_ms(62),
                               .pages = 3,
                               .found = 7};
  progress.group_created = at_ms(7);
  progress.recreations = 2;
  progress.events = 100;
  progress.last_success = at_ms(55);
  progress.last_error = SourceError{"Code", "what happened", at_ms(56)};
  open()->source(an_origin(), std::string{group_arn}, progress).value();
  const Source source = open()->sources(an_origin().connection).value().at(0);
  EXPECT_EQ(source.origin, an_origin());
  EXPECT_EQ(source.group_arn, group_arn);
  EXPECT_EQ(source.progress.status, SourceStatus::denied);
  EXPECT_EQ(source.progress.rescanned, progress.rescanned);
  ASSERT_TRUE(source.progress.window);
  EXPECT_EQ(source.progress.window->done_end, at_ms(59));
  EXPECT_EQ(source.progress.window->next_token, "token");
  EXPECT_EQ(source.progress.window->found, 7u);
  EXPECT_EQ(source.progress.recreations, 2u);
  EXPECT_EQ(source.progress.last_success, at_ms(55));
  EXPECT_EQ(source.progress.last_error->message, "what happened");
}

TEST_F(SpoolTest, IdentitiesAreFoundByTimeSettledAndForgotten) {
  auto spool = open();
  auto source = spool->source(an_origin(), std::string{group_arn}, {}).value();
  const auto lease = *spool->acquire("a", "me", now_, milliseconds{100}).value();
  std::uint64_t revision = 0;
  const auto commit = [&](SourceCommit each) {
    each.source = source.id;
    each.lease = lease;
    each.progress.revision = revision++;
    ASSERT_TRUE(spool->commit({&each, 1}).value().at(0));
  };
  commit({.seen = {{1, 1}, {1, 2}}, .seen_first = at_ms(10), .seen_last = at_ms(19)});
  commit({.seen = {{2, 1}}, .seen_first = at_ms(20), .seen_last = at_ms(29)});
  EXPECT_EQ(spool->seen(source.id, at_ms(10), at_ms(20)).value().size(), 2u);
  EXPECT_EQ(spool->seen(source.id, at_ms(19), at_ms(21)).value().size(), 3u);
  EXPECT_EQ(spool->count_seen(source.id, at_ms(30), at_ms(99)).value(), 0u);

  const std::vector<RecordIdentity> all{{1, 1}, {1, 2}, {2, 1}};
  commit({.settle = SourceCommit::Settle{at_ms(10), at_ms(30), all, at_ms(0)}});
  EXPECT_EQ(spool->count_seen(source.id, at_ms(10), at_ms(30)).value(), 3u);
  commit({.settle = SourceCommit::Settle{at_ms(0), at_ms(0), std::nullopt, at_ms(30)}});
  EXPECT_EQ(spool->count_seen(source.id, at_ms(10), at_ms(30)).value(), 0u);
}

}  // namespace
}  // namespace deputy::logs
