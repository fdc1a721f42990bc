#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

// The audit journal: append-only, each entry chained to the one before with a keyed hash. Pure: storage keeps
// the entries, this room says what they are and whether they hold together. Whoever can write the file but
// lacks the master key cannot remove, change, reorder or add an entry unnoticed; a tail that was cut off
// shows against a checkpoint that was exported before.
namespace deputy::journal {

// Who did it. No secret; `id` is a key's identifier, never the key.
struct Actor {
  std::string kind;     // `key`, `user`, `command`, `scheduler`, `system`
  std::string id;       // `key_…`, the user's number on this machine, the command's name, …
  std::string address;  // the peer's address, `unix` for the Unix socket; empty for what is not remote

  static Actor scheduler() { return {"scheduler", "verification", ""}; }
  static Actor command(std::string name) { return {"command", std::move(name), ""}; }
};

enum class Outcome { done, refused, failed };
std::string_view to_text(Outcome outcome);
Result<Outcome> parse_outcome(std::string_view text);

inline constexpr std::size_t entry_text_bytes_max = 256;
inline constexpr std::size_t entry_detail_bytes_max = 4'096;

// One security-relevant act. Strings are bounded by the two limits above; see `clipped`.
struct Entry {
  std::int64_t sequence = 0;  // 1, 2, 3, … without a gap
  Timestamp at;
  Actor actor;
  std::string act;      // `connection.created`, `credentials.issued`, … (docs/journal.md lists them)
  std::string subject;  // the identifier of what it was done to; may be empty
  std::string tenant;   // the tenant's identifier; may be empty
  Outcome outcome = Outcome::done;
  std::string detail;  // a JSON object; `{}` at least. No secret, no external ID, no role ARN
};

// The entry within its bounds: longer texts are cut at a character's end, a longer `detail` becomes
// `{"clipped":true}` (cut JSON would be none), an empty one `{}`. Stores apply it when they append.
Entry clipped(Entry entry);

inline constexpr std::size_t hash_bytes = 32;
using Hash = std::array<std::byte, hash_bytes>;

// The key of the chain, derived from the master key.
class ChainKey {
 public:
  explicit ChainKey(SecretString bytes);  // REQUIRES: 32 bytes
  const SecretString& bytes() const { return bytes_; }

 private:
  SecretString bytes_;
};

// Hash of an entry in its place: HMAC-SHA256 (RFC 2104) over the previous hash and an unambiguous
// (length-prefixed) encoding of every field. The first entry's previous hash is zero.
Hash chain_hash(const ChainKey& key, const Hash& previous, const Entry& entry);

struct ChainedEntry {
  Entry entry;
  Hash hash{};
};

// The newest entry's place: what an exported checkpoint holds. Text form `SEQUENCE:HEX`.
struct Checkpoint {
  std::int64_t sequence = 0;
  Hash hash{};
};
std::string to_text(const Checkpoint& checkpoint);
Result<Checkpoint> parse_checkpoint(std::string_view text);

// Fed all entries in order, says whether they hold together. `conflict` names the first sequence at fault and
// how.
class ChainVerifier {
 public:
  // With a checkpoint, the chain must reach it and have its hash there.
  ChainVerifier(ChainKey key, std::optional<Checkpoint> checkpoint);

  Result<void> next(const ChainedEntry& entry);
  // One that is stored without its hash, before others that were written with it: `next` of the last of them
  // says whether they fit.
  Result<void> next_in_row(const Entry& entry);
  // After the last one. `head` is what the store says its newest entry is (authenticated apart from the
  // entries): a cut tail differs from it.
  Result<Checkpoint> finish(const std::optional<Checkpoint>& head);

 private:
  Result<void> move_to(const Checkpoint& entry);

  ChainKey key_;
  std::optional<Checkpoint> checkpoint_;
  Checkpoint last_;
};

}  // namespace deputy::journal
