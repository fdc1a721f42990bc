#include "conformance/store_suite.hpp"

namespace deputy::conformance {
namespace {

class StoreJournal : public StoreTest {};

TEST_P(StoreJournal, GivesEveryEntryItsPlace) {
  EXPECT_FALSE(read([](Transaction& t) { return t.journal_head(); }));
  for (int i = 0; i < 5; ++i) {
    write([&](Transaction& t) -> Result<void> {
      journal::Entry numbered = entry("act." + std::to_string(i));
      numbered.sequence = 77;  // ignored
      return t.append(numbered);
    });
  }
  const auto all = all_pages(
      [&](const PageRequest& page) { return read([&](Transaction& t) { return t.list_journal(page); }); }, 2);
  ASSERT_EQ(all.size(), 5U);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].entry.sequence, static_cast<std::int64_t>(i + 1));
    EXPECT_EQ(all[i].entry.act, "act." + std::to_string(i));
    EXPECT_EQ(all[i].entry.actor.address, "192.0.2.1");
    EXPECT_EQ(all[i].entry.outcome, journal::Outcome::refused);
    EXPECT_EQ(all[i].entry.detail, R"({"a":1})");
    EXPECT_EQ(all[i].entry.at, samples::at(1));
  }
  const auto head = read([](Transaction& t) { return t.journal_head(); });
  ASSERT_TRUE(head);
  EXPECT_EQ(head->sequence, 5);
  EXPECT_EQ(head->hash, all.back().hash);
}

TEST_P(StoreJournal, ShowsWhatIsAppendedBehindAPage) {
  write([&](Transaction& t) { return t.append(entry("one")); });
  write([&](Transaction& t) { return t.append(entry("two")); });
  const auto list = [&](std::string after) {
    return read([&](Transaction& t) { return t.list_journal({.limit = 1, .after = after}); });
  };
  const auto first = list("");
  ASSERT_TRUE(first.next_cursor);
  write([&](Transaction& t) { return t.append(entry("three")); });
  const auto second = list(*first.next_cursor);
  ASSERT_EQ(second.items.size(), 1U);
  EXPECT_EQ(second.items[0].entry.act, "two");
  ASSERT_TRUE(second.next_cursor);
  EXPECT_EQ(list(*second.next_cursor).items[0].entry.act, "three");
  EXPECT_FALSE(list(*second.next_cursor).next_cursor);
}

TEST_P(StoreJournal, KeepsNothingOfAWorkThatFails) {
  EXPECT_EQ(refused([&](Transaction& t) -> Result<void> {
              DEPUTY_TRY(t.append(entry("never")));
              return Error{ErrorKind::forbidden, "no"};
            }),
            ErrorKind::forbidden);
  EXPECT_FALSE(read([](Transaction& t) { return t.journal_head(); }));
  write([&](Transaction& t) { return t.append(entry("first")); });
  EXPECT_EQ(read([](Transaction& t) { return t.journal_head(); })->sequence, 1);
}

TEST_P(StoreJournal, HoldsTogether) {
  add(samples::full_connection(tenant_.id));
  for (int i = 0; i < 20; ++i) write([&](Transaction& t) { return t.append(entry("act")); });
  const auto exported = read([](Transaction& t) { return t.journal_head(); });
  for (int i = 0; i < 3; ++i) write([&](Transaction& t) { return t.append(entry("act")); });
  const auto checked = store().check_integrity(exported);
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(checked.value().sequence, 23);
  reopen();
  EXPECT_TRUE(store().check_integrity(checked.value()));
}

TEST_P(StoreJournal, IsNotWhatAnotherCheckpointNames) {
  for (int i = 0; i < 3; ++i) write([&](Transaction& t) { return t.append(entry("act")); });
  journal::Checkpoint head = *read([](Transaction& t) { return t.journal_head(); });
  head.hash[0] ^= std::byte{1};
  EXPECT_EQ(store().check_integrity(head).error().kind, ErrorKind::conflict);
  EXPECT_EQ(store().check_integrity(journal::Checkpoint{4, {}}).error().kind, ErrorKind::conflict);
}

TEST_P(StoreJournal, ClipsWhatIsTooLong) {
  journal::Entry big = entry("act");
  big.subject = std::string(1'000, 's');
  big.detail = '"' + std::string(10'000, 'd') + '"';
  write([&](Transaction& t) { return t.append(big); });
  const auto page = read([](Transaction& t) { return t.list_journal({}); });
  EXPECT_EQ(page.items[0].entry.subject.size(), journal::entry_text_bytes_max);
  EXPECT_EQ(page.items[0].entry.detail, R"({"clipped":true})");
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreJournal, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace deputy::conformance
