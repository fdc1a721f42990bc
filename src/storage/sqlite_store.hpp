#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/clock.hpp"
#include "registry/store.hpp"
#include "storage/master_key.hpp"

namespace deputy::storage {

// Opens the database, making it first when `create` says so, and brings its schema up to date. SQLite in WAL
// mode, synchronous FULL, foreign keys on: what was acknowledged survives kill -9 and a power cut. One writer
// at a time inside (a mutex), readers beside it. Errors, each saying what to do: missing, locked by another
// process, read-only, full, not a database, made by a newer Deputy, sealed with another master key.
struct SqliteOptions {
  std::filesystem::path file;
  bool create = false;
  std::chrono::milliseconds busy_timeout{5'000};
};
Result<std::unique_ptr<registry::Store>> open_sqlite(const SqliteOptions& options, const MasterKey& key);

// `sqlite:deputy.db` → the path, relative ones against `base`. `invalid_request` for anything else.
Result<std::filesystem::path> parse_sqlite_url(std::string_view url, const std::filesystem::path& base);

}  // namespace deputy::storage
