#include "verify/verifier.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "registry/session_name.hpp"
#include "verify/diagnosis.hpp"
#include "verify/patience.hpp"
#include "verify/role_checks.hpp"
#include "verify/wrong_ids.hpp"

namespace deputy::verify {
namespace {

using registry::Check;
using registry::CheckResult;
using registry::Evidence;
using registry::VerificationOutcome;
using registry::VerificationReport;
using std::chrono::milliseconds;

constexpr milliseconds propagation_wait_max = std::chrono::seconds{20};
constexpr milliseconds unclear_wait{500};  // before an unclear probe is tried again; doubles
// The last try of a role that is denied comes this long before the window ends, so that the answer is there
// by then and the end of the run shows nothing of how long it took.
constexpr milliseconds settle_max = std::chrono::seconds{5};
constexpr std::chrono::seconds reading_time_max{60};  // of a role, all calls together
constexpr milliseconds reading_grace_min = std::chrono::seconds{10};

constexpr std::string_view deny_everything =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]})";

enum class Answer { accepted, denied, unclear };

// What came of one probe. Of the credentials nothing is kept unless they were asked for: they are wiped when
// the answer goes.
struct Probed {
  Answer answer = Answer::unclear;
  Evidence evidence;
  std::string unclear_because;
  std::optional<aws::Credentials> credentials;
};

enum class Expect { success, denial };

bool is_denial(const aws::AwsError& error) {
  return error.error_class == aws::AwsErrorClass::access_denied && error.code == "AccessDenied";
}

// The checks in the order of the report. Each is skipped until it was found out.
class Checklist {
 public:
  explicit Checklist(const Target& target) {
    for (const char* name : {"role_assumable", "external_id_required", "external_id_exact",
                             "role_still_assumable", "account_matches", "trust_policy", "permissions"})
      add(name);
    if (target.next_external_id) add("next_external_id_works");
    if (target.previous_external_id) add("previous_external_id_denied");
  }

  Check& operator[](std::string_view name) {
    const auto found = std::ranges::find(checks_, name, &Check::name);
    DEPUTY_ASSERT(found != checks_.end());
    return *found;
  }
  void set(std::string_view name, CheckResult result, std::string message,
           std::optional<Evidence> evidence = std::nullopt, std::optional<std::string> mend = std::nullopt) {
    Check& check = (*this)[name];
    check.result = result;
    check.message = std::move(message);
    check.evidence = std::move(evidence);
    check.mend = std::move(mend);
  }

  VerificationOutcome outcome() const {
    const auto any = [this](CheckResult result) {
      return std::ranges::find(checks_, result, &Check::result) != checks_.end();
    };
    if (any(CheckResult::failed)) return VerificationOutcome::failed;
    if (any(CheckResult::inconclusive)) return VerificationOutcome::inconclusive;
    // What was skipped proves nothing: the probes must each have passed.
    const bool probed = std::all_of(checks_.begin(), checks_.begin() + probes,
                                    [](const Check& check) { return check.result == CheckResult::passed; });
    return probed ? VerificationOutcome::passed : VerificationOutcome::inconclusive;
  }
  std::string first_failed() const {
    const auto found = std::ranges::find(checks_, CheckResult::failed, &Check::result);
    return found == checks_.end() ? std::string{} : found->name;
  }
  const std::vector<Check>& all() const { return checks_; }

 private:
  static constexpr std::ptrdiff_t probes = 5;  // those that must pass
  void add(const char* name) {
    Check check;
    check.name = name;
    check.result = CheckResult::skipped;
    check.message = not_run_message();
    checks_.push_back(std::move(check));
  }
  std::vector<Check> checks_;
};

struct Surroundings {
  EventLoop& loop;
  const Clock& clock;
  Random& random;
  Services services;
  aws::CredentialsProvider& base;
  const VerifierSettings& settings;
  Pace& pace;
};

