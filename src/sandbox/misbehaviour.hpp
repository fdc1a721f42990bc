#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "core/result.hpp"

// What the sandbox is told to do wrong, so that clients can be tried against it.
namespace deputy::sandbox {

struct Disturbance {
  enum class Kind {
    throttle,        // beyond `per_second` calls of one operation by one account: Throttling, "Rate exceeded"
    late,            // answers after `delay`
    server_error,    // answers `status` without doing anything
    cut_connection,  // does nothing and answers nothing
    malformed_answer,  // does it, and sends only half of the body
    propagation,       // a change of IAM is seen by STS and the other services only after `delay`
    visibility,        // log events that PutLogEvents takes can be read only after `delay`
    short_page,        // FilterLogEvents answers with a part of the page, or nothing of it, and a token
    refuse_token,      // FilterLogEvents takes no token
  };
  Kind kind = Kind::late;
  // Which calls; empty: any. `service` as in the signature (`sts`), `operation` as AWS names it
  // (`AssumeRole`), `account` the caller's.
  std::string service, operation, account;
  double probability = 1.0;            // of each call that matches, 0 to 1
  std::optional<std::uint64_t> count;  // for so many calls, then no more
  double per_second = 0;               // throttle: 0 throttles every call
  std::chrono::milliseconds delay{0};  // late, propagation, visibility
  int status = 503;                    // server_error: 500–599
};

struct Misbehaviour {
  std::vector<Disturbance> disturbances;  // all that match apply; 100 at most
};

// `{"disturbances": [{"kind": "throttle", "service": "sts", "per_second": 10}, …]}`, strictly; members as in
// Disturbance, `delay_ms` for the delay.
Result<Misbehaviour> read_misbehaviour(std::string_view json);
std::string to_json(const Misbehaviour& misbehaviour);

// Decides, call by call, what goes wrong.
class Mischief {
 public:
  Mischief(Clock& clock, Random& random) : clock_(clock), random_(random) {}

  void set(Misbehaviour misbehaviour);
  // With the counts that are left.
  const Misbehaviour& current() const { return misbehaviour_; }

  struct Effects {
    bool throttled = false;
    bool cut = false;
    bool malformed = false;
    std::optional<int> server_error;
    std::chrono::milliseconds answer_after{0};
    std::chrono::milliseconds propagation{0};
    std::chrono::milliseconds visibility{0};
    bool short_page = false;
    bool refuse_token = false;
  };
  Effects strike(std::string_view service, std::string_view operation, std::string_view account);

 private:
  struct Bucket {
    double tokens;
    std::chrono::steady_clock::time_point filled_at;
  };
  bool takes_effect(Disturbance& disturbance);
  bool over_rate(std::size_t index, const Disturbance& disturbance, const std::string& key);

  Clock& clock_;
  Random& random_;
  Misbehaviour misbehaviour_;
  std::map<std::pair<std::size_t, std::string>, Bucket> buckets_;
};

}  // namespace deputy::sandbox
