#include "storage/inventory.hpp"

#include <algorithm>

#include "storage/encoding.hpp"

namespace deputy::storage {

namespace {

constexpr SealedPlace inventory_place{
    .table = "inventory", .column = "sealed", .row = "1", .connection = "", .tenant = ""};

std::array<std::uint64_t, 4> share_of(const KeyedHash& hash, const Blob& mac) {
  const Blob share = hash.of_bytes(mac.bytes);
  Decoder decoder{share.bytes};
  std::array<std::uint64_t, 4> limbs{};
  for (std::uint64_t& limb : limbs) limb = decoder.number().value_or(0);
  return limbs;
}

}  // namespace

void TableDigest::add(const KeyedHash& hash, const Blob& mac) {
  const auto share = share_of(hash, mac);
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < sum_.size(); ++i) {
    const std::uint64_t with_carry = sum_[i] + carry;
    carry = with_carry < carry ? 1 : 0;
    sum_[i] = with_carry + share[i];
    carry += sum_[i] < share[i] ? 1 : 0;
  }
  ++rows_;
}

void TableDigest::remove(const KeyedHash& hash, const Blob& mac) {
  const auto share = share_of(hash, mac);
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < sum_.size(); ++i) {
    const std::uint64_t without_borrow = sum_[i] - borrow;
    borrow = without_borrow > sum_[i] ? 1 : 0;
    sum_[i] = without_borrow - share[i];
    borrow += sum_[i] > without_borrow ? 1 : 0;
  }
  --rows_;
}

std::string TableDigest::text() const {
  std::string out;
  put_number(out, rows_);
  for (const std::uint64_t limb : sum_) put_number(out, limb);
  return out;
}

std::optional<TableDigest> TableDigest::parse(std::string_view text) {
  Decoder decoder{text};
  TableDigest digest;
  const auto rows = decoder.number();
  if (!rows) return std::nullopt;
  digest.rows_ = *rows;
  for (std::uint64_t& limb : digest.sum_) {
    const auto number = decoder.number();
    if (!number) return std::nullopt;
    limb = *number;
  }
  if (!decoder.at_end()) return std::nullopt;
  return digest;
}

TableDigest& Inventory::table(std::string_view name) {
  return tables_.try_emplace(std::string{name}).first->second;
}

std::string Inventory::text() const {
  std::string out;
  put_number(out, generation_);
  put_number(out, static_cast<std::uint64_t>(journal_head_.sequence));
  put_text(out, {reinterpret_cast<const char*>(journal_head_.hash.data()), journal_head_.hash.size()});
  for (const auto& [name, digest] : tables_) {
    put_text(out, name);
    put_text(out, digest.text());
  }
  return out;
}

std::optional<Inventory> Inventory::parse(std::string_view text) {
  Decoder decoder{text};
  Inventory inventory;
  const auto generation = decoder.number();
  const auto sequence = decoder.number();
  const auto hash = decoder.text();
  if (!generation || !sequence || !hash || hash->size() != journal::hash_bytes) return std::nullopt;
  inventory.generation_ = *generation;
  inventory.journal_head_.sequence = static_cast<std::int64_t>(*sequence);
  std::ranges::transform(*hash, inventory.journal_head_.hash.begin(), [](char c) { return std::byte(c); });
  while (!decoder.at_end()) {
    const auto name = decoder.text();
    const auto digest_text = decoder.text();
    if (!name || !digest_text) return std::nullopt;
    const auto digest = TableDigest::parse(*digest_text);
    if (!digest) return std::nullopt;
    inventory.tables_.insert_or_assign(std::string{*name}, *digest);
  }
  return inventory;
}

Result<Inventory> Inventory::load(SqliteConnection& connection, const Sealer& sealer) {
  static const std::string sql = "SELECT sealed FROM inventory WHERE id = 1";
  DEPUTY_TRY(const auto rows, connection.query(sql, {}));
  const Blob* sealed = rows.size() == 1 ? std::get_if<Blob>(&rows[0][0]) : nullptr;
  if (sealed == nullptr)
    return Error{ErrorKind::internal, "the database was tampered with", "the database's inventory is gone"};
  DEPUTY_TRY(const std::string text, sealer.open(*sealed, inventory_place));
  auto inventory = parse(text);
  if (!inventory)
    return Error{ErrorKind::internal, "the database was tampered with",
                 "the database's inventory cannot be read"};
  return *std::move(inventory);
}

Result<void> Inventory::save(SqliteConnection& connection, const Sealer& sealer) {
  static const std::string sql =
      "INSERT INTO inventory (id, sealed) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET sealed = ?1";
  ++generation_;
  DEPUTY_TRY(connection.run(sql, {sealer.seal(text(), inventory_place)}));
  return success();
}

}  // namespace deputy::storage
