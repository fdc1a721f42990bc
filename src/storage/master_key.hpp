#pragma once

#include <filesystem>
#include <string_view>

#include "core/random.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace deputy::storage {

// The one key that everything sealed, indexed and chained is derived from: 32 random bytes. Losing it loses
// every connection; keep a copy apart from the database. File form: base64 of the 32 bytes and a newline,
// mode 0600.
class MasterKey {
 public:
  static MasterKey draw(Random& random);
  // From base64 text (the environment's DEPUTY_SECURITY__MASTER_KEY, or a file's content). `invalid_request`
  // says what is wrong, never the text.
  static Result<MasterKey> parse(std::string_view base64);
  // Refuses a file that others can read.
  static Result<MasterKey> load(const std::filesystem::path& file);
  // Writes a new file, mode 0600, synced; `conflict` if it exists.
  Result<void> create_file(const std::filesystem::path& file) const;

  // 32 bytes for one purpose (BLAKE2b keyed with the master key): independent of those for every other
  // purpose.
  SecretString derive(std::string_view purpose) const;

 private:
  explicit MasterKey(SecretString bytes) : bytes_(std::move(bytes)) {}
  SecretString bytes_;
};

}  // namespace deputy::storage
