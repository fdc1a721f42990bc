#pragma once

#include <functional>
#include <optional>
#include <stop_token>

#include "aws/base/credential_source.hpp"
#include "aws/base_credentials.hpp"
#include "core/clock.hpp"
#include "core/task_group.hpp"

namespace deputy::aws {

// Keeps what a source gave and renews it ahead of its expiry, with jitter, in the background: a caller waits
// only when nothing usable is left or its last minute has come, and then all wait for one attempt. What is
// held stays in use until it expires when renewing fails. After a failure the next attempt waits for a
// growing while (a second to half a minute; five seconds at most when nothing is left), and who asks
// meanwhile gets the remembered error. Time is the earlier of civil and steady: a clock that is set back does
// not lengthen a session, one that is set forward has it renewed. On one loop's thread; REQUIRES `stop` to be
// awaited before destruction once `get` was called.
class RefreshingProvider final : public CredentialsProvider {
 public:
  using Fetch = std::function<Task<Result<Supply>>(std::stop_token)>;
  RefreshingProvider(const Clock& clock, Random& random, Fetch fetch)
      : clock_(clock), random_(random), fetch_(std::move(fetch)) {}

  Task<Result<Credentials>> get() override;
  Task<void> stop() override;

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  using Span = std::chrono::milliseconds;
  struct Held {
    Credentials credentials;
    std::optional<SteadyTime> until;  // absent: for ever
    Span renew_ahead;                 // with this much left, or less, it is renewed in the background
    Span wait_ahead;                  // with this much left, or less, callers wait for that
  };

  Task<void> renew();
  Held held(Supply supply);
  Span left() const;  // of what is held
  bool may_try() const;

  const Clock& clock_;
  Random& random_;
  const Fetch fetch_;
  TaskGroup attempts_;  // one at most
  std::optional<Held> held_;
  std::optional<Error> failure_;  // of the last attempt
  SteadyTime next_try_{};
  int failures_ = 0;  // in a row
};

}  // namespace deputy::aws
