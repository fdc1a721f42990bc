#pragma once

#include "sqlite/connection.hpp"

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

namespace deputy::sqlite {

// Moves the write-ahead log's pages into the database on a thread and a connection of its own, so that no
// transaction waits for it. SQLite by itself does it within the commit that fills the log: some ten
// milliseconds that everybody pays who waits for that commit.
//
// While transactions go on, such a pass never catches up wholly, and only a log that was moved wholly begins
// anew. So the writer moves what little the pass left (`committed` says so): a bounded number of pages. And
// where the passes fail or fall behind, the writer moves all of it, as SQLite would: the log stays bounded.
// https://www.sqlite.org/wal.html#checkpointing
class LogCheckpointer {
 public:
  struct Limits {
    int begin_at = 1'000;      // pages in the log: a pass begins
    int left_for_writer = 64;  // pages that a pass may leave to the writer
    int writer_at = 8'000;     // pages in the log: the writer moves them itself
  };

  // `connection` is its own; `writer` outlives it and is used within `committed` alone.
  LogCheckpointer(std::unique_ptr<Connection> connection, Connection& writer, Limits limits);
  LogCheckpointer(const LogCheckpointer&) = delete;
  LogCheckpointer& operator=(const LogCheckpointer&) = delete;
  ~LogCheckpointer();  // waits for a pass that is under way

  // After each commit, by the writer's thread, outside of a transaction.
  void committed();

  // Waits until no pass is under way or due: for tests.
  void settle();

  struct Counts {
    std::uint64_t passes = 0;     // on the thread
    std::uint64_t by_writer = 0;  // of what a pass left
    std::uint64_t fallbacks = 0;  // of all
  };
  Counts counts() const;

 private:
  void run();

  const std::unique_ptr<Connection> connection_;
  Connection& writer_;
  const Limits limits_;
  // The writer's alone: the pages in the log as of its last commit, and whether they were enough for a pass.
  int pages_ = 0;
  bool long_ = false;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false, passing_ = false, little_left_ = false, ending_ = false;
  Counts counts_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace deputy::sqlite
