#include "app/initialise.hpp"

#include "support/fake_clock.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include "registry/registry.hpp"
#include "storage/master_key.hpp"
#include "storage/sqlite_store.hpp"

namespace deputy::app {
namespace {

namespace fs = std::filesystem;

TEST(Initialise, MakesKeyConfigurationDatabaseAndOneAdminKey) {
  const TemporaryFolder folder;
  const SystemClock clock;
  SystemRandom random;
  const auto made = initialise(folder.path() / "new", clock, random);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(fs::status(made.value().master_key_file).permissions() & fs::perms::all,
            fs::perms::owner_read | fs::perms::owner_write);
  const auto key = storage::MasterKey::load(made.value().master_key_file);
  ASSERT_TRUE(key);
  const auto store = storage::open_sqlite({.file = made.value().database}, key.value());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_TRUE(made.value().admin_key.reveal().starts_with("dpk_admin_"));
  EXPECT_TRUE(store.value()->check_integrity(std::nullopt));
}

TEST(Initialise, NeverOverwrites) {
  const TemporaryFolder folder;
  const SystemClock clock;
  SystemRandom random;
  const auto first = initialise(folder.path(), clock, random).value();
  fs::remove(first.database);
  const auto before = fs::last_write_time(first.master_key_file);
  const auto again = initialise(folder.path(), clock, random);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::conflict);
  EXPECT_EQ(fs::last_write_time(first.master_key_file), before);
  EXPECT_FALSE(fs::exists(first.database));
}

}  // namespace
}  // namespace deputy::app
