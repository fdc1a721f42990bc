#include "logs/record.hpp"

#include "support/log_records.hpp"

#include <gtest/gtest.h>
#include <set>

namespace deputy::logs {
namespace {

std::vector<char> encoded(const OwnedRecords& records, const Origin& origin = an_origin()) {
  std::vector<char> bytes;
  encode_page(origin, records.records(), bytes);
  return bytes;
}

TEST(RecordPage, ComesBackAsItWas) {
  OwnedRecords records;
  records.add("1", 1000, "first", "a")
      .add("2", 1000, std::string("nul\0 and \x1b[31m", 13), "b")
      .add("3", -5, "", "a");
  auto page = decode_page(encoded(records));
  ASSERT_TRUE(page) << page.error().detail;
  EXPECT_EQ(page.value().origin, an_origin());
  ASSERT_EQ(page.value().records.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const Record& got = page.value().records[i];
    const Record& put = records.records()[i];
    EXPECT_EQ(got.stream, put.stream);
    EXPECT_EQ(got.event_id, put.event_id);
    EXPECT_EQ(got.message, put.message);
    EXPECT_EQ(got.timestamp, put.timestamp);
    EXPECT_EQ(got.ingested, put.ingested);
  }
}

TEST(RecordPage, EveryChangedByteIsFound) {
  OwnedRecords records;
  records.add("1", 1000, "message");
  const auto bytes = encoded(records);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
    EXPECT_FALSE(decode_page(damaged)) << "byte " << i;
  }
}

TEST(RecordPage, EveryShorterOneIsFound) {
  OwnedRecords records;
  records.add("1", 1000, "message");
  const auto bytes = encoded(records);
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(decode_page({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)}));
}

TEST(RecordIdentity, TellsApartWhatDiffersInAnyPart) {
  OwnedRecords records;
  records.add("1", 1000, "m").add("2", 1000, "m").add("1", 1001, "m").add(std::string(500, '1'), 1000, "m");
  std::set<RecordIdentity> identities;
  for (const Origin& origin : {an_origin('a'), an_origin('b'), an_origin('a', "/other")}) {
    const IdentityMaker maker{origin};
    for (const Record& record : records.records()) {
      EXPECT_TRUE(identities.insert(maker.identity(record)).second);
      EXPECT_FALSE(identities.insert(maker.identity(record)).second);
    }
  }
}

// A group that is made again under its name may number its events as the old one did.
TEST(RecordIdentity, TellsApartByTimeOfIngestion) {
  OwnedRecords records;
  records.add("1", 1000, "m");
  Record later = records.records()[0];
  later.ingested += std::chrono::milliseconds{1};
  const IdentityMaker maker{an_origin()};
  EXPECT_NE(maker.identity(records.records()[0]), maker.identity(later));
}

}  // namespace
}  // namespace deputy::logs
