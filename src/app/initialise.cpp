#include "app/initialise.hpp"

#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <vector>

#include "registry/registry.hpp"
#include "storage/master_key.hpp"
#include "storage/sqlite_store.hpp"

namespace deputy::app {
namespace {

constexpr std::string_view config_text =
    R"(# Deputy's configuration. Every setting is in docs/configuration.md; each is also an environment
# variable: DEPUTY_SERVER__LISTEN, DEPUTY_AWS__REGION, ...

[server]
listen = "127.0.0.1:8180"

[storage]
url = "sqlite:deputy.db"

[security]
# Whoever has this file and the database can use every connection. Keep a copy apart from the database's.
master_key_file = "master.key"

[aws]
# region = "eu-central-1"
# The one role of yours that customers' roles trust.
# partner_principal = "arn:aws:iam::123456789012:role/deputy-broker"
)";

Error file_error(const std::filesystem::path& path, std::string_view what) {
  return Error{ErrorKind::internal, fmt::format("{} {}", path.string(), what)};
}

Result<void> write_config(const std::filesystem::path& path) {
  std::ofstream out{path, std::ios::binary};
  out << config_text;
  out.close();
  if (!out) return file_error(path, "cannot be written");
  // It may come to hold an address or a proxy's password: like the key, for its owner alone.
  std::error_code failed;
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write,
                               failed);
  if (failed) return file_error(path, "cannot be kept from others: " + failed.message());
  return success();
}

// Removes what was made so far, unless everything worked.
class Undo {
 public:
  ~Undo() {
    std::error_code ignored;
    // The last first: a folder is empty then.
    for (auto path = made_.rbegin(); path != made_.rend(); ++path) std::filesystem::remove(*path, ignored);
  }
  void on_failure_remove(const std::filesystem::path& path) { made_.push_back(path); }
  void keep_all() { made_.clear(); }

 private:
  std::vector<std::filesystem::path> made_;
};

Result<SecretString> make_admin_key(registry::Store& store, const Clock& clock, Random& random) {
  // No role is given and none verified here, so who the partner is does not matter yet.
  registry::Settings settings{
      .partner_principal = RoleArn::parse("arn:aws:iam::000000000000:role/unknown").value(),
      .partner_accounts = {}};
  registry::Registry registry{store, clock, random, std::move(settings)};
  registry::NewKey wanted{.role = registry::KeyRole::admin,
                          .workload = std::nullopt,
                          .connection_id = std::nullopt,
                          .expires_in = std::nullopt};
  DEPUTY_TRY(auto created,
             registry.create_key(registry::Actor::command("init"), std::move(wanted), std::nullopt));
  return *std::move(created.value.secret);
}

Result<SecretString> make_database(const std::filesystem::path& file, const storage::MasterKey& key,
                                   const Clock& clock, Random& random, Undo& undo) {
  for (const char* suffix : {"", "-wal", "-shm"}) undo.on_failure_remove(file.string() + suffix);
  DEPUTY_TRY(const auto store, storage::open_sqlite({.file = file, .create = true}, key));
  return make_admin_key(*store, clock, random);
}

}  // namespace

Result<Initialised> initialise(const std::filesystem::path& folder, const Clock& clock, Random& random,
                               const HandOut& hand_out) {
  Initialised made{folder / "deputy.toml", folder / "master.key", folder / "deputy.db", {}};
  std::error_code failed;
  for (const auto& path : {made.config_file, made.master_key_file, made.database}) {
    if (std::filesystem::exists(path, failed))
      return Error{
          ErrorKind::conflict,
          fmt::format("{} exists already; `deputy init` never overwrites: choose another folder with --dir",
                      path.string())};
  }
  Undo undo;
  const bool is_new_folder = std::filesystem::create_directories(folder, failed);
  if (failed) return file_error(folder, "cannot be made: " + failed.message());
  if (is_new_folder) undo.on_failure_remove(folder);
  const auto key = storage::MasterKey::draw(random);
  DEPUTY_TRY(key.create_file(made.master_key_file));
  undo.on_failure_remove(made.master_key_file);
  undo.on_failure_remove(made.config_file);
  DEPUTY_TRY(write_config(made.config_file));
  DEPUTY_TRY(made.admin_key, make_database(made.database, key, clock, random, undo));
  if (hand_out) {
    DEPUTY_TRY(hand_out(made));
  }
  undo.keep_all();
  return made;
}

Result<Initialised> initialise_database(const std::filesystem::path& config_file,
                                        const std::filesystem::path& database, const storage::MasterKey& key,
                                        const Clock& clock, Random& random, const HandOut& hand_out) {
  std::error_code failed;
  const auto size_of = [&failed](const std::filesystem::path& path) {
    return std::filesystem::exists(path, failed) ? std::filesystem::file_size(path, failed) : 0;
  };
  if (size_of(database) > 0 || failed)
    return Error{ErrorKind::conflict,
                 fmt::format("{} and its database {} exist already; `deputy init` never overwrites: choose "
                             "another folder with --dir",
                             config_file.string(), database.string())};
  // SQLite would delete it beside a new database, and with it what may be all that is left of the old one.
  const auto log = std::filesystem::path{database.string() + "-wal"};
  if (size_of(log) > 0)
    return Error{ErrorKind::conflict,
                 fmt::format("{} belongs to a database that is not there: restore {} from a backup, or move "
                             "the log away",
                             log.string(), database.string())};
  Initialised made{config_file, {}, database, {}};
  Undo undo;
  DEPUTY_TRY(made.admin_key, make_database(database, key, clock, random, undo));
  if (hand_out) {
    DEPUTY_TRY(hand_out(made));
  }
  undo.keep_all();
  return made;
}

}  // namespace deputy::app
