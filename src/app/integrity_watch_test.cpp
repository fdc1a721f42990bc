#include "app/integrity_watch.hpp"

#include "support/manual_loop.hpp"
#include "support/registry_fixture.hpp"

#include <deque>

namespace deputy::app {
namespace {

using Checked = Result<journal::Checkpoint>;

// The real store, but for what its check finds.
class ScriptedStore final : public registry::Store {
 public:
  explicit ScriptedStore(registry::Store& store) : store_(store) {}

  void add_listener(registry::WriteListener& listener) override { store_.add_listener(listener); }
  void remove_listener(registry::WriteListener& listener) override { store_.remove_listener(listener); }

  Result<void> write(const std::function<Result<void>(registry::Transaction&)>& work) override {
    return store_.write(work);
  }
  Result<void> read(const std::function<Result<void>(registry::Transaction&)>& work) override {
    return store_.read(work);
  }
  std::optional<Error> write_trouble() const override { return store_.write_trouble(); }
  Result<void> try_to_write() override { return store_.try_to_write(); }
  Checked check_integrity(const std::optional<journal::Checkpoint>& checkpoint) override {
    held_against.push_back(checkpoint ? checkpoint->sequence : 0);
    if (findings.empty()) return journal::Checkpoint{static_cast<std::int64_t>(held_against.size()), {}};
    Error finding = findings.front();
    findings.pop_front();
    return finding;
  }

  std::deque<Error> findings;  // of the next checks; then all is well
  std::vector<std::int64_t> held_against;

 private:
  registry::Store& store_;
};

// THREATS 39: a row rolled back by itself shows in this check alone.
class IntegrityWatchTest : public RegistryFixture {
 public:
  ~IntegrityWatchTest() override { loop.run(watch.stop()); }

 protected:
  // Lets the loop and the pool get as far as they can at this moment.
  void settle() {
    for (int turn = 0; turn < 4; ++turn)
      loop.run(run_on(pool, loop, [] { return Result<void>{success()}; })).assume_value();
    loop.run_ready();
  }
  std::size_t on_record() {
    std::size_t count = 0;
    const auto page = registry().journal({.limit = 200}).value();
    for (const auto& chained : page.items) count += chained.entry.act == "integrity.violated" ? 1 : 0;
    return count;
  }

  ManualLoop loop{clock()};
  WorkPool pool{{.threads = 1}};
  ScriptedStore scripted{store()};
  std::vector<std::string> found;
  IntegrityWatch watch{loop,
                       clock(),
                       pool,
                       scripted,
                       registry(),
                       {.interval = std::chrono::hours{24}, .retry = std::chrono::minutes{5}},
                       [this](const Error& finding) { found.push_back(finding.message); }};
};

TEST_F(IntegrityWatchTest, ChecksAtTheStartAndDailyEachTimeAgainstTheLast) {
  watch.start();
  settle();
  loop.advance(std::chrono::hours{24});
  settle();
  EXPECT_EQ(scripted.held_against, (std::vector<std::int64_t>{0, 1}));
  EXPECT_TRUE(found.empty());
}

TEST_F(IntegrityWatchTest, AFindingIsToldAndPutOnRecord) {
  scripted.findings = {Error{ErrorKind::conflict, "table keys: rows were put back to an older state"}};
  watch.start();
  settle();
  loop.run(watch.stop());
  EXPECT_EQ(found.size(), 1U);
  EXPECT_EQ(on_record(), 1U);
  EXPECT_EQ(loop.timers(), 0U);
}

TEST_F(IntegrityWatchTest, WhatCouldNotBeCheckedIsNoFindingAndIsCheckedAgainSoon) {
  scripted.findings = {Error{ErrorKind::overloaded, "the database is busy"}};
  watch.start();
  settle();
  EXPECT_TRUE(found.empty());
  loop.advance(std::chrono::minutes{5});
  settle();
  EXPECT_TRUE(found.empty());
  EXPECT_EQ(on_record(), 0U);
}

}  // namespace
}  // namespace deputy::app
