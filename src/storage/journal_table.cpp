#include "storage/journal_table.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "storage/cursor.hpp"
#include "storage/encoding.hpp"
#include "storage/page.hpp"

namespace deputy::storage {

namespace {

constexpr std::size_t packed_bytes_max = 256UL * 1024;

Error not_authentic(std::int64_t sequence) {
  return Error{ErrorKind::internal, "a journal entry is not authentic: `deputy journal verify` says more",
               fmt::format("journal entry {} does not fit the chain", sequence)};
}

void put_entry(std::string& out, const journal::Entry& entry) {
  put_number(out, static_cast<std::uint64_t>(entry.at.time_since_epoch().count()));
  for (const std::string* text :
       {&entry.actor.kind, &entry.actor.id, &entry.actor.address, &entry.act, &entry.subject, &entry.tenant})
    put_text(out, *text);
  put_text(out, to_text(entry.outcome));
  put_text(out, entry.detail);
}

std::optional<journal::Entry> next_entry(Decoder& decoder, std::int64_t sequence) {
  const auto at = decoder.number();
  if (!at) return std::nullopt;
  journal::Entry entry;
  entry.sequence = sequence;
  entry.at = Timestamp{std::chrono::microseconds{static_cast<std::int64_t>(*at)}};
  std::string outcome;
  for (std::string* text : {&entry.actor.kind, &entry.actor.id, &entry.actor.address, &entry.act,
                            &entry.subject, &entry.tenant, &outcome, &entry.detail}) {
    const auto read = decoder.text();
    if (!read) return std::nullopt;
    *text = std::string{*read};
  }
  const auto parsed = journal::parse_outcome(outcome);
  if (!parsed) return std::nullopt;
  entry.outcome = parsed.value();
  return entry;
}

// A row of the table: the entries from `first` to `last`, and the hash of the last.
struct Pack {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::vector<journal::Entry> entries;
  journal::Hash hash{};
};

// What was edited reads as something, or not at all; the chain's hash then does not fit.
Result<Pack> pack_from(const Row& row, std::int64_t expected_first) {
  const auto* last = std::get_if<std::int64_t>(&row.at(0));
  const auto* first = std::get_if<std::int64_t>(&row.at(1));
  const auto* packed = std::get_if<Blob>(&row.at(2));
  const auto* hash = std::get_if<Blob>(&row.at(3));
  if (last == nullptr || first == nullptr || packed == nullptr || hash == nullptr ||
      *first != expected_first || *last < *first || hash->bytes.size() != journal::hash_bytes)
    return not_authentic(expected_first);
  Pack pack{.first = *first, .last = *last};
  Decoder decoder{packed->bytes};
  while (!decoder.at_end()) {
    const std::int64_t sequence = pack.first + static_cast<std::int64_t>(pack.entries.size());
    auto entry = sequence <= pack.last ? next_entry(decoder, sequence) : std::nullopt;
    if (!entry) return not_authentic(sequence);
    pack.entries.push_back(*std::move(entry));
  }
  if (pack.last - pack.first + 1 != static_cast<std::int64_t>(pack.entries.size()))
    return not_authentic(pack.last);
  std::ranges::transform(hash->bytes, pack.hash.begin(), [](char c) { return std::byte(c); });
  return pack;
}

// The hash of the entry before `first`, as its row has it.
Result<journal::Hash> hash_before(SqliteConnection& connection, std::int64_t first) {
  static const std::string sql = "SELECT last, hash FROM journal WHERE last < ?1 ORDER BY last DESC LIMIT 1";
  journal::Hash hash{};
  if (first <= 1) return hash;
  DEPUTY_TRY(const auto rows, connection.query(sql, {first}));
  const auto* last = rows.empty() ? nullptr : std::get_if<std::int64_t>(&rows[0].at(0));
  const auto* bytes = rows.empty() ? nullptr : std::get_if<Blob>(&rows[0].at(1));
  if (last == nullptr || *last != first - 1 || bytes == nullptr || bytes->bytes.size() != hash.size())
    return not_authentic(first - 1);
  std::ranges::transform(bytes->bytes, hash.begin(), [](char c) { return std::byte(c); });
  return hash;
}

}  // namespace

Result<void> JournalWriter::append(journal::Entry entry) {
  DEPUTY_TRY(Inventory * inventory, rows_.inventory_to_change());
  const journal::Checkpoint& head = inventory->journal_head();
  entry = journal::clipped(std::move(entry));
  entry.sequence = head.sequence + 1;
  const journal::Hash hash = journal::chain_hash(rows_.keys().journal, head.hash, entry);
  if (packed_.empty()) first_ = entry.sequence;
  put_entry(packed_, entry);
  inventory->set_journal_head({entry.sequence, hash});
  return packed_.size() < packed_bytes_max ? Result<void>{success()} : flush();
}

Result<void> JournalWriter::flush() {
  static const std::string sql = "INSERT INTO journal (last, first, entries, hash) VALUES (?1, ?2, ?3, ?4)";
  if (packed_.empty()) return success();
  DEPUTY_TRY(Inventory * inventory, rows_.inventory_to_change());
  const journal::Checkpoint& head = inventory->journal_head();
  const Blob hash{{reinterpret_cast<const char*>(head.hash.data()), head.hash.size()}};
  auto inserted = rows_.connection().run(sql, {head.sequence, first_, Blob{std::move(packed_)}, hash});
  packed_.clear();
  if (inserted) return success();
  // A row where none should be is no conflict of the caller's.
  if (inserted.error().kind == ErrorKind::conflict) return not_authentic(first_);
  return inserted.error();
}

Result<registry::Page<journal::ChainedEntry>> list_entries(AuthenticatedRows& rows,
                                                           const registry::PageRequest& page) {
  static const std::string sql =
      "SELECT last, first, entries, hash FROM journal WHERE last > ?1 ORDER BY last LIMIT ?2";
  DEPUTY_TRY(check_limit(page));
  std::int64_t after = 0;
  if (!page.after.empty()) {
    DEPUTY_TRY(after, parse_number_cursor(page.after));
  }
  DEPUTY_TRY(Inventory * inventory, rows.inventory());
  const journal::Checkpoint head = inventory->journal_head();
  if (after > head.sequence) return cursor_error();

  const std::int64_t until = std::min(head.sequence, after + static_cast<std::int64_t>(page.limit));
  registry::Page<journal::ChainedEntry> result;
  journal::Checkpoint last{.sequence = after, .hash = {}};
  for (bool begun = false; last.sequence < until; begun = true) {
    DEPUTY_TRY(const auto found, rows.connection().query(sql, {last.sequence, std::int64_t{1}}));
    const auto* first = found.empty() ? nullptr : std::get_if<std::int64_t>(&found[0].at(1));
    if (first == nullptr) return not_authentic(last.sequence + 1);
    // Only the first row of a page may begin before the page does.
    if (begun ? *first != last.sequence + 1 : *first > after + 1 || *first < 1)
      return not_authentic(last.sequence + 1);
    DEPUTY_TRY(auto pack, pack_from(found[0], *first));
    if (!begun) {
      DEPUTY_TRY(last.hash, hash_before(rows.connection(), *first));
    }
    for (journal::Entry& entry : pack.entries) {
      last = {entry.sequence, journal::chain_hash(rows.keys().journal, last.hash, entry)};
      if (entry.sequence > after && entry.sequence <= until)
        result.items.push_back({std::move(entry), last.hash});
    }
    if (last.hash != pack.hash || last.sequence > head.sequence) return not_authentic(last.sequence);
  }
  if (until < head.sequence) {
    result.next_cursor = to_cursor(until);
    return result;
  }
  DEPUTY_TRY(const auto beyond, rows.connection().query(sql, {head.sequence, std::int64_t{1}}));
  if (!beyond.empty()) return not_authentic(head.sequence + 1);
  if (head.sequence > after && last.hash != head.hash) return not_authentic(head.sequence);
  return result;
}

Result<void> walk_journal(SqliteConnection& connection, journal::ChainVerifier& verifier) {
  static const std::string sql = "SELECT last, first, entries, hash FROM journal ORDER BY last";
  std::int64_t expected = 1;
  return connection.for_each(sql, {}, [&](const Row& row) -> Result<void> {
    const auto* first = std::get_if<std::int64_t>(&row.at(1));
    // A gap is told by the verifier, which names it.
    DEPUTY_TRY(auto pack, pack_from(row, first == nullptr ? expected : *first));
    for (journal::Entry& entry : pack.entries) {
      const bool is_last = entry.sequence == pack.last;
      DEPUTY_TRY(is_last ? verifier.next({std::move(entry), pack.hash}) : verifier.next_in_row(entry));
    }
    expected = pack.last + 1;
    return success();
  });
}

}  // namespace deputy::storage
