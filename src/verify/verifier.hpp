#pragma once

#include <chrono>
#include <optional>
#include <stop_token>

#include "aws/base_credentials.hpp"
#include "aws/harmless_calls.hpp"
#include "aws/iam.hpp"
#include "aws/sts.hpp"
#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/random.hpp"
#include "registry/registry.hpp"
#include "verify/pace.hpp"
#include "verify/progress.hpp"
#include "verify/role_checks.hpp"

namespace deputy::verify {

// What one run of the checks is about. `deputy verify` and `deputy scan` make it from their arguments, the
// service from a VerificationTask.
struct Target {
  RoleArn role_arn;
  ExternalId external_id;
  Region region;                                                  // as production uses
  SessionName session_name;                                       // of production's form
  std::optional<ExternalId> next_external_id = std::nullopt;      // in a rotation
  std::optional<ExternalId> previous_external_id = std::nullopt;  // while one retires
  bool previous_must_be_denied = false;                           // rotation.retire_after is over
  bool require_proof = false;
  bool conceal = false;                             // see registry::VerificationTask
  std::optional<Partner> partner = std::nullopt;    // absent: the trust policy is not judged
  std::optional<std::string> needs = std::nullopt;  // the integration's policy; absent: not compared
  // Where the templates' statement names the whole account of the partner: the role that its Condition lets
  // in.
  std::optional<RoleArn> only_principal = std::nullopt;
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
  ExcessPolicy excess = ExcessPolicy::note;
};

// The services that a run calls: STS with the partner's credentials, the others with the role's own.
struct Services {
  aws::Sts& sts;
  aws::Iam& iam;
  aws::HarmlessCalls& calls;
};

// Runs the checks in their order and by their rules (README.md): only AccessDenied is a denial and only
// between two successes; everything else is inconclusive. Probes that should fail carry a session policy
// that denies everything; what such a probe wrongly gets is wiped and never used. The role is read with the
// credentials of the last good probe alone, after every denial has passed. Pure but for the calls: knows no
// store. On one loop's thread; runs may go side by side.
class Verifier {
 public:
  // References outlive the verifier.
  Verifier(EventLoop& loop, const Clock& clock, Random& random, Services services,
           aws::CredentialsProvider& base, VerifierSettings settings);

  // Never fails: what could not be found out is `inconclusive`. Ends early, inconclusive, when `stop` is
  // asked for. `watch` hears of each step.
  Task<registry::VerificationReport> run(Target target, std::stop_token stop, Watch watch = {});

 private:
  EventLoop& loop_;
  const Clock& clock_;
  Random& random_;
  Services services_;
  aws::CredentialsProvider& base_;
  VerifierSettings settings_;
  Pace pace_;
};

}  // namespace deputy::verify
