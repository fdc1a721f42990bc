#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/harmless_calls.hpp"
#include "aws/iam.hpp"
#include "verify/findings.hpp"
#include "verify/patience.hpp"

namespace deputy::verify {

// Whom the trust policy is to let in.
struct Partner {
  RoleArn principal;
  std::vector<AccountId> accounts;  // more of the partner's
};

// What is asked of a role that the probes found in order.
struct RoleQuestion {
  RoleArn role;
  SessionName session_name;
  Region region;
  std::optional<Partner> partner;      // absent: the trust policy is not judged
  std::vector<ExternalId> issued;      // must be accepted
  std::vector<ExternalId> tolerated;   // may be, at this moment of a rotation
  std::optional<ExternalId> retiring;  // of `tolerated`: is it still accepted under any condition at all?
  std::optional<std::string> needs;    // the integration's policy; absent: permissions are not compared
  bool require_proof = false;
  ExcessPolicy excess = ExcessPolicy::note;
};

struct CheckedFinding {
  Finding finding;
  std::optional<registry::Evidence> evidence = std::nullopt;
};

struct RoleFindings {
  CheckedFinding trust_policy;
  CheckedFinding permissions;
  bool proved = false;                     // the trust policy was read and is safe
  bool retiring_accepted = false;          // the trust policy was read and still takes the retiring ID
  std::optional<aws::AwsError> left_open;  // AWS gave no clear answer to one of the calls
};

// Checks 6 and 7: reads the role through itself and judges what it reads; where its policies cannot be read,
// tries harmless calls. Only AccessDenied means `not allowed`. Pure but for the calls. References outlive it;
// it outlives its task. On one loop's thread.
class RoleChecks {
 public:
  RoleChecks(const Clock& clock, aws::Iam& iam, aws::HarmlessCalls& calls, Patience& patience,
             RoleQuestion question, aws::Credentials session)
      : clock_(clock),
        iam_(iam),
        calls_(calls),
        patience_(patience),
        question_(std::move(question)),
        session_(std::move(session)) {}

  Task<RoleFindings> run();

 private:
  Task<std::optional<aws::RoleDetails>> check_trust_policy();
  void judge_trust_policy(const aws::RoleDetails& details);
  Task<void> check_permissions(std::optional<aws::RoleDetails> details);
  Task<bool> try_harmless_calls(NeedsJudgement& needs);
  void leave_open(CheckedFinding& check, const aws::AwsError& error);
  registry::Evidence evidence(const aws::AwsError& error) const {
    return {.aws_error_code = error.code, .aws_request_id = error.request_id, .at = clock_.now()};
  }

  const Clock& clock_;
  aws::Iam& iam_;
  aws::HarmlessCalls& calls_;
  Patience& patience_;
  RoleQuestion question_;
  aws::Credentials session_;
  RoleFindings found_;
};

}  // namespace deputy::verify
