#pragma once

#include <chrono>
#include <optional>
#include <stop_token>

#include "aws/base_credentials.hpp"
#include "aws/sts.hpp"
#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/random.hpp"
#include "registry/registry.hpp"
#include "verify/pace.hpp"

namespace deputy::verify {

// What one run of the checks is about. `deputy verify` and `deputy scan` make it from their arguments, the
// service from a VerificationTask.
struct Target {
  RoleArn role_arn;
  ExternalId external_id;
  Region region;                                   // as production uses
  SessionName session_name;                        // of production's form
  std::optional<ExternalId> next_external_id;      // in a rotation
  std::optional<ExternalId> previous_external_id;  // while one retires
  bool previous_must_be_denied = false;            // rotation.retire_after is over
  bool require_proof = false;
  bool conceal = false;  // see registry::VerificationTask
};

struct VerifierSettings {
  std::chrono::milliseconds propagation_window = std::chrono::seconds{120};
  std::chrono::milliseconds propagation_retry =
      std::chrono::seconds{2};               // first wait; doubles up to 20 s, with jitter
  std::chrono::seconds probe_duration{900};  // STS's shortest
  // AssumeRole calls a second, all runs together (verification.sts_share of credentials.sts_rate): what waits
  // for its turn does not take from production.
  double sts_rate = 20;
  int attempts_max = 3;  // for one probe that is inconclusive
};

// Runs the checks in their order and by their rules (README.md): only AccessDenied is a denial and only
// between two successes; everything else is inconclusive. Probes that should fail carry a session policy
// that denies everything; what such a probe wrongly gets is wiped and never used. Pure but for the calls:
// knows no store. On one loop's thread; runs may go side by side.
class Verifier {
 public:
  // References outlive the verifier.
  Verifier(EventLoop& loop, const Clock& clock, Random& random, aws::Sts& sts, aws::CredentialsProvider& base,
           VerifierSettings settings);

  // Never fails: what could not be found out is `inconclusive`. Ends early, inconclusive, when `stop` is
  // asked for.
  Task<registry::VerificationReport> run(Target target, std::stop_token stop);

 private:
  EventLoop& loop_;
  const Clock& clock_;
  Random& random_;
  aws::Sts& sts_;
  aws::CredentialsProvider& base_;
  VerifierSettings settings_;
  Pace pace_;
};

}  // namespace deputy::verify
