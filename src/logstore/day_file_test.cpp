#include "logstore/day_writing.hpp"
#include "support/log_records.hpp"
#include "support/temporary_folder.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>
#include <sys/stat.h>

namespace deputy::logstore {
namespace {

using logs::at_ms;
using logs::OwnedRecords;

constexpr std::int64_t midnight = 1'795'824'000'000;  // 2026-11-28
const Day day = day_of(at_ms(midnight));

class DayFileTest : public testing::Test {
 protected:
  std::unique_ptr<DayFile> open(DayFile::Access access, char tenant = 'a') {
    auto opened = DayFile::open(folder_.path() / "day.db", logs::an_origin(tenant).tenant, day, access);
    if (!opened) {
      ADD_FAILURE() << opened.error().message << " " << opened.error().detail;
      std::abort();
    }
    return std::move(opened).value();
  }
  DayFile::Stored store(DayFile& file, const logs::Origin& origin, const OwnedRecords& records) {
    std::vector<NewRecord> wanted;
    for (const auto& record : records.records()) wanted.push_back({&origin, &record});
    const auto stored = file.store(wanted, ++arrival_);
    EXPECT_TRUE(stored.has_value()) << (stored ? "" : stored.error().message + stored.error().detail);
    return stored ? stored.value() : DayFile::Stored{};
  }
  // The messages that the index has to offer for the query, newest first.
  static std::vector<std::string> candidates(DayFile& file, std::string_view query) {
    std::vector<std::string> found;
    const auto parsed = parse_query(query);
    EXPECT_TRUE(parsed.has_value()) << query;
    const auto searched =
        file.search(parsed.value(), 0, std::numeric_limits<Key>::max(), [&](const StoredRecord& one) {
          found.emplace_back(one.message);
          return true;
        });
    EXPECT_TRUE(searched.has_value()) << searched.error().message << searched.error().detail;
    return found;
  }