// One run. Lives in the frame of the coroutine that runs it.
class Run {
 public:
  Run(Surroundings around, Target target, std::stop_token stop, Watch watch)
      : around_(around),
        target_(std::move(target)),
        stop_(std::move(stop)),
        watch_(std::move(watch)),
        began_(around.clock.steady_now()),
        checklist_(target_) {}

  Task<VerificationReport> go();

 private:
  Task<Probed> first_success();
  Task<void> check_the_rest();
  Task<bool> denied_without_id();
  Task<bool> denied_with_wrong_ids();
  Task<void> probe_rotation();
  Task<bool> still_assumable();
  Task<bool> account_matches(aws::Credentials credentials);
  Task<void> read_the_role();
  std::string condition(const std::optional<ExternalId>& second) const {
    return condition_snippet(target_.external_id, second, target_.only_principal);
  }
  milliseconds reading_grace() const;
  RoleQuestion role_question() const;
  void set(std::string_view name, const CheckedFinding& found);

  Task<Probed> assume(std::optional<ExternalId> id, Expect expect);
  Task<Probed> assume_once(std::optional<ExternalId> id, Expect expect, aws::AwsErrorClass& error_class);
  Task<bool> pause_before_retry(int attempt);
  Task<void> sleep_until(milliseconds since_began);
  milliseconds since_began() const {
    return std::chrono::floor<milliseconds>(around_.clock.steady_now() - began_);
  }
  milliseconds jittered(milliseconds wait) const { return wait / 2 + full_jitter(around_.random, wait / 2); }

  Probed unclear(std::string because, const std::string& code, const std::string& request_id) const;
  Evidence evidence(std::string code, std::string request_id) const {
    return {.aws_error_code = std::move(code),
            .aws_request_id = std::move(request_id),
            .at = around_.clock.now()};
  }
  void set_unclear(std::string_view name, const Probed& probed);
  void tell(bool waiting_for_aws = false) const;
  Task<VerificationReport> concealed();
  VerificationReport report();
  VerificationReport denied_report(std::string request_id);

  Surroundings around_;
  Target target_;
  std::stop_token stop_;
  Watch watch_;
  std::chrono::steady_clock::time_point began_;
  Checklist checklist_;
  std::optional<Probed> unclear_;  // what AWS last left open, for `concealed`
  std::string last_request_id_;
  std::optional<AccountId> account_;
  std::optional<aws::Credentials> session_;  // of the last good probe
  bool was_denied_at_first_ = false;         // the role was made just now: AWS is not done with it
  bool answered_ = false;                    // to the external ID
  bool proved_ = false;
  std::string concealed_failure_;  // the check that failed, of a run that tells of a denial instead
  bool next_works_ = false;
  bool previous_denied_ = false;
};

Task<VerificationReport> Run::go() {
  const Probed first = co_await first_success();
  if (first.answer == Answer::denied) co_return denied_report(first.evidence.aws_request_id);
  if (first.answer == Answer::unclear) {
    set_unclear("role_assumable", first);
    co_return report();
  }
  answered_ = true;
  checklist_.set("role_assumable", CheckResult::passed, assumable_message(), first.evidence);
  tell();
  co_await check_the_rest();
  if (target_.conceal && checklist_.outcome() != VerificationOutcome::passed) co_return co_await concealed();
  co_return report();
}

// IAM is eventually consistent: a denial may mean that the role is not everywhere yet. Ends denied exactly
// when the window is over.
Task<Probed> Run::first_success() {
  const milliseconds window = around_.settings.propagation_window;
  const milliseconds last_try = window - std::min(settle_max, window / 10);
  milliseconds wait = around_.settings.propagation_retry;
  for (;;) {
    const milliseconds tried_at = since_began();
    Probed probed = co_await assume(target_.external_id, Expect::success);
    probed.credentials.reset();
    if (probed.answer != Answer::denied) co_return probed;
    was_denied_at_first_ = true;
    tell(true);
    if (tried_at >= last_try) {
      co_await sleep_until(window);
      co_return stop_.stop_requested() ? unclear(interrupted_message(), "", "") : std::move(probed);
    }
    co_await sleep_until(std::min(since_began() + jittered(wait), last_try));
    if (stop_.stop_requested()) co_return unclear(interrupted_message(), "", "");
    wait = std::min(wait * 2, propagation_wait_max);
  }
}

