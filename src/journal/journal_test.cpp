#include "journal/journal.hpp"

#include <functional>
#include <gtest/gtest.h>
#include <vector>

namespace deputy::journal {
namespace {

ChainKey key(char fill = 'k') {
  return ChainKey{SecretString{std::string(32, fill)}};
}

Entry entry(std::int64_t sequence) {
  return {.sequence = sequence,
          .at = Timestamp{std::chrono::seconds{1'767'225'600 + sequence}},
          .actor = {"key", "key_" + std::to_string(sequence), "192.0.2.7"},
          .act = "connection.created",
          .subject = "con_" + std::to_string(sequence),
          .tenant = "ten_a",
          .outcome = Outcome::done,
          .detail = R"({"n":)" + std::to_string(sequence) + "}"};
}

using Chain = std::vector<ChainedEntry>;

Chain chain(std::int64_t length, const ChainKey& with = key()) {
  Chain entries;
  Hash previous{};
  for (std::int64_t i = 1; i <= length; ++i) {
    previous = chain_hash(with, previous, entry(i));
    entries.push_back({entry(i), previous});
  }
  return entries;
}

Checkpoint head_of(const Chain& entries) {
  return entries.empty() ? Checkpoint{} : Checkpoint{entries.back().entry.sequence, entries.back().hash};
}

Result<Checkpoint> verify(const Chain& entries, const std::optional<Checkpoint>& head,
                          std::optional<Checkpoint> checkpoint = std::nullopt, const ChainKey& with = key()) {
  ChainVerifier verifier{with, checkpoint};
  for (const ChainedEntry& each : entries) {
    DEPUTY_TRY(verifier.next(each));
  }
  return verifier.finish(head);
}

// Computed apart, with Python's hmac over the encoding that the header describes: files stay readable.
TEST(ChainHash, IsTheHmacOfTheEncodedEntry) {
  EXPECT_EQ(to_text(Checkpoint{1, chain(1)[0].hash}),
            "1:6006a0554145b7b3c8d673357c4b1c1149de6d202e96d1423ed160420f510504");
}

TEST(ChainVerifier, AcceptsWhatWasWritten) {
  const Chain entries = chain(7);
  const auto result = verify(entries, head_of(entries), Checkpoint{3, entries[2].hash});
  ASSERT_TRUE(result);
  EXPECT_EQ(result.value().sequence, 7);
  EXPECT_EQ(result.value().hash, entries.back().hash);
}

TEST(ChainVerifier, AcceptsAnEmptyJournal) {
  EXPECT_TRUE(verify({}, std::nullopt));
  EXPECT_TRUE(verify({}, Checkpoint{}, Checkpoint{}));
}

// Threat 41: a removed entry.
TEST(ChainVerifier, FindsAnyRemovedEntry) {
  for (std::size_t at = 0; at < 5; ++at) {
    Chain entries = chain(5);
    const Checkpoint head = head_of(entries);
    entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(at));
    EXPECT_FALSE(verify(entries, head)) << at;
  }
}

// Threat 41: removed, and the ones behind it numbered anew.
TEST(ChainVerifier, FindsARemovedEntryWhoseGapWasClosed) {
  Chain entries = chain(5);
  entries.erase(entries.begin() + 2);
  for (std::size_t i = 2; i < entries.size(); ++i)
    entries[i].entry.sequence = static_cast<std::int64_t>(i + 1);
  const auto result = verify(entries, head_of(entries));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::conflict);
  EXPECT_EQ(result.error().message,
            "journal entry 3 does not fit the one before: it was changed, added or moved");
}

// Threat 41: any field of any entry changed.
TEST(ChainVerifier, FindsAnyChangedField) {
  const std::vector<std::function<void(ChainedEntry&)>> changes{
      [](ChainedEntry& e) { e.entry.sequence += 1; },
      [](ChainedEntry& e) { e.entry.at += std::chrono::microseconds{1}; },
      [](ChainedEntry& e) { e.entry.actor.kind = "system"; },
      [](ChainedEntry& e) { e.entry.actor.id += "x"; },
      [](ChainedEntry& e) { e.entry.actor.address = ""; },
      [](ChainedEntry& e) { e.entry.act = "connection.disconnected"; },
      [](ChainedEntry& e) { e.entry.subject = "con_other"; },
      [](ChainedEntry& e) { e.entry.tenant = "ten_b"; },
      [](ChainedEntry& e) { e.entry.outcome = Outcome::refused; },
      [](ChainedEntry& e) { e.entry.detail = "{}"; },
      [](ChainedEntry& e) { e.hash[31] ^= std::byte{1}; },
      // The same bytes with the border between two fields moved.
      [](ChainedEntry& e) {
        e.entry.tenant = e.entry.subject.substr(e.entry.subject.size() - 1) + e.entry.tenant;
        e.entry.subject.pop_back();
      },
  };
  for (std::size_t change = 0; change < changes.size(); ++change) {
    for (std::size_t at = 0; at < 4; ++at) {
      Chain entries = chain(4);
      const Checkpoint head = head_of(entries);
      changes[change](entries[at]);
      EXPECT_FALSE(verify(entries, head)) << "change " << change << " of entry " << at;
    }
  }
}

// Threat 41: reordered, with or without new numbers.
TEST(ChainVerifier, FindsReorderedEntries) {
  Chain entries = chain(5);
  const Checkpoint head = head_of(entries);
  std::swap(entries[1], entries[2]);
  EXPECT_FALSE(verify(entries, head));
  std::swap(entries[1].entry.sequence, entries[2].entry.sequence);
  EXPECT_FALSE(verify(entries, head));
}

// Threat 41: added, by someone who knows everything but the key.
TEST(ChainVerifier, FindsAnAddedEntry) {
  Chain entries = chain(5);
  const Checkpoint head = head_of(entries);
  entries.push_back({entry(6), chain_hash(key('x'), head.hash, entry(6))});
  EXPECT_FALSE(verify(entries, head));

  Chain doubled = chain(5);
  doubled.insert(doubled.begin() + 3, doubled[2]);
  EXPECT_FALSE(verify(doubled, head));
}

// A genuine entry that the store did not finish writing, or that was kept from a time before a restore.
TEST(ChainVerifier, FindsAnEntryBeyondTheHead) {
  const Chain entries = chain(5);
  EXPECT_FALSE(verify(entries, Checkpoint{4, entries[3].hash}));
}

TEST(ChainVerifier, RefusesAnotherKey) {
  const Chain entries = chain(3);
  const auto result = verify(entries, head_of(entries), std::nullopt, key('x'));
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("journal entry 1 "), std::string::npos);
}

TEST(ChainVerifier, NamesTheGap) {
  Chain entries = chain(5);
  const Checkpoint head = head_of(entries);
  entries.erase(entries.begin() + 1, entries.begin() + 3);
  const auto result = verify(entries, head);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "journal entry 2 is missing or out of order: entry 4 follows entry 1");
}

