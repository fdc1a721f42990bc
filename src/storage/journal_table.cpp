#include "storage/journal_table.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "storage/cursor.hpp"
#include "storage/page.hpp"

namespace deputy::storage {

namespace {

constexpr std::size_t entry_columns = 11;

Error unreadable_entry() {
  return Error{ErrorKind::internal, "a stored journal entry cannot be read"};
}

Error not_authentic(std::int64_t sequence) {
  return Error{ErrorKind::internal, "a journal entry is not authentic: `deputy journal verify` says more",
               fmt::format("journal entry {} does not fit the chain", sequence)};
}

std::int64_t number_in(const Row& row, std::size_t column) {
  const auto* number = std::get_if<std::int64_t>(&row[column]);
  return number == nullptr ? -1 : *number;
}

std::string text_in(const Row& row, std::size_t column) {
  const auto* text = std::get_if<std::string>(&row[column]);
  return text == nullptr ? std::string{} : *text;
}

// What was edited reads as something; the chain's hash then does not fit.
Result<journal::ChainedEntry> entry_from(const Row& row) {
  if (row.size() != entry_columns) return unreadable_entry();
  const auto* hash = std::get_if<Blob>(&row[10]);
  const auto outcome = journal::parse_outcome(text_in(row, 8));
  if (hash == nullptr || hash->bytes.size() != journal::hash_bytes || !outcome)
    return not_authentic(number_in(row, 0));
  journal::ChainedEntry chained{
      .entry = {.sequence = number_in(row, 0),
                .at = Timestamp{std::chrono::microseconds{number_in(row, 1)}},
                .actor = {.kind = text_in(row, 2), .id = text_in(row, 3), .address = text_in(row, 4)},
                .act = text_in(row, 5),
                .subject = text_in(row, 6),
                .tenant = text_in(row, 7),
                .outcome = outcome.value(),
                .detail = text_in(row, 9)}};
  std::ranges::transform(hash->bytes, chained.hash.begin(), [](char c) { return std::byte(c); });
  return chained;
}

Row row_of(const journal::Entry& entry, const journal::Hash& hash) {
  return {entry.sequence,
          std::int64_t{entry.at.time_since_epoch().count()},
          entry.actor.kind,
          entry.actor.id,
          entry.actor.address,
          entry.act,
          entry.subject,
          entry.tenant,
          std::string{to_text(entry.outcome)},
          entry.detail,
          Blob{{reinterpret_cast<const char*>(hash.data()), hash.size()}}};
}

}  // namespace

Result<void> append_entry(AuthenticatedRows& rows, journal::Entry entry) {
  static const std::string sql =
      "INSERT INTO journal (sequence, at, actor_kind, actor_id, actor_address, act, subject, tenant, "
      "outcome, "
      "detail, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
  DEPUTY_TRY(Inventory * inventory, rows.inventory_to_change());
  const journal::Checkpoint& head = inventory->journal_head();
  entry = journal::clipped(std::move(entry));
  entry.sequence = head.sequence + 1;
  const journal::Hash hash = journal::chain_hash(rows.keys().journal, head.hash, entry);
  auto inserted = rows.connection().run(sql, row_of(entry, hash));
  if (!inserted) {
    // A row where none should be is no conflict of the caller's.
    if (inserted.error().kind == ErrorKind::conflict) return not_authentic(entry.sequence);
    return inserted.error();
  }
  inventory->set_journal_head({entry.sequence, hash});
  return success();
}

Result<registry::Page<journal::ChainedEntry>> list_entries(AuthenticatedRows& rows,
                                                           const registry::PageRequest& page) {
  static const std::string sql =
      "SELECT sequence, at, actor_kind, actor_id, actor_address, act, subject, tenant, outcome, detail, hash "
      "FROM journal WHERE sequence >= ?1 ORDER BY sequence LIMIT ?2";
  DEPUTY_TRY(check_limit(page));
  std::int64_t after = 0;
  if (!page.after.empty()) {
    DEPUTY_TRY(after, parse_number_cursor(page.after));
  }
  DEPUTY_TRY(Inventory * inventory, rows.inventory());
  const journal::Checkpoint head = inventory->journal_head();
  if (after > head.sequence) return cursor_error();

  // The entry before the page comes along: its hash is what the first one is chained to.
  const auto before = static_cast<std::int64_t>(after > 0 ? 1 : 0);
  const auto limit = static_cast<std::int64_t>(page.limit);
  DEPUTY_TRY(const auto found, rows.connection().query(sql, {after, limit + before}));
  registry::Page<journal::ChainedEntry> result;
  journal::Hash previous{};
  std::int64_t sequence = after > 0 ? after : 1;
  for (const Row& row : found) {
    DEPUTY_TRY(journal::ChainedEntry chained, entry_from(row));
    if (chained.entry.sequence != sequence) return not_authentic(sequence);
    const bool context = sequence == after;
    if (!context && journal::chain_hash(rows.keys().journal, previous, chained.entry) != chained.hash)
      return not_authentic(sequence);
    previous = chained.hash;
    ++sequence;
    if (!context) result.items.push_back(std::move(chained));
  }
  const std::int64_t last = sequence - 1;
  const std::int64_t expected_last = std::min(head.sequence, after + limit);
  if (last != expected_last || (last == head.sequence && last > 0 && previous != head.hash))
    return not_authentic(std::min(sequence, head.sequence));
  if (last < head.sequence) result.next_cursor = to_cursor(last);
  return result;
}

Result<void> for_each_entry(SqliteConnection& connection,
                            const std::function<Result<void>(const journal::ChainedEntry&)>& each) {
  static const std::string sql =
      "SELECT sequence, at, actor_kind, actor_id, actor_address, act, subject, tenant, outcome, detail, hash "
      "FROM journal ORDER BY sequence";
  return connection.for_each(sql, {}, [&](const Row& row) -> Result<void> {
    DEPUTY_TRY(const journal::ChainedEntry chained, entry_from(row));
    return each(chained);
  });
}

}  // namespace deputy::storage
