#include "sqlite/log_checkpointer.hpp"

#include <optional>
#include <spdlog/spdlog.h>
#include <sqlite3.h>
#include <utility>

namespace deputy::sqlite {
namespace {

struct Moved {
  int in_log = 0;
  int moved = 0;
};

// Moves what can be moved without waiting for anybody.
std::optional<Moved> move_pages(Connection& connection) {
  Moved moved;
  const int code = sqlite3_wal_checkpoint_v2(connection.handle(), "main", SQLITE_CHECKPOINT_PASSIVE,
                                             &moved.in_log, &moved.moved);
  if (code == SQLITE_OK) return moved;
  if ((code & 0xff) != SQLITE_BUSY)
    spdlog::warn("the write-ahead log could not be moved into the database: {}", sqlite3_errstr(code));
  return std::nullopt;
}

// SQLite tells after each commit how long the log is; to ask so is also what turns its own moving off.
int note_pages(void* pages, sqlite3*, const char*, int in_log) {
  *static_cast<int*>(pages) = in_log;
  return SQLITE_OK;
}

}  // namespace

LogCheckpointer::LogCheckpointer(std::unique_ptr<Connection> connection, Connection& writer, Limits limits)
    : connection_(std::move(connection)), writer_(writer), limits_(limits), thread_([this] { run(); }) {
  sqlite3_wal_hook(writer_.handle(), note_pages, &pages_);
}

LogCheckpointer::~LogCheckpointer() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
  sqlite3_wal_autocheckpoint(writer_.handle(), limits_.begin_at);
}

void LogCheckpointer::committed() {
  if (pages_ < limits_.begin_at) {
    long_ = false;
    return;
  }
  {
    std::unique_lock lock{mutex_};
    // What an earlier pass left was of an earlier log.
    if (!std::exchange(long_, true)) little_left_ = false;
    const bool finish = little_left_ && !passing_;
    const bool fall_back = pages_ >= limits_.writer_at;
    if (!finish && !fall_back) {
      wanted_ = true;
      changed_.notify_all();
      return;
    }
    changed_.wait(lock, [this] { return !passing_; });  // one at a time moves pages
    little_left_ = wanted_ = false;
    ++(finish ? counts_.by_writer : counts_.fallbacks);
  }
  move_pages(writer_);
}

void LogCheckpointer::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return wanted_ || ending_; });
    if (ending_) return;
    wanted_ = false;
    passing_ = true;
    lock.unlock();
    const auto moved = move_pages(*connection_);
    lock.lock();
    passing_ = false;
    ++counts_.passes;
    little_left_ = moved && moved->in_log - moved->moved <= limits_.left_for_writer;
    changed_.notify_all();
  }
}

void LogCheckpointer::settle() {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return !wanted_ && !passing_; });
}

LogCheckpointer::Counts LogCheckpointer::counts() const {
  const std::lock_guard lock{mutex_};
  return counts_;
}

}  // namespace deputy::sqlite
