#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

struct sqlite3;

namespace deputy::logstore {

// Ends what SQLite does on a connection when its time is over: the full-text index looks at nothing else
// while it works. Thread-safe; one thread, which sleeps as long as nothing is watched.
class Deadlines {
 public:
  Deadlines();
  ~Deadlines();
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;

  // As long as it lives, the connection is interrupted at `at`, and again until it is gone.
  class Watch {
   public:
    Watch(Deadlines& deadlines, sqlite3* database, std::chrono::steady_clock::time_point at);
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch();

   private:
    Deadlines& deadlines_;
    sqlite3* database_;
  };

 private:
  struct Watched {
    sqlite3* database;
    std::chrono::steady_clock::time_point at;
  };
  void serve();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Watched> watched_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace deputy::logstore
