#include "verify/role_checks.hpp"

#include <algorithm>
#include <utility>

#include "aws/sigv4.hpp"
#include "policy/analyzer.hpp"
#include "verify/diagnosis.hpp"
#include "verify/role_reader.hpp"

namespace deputy::verify {
namespace {

constexpr std::size_t harmless_calls_max = 10;

policy::TrustQuestion trust_question(const RoleQuestion& question) {
  return {.partner_principal = question.partner->principal,
          .partner_accounts = question.partner->accounts,
          .role_account = question.role.account(),
          .issued = question.issued,
          .tolerated = question.tolerated};
}

}  // namespace

Task<RoleFindings> RoleChecks::run() {
  if (!question_.partner && !question_.needs) {
    found_.trust_policy.finding = trust_policy_not_asked(question_.require_proof);
    found_.permissions.finding = permissions_not_asked();
    co_return std::move(found_);
  }
  found_.permissions.finding.message = not_run_message();
  const auto details = co_await check_trust_policy();
  const bool is_this_role = !details || details->arn == question_.role;
  // Asking on would only add to what is too much for AWS already.
  if (found_.left_open) {
    found_.permissions.finding = unclear_finding(unclear_message(found_.left_open->error_class));
  } else if (is_this_role) {
    co_await check_permissions(details);
  }
  co_return std::move(found_);
}

Task<std::optional<aws::RoleDetails>> RoleChecks::check_trust_policy() {
  RoleReader reader{iam_, patience_, question_.role, session_};
  const auto read = co_await reader.role();
  CheckedFinding& check = found_.trust_policy;
  if (!read) {
    const aws::AwsError& error = read.error();
    if (error.error_class == aws::AwsErrorClass::access_denied) {
      check = {trust_policy_not_read(question_.role, question_.require_proof), evidence(error)};
    } else if (error.error_class == aws::AwsErrorClass::not_found) {
      check = {unclear_finding(changed_meanwhile_message()), evidence(error)};
    } else {
      leave_open(check, error);
    }
    co_return std::nullopt;
  }
  judge_trust_policy(read.value());
  co_return read.value();
}

void RoleChecks::judge_trust_policy(const aws::RoleDetails& details) {
  CheckedFinding& check = found_.trust_policy;
  check.evidence =
      registry::Evidence{.aws_error_code = {}, .aws_request_id = details.request_id, .at = clock_.now()};
  if (details.arn != question_.role) {
    check.finding = trust_policy_of_another_role();
    return;
  }
  const auto document = policy::decode_document(details.trust_policy);
  check.evidence->trust_policy_sha256 = aws::sha256_hex(document ? document.value() : details.trust_policy);
  if (!question_.partner) {
    check.finding = trust_policy_not_asked(question_.require_proof);
    return;
  }
  policy::TrustQuestion asked = trust_question(question_);
  const auto analysis = policy::analyze(std::string_view{details.trust_policy}, asked);
  check.finding = trust_policy_judged(analysis);
  found_.proved = analysis.verdict == policy::TrustVerdict::safe;
  if (!question_.retiring || !found_.proved) return;
  std::erase(asked.tolerated, *question_.retiring);
  found_.retiring_accepted =
      policy::analyze(std::string_view{details.trust_policy}, asked).verdict != policy::TrustVerdict::safe;
}

Task<void> RoleChecks::check_permissions(std::optional<aws::RoleDetails> details) {
  CheckedFinding& check = found_.permissions;
  if (!question_.needs) {
    check.finding = permissions_not_asked();
    co_return;
  }
  RoleReader reader{iam_, patience_, question_.role, session_};
  const RolePolicies policies = co_await reader.policies(std::move(details));
  if (policies.left_open) {
    leave_open(check, *policies.left_open);
    co_return;
  }
  PermissionsJudgement judgement{.needs = judge_needs(*question_.needs, policies,
                                                      {question_.role, question_.session_name, clock_.now()}),
                                 .excess = excess_of(policies, *question_.needs, question_.role),
                                 .unread = policies.unread,
                                 .narrowed = is_narrowed(policies)};
  judgement.tried = !policies.complete() && !judgement.needs.undecided.empty();
  if (!co_await try_harmless_calls(judgement.needs)) co_return;
  check.finding = permissions_judged(judgement, question_.excess);
  if (!check.evidence)
    check.evidence = registry::Evidence{.aws_error_code = {}, .aws_request_id = {}, .at = clock_.now()};
}

// What is undecided and can be tried without harm is tried. False when AWS left it open.
Task<bool> RoleChecks::try_harmless_calls(NeedsJudgement& needs) {
  std::vector<Need> undecided = std::exchange(needs.undecided, {});
  std::size_t calls = 0;
  for (Need& need : undecided) {
    const bool can_be_tried = need.resource == "*" && !need.conditional && calls_.knows(need.action);
    if (!can_be_tried || ++calls > harmless_calls_max) {
      needs.undecided.push_back(std::move(need));
      continue;
    }
    const auto answer = co_await patience_.ask<aws::HarmlessCalls::Answered>(
        [this, &need] { return calls_.call(need.action, question_.region, session_); });
    if (answer) {
      needs.granted.push_back(std::move(need));
    } else if (answer.error().error_class == aws::AwsErrorClass::access_denied) {
      found_.permissions.evidence = evidence(answer.error());
      needs.missing.push_back(std::move(need));
    } else if (may_pass_by_itself(answer.error().error_class)) {
      leave_open(found_.permissions, answer.error());
      co_return false;
    } else {
      needs.undecided.push_back(std::move(need));
    }
  }
  co_return true;
}

void RoleChecks::leave_open(CheckedFinding& check, const aws::AwsError& error) {
  // The keys that did not work are the session's, not the partner's: where AWS does not know them yet, it
  // soon will.
  found_.left_open = error;
  if (error.error_class == aws::AwsErrorClass::caller_credentials)
    found_.left_open->error_class = aws::AwsErrorClass::unavailable;
  check = {unclear_finding(unclear_message(found_.left_open->error_class)), evidence(error)};
}

}  // namespace deputy::verify
