#include "logstore/store.hpp"

#include "sqlite/connection.hpp"
#include "support/fake_clock.hpp"
#include "support/log_records.hpp"
#include "support/temporary_folder.hpp"

#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sys/resource.h>

namespace deputy::logstore {
namespace {

using logs::at_ms;
using logs::OwnedRecords;

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::int64_t today = 1'767'225'600'000;  // where a FakeClock begins

class StoreTest : public testing::Test {
 protected:
  StoreTest() { restart(); }

  void restart(SearchLimits limits = {}) {
    store_.reset();
    store_ = std::make_unique<Store>(Store::Options{.directory = folder_.path() / "store", .limits = limits},
                                     clock_);
    ASSERT_TRUE(store_->begin_writing().has_value());
  }
  Result<void> try_write(const logs::Origin& origin, const OwnedRecords& records) {
    std::vector<char> encoded;
    logs::encode_page(origin, records.records(), encoded);
    logs::SpoolBatch batch;
    batch.pages.push_back({++sequence_, logs::decode_page(std::move(encoded)).value()});
    return store_->write(batch);
  }
  void write(const logs::Origin& origin, const OwnedRecords& records) {
    const auto written = try_write(origin, records);
    ASSERT_TRUE(written.has_value()) << written.error().message << " " << written.error().detail;
  }
  SearchRequest request(const logs::Origin& origin, std::string query = {}) {
    return {.tenant = origin.tenant, .query = std::move(query)};
  }
  FoundPage search(const SearchRequest& wanted) {
    auto found = store_->search(wanted);
    EXPECT_TRUE(found.has_value()) << found.error().message << found.error().detail;
    return found ? std::move(found).value() : FoundPage{};
  }
  static std::vector<std::string> messages(const FoundPage& page) {
    std::vector<std::string> texts;
    for (const auto& item : page.items) texts.push_back(item.message);
    return texts;
  }
  std::filesystem::path file_of(const logs::Origin& origin, std::string_view name) {
    return folder_.path() / "store" / origin.tenant.text() / name;
  }