// Each step only when the one before passed: what follows would prove nothing.
Task<void> Run::check_the_rest() {
  if (!co_await denied_without_id()) co_return;
  tell();
  if (!co_await denied_with_wrong_ids()) co_return;
  tell();
  co_await probe_rotation();
  tell();
  if (!co_await still_assumable()) co_return;
  tell();
  co_await read_the_role();
}

Task<bool> Run::denied_without_id() {
  const Probed probed = co_await assume(std::nullopt, Expect::denial);
  if (probed.answer == Answer::unclear) {
    set_unclear("external_id_required", probed);
  } else if (probed.answer == Answer::accepted) {
    checklist_.set("external_id_required", CheckResult::failed, open_without_id_message(), probed.evidence,
                   condition(target_.next_external_id));
  } else {
    checklist_.set("external_id_required", CheckResult::passed, id_required_message(), probed.evidence);
  }
  co_return probed.answer == Answer::denied;
}

Task<bool> Run::denied_with_wrong_ids() {
  std::vector<ExternalId> accepted;
  if (target_.next_external_id) accepted.push_back(*target_.next_external_id);
  if (target_.previous_external_id) accepted.push_back(*target_.previous_external_id);
  Probed probed;
  for (const WrongId& wrong : wrong_ids(target_.external_id, accepted, around_.random)) {
    probed = co_await assume(wrong.id, Expect::denial);
    if (probed.answer == Answer::denied) continue;
    if (probed.answer == Answer::unclear) {
      set_unclear("external_id_exact", probed);
    } else {
      checklist_.set("external_id_exact", CheckResult::failed, wrong_id_accepted_message(wrong.difference),
                     probed.evidence, condition(target_.next_external_id));
    }
    co_return false;
  }
  checklist_.set("external_id_exact", CheckResult::passed, id_exact_message(), probed.evidence);
  co_return true;
}

// Before `role_still_assumable`: the denial of the previous ID, too, proves something only between two
// successes.
Task<void> Run::probe_rotation() {
  if (target_.next_external_id) {
    const Probed probed = co_await assume(target_.next_external_id, Expect::denial);
    next_works_ = probed.answer == Answer::accepted;
    if (probed.answer == Answer::unclear) {
      set_unclear("next_external_id_works", probed);
    } else if (next_works_) {
      checklist_.set("next_external_id_works", CheckResult::passed, next_id_works_message(), probed.evidence);
    } else {
      checklist_.set("next_external_id_works", CheckResult::skipped, next_id_awaited_message(),
                     probed.evidence, condition(target_.next_external_id));
    }
  }
  if (target_.previous_external_id) {
    constexpr std::string_view name = "previous_external_id_denied";
    const Probed probed = co_await assume(target_.previous_external_id, Expect::denial);
    previous_denied_ = probed.answer == Answer::denied;
    if (probed.answer == Answer::unclear) {
      set_unclear(name, probed);
    } else if (previous_denied_) {
      checklist_.set(name, CheckResult::passed, previous_id_denied_message(), probed.evidence);
    } else {
      const bool overdue = target_.previous_must_be_denied;
      checklist_.set(name, overdue ? CheckResult::failed : CheckResult::skipped,
                     overdue ? previous_id_overdue_message() : previous_id_still_accepted_message(),
                     probed.evidence, condition(std::nullopt));
    }
  }
}

