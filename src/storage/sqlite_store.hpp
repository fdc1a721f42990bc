#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string_view>

#include "core/result.hpp"
#include "registry/store.hpp"
#include "storage/master_key.hpp"

namespace deputy::storage {

struct SqliteOptions {
  std::filesystem::path file;
  // Makes the file when there is none.
  bool create = false;
  // For the one service that runs on the file: a second one that asks for it is refused with `conflict`.
  // Others may read and write all the same; SQLite keeps their transactions apart.
  bool exclusive = false;
  // For looking only: changes nothing, not even an older schema (which is a `conflict` then).
  bool read_only = false;
  // How long a transaction waits for another process's before it is `overloaded`.
  std::chrono::milliseconds busy_timeout{5'000};
};

// Opens the database, making it first when `create` says so, and brings its schema up to date. SQLite in WAL
// mode, synchronous FULL, foreign keys on: what was acknowledged survives kill -9 and a power cut. One writer
// at a time inside (a mutex), readers beside it. The file, and what SQLite puts beside it, has mode 0600.
// `work` of a transaction must not begin another one. Errors, each saying what to do: missing (`not_found`),
// in use (`conflict`), locked by another process or full (`overloaded`), read-only, not a database, another
// program's, made by a newer Deputy, its schema tampered with, sealed with another master key (`internal`).
Result<std::unique_ptr<registry::Store>> open_sqlite(const SqliteOptions& options, const MasterKey& key);

// `sqlite:deputy.db` → the path, relative ones against `base`. `invalid_request` for anything else.
Result<std::filesystem::path> parse_sqlite_url(std::string_view url, const std::filesystem::path& base);

}  // namespace deputy::storage
