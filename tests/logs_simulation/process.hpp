#pragma once

#include "fake_cloud.hpp"
#include "logs/collector.hpp"
#include "support/fake_random.hpp"
#include "support/manual_loop.hpp"

#include <filesystem>
#include <memory>

namespace deputy::logs {

// A disk that dies in the middle: the write at which it does leaves a part of its bytes, what was not synced
// is cut at any place, and nothing works from then on.
class DyingFiles final : public Files {
 public:
  explicit DyingFiles(FakeCloud& dice) : dice_(dice) {}

  Result<std::unique_ptr<AppendFile>> create(const std::filesystem::path& file) override;
  Result<std::vector<char>> read(const std::filesystem::path& file, std::uint64_t offset,
                                 std::size_t length) override;
  Result<void> remove(const std::filesystem::path& file) override;
  Result<bool> is_left(const std::filesystem::path& file) override;
  Result<std::vector<std::string>> list(const std::filesystem::path& folder) override;

  void die_at(std::uint64_t operation) { dies_at_ = operations_ + operation; }
  bool dead() const { return dead_; }
  void kill() { dead_ = true; }
  double full = 0;  // chance of a write to find the disk full
  std::uint64_t operations() const { return operations_; }

 private:
  class File;
  Result<void> step();
  FakeCloud& dice_;
  std::uint64_t operations_ = 0, dies_at_ = ~std::uint64_t{0};
  bool dead_ = false, dies_now_ = false;
};

// What a seed says of the collectors: how they are set.
struct ProcessSettings {
  SourcePlan plan;
  bool narrow = false;  // few calls and windows at once, so that everything waits for its turn
};

// A process that collects: a spool of its own over the shared directory, until it is killed.
class Process {
 public:
  Process(std::string name, FakeClock& clock, ManualLoop& loop, FakeCloud& cloud,
          const std::vector<Subscription>& subscriptions, const std::filesystem::path& directory,
          const ProcessSettings& set, std::uint64_t seed);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  bool dead() const { return files.dead(); }
  // Its calls to AWS and its disk stand still from now on, for so long: it does not know.
  void freeze(std::chrono::milliseconds time);
  void drop(const ConnectionId& connection) { collector->drop(connection); }
  void wake() { collector->wake(); }
  // What happens, on standard error, with DEPUTY_LOGS_TRACE.
  void trace(const std::string& what) const;

  const std::string name;
  const std::string incarnation;  // of this very start
  FakeClock& clock;
  ManualLoop& loop;
  FakeCloud& cloud;
  const std::vector<Subscription>& subscriptions_now;
  std::chrono::steady_clock::time_point frozen_until{};
  DyingFiles files;
  double die_after_write = 0;  // chance of being killed after a commit, before it is known
  std::unique_ptr<Spool> spool;

 private:
  class Disk;
  class Client;
  class Sessions;
  class Connections;
  SeededRandom random_;
  std::unique_ptr<Disk> disk_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Sessions> sessions_;
  std::unique_ptr<Connections> connections_;

 public:
  std::unique_ptr<Collector> collector;
};

}  // namespace deputy::logs