  TemporaryFolder folder_;
  FakeClock clock_;
  std::unique_ptr<Store> store_;
  std::uint64_t sequence_ = 0;
  const logs::Origin acme_ = logs::an_origin('a'), globex_ = logs::an_origin('b');
};

using Messages = std::vector<std::string>;

TEST_F(StoreTest, FindsTheNewestFirstOverAllDays) {
  write(acme_, OwnedRecords{}
                   .add("1", today - day_ms, "error yesterday")
                   .add("2", today + 5, "error today")
                   .add("3", today + 1, "fine"));
  EXPECT_EQ(messages(search(request(acme_, "error"))), (Messages{"error today", "error yesterday"}));
  EXPECT_EQ(messages(search(request(acme_))), (Messages{"error today", "fine", "error yesterday"}));
  auto wanted = request(acme_);
  wanted.from = at_ms(today - day_ms);
  wanted.to = at_ms(today + 5);
  EXPECT_EQ(messages(search(wanted)), (Messages{"fine", "error yesterday"}));
  const auto found = search(request(acme_, "today")).items.at(0);
  EXPECT_EQ(found.group, "/acme/app");
  EXPECT_EQ(found.stream, "stream");
  EXPECT_EQ(found.event_id, "2");
  EXPECT_EQ(found.connection, acme_.connection.text());
  EXPECT_EQ(found.account, "111111111111");
  EXPECT_EQ(found.region, "eu-central-1");
  EXPECT_EQ(found.timestamp, at_ms(today + 5));
  EXPECT_EQ(found.ingested, at_ms(today + 10));
}

TEST_F(StoreTest, PagesMeetEachRecordOnceWhateverTheLimits) {
  OwnedRecords records;
  for (int i = 0; i < 300; ++i)
    records.add(std::to_string(i), today - i * 1'000'000, i % 3 == 0 ? "error" : "fine");
  write(acme_, records);
  for (const SearchLimits limits :
       {SearchLimits{}, SearchLimits{.records_max = 7}, SearchLimits{.bytes_max = 30}}) {
    restart(limits);
    auto wanted = request(acme_, "error OR NOT fine");
    wanted.limit = 13;
    std::set<std::string> seen;
    std::size_t pages = 0;
    for (bool more = true; more; ++pages) {
      const auto page = search(wanted);
      EXPECT_LE(page.items.size(), 13U);
      for (const auto& item : page.items) EXPECT_TRUE(seen.insert(item.event_id).second);
      more = page.next_cursor.has_value();
      if (more) wanted.cursor = *page.next_cursor;
      ASSERT_LT(pages, 200U);
    }
    EXPECT_EQ(seen.size(), 100U);
  }
}

TEST_F(StoreTest, ATenantNeverSeesAnothersRecords) {
  write(acme_, OwnedRecords{}.add("1", today, "secret of acme"));
  write(globex_, OwnedRecords{}.add("1", today, "secret of globex"));
  EXPECT_EQ(messages(search(request(acme_, "secret"))), (Messages{"secret of acme"}));
  EXPECT_EQ(messages(search(request(globex_, "secret"))), (Messages{"secret of globex"}));
  EXPECT_TRUE(search(request(logs::an_origin('c'), "secret")).items.empty());
  // Even when somebody puts one tenant's file in the other's place.
  store_.reset();
  std::filesystem::copy_file(file_of(globex_, "2026-01-01.db"), file_of(acme_, "2026-01-01.db"),
                             std::filesystem::copy_options::overwrite_existing);
  restart();
  const auto page = search(request(acme_, "secret"));
  EXPECT_TRUE(page.items.empty());
  ASSERT_EQ(page.not_searched.size(), 1U);
  EXPECT_EQ(page.not_searched[0].day, "2026-01-01");
  write(acme_, OwnedRecords{}.add("2", today, "secret of acme, later"));
  EXPECT_EQ(messages(search(request(acme_, "secret"))), (Messages{"secret of acme, later"}));
  EXPECT_TRUE(std::filesystem::exists(file_of(acme_, "2026-01-01.damaged-1.db")));
}

TEST_F(StoreTest, AWorkloadsConnectionsBoundWhatItFinds) {
  logs::Origin other = acme_;
  other.connection = globex_.connection;
  write(acme_, OwnedRecords{}.add("1", today, "of one"));
  write(other, OwnedRecords{}.add("2", today, "of another"));
  auto wanted = request(acme_);
  wanted.connections = {acme_.connection};
  EXPECT_EQ(messages(search(wanted)), (Messages{"of one"}));
  wanted.connections = std::vector<ConnectionId>{};
  EXPECT_TRUE(search(wanted).items.empty());
}

TEST_F(StoreTest, SetsADamagedFileAsideAndGoesOn) {
  write(acme_, OwnedRecords{}.add("1", today, "acknowledged"));
  write(acme_, OwnedRecords{}.add("2", today - day_ms, "of another day"));
  store_.reset();
  const auto path = file_of(acme_, "2026-01-01.db");
  {
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(0);
    file << std::string(8'192, 'x');
  }
  restart();
  const auto page = search(request(acme_));
  EXPECT_EQ(messages(page), (Messages{"of another day"}));
  ASSERT_EQ(page.not_searched.size(), 1U);
  EXPECT_NE(page.not_searched[0].what.find("not a database"), std::string::npos) << page.not_searched[0].what;
  write(acme_, OwnedRecords{}.add("3", today, "after"));
  write(globex_, OwnedRecords{}.add("4", today, "of another tenant"));
  EXPECT_EQ(messages(search(request(acme_))), (Messages{"after", "of another day"}));
  ASSERT_EQ(store_->troubles().size(), 1U);
  EXPECT_NE(store_->troubles()[0].what.find("2026-01-01.damaged-1.db"), std::string::npos);
  EXPECT_EQ(store_->counts().set_aside, 1U);
  EXPECT_TRUE(std::filesystem::exists(file_of(acme_, "2026-01-01.damaged-1.db")));  // nothing is thrown away
}

TEST_F(StoreTest, SetsAnotherProgramsDatabaseAsideAndGoesOn) {
  write(acme_, OwnedRecords{}.add("1", today - day_ms, "of another day"));
  {
    std::ofstream{file_of(acme_, "2026-01-01.db")};
    auto other =
        sqlite::Connection::open(file_of(acme_, "2026-01-01.db"), sqlite::Connection::Access::read_write, {})
            .value();
    ASSERT_TRUE(other->execute("CREATE TABLE theirs (x)").has_value());
  }
  EXPECT_EQ(search(request(acme_)).not_searched.size(), 1U);
  write(acme_, OwnedRecords{}.add("2", today, "after"));
  EXPECT_EQ(messages(search(request(acme_))), (Messages{"after", "of another day"}));
  EXPECT_TRUE(std::filesystem::exists(file_of(acme_, "2026-01-01.damaged-1.db")));
}

TEST_F(StoreTest, RecordsForALockedFileWaitAndHoldUpNoOther) {
  write(acme_, OwnedRecords{}.add("1", today, "before"));
  {
    auto held =
        sqlite::Connection::open(file_of(acme_, "2026-01-01.db"), sqlite::Connection::Access::read_write, {})
            .value();
    ASSERT_TRUE(held->execute("BEGIN IMMEDIATE").has_value());
    write(acme_, OwnedRecords{}.add("2", today, "while it is locked"));
    write(acme_, OwnedRecords{}.add("3", today, "and once more"));
    write(globex_, OwnedRecords{}.add("4", today, "of another tenant"));
    EXPECT_EQ(messages(search(request(acme_))), (Messages{"before"}));
    EXPECT_EQ(messages(search(request(globex_))), (Messages{"of another tenant"}));
    ASSERT_EQ(store_->troubles().size(), 1U);
    EXPECT_NE(store_->troubles()[0].what.find("locked"), std::string::npos);
    EXPECT_GT(store_->counts().waiting_bytes, 0U);
  }
  restart();  // what waits is durable
  ASSERT_TRUE(store_->maintain().has_value());
  EXPECT_EQ(messages(search(request(acme_))), (Messages{"and once more", "while it is locked", "before"}));
  EXPECT_TRUE(store_->troubles().empty());
}

// A kill or a full disk leaves half a page at the end of what waits; what is acknowledged after it is found.
TEST_F(StoreTest, NothingWaitsBehindAPageThatWasCutShort) {
  for (const bool restarted : {false, true}) {
    const logs::Origin origin = logs::an_origin(restarted ? 'd' : 'e');
    write(origin, OwnedRecords{}.add("1", today, "before"));
    {
      auto held = sqlite::Connection::open(file_of(origin, "2026-01-01.db"),
                                           sqlite::Connection::Access::read_write, {})
                      .value();
      ASSERT_TRUE(held->execute("BEGIN IMMEDIATE").has_value());
      write(origin, OwnedRecords{}.add("2", today, "waits"));
      std::vector<char> page;
      logs::encode_page(origin, OwnedRecords{}.add("3", today, "cut short").records(), page);
      std::ofstream{file_of(origin, "2026-01-01.waiting"), std::ios::app | std::ios::binary}.write(
          page.data(), static_cast<std::streamsize>(page.size() / 2));
      if (restarted) restart();
      write(origin, OwnedRecords{}.add("4", today, "waits behind it"));
    }
    ASSERT_TRUE(store_->maintain().has_value());
    EXPECT_EQ(messages(search(request(origin))), (Messages{"waits behind it", "waits", "before"}));
    EXPECT_FALSE(std::filesystem::exists(file_of(origin, "2026-01-01.waiting")));
    // What another process left is copied before it is cut.
    EXPECT_EQ(std::filesystem::exists(file_of(origin, "2026-01-01.damaged-1.waiting")), restarted);
  }
}

// Nobody knows what lies behind a damaged page: the file is kept.
TEST_F(StoreTest, WhatWaitedAndCannotBeReadIsKept) {
  write(acme_, OwnedRecords{}.add("1", today, "before"));
  std::vector<char> first, second;
  logs::encode_page(acme_, OwnedRecords{}.add("2", today, "whole").records(), first);
  logs::encode_page(acme_, OwnedRecords{}.add("3", today, "behind").records(), second);
  std::vector<char> all = first;
  all.insert(all.end(), second.begin(), second.begin() + static_cast<std::ptrdiff_t>(second.size() / 2));
  all.insert(all.end(), second.begin(), second.end());
  std::ofstream{file_of(acme_, "2026-01-01.waiting"), std::ios::binary}.write(
      all.data(), static_cast<std::streamsize>(all.size()));
  ASSERT_TRUE(store_->maintain().has_value());
  EXPECT_EQ(messages(search(request(acme_))), (Messages{"whole", "before"}));
  EXPECT_FALSE(std::filesystem::exists(file_of(acme_, "2026-01-01.waiting")));
  EXPECT_EQ(std::filesystem::file_size(file_of(acme_, "2026-01-01.damaged-1.waiting")), all.size());
  ASSERT_EQ(store_->troubles().size(), 1U);
  EXPECT_NE(store_->troubles()[0].what.find("2026-01-01.damaged-1.waiting"), std::string::npos);
}

// A file that may not grow stands for a disk that is full.
TEST_F(StoreTest, AFullDiskAcknowledgesNothingAndLosesNothing) {
  write(acme_, OwnedRecords{}.add("1", today, "before"));
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit tiny{400'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tiny), 0);
  OwnedRecords many;
  for (int i = 0; i < 2'000; ++i)
    many.add(fmt::format("m{}", i), today + 10 + i,
             fmt::format("number {} of many, and rather long {}", i, std::string(300, 'x')));
  const auto refused = try_write(acme_, many);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(messages(search(request(acme_))), (Messages{"before"}));
  write(acme_, many);
  EXPECT_EQ(store_->counts().records, 2'001U);
}

TEST_F(StoreTest, RemovesWhatIsPastRetention) {
  for (int age : {0, 29, 30, 31, 40})
    write(acme_, OwnedRecords{}.add(std::to_string(age), today - age * day_ms, "m"));
  EXPECT_EQ(store_->counts().out_of_range, 2U);
  write(acme_, OwnedRecords{}.add("f", today + 4 * day_ms, "from a wrong clock"));
  EXPECT_EQ(store_->counts().out_of_range, 3U);
  EXPECT_EQ(search(request(acme_)).items.size(), 3U);
  clock_.advance(std::chrono::days{1});
  ASSERT_TRUE(store_->maintain().has_value());
  EXPECT_EQ(search(request(acme_)).items.size(), 2U);
  EXPECT_FALSE(std::filesystem::exists(file_of(acme_, "2025-12-02.db")));
  clock_.advance(std::chrono::days{100});
  ASSERT_TRUE(store_->maintain().has_value());
  EXPECT_TRUE(search(request(acme_)).items.empty());
  EXPECT_TRUE(std::filesystem::is_empty(file_of(acme_, "")));
}

// A machine that starts with the wrong time must not remove what it will miss an hour later.
TEST_F(StoreTest, AClockThatIsAheadRemovesNothing) {
  write(acme_, OwnedRecords{}.add("1", today - 20 * day_ms, "old").add("2", today, "new"));
  clock_.jump(std::chrono::days{400});
  restart();
  ASSERT_TRUE(store_->maintain().has_value());
  write(acme_, OwnedRecords{}.add("3", today + 1, "by AWS's time"));
  EXPECT_EQ(store_->counts().out_of_range, 0U);
  ASSERT_TRUE(store_->maintain().has_value());
  EXPECT_EQ(messages(search(request(acme_))), (Messages{"by AWS's time", "new", "old"}));
  // Time that passes is believed, and so is AWS.
  clock_.advance(std::chrono::days{15});
  ASSERT_TRUE(store_->maintain().has_value());
  EXPECT_EQ(messages(search(request(acme_))), (Messages{"by AWS's time", "new"}));
  write(acme_, OwnedRecords{}.add("4", today + 400 * day_ms, "much later"));
  ASSERT_TRUE(store_->maintain().has_value());
  EXPECT_EQ(messages(search(request(acme_))), (Messages{"much later"}));
}

TEST_F(StoreTest, FollowsArrivalsOverDaysAndRestarts) {
  auto wanted = request(acme_);
  write(acme_, OwnedRecords{}.add("0", today, "before"));
  auto page = store_->arrived(wanted).value();
  EXPECT_TRUE(page.items.empty());
  Messages seen;
  const auto follow = [&] {
    for (;;) {
      wanted.cursor = *page.next_cursor;
      page = store_->arrived(wanted).value();
      for (const auto& item : page.items) seen.push_back(item.message);
      if (page.items.empty()) return;
    }
  };
  for (const std::size_t limit : {50U, 1U}) {
    wanted.limit = limit;
    seen.clear();
    write(acme_, OwnedRecords{}
                     .add(fmt::format("{}a", limit), today + 2, "two")
                     .add(fmt::format("{}b", limit), today - day_ms, "late"));
    write(globex_, OwnedRecords{}.add("g", today, "another's"));
    follow();
    restart();
    write(acme_, OwnedRecords{}
                     .add(fmt::format("{}c", limit), today - 2 * day_ms, "later still")
                     .add(fmt::format("{}d", limit), today + 1, "one"));
    follow();
    EXPECT_EQ(seen, (Messages{"late", "two", "later still", "one"})) << limit;
  }
  seen.clear();
  wanted.query = "two OR three";
  write(acme_, OwnedRecords{}.add("x", today, "four").add("y", today, "three"));
  follow();
  EXPECT_EQ(seen, (Messages{"three"}));
}

// However little a page may cost: no file uses up what another needs to come further.
TEST_F(StoreTest, WhoFollowsComesFurtherWithEachPage) {
  restart({.records_max = 10});
  auto wanted = request(acme_, "wanted");
  wanted.cursor = *store_->arrived(wanted).value().next_cursor;
  OwnedRecords records;
  for (int i = 0; i < 40; ++i)
    records.add(std::to_string(i), today - (i < 20 ? day_ms : 0) + i, i % 20 == 19 ? "wanted" : "other");
  write(acme_, records);
  std::set<std::string> seen;
  for (int pages = 0; pages < 60 && seen.size() < 2; ++pages) {
    const auto page = store_->arrived(wanted).value();
    for (const auto& item : page.items) EXPECT_TRUE(seen.insert(item.event_id).second);
    wanted.cursor = *page.next_cursor;
  }
  EXPECT_EQ(seen, (std::set<std::string>{"19", "39"}));
}

// However many files have something: a page is what a page may be, or one record.
TEST_F(StoreTest, APageOfArrivalsKeepsToItsBytesOverAllDays) {
  restart({.bytes_max = 50});
  auto wanted = request(acme_);
  wanted.cursor = *store_->arrived(wanted).value().next_cursor;
  OwnedRecords records;
  for (int day = 0; day < 10; ++day)
    records.add(std::to_string(day), today - day * day_ms, std::string(day == 4 ? 120 : 20, 'm'));
  write(acme_, records);
  std::set<std::string> seen;
  for (int pages = 0; pages < 20 && seen.size() < 10; ++pages) {
    const auto page = store_->arrived(wanted).value();
    std::size_t bytes = 0;
    for (const auto& item : page.items) {
      bytes += item.message.size();
      EXPECT_TRUE(seen.insert(item.event_id).second);
    }
    EXPECT_TRUE(bytes <= 50 || page.items.size() == 1) << bytes << " in " << page.items.size();
    wanted.cursor = *page.next_cursor;
  }
  EXPECT_EQ(seen.size(), 10U);
}

TEST_F(StoreTest, WhoFollowsOpensNoFileThatDidNotChange) {
  write(acme_, OwnedRecords{}.add("1", today - day_ms, "old").add("2", today, "new"));
  store_.reset();
  const auto old = file_of(acme_, "2025-12-31.db");
  const auto an_hour_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours{1};
  std::filesystem::last_write_time(old, an_hour_ago);
  Store reader{{.directory = folder_.path() / "store", .readers_max = 0}, clock_};  // keeps none open
  auto wanted = request(acme_);
  wanted.cursor = *reader.arrived(wanted).value().next_cursor;
  {
    std::fstream file{old, std::ios::in | std::ios::out | std::ios::binary};
    file << std::string(4'096, 'x');
  }
  std::filesystem::last_write_time(old, an_hour_ago);
  EXPECT_TRUE(reader.arrived(wanted).value().not_searched.empty());
  std::filesystem::last_write_time(old, an_hour_ago + std::chrono::minutes{1});
  EXPECT_EQ(reader.arrived(wanted).value().not_searched.size(), 1U);
}

// Files that cannot even be opened take their time too.
TEST_F(StoreTest, ASearchLooksAtTheTimeBeforeEachDay) {
  for (int day = 0; day < 3; ++day)
    write(acme_, OwnedRecords{}.add(std::to_string(day), today - day * day_ms, "m"));
  store_.reset();
  for (const char* name : {"2026-01-01.db", "2025-12-31.db", "2025-12-30.db"})
    std::ofstream{file_of(acme_, name), std::ios::binary | std::ios::trunc} << std::string(4'096, 'x');
  restart({.time = std::chrono::milliseconds{0}});
  auto wanted = request(acme_);
  for (const char* day : {"2026-01-01", "2025-12-31", "2025-12-30"}) {
    const auto page = search(wanted);
    ASSERT_EQ(page.not_searched.size(), 1U);
    EXPECT_EQ(page.not_searched[0].day, day);
    EXPECT_EQ(page.cut_off, page.next_cursor.has_value());
    wanted.cursor = page.next_cursor.value_or("");
  }
  EXPECT_EQ(wanted.cursor, "");
}

TEST_F(StoreTest, EndsAQueryThatCostsTooMuch) {
  OwnedRecords records;
  for (int i = 0; i < 20'000; ++i)
    records.add(std::to_string(i), today + i, i % 2 == 0 ? "alpha gamma" : "beta gamma");
  write(acme_, records);
  restart({.time = std::chrono::milliseconds{0}});
  const auto refused = store_->search(request(acme_, "gamma NOT (alpha OR beta)"));
  // Either the index was interrupted, or it was done before it was asked: never a wrong answer.
  if (refused) {
    EXPECT_TRUE(refused.value().items.empty());
  } else {
    EXPECT_EQ(refused.error().kind, ErrorKind::invalid_request);
    EXPECT_EQ(refused.error().field, "q");
  }
  restart({.records_max = 1'000});
  const auto page = search(request(acme_, "\"gamma alpha\""));
  EXPECT_TRUE(page.items.empty());
  EXPECT_TRUE(page.cut_off);
  EXPECT_TRUE(page.next_cursor.has_value());
}

TEST_F(StoreTest, HasOneWriter) {
  Store second{{.directory = folder_.path() / "store"}, clock_};
  const auto refused = second.begin_writing();
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  write(acme_, OwnedRecords{}.add("1", today, "seen by both"));
  EXPECT_EQ(second.search(request(acme_)).value().items.size(), 1U);
}

TEST_F(StoreTest, RefusesCursorsThatAreNone) {
  for (const char* cursor :
       {"x", "s.1", "s.1.2.3", "s.01.2", "a.1.2", "s.1.2 ", "s..", "s.1.99999999999999999999"}) {
    auto wanted = request(acme_);
    wanted.cursor = cursor;
    const auto refused = store_->search(wanted);
    ASSERT_TRUE(refused.has_error()) << cursor;
    EXPECT_EQ(refused.error().field, "cursor");
  }
  for (const char* cursor : {"a.-9223372036854775808.0", "a.-1.0", "a.0.-2", "s.0.0"}) {
    auto wanted = request(acme_);
    wanted.cursor = cursor;
    const auto refused = store_->arrived(wanted);
    ASSERT_TRUE(refused.has_error()) << cursor;
    EXPECT_EQ(refused.error().field, "cursor");
  }
}

TEST_F(StoreTest, KeepsMessagesByteForByte) {
  const std::string hostile{"a\0b\x1b]0;x\x07 \xff\xfe {\"deep\":[[[", 22};
  const std::string long_line(1'000'000, 'w');
  write(acme_,
        OwnedRecords{}.add("1", today, hostile).add("2", today + 1, long_line).add("3", today + 2, ""));
  const auto page = search(request(acme_));
  ASSERT_EQ(page.items.size(), 3U);
  EXPECT_EQ(page.items[2].message, hostile);
  EXPECT_EQ(page.items[1].message, long_line);
  EXPECT_EQ(page.items[0].message, "");
  EXPECT_EQ(search(request(acme_, "deep")).items.size(), 1U);
}

}  // namespace
}  // namespace deputy::logstore
