#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/result.hpp"

namespace deputy::logs {

// The right to collect from one account in one Region. `epoch` counts how often it changed hands: whatever is
// written under a lease is written in a transaction that finds this very epoch.
struct Lease {
  std::string name;
  std::uint64_t epoch = 0;
  friend bool operator==(const Lease&, const Lease&) = default;
};

// Who may collect what, shared by all processes that collect. On SQLite now; on PostgreSQL the same three
// statements over the same table, with the database's clock. Blocking; thread-safe.
class LeaseBook {
 public:
  virtual ~LeaseBook() = default;
  // Takes the lease when it is free, has run out, is the holder's already, or that of a process which is
  // known to be gone; nullopt when another has it.
  virtual Result<std::optional<Lease>> acquire(const std::string& name, const std::string& holder,
                                               Timestamp now, std::chrono::milliseconds time) = 0;
  // The same for many: those of them that the holder has now.
  virtual Result<std::vector<Lease>> acquire_free(const std::vector<std::string>& names,
                                                  const std::string& holder, Timestamp now,
                                                  std::chrono::milliseconds time) = 0;
  // Prolongs all that are the holder's and have not run out; returns their names.
  virtual Result<std::vector<std::string>> renew(const std::string& holder, Timestamp now,
                                                 std::chrono::milliseconds time) = 0;
  // Gives back all that are the holder's.
  virtual Result<void> release(const std::string& holder) = 0;
};

}  // namespace deputy::logs
