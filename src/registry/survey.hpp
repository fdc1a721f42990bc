#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "registry/model.hpp"

namespace deputy::registry {

// How things stand as a whole: what an operator watches. Names nobody.
struct Survey {
  std::map<ConnectionState, std::size_t> connections;  // states without one are absent
  std::int64_t journal_entries = 0;
  std::size_t webhook_events = 0;                      // that wait to be taken
  std::optional<Timestamp> oldest_webhook_event = {};  // when what the oldest one tells of happened
};

// Outcomes of verifications since the start of this process; `dropped`: the binding changed meanwhile.
// Thread-safe.
struct VerificationCounts {
  std::atomic<std::uint64_t> passed = 0, failed = 0, inconclusive = 0, dropped = 0;

  void count(VerificationOutcome outcome) {
    ++(outcome == VerificationOutcome::passed   ? passed
       : outcome == VerificationOutcome::failed ? failed
                                                : inconclusive);
  }
};

// Attempts to deliver events, and events that were given up, since the start of this process. Thread-safe.
struct WebhookCounts {
  std::atomic<std::uint64_t> taken = 0, refused = 0, unanswered = 0;
  std::atomic<std::uint64_t> expired = 0, dropped = 0;
};

}  // namespace deputy::registry