  TemporaryFolder folder_;
  const logs::Origin origin_ = logs::an_origin();
  std::int64_t arrival_ = 0;
};

TEST_F(DayFileTest, GivesTheNewestFirstWhateverTheOrderOfArrival) {
  const auto file = open(DayFile::Access::write);
  store(*file, origin_, OwnedRecords{}.add("1", midnight + 5, "five a").add("2", midnight + 9, "nine"));
  store(*file, origin_, OwnedRecords{}.add("3", midnight + 7, "seven a").add("4", midnight + 5, "five b"));
  EXPECT_EQ(candidates(*file, ""), (std::vector<std::string>{"nine", "seven a", "five b", "five a"}));
  EXPECT_EQ(candidates(*file, "a"), (std::vector<std::string>{"seven a", "five a"}));
}

TEST_F(DayFileTest, HasEachRecordOnce) {
  const auto file = open(DayFile::Access::write);
  OwnedRecords records;
  records.add("1", midnight, "same text").add("2", midnight, "same text").add("1", midnight, "same text");
  const auto first = store(*file, origin_, records);
  EXPECT_EQ(first.records, 2U);  // two with one text and two event IDs both stay
  EXPECT_EQ(first.known, 1U);
  const auto again = store(*file, origin_, records);
  EXPECT_EQ(again.records, 0U);
  EXPECT_EQ(again.known, 3U);
  store(*file, logs::an_origin('a', "/another/group"), OwnedRecords{}.add("1", midnight, "same text"));
  EXPECT_EQ(candidates(*file, "same").size(), 3U);
}

// More in one millisecond than are compared one by one, and more than a millisecond has keys for.
TEST_F(DayFileTest, HasEachRecordOnceInACrowdedMillisecond) {
  const auto file = open(DayFile::Access::write);
  for (int round = 0; round < 2; ++round) {
    std::uint64_t stored = 0;
    for (int batch = 0; batch < 10; ++batch) {
      OwnedRecords records;
      for (int i = 0; i < 300; ++i) records.add(fmt::format("{}", batch * 250 + i), midnight + 3, "m");
      stored += store(*file, origin_, records).records;
    }
    EXPECT_EQ(stored, round == 0 ? 2'550U : 0U);
  }
  EXPECT_EQ(candidates(*file, "m").size(), 2'550U);
}

TEST_F(DayFileTest, PutsWhatAMillisecondHasNoRoomForIntoTheNext) {
  const auto file = open(DayFile::Access::write);
  OwnedRecords crowd;
  for (int i = 0; i < 1'100; ++i) crowd.add(std::to_string(i), midnight + 3, "crowd");
  store(*file, origin_, crowd);
  // As after a million records: the millisecond's last key is taken.
  const auto raw =
      sqlite::Connection::open(folder_.path() / "day.db", sqlite::Connection::Access::read_write, {});
  const Key last = first_key(day, at_ms(midnight + 4)) - 1;
  ASSERT_TRUE(raw.value()->run("UPDATE event SET id = ? WHERE event_id = x'31303939'", {last}).has_value());
  OwnedRecords more;
  more.add("x", midnight + 3, "second").add("y", midnight + 4, "third");
  EXPECT_EQ(store(*file, origin_, more).records, 2U);
  EXPECT_EQ(file->displaced_ms().value(), 1);
  EXPECT_EQ(store(*file, origin_, more).known, 2U);
  EXPECT_EQ(candidates(*file, "second OR third"), (std::vector<std::string>{"third", "second"}));
}

TEST_F(DayFileTest, BelongsToOneTenantAndDay) {
  {
    const auto file = open(DayFile::Access::write);
  }
  const auto path = folder_.path() / "day.db";
  EXPECT_TRUE(DayFile::open(path, logs::an_origin('b').tenant, day, DayFile::Access::read).has_error());
  EXPECT_TRUE(DayFile::open(path, logs::an_origin('b').tenant, day, DayFile::Access::write).has_error());
  EXPECT_TRUE(
      DayFile::open(path, origin_.tenant, day + std::chrono::days{1}, DayFile::Access::read).has_error());
  EXPECT_TRUE(DayFile::open(path, origin_.tenant, day, DayFile::Access::read).has_value());
}

TEST_F(DayFileTest, IsForItsOwnerAlone) {
  const mode_t before = ::umask(0);
  const auto file = open(DayFile::Access::write);
  store(*file, origin_, OwnedRecords{}.add("1", midnight, "m"));
  for (const char* name : {"day.db", "day.db-wal", "day.db-shm"}) {
    struct stat about{};
    ASSERT_EQ(::stat((folder_.path() / name).c_str(), &about), 0) << name;
    EXPECT_EQ(about.st_mode & 0777U, 0600U) << name;
  }
  ::umask(before);
}

TEST_F(DayFileTest, TellsWhatArrivedInItsOrder) {
  const auto file = open(DayFile::Access::write);
  store(*file, origin_, OwnedRecords{}.add("1", midnight + 9, "late").add("2", midnight + 2, "early"));
  store(*file, origin_, OwnedRecords{}.add("3", midnight + 1, "after"));
  store(*file, origin_, OwnedRecords{}.add("3", midnight + 1, "after"));  // nothing new
  EXPECT_EQ(file->last_arrival().value(), 2);
  std::vector<std::string> seen;
  const auto each = [&](std::int64_t arrival, std::size_t index, const StoredRecord& one) {
    seen.push_back(fmt::format("{}/{} {}", arrival, index, one.message));
    return true;
  };
  ASSERT_TRUE(file->arrived(0, 5, each).has_value());
  EXPECT_EQ(seen, (std::vector<std::string>{"1/0 early", "1/1 late", "2/0 after"}));
  seen.clear();
  ASSERT_TRUE(file->arrived(1, 2, each).has_value());
  EXPECT_EQ(seen, (std::vector<std::string>{"2/0 after"}));
}

// The index may offer too much, never too little: whatever the query, it has all that match.
TEST_F(DayFileTest, TheIndexOffersAllThatMatch) {
  const auto file = open(DayFile::Access::write);
  std::mt19937 random{7};
  const std::vector<std::string> vocabulary{"error", "warn",   "alpha", "beta", "timeout",
                                            "time",  "status", "500",   "a.b",  "10.0.0.1"};
  const auto draw = [&](const std::vector<std::string>& from) { return from[random() % from.size()]; };
  const std::vector<logs::Origin> origins{logs::an_origin('a', "/one"), logs::an_origin('a', "/two"),
                                          logs::an_origin('a', "/two/b")};
  std::vector<OwnedRecords> records(origins.size());
  for (int i = 0; i < 300; ++i) {
    std::string message =
        random() % 3 == 0
            ? fmt::format(R"({{"level":"{}","status":{},"a":{{"b":"{} {}"}}}})", draw(vocabulary),
                          random() % 2 == 0 ? 500 : 200, draw(vocabulary), draw(vocabulary))
            : draw(vocabulary) + " " + draw(vocabulary) + " " + draw(vocabulary);
    records[i % 3].add(std::to_string(i), midnight + static_cast<std::int64_t>(random() % 50), message,
                       i % 2 == 0 ? "even" : "odd");
    if (i % 60 != 59) continue;
    for (std::size_t one = 0; one < origins.size(); ++one)
      store(*file, origins[one], std::exchange(records[one], OwnedRecords{}));
  }
  const std::vector<std::string> terms{"error",       "warn",        "\"alpha beta\"", "tim*",
                                       "level:error", "status:5*",   "a.b:timeout",    "a.b:\"warn error\"",
                                       "10.0.0.1",    "group:/two*", "group:/one",     "stream:ev*",
                                       "stream:odd",  "group:/none", "status:*",       "account:1*"};
  std::size_t matched = 0;
  for (int round = 0; round < 150; ++round) {
    std::string query = draw(terms);
    for (std::size_t more = random() % 4; more > 0; --more) {
      const std::string left = random() % 3 == 0 ? "NOT (" + query + ")" : "(" + query + ")";
      query = left + (random() % 2 == 0 ? " OR " : " ") + (random() % 3 == 0 ? "-" : "") + draw(terms);
    }
    const auto parsed = parse_query(query);
    ASSERT_TRUE(parsed.has_value()) << query << parsed.error().message;
    MessageWords words;
    const auto matching = [&](std::string_view of) {
      std::vector<Key> keys;
      const auto index = parse_query(of);
      EXPECT_TRUE(file->search(index.value(), 0, std::numeric_limits<Key>::max(),
                               [&](const StoredRecord& one) {
                                 words.read(one.message, MessageWords::Want::words_and_fields);
                                 const auto* source = file->source(one.source).value();
                                 const std::string stream = file->stream(one.stream).value();
                                 if (matches(parsed.value(), {source->group, stream, source->account,
                                                              source->region, source->connection, words}))
                                   keys.push_back(one.key);
                                 return true;
                               })
                      .has_value())
          << of;
      return keys;
    };
    const auto by_index = matching(query);
    matched += by_index.size();
    ASSERT_EQ(by_index, matching("")) << query;
  }
  EXPECT_GT(matched, 3'000U);
}

TEST(Keys, AreWrittenShort) {
  const std::vector<Key> keys{0, 1, 5, 4, Key{1} << 46, 7};
  EXPECT_EQ(decode_keys(encode_keys(keys)), keys);
}

}  // namespace
}  // namespace deputy::logstore
