#include "conformance/store_harness.hpp"
#include "support/fake_random.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include "storage/sqlite_store.hpp"

namespace deputy::conformance {

namespace {

class SqliteHarness final : public StoreHarness {
 public:
  SqliteHarness() { open(); }
  registry::Store& store() override { return *store_; }
  void reopen() override {
    store_.reset();
    open();
  }

 private:
  void open() {
    auto opened = storage::open_sqlite({.file = folder_.path() / "deputy.db", .create = true}, key_);
    if (!opened) throw std::runtime_error{opened.error().message + ": " + opened.error().detail};
    store_ = std::move(opened).value();
  }

  TemporaryFolder folder_;
  SeededRandom random_{11};
  storage::MasterKey key_ = storage::MasterKey::draw(random_);
  std::unique_ptr<registry::Store> store_;
};

}  // namespace

std::vector<StoreFactory> store_factories() {
  return {{"Sqlite", [] { return std::make_unique<SqliteHarness>(); }}};
}

}  // namespace deputy::conformance