Task<bool> Run::still_assumable() {
  Probed probed = co_await assume(target_.external_id, Expect::success);
  if (probed.answer == Answer::accepted) {
    checklist_.set("role_still_assumable", CheckResult::passed, still_assumable_message(), probed.evidence);
    session_ = std::move(probed.credentials);
    co_return co_await account_matches(*session_);
  }
  if (probed.answer == Answer::unclear) {
    set_unclear("role_still_assumable", probed);
  } else {
    checklist_.set("role_still_assumable", CheckResult::inconclusive, changed_meanwhile_message(),
                   probed.evidence);
  }
  // Denials without a success after them.
  for (Check* check : {&checklist_["external_id_required"], &checklist_["external_id_exact"]}) {
    check->result = CheckResult::inconclusive;
    check->message = denials_prove_nothing_message();
  }
  if (previous_denied_) {
    previous_denied_ = false;
    checklist_["previous_external_id_denied"].result = CheckResult::inconclusive;
    checklist_["previous_external_id_denied"].message = denials_prove_nothing_message();
  }
  co_return false;
}

Task<bool> Run::account_matches(aws::Credentials credentials) {
  for (int attempt = 0;; ++attempt) {
    auto identity = co_await around_.services.sts.get_caller_identity(target_.region, credentials);
    if (identity) {
      last_request_id_ = identity.value().request_id;
      const bool same =
          identity.value().account == target_.role_arn.account() &&
          identity.value().arn == registry::assumed_role_arn(target_.role_arn, target_.session_name);
      if (same) account_ = identity.value().account;
      checklist_.set("account_matches", same ? CheckResult::passed : CheckResult::failed,
                     same ? account_matches_message() : other_account_message(),
                     evidence("", last_request_id_));
      co_return same;
    }
    const aws::AwsError& error = identity.error();
    // These credentials are the role's, not the partner's: where AWS does not know them yet, it soon will.
    const auto said = error.error_class == aws::AwsErrorClass::caller_credentials
                          ? aws::AwsErrorClass::unavailable
                          : error.error_class;
    if (may_pass_by_itself(said) && co_await pause_before_retry(attempt)) continue;
    set_unclear("account_matches",
                unclear(stop_.stop_requested() ? interrupted_message() : unclear_message(said), error.code,
                        error.request_id));
    co_return false;
  }
}

// A role that was not there at first may lack its policies for as long again: until then its denials are
// AWS's lag. Within the window, since a run that is concealed ends with it.
milliseconds Run::reading_grace() const {
  if (!was_denied_at_first_) return milliseconds{0};
  const milliseconds window = around_.settings.propagation_window;
  return std::min(std::max(2 * since_began(), reading_grace_min), window - std::min(settle_max, window / 10));
}

// Is there anything in it that a policy which is not everywhere yet would explain?
bool may_be_lag(const RoleFindings& found) {
  return !found.left_open && (found.trust_policy.finding.result == CheckResult::skipped ||
                              found.permissions.finding.result == CheckResult::skipped ||
                              found.permissions.finding.result == CheckResult::failed);
}

// Checks 6 and 7, in the role's own name.
Task<void> Run::read_the_role() {
  const milliseconds ends = reading_grace();
  const aws::Credentials session = *std::exchange(session_, std::nullopt);
  RoleFindings found;
  for (milliseconds wait = around_.settings.propagation_retry;;
       wait = std::min(wait * 2, propagation_wait_max)) {
    Patience patience{around_.loop,     around_.clock, around_.random, around_.settings.attempts_max,
                      reading_time_max, stop_};
    RoleChecks checks{around_.clock, around_.services.iam, around_.services.calls,
                      patience,      role_question(),      session};
    found = co_await checks.run();
    if (!may_be_lag(found) || since_began() >= ends) break;
    co_await sleep_until(std::min(since_began() + jittered(wait), ends));
    if (stop_.stop_requested()) break;
  }
  proved_ = found.proved;
  set("trust_policy", found.trust_policy);
  set("permissions", found.permissions);
  if (found.left_open)
    unclear_ = unclear(unclear_message(found.left_open->error_class), found.left_open->code,
                       found.left_open->request_id);
  // The probe was denied; the policy says that another one would not be.
  if (previous_denied_ && found.retiring_accepted) {
    previous_denied_ = false;
    checklist_.set("previous_external_id_denied", CheckResult::skipped, previous_id_conditional_message(),
                   std::nullopt, condition(std::nullopt));
  }
}

