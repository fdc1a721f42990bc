#include "journal/journal.hpp"

#include <charconv>
#include <fmt/format.h>
#include <sodium.h>

#include "core/assert.hpp"
#include "core/big_endian.hpp"
#include "core/hmac.hpp"

namespace deputy::journal {

namespace {

constexpr std::string_view hash_domain = "deputy journal entry 1";

std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  const auto is_continuation = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; };
  while (end > 0 && is_continuation(text[end])) --end;
  return text.substr(0, end);
}

// The bytes of an entry in its place; every text carries its length, every number is eight bytes.
class EntryBytes {
 public:
  EntryBytes() { bytes_.reserve(usual_bytes); }
  void number(std::uint64_t value) { append_big_endian(bytes_, value); }
  void text(std::string_view value) {
    number(value.size());
    bytes_ += value;
  }
  const std::string& all() const { return bytes_; }

 private:
  static constexpr std::size_t usual_bytes = 512;
  std::string bytes_;
};

bool same(const Hash& a, const Hash& b) {
  return sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

Error broken(std::string message) {
  return Error{ErrorKind::conflict, std::move(message)};
}

Error checkpoint_error(std::string_view text) {
  return Error{ErrorKind::invalid_request,
               in_backticks(text) +
                   " is not a checkpoint: it is a sequence number, a colon and 64 lower-case hex digits"};
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  return std::nullopt;
}

}  // namespace

std::string_view to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::done:
      return "done";
    case Outcome::refused:
      return "refused";
    case Outcome::failed:
      return "failed";
  }
  DEPUTY_ASSERT(false);
}

Result<Outcome> parse_outcome(std::string_view text) {
  for (const Outcome outcome : {Outcome::done, Outcome::refused, Outcome::failed}) {
    if (text == to_text(outcome)) return outcome;
  }
  return Error{ErrorKind::invalid_request,
               in_backticks(text) + " is not one of the outcomes `done`, `refused`, `failed`"};
}

Entry clipped(Entry entry) {
  for (std::string* text :
       {&entry.actor.kind, &entry.actor.id, &entry.actor.address, &entry.act, &entry.subject, &entry.tenant})
    text->resize(utf8_prefix(*text, entry_text_bytes_max).size());
  if (entry.detail.size() > entry_detail_bytes_max) entry.detail = R"({"clipped":true})";
  if (entry.detail.empty()) entry.detail = "{}";
  return entry;
}

ChainKey::ChainKey(SecretString bytes) : bytes_(std::move(bytes)) {
  DEPUTY_ASSERT(bytes_.size() == crypto_auth_hmacsha256_KEYBYTES);
}

Hash chain_hash(const ChainKey& key, const Hash& previous, const Entry& entry) {
  EntryBytes bytes;
  bytes.text(hash_domain);
  bytes.text({reinterpret_cast<const char*>(previous.data()), previous.size()});
  bytes.number(static_cast<std::uint64_t>(entry.sequence));
  bytes.number(static_cast<std::uint64_t>(entry.at.time_since_epoch().count()));
  bytes.text(entry.actor.kind);
  bytes.text(entry.actor.id);
  bytes.text(entry.actor.address);
  bytes.text(entry.act);
  bytes.text(entry.subject);
  bytes.text(entry.tenant);
  bytes.text(to_text(entry.outcome));
  bytes.text(entry.detail);
  thread_local HmacSha256 hmac;
  Hash hash{};
  hmac.compute(key.bytes().reveal(), bytes.all(), hash);
  return hash;
}

std::string to_text(const Checkpoint& checkpoint) {
  std::string text = fmt::format("{}:", checkpoint.sequence);
  for (const std::byte byte : checkpoint.hash) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

Result<Checkpoint> parse_checkpoint(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return checkpoint_error(text);
  const std::string_view number = text.substr(0, colon);
  const std::string_view hex = text.substr(colon + 1);
  Checkpoint checkpoint;
  const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), checkpoint.sequence);
  if (number.empty() || code != std::errc{} || end != number.data() + number.size())
    return checkpoint_error(text);
  if (number.front() == '-' || (number.front() == '0' && number.size() > 1)) return checkpoint_error(text);
  if (hex.size() != 2 * hash_bytes) return checkpoint_error(text);
  for (std::size_t i = 0; i < hash_bytes; ++i) {
    const auto high = hex_digit(hex[2 * i]);
    const auto low = hex_digit(hex[2 * i + 1]);
    if (!high || !low) return checkpoint_error(text);
    checkpoint.hash[i] = static_cast<std::byte>(*high * 16 + *low);
  }
  return checkpoint;
}

ChainVerifier::ChainVerifier(ChainKey key, std::optional<Checkpoint> checkpoint)
    : key_(std::move(key)), checkpoint_(checkpoint) {}

namespace {

Result<void> check_sequence(std::int64_t found, std::int64_t last) {
  if (found == last + 1) return success();
  return broken(fmt::format("journal entry {} is missing or out of order: entry {} follows entry {}",
                            last + 1, found, last));
}

}  // namespace

Result<void> ChainVerifier::next(const ChainedEntry& entry) {
  DEPUTY_TRY(check_sequence(entry.entry.sequence, last_.sequence));
  if (!same(chain_hash(key_, last_.hash, entry.entry), entry.hash))
    return broken(fmt::format("journal entry {} does not fit the one before: it was changed, added or moved",
                              entry.entry.sequence));
  return move_to({entry.entry.sequence, entry.hash});
}

Result<void> ChainVerifier::next_in_row(const Entry& entry) {
  DEPUTY_TRY(check_sequence(entry.sequence, last_.sequence));
  return move_to({entry.sequence, chain_hash(key_, last_.hash, entry)});
}

Result<void> ChainVerifier::move_to(const Checkpoint& entry) {
  last_ = entry;
  if (checkpoint_ && checkpoint_->sequence == entry.sequence && !same(checkpoint_->hash, entry.hash))
    return broken(fmt::format("journal entry {} is not the one that the checkpoint names", entry.sequence));
  return success();
}

Result<Checkpoint> ChainVerifier::finish(const std::optional<Checkpoint>& head) {
  if (checkpoint_ && checkpoint_->sequence > last_.sequence)
    return broken(
        fmt::format("the journal ends with entry {}, but the checkpoint names entry {}: its tail was cut off",
                    last_.sequence, checkpoint_->sequence));
  if (checkpoint_ && checkpoint_->sequence == 0 && !same(checkpoint_->hash, Hash{}))
    return broken("the checkpoint names entry 0, whose hash is all zeros, but has another hash");
  const Checkpoint newest = head.value_or(Checkpoint{});
  if (newest.sequence > last_.sequence)
    return broken(fmt::format("the journal ends with entry {}, but {} were written: its tail was cut off",
                              last_.sequence, newest.sequence));
  if (newest.sequence < last_.sequence)
    return broken(fmt::format("journal entry {} was added: only {} were written", newest.sequence + 1,
                              newest.sequence));
  if (!same(newest.hash, last_.hash))
    return broken(fmt::format("journal entry {} is not the newest one that was written", last_.sequence));
  return last_;
}

}  // namespace deputy::journal