// Threat 41: a cut tail differs from what the store says its newest entry is.
TEST(ChainVerifier, FindsACutTailByTheHead) {
  Chain entries = chain(5);
  const Checkpoint head = head_of(entries);
  entries.resize(3);
  const auto result = verify(entries, head);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message,
            "the journal ends with entry 3, but 5 were written: its tail was cut off");
  EXPECT_FALSE(verify({}, head));
}

// Threat 41: the head rolled back along with the tail shows against a checkpoint exported before.
TEST(ChainVerifier, FindsACutTailByTheCheckpoint) {
  Chain entries = chain(5);
  const Checkpoint exported = head_of(entries);
  entries.resize(3);
  ASSERT_TRUE(verify(entries, head_of(entries)));
  const auto result = verify(entries, head_of(entries), exported);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("tail was cut off"), std::string::npos);
  EXPECT_FALSE(verify({}, std::nullopt, exported));
}

// Cut off and written on: another entry stands where the checkpoint was taken.
TEST(ChainVerifier, FindsAnotherHistoryByTheCheckpoint) {
  const Chain entries = chain(5);
  Checkpoint exported{4, entries[3].hash};
  exported.hash[0] ^= std::byte{1};
  EXPECT_FALSE(verify(entries, head_of(entries), exported));
  EXPECT_FALSE(verify(entries, head_of(entries), Checkpoint{0, exported.hash}));
}

TEST(Checkpoint, TextGoesRound) {
  const Chain entries = chain(3);
  const std::string text = to_text(head_of(entries));
  EXPECT_EQ(text.size(), 2 + 64);
  const auto parsed = parse_checkpoint(text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed.value().sequence, 3);
  EXPECT_EQ(parsed.value().hash, entries.back().hash);
}

TEST(Checkpoint, RefusesWhatIsNotOne) {
  const std::string hex(64, 'a');
  for (const std::string& text : std::vector<std::string>{
           "", ":", ":" + hex, "3", "3:", "3:" + hex + "a", "3:" + hex.substr(1), "-3:" + hex, "03:" + hex,
           " 3:" + hex, "3:" + std::string(64, 'A'), "3:" + std::string(64, 'g'),
           "99999999999999999999:" + hex, "3:" + hex + "\n", "+3:" + hex})
    EXPECT_FALSE(parse_checkpoint(text)) << text;
}

TEST(Outcome, TextGoesRound) {
  for (const Outcome outcome : {Outcome::done, Outcome::refused, Outcome::failed})
    EXPECT_EQ(parse_outcome(to_text(outcome)).value(), outcome);
  EXPECT_FALSE(parse_outcome("Done"));
}

TEST(Entry, IsClippedToItsBounds) {
  Entry big = entry(1);
  big.subject = std::string(255, 'a') + "€";  // three bytes that do not fit
  big.actor.address = std::string(1'000, 'b');
  big.detail = std::string(entry_detail_bytes_max + 1, ' ');
  const Entry small = clipped(big);
  EXPECT_EQ(small.subject, std::string(255, 'a'));
  EXPECT_EQ(small.actor.address.size(), entry_text_bytes_max);
  EXPECT_EQ(small.detail, R"({"clipped":true})");
  EXPECT_EQ(clipped(entry(2)).detail, entry(2).detail);
  Entry without = entry(3);
  without.detail.clear();
  EXPECT_EQ(clipped(without).detail, "{}");
}

}  // namespace
}  // namespace deputy::journal