// The IDs that are good at this moment: the connection's; the next one, which the customer need not have
// listed yet; the previous one, as long as it may be accepted.
RoleQuestion Run::role_question() const {
  RoleQuestion question{.role = target_.role_arn,
                        .session_name = target_.session_name,
                        .region = target_.region,
                        .partner = target_.partner,
                        .issued = {target_.external_id},
                        .tolerated = {},
                        .retiring = std::nullopt,
                        .needs = target_.needs,
                        .require_proof = target_.require_proof,
                        .excess = around_.settings.excess};
  if (target_.next_external_id)
    (next_works_ ? question.issued : question.tolerated).push_back(*target_.next_external_id);
  if (target_.previous_external_id && !target_.previous_must_be_denied) {
    question.tolerated.push_back(*target_.previous_external_id);
    if (previous_denied_) question.retiring = target_.previous_external_id;
  }
  return question;
}

void Run::set(std::string_view name, const CheckedFinding& found) {
  // What the role's policies name may be parties of another tenant's.
  const Finding finding = target_.conceal ? without_details(found.finding) : found.finding;
  auto evidence = found.evidence;
  if (target_.conceal && evidence) evidence->trust_policy_sha256.clear();
  checklist_.set(name, finding.result, finding.message, std::move(evidence), finding.mend);
}

void Run::tell(bool waiting_for_aws) const {
  if (!watch_) return;
  Progress progress{.waiting_for_aws = waiting_for_aws || target_.conceal};
  if (progress.waiting_for_aws)
    progress.waiting_until = around_.clock.now() + (around_.settings.propagation_window - since_began());
  if (!target_.conceal)
    std::ranges::copy_if(checklist_.all(), std::back_inserter(progress.settled),
                         [](const Check& check) { return check.result != CheckResult::skipped; });
  watch_(progress);
}

// One probe, tried again while AWS leaves it open and that may pass.
Task<Probed> Run::assume(std::optional<ExternalId> id, Expect expect) {
  for (int attempt = 0;; ++attempt) {
    if (stop_.stop_requested()) co_return unclear(interrupted_message(), "", "");
    auto error_class = aws::AwsErrorClass::other;
    Probed probed = co_await assume_once(id, expect, error_class);
    if (probed.answer != Answer::unclear || !may_pass_by_itself(error_class)) co_return probed;
    if (!co_await pause_before_retry(attempt)) {
      if (stop_.stop_requested()) probed.unclear_because = interrupted_message();
      co_return probed;
    }
  }
}

Task<Probed> Run::assume_once(std::optional<ExternalId> id, Expect expect, aws::AwsErrorClass& error_class) {
  const milliseconds turn = around_.pace.take_turn(around_.clock.steady_now());
  if (turn.count() > 0 && !co_await sleep_for(around_.loop, turn, stop_))
    co_return unclear(interrupted_message(), "", "");
  auto base = co_await around_.base.get();
  if (!base) {
    error_class = aws::AwsErrorClass::caller_credentials;
    co_return unclear(unclear_message(error_class), "", "");
  }
  aws::AssumeRoleRequest request{.role_arn = target_.role_arn,
                                 .session_name = target_.session_name,
                                 .external_id = std::move(id),
                                 .duration = around_.settings.probe_duration};
  if (expect == Expect::denial) request.session_policy = deny_everything;
  auto answer =
      co_await around_.services.sts.assume_role(std::move(request), target_.region, std::move(base).value());
  if (answer) {
    last_request_id_ = answer.value().request_id;
    Probed probed{.answer = Answer::accepted, .evidence = evidence("", last_request_id_)};
    if (expect == Expect::success) probed.credentials = std::move(answer.value().credentials);
    co_return probed;
  }
  const aws::AwsError& error = answer.error();
  last_request_id_ = error.request_id;
  error_class = error.error_class;
  if (is_denial(error))
    co_return Probed{.answer = Answer::denied, .evidence = evidence(error.code, error.request_id)};
  co_return unclear(unclear_message(error_class), error.code, error.request_id);
}

