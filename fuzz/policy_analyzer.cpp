// Trust policies under analysis. Every witness is a request that should be refused, and both the engine and
// the executable specification accept it; against a policy that is not `unsafe` no request that should be
// refused gets in; every mend is safe; a Deny more opens nothing, order shows nothing else; and no input
// takes long.
#include "policy_spec/generator.hpp"
#include "policy_spec/requests.hpp"
#include "policy_spec/spec.hpp"
#include "trust_policies.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <span>
#include <string>

#include "core/assert.hpp"

namespace deputy {
namespace {

using namespace policy;
using policy_spec::Choices;

constexpr std::size_t requests_each = 24;
constexpr std::size_t characters_max = 4'096;  // of a trust policy, as IAM counts
// A hundredth of a second is what it may take; sanitizers and builds without optimisation take a hundredfold.
constexpr double seconds_max = 1.0;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

[[noreturn]] void found(const char* what, const std::string& document, const std::string& more) {
  std::fprintf(stderr, "%s\n%s\n%s\n", what, document.c_str(), more.c_str());
  std::abort();
}

bool is_undecided(const TrustAnalysis& analysis) {
  for (const TrustFinding& finding : analysis.findings) {
    if (finding.code == "undecided" || finding.code == "issued_id_undecided") return true;
  }
  return false;
}

bool should_be_refused(const Request& request, const TrustQuestion& question) {
  if (!request.caller.federated.empty() || !request.caller.canonical_user.empty()) return true;
  const ContextKey* id = request.find("sts:ExternalId");
  const bool issued = id != nullptr && id->values.size() == 1 && id->values[0] == question.issued[0].text();
  const std::string& account = request.caller.account;
  const bool partner =
      account == question.partner_principal.account().text() && request.caller.arn.starts_with("arn:aws:");
  if (partner || account.empty()) return !issued;
  return account != question.role_account->text() || !request.caller.arn.starts_with("arn:aws:");
}

void check_witness(const Policy& policy, const TrustQuestion& question, const TrustAnalysis& analysis) {
  if (!analysis.witness) return;
  const Request& request = *analysis.witness;
  const std::string as_json = policy_spec::to_json(request);
  if (analysis.verdict != TrustVerdict::unsafe || !evaluate(policy, request).allowed() ||
      !should_be_refused(request, question))
    found("a witness that is none", print(policy), as_json);
  const auto outcome =
      policy_spec::judge(fuzz::tree_of(policy), policy_spec::Kind::trust, json::read(as_json).value());
  if (outcome != policy_spec::Outcome::allowed)
    found("a witness that the specification refuses", print(policy), as_json);
}

void check_findings(const TrustAnalysis& analysis) {
  DEPUTY_ASSERT(analysis.findings.size() <= 64);
  DEPUTY_ASSERT(analysis.verdict == TrustVerdict::safe || !analysis.findings.empty());
  DEPUTY_ASSERT(analysis.mend.empty() == (analysis.verdict == TrustVerdict::safe));
  for (const TrustFinding& finding : analysis.findings)
    DEPUTY_ASSERT(!finding.message.empty() && finding.message.find('\n') == std::string::npos);
}

void check_order_and_denies(const Policy& policy, const TrustQuestion& question,
                            const TrustAnalysis& analysis, Choices& choices) {
  const TrustAnalysis turned = analyze(fuzz::reversed(policy), question);
  if (turned.verdict != analysis.verdict && !is_undecided(turned) && !is_undecided(analysis))
    found("order matters", print(policy), std::string{to_text(turned.verdict)});
  const auto denying = Policy::read(policy_spec::random_trust_policy(choices), PolicyKind::trust);
  if (!denying || analysis.verdict == TrustVerdict::unsafe) return;
  const std::string narrowed = fuzz::with_denies(policy, denying.value());
  if (analyze(narrowed, question).witness) found("a Deny opens it", print(policy), narrowed);
}

void check(const std::string& document) {
  const TrustQuestion question = fuzz::question();
  const double start = cpu_seconds();
  const TrustAnalysis analysis = analyze(document, question);
  if (document.size() <= characters_max && cpu_seconds() - start > seconds_max)
    found("it takes long", document, "");
  check_findings(analysis);
  if (!analysis.mend.empty() && analyze(analysis.mend, question).verdict != TrustVerdict::safe)
    found("a mend that is not safe", document, analysis.mend);
  const auto decoded = decode_document(document);
  const auto policy =
      decoded ? Policy::read(decoded.value(), PolicyKind::trust) : Result<Policy>{decoded.error()};
  DEPUTY_ASSERT(policy.has_value() == (analysis.verdict != TrustVerdict::invalid));
  if (!policy) return;
  check_witness(policy.value(), question, analysis);
  Choices choices{std::uint64_t{document.size()}};
  check_order_and_denies(policy.value(), question, analysis, choices);
  if (analysis.verdict == TrustVerdict::unsafe) return;
  const policy_spec::RequestMaker maker{policy.value(), question};
  for (std::size_t i = 0; i < requests_each; ++i) {
    const Request request = maker.wrong(choices);
    if (evaluate(policy.value(), request).allowed())
      found("not unsafe, and lets this in", document, policy_spec::to_json(request));
  }
}

}  // namespace
}  // namespace deputy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace deputy;
  if (size > 0 && (data[0] == '{' || data[0] == '%')) {
    check({reinterpret_cast<const char*>(data), size});
  } else {
    policy_spec::Choices choices{std::span{data, size}};
    check(policy_spec::random_trust_policy(choices));
  }
  return 0;
}