// False when there is to be no further attempt.
Task<bool> Run::pause_before_retry(int attempt) {
  if (attempt + 1 >= around_.settings.attempts_max) co_return false;
  co_return co_await sleep_for(around_.loop, jittered(unclear_wait * (1 << std::min(attempt, 6))), stop_);
}

Task<void> Run::sleep_until(milliseconds target) {
  const milliseconds left = target - since_began();
  if (left.count() > 0) co_await sleep_for(around_.loop, left, stop_);
}

Probed Run::unclear(std::string because, const std::string& code, const std::string& request_id) const {
  return {.answer = Answer::unclear,
          .evidence = evidence(code, request_id),
          .unclear_because = std::move(because)};
}

void Run::set_unclear(std::string_view name, const Probed& probed) {
  unclear_ = probed;
  checklist_.set(name, CheckResult::inconclusive, probed.unclear_because, probed.evidence);
}

// The account is another tenant's and the role said more than a denial: tell what a role that does not exist
// would have told, at the time at which it would have. What AWS left open it leaves open for any role.
Task<VerificationReport> Run::concealed() {
  concealed_failure_ = checklist_.first_failed();
  next_works_ = previous_denied_ = proved_ = false;
  account_.reset();
  if (unclear_ && checklist_.outcome() == VerificationOutcome::inconclusive) {
    const Probed probed = *std::move(unclear_);
    checklist_ = Checklist{target_};
    set_unclear("role_assumable", probed);
    co_return report();
  }
  co_await sleep_until(around_.settings.propagation_window);
  checklist_ = Checklist{target_};
  if (stop_.stop_requested()) {
    set_unclear("role_assumable", unclear(interrupted_message(), "", ""));
    co_return report();
  }
  co_return denied_report(last_request_id_);
}

VerificationReport Run::denied_report(std::string request_id) {
  checklist_.set("role_assumable", CheckResult::failed, denied_message(),
                 evidence("AccessDenied", std::move(request_id)), denied_mend());
  return report();
}

VerificationReport Run::report() {
  VerificationReport made{.outcome = checklist_.outcome(),
                          .checks = checklist_.all(),
                          .account_id = account_,
                          .role_answered = answered_};
  if (made.outcome == VerificationOutcome::passed)
    made.proof = proved_ ? registry::Proof::proved : registry::Proof::probed;
  made.next_external_id_works = next_works_ && made.outcome == VerificationOutcome::passed;
  made.previous_external_id_denied = previous_denied_ && made.outcome == VerificationOutcome::passed;
  made.concealed_failure = concealed_failure_;
  if (made.outcome == VerificationOutcome::inconclusive && stop_.stop_requested())
    made.retry_at = around_.clock.now();
  return made;
}

}  // namespace

Verifier::Verifier(EventLoop& loop, const Clock& clock, Random& random, Services services,
                   aws::CredentialsProvider& base, VerifierSettings settings)
    : loop_(loop),
      clock_(clock),
      random_(random),
      services_(services),
      base_(base),
      settings_(settings),
      pace_(settings.sts_rate) {}

Task<VerificationReport> Verifier::run(Target target, std::stop_token stop, Watch watch) {
  Run run{Surroundings{loop_, clock_, random_, services_, base_, settings_, pace_}, std::move(target),
          std::move(stop), std::move(watch)};
  co_return co_await run.go();
}

}  // namespace deputy::verify
