#include "policy/analyzer.hpp"

#include <utility>

#include "core/assert.hpp"
#include "policy/trust_judgement.hpp"
#include "policy/trust_mend.hpp"

namespace deputy::policy {
namespace {

// What the worst policy may cost. With the analyses of its mends it stays below ten milliseconds: see
// bench/analyzer_bench.cpp.
constexpr std::uint64_t work_max = 3'000'000;

}  // namespace

std::string_view to_text(TrustVerdict verdict) {
  switch (verdict) {
    case TrustVerdict::safe:
      return "safe";
    case TrustVerdict::unsafe:
      return "unsafe";
    case TrustVerdict::denied:
      return "denied";
    case TrustVerdict::invalid:
      return "invalid";
  }
  return "unsafe";
}

std::string_view to_text(FindingWeight weight) {
  switch (weight) {
    case FindingWeight::note:
      return "note";
    case FindingWeight::denied:
      return "denied";
    case FindingWeight::unsafe:
      return "unsafe";
    case FindingWeight::invalid:
      return "invalid";
  }
  return "unsafe";
}

TrustAnalysis analyze(const Policy& trust_policy, const TrustQuestion& question) {
  DEPUTY_ASSERT(!question.issued.empty());
  if (trust_policy.kind() != PolicyKind::trust) {
    TrustAnalysis out = invalid_policy_analysis("the document is no trust policy");
    out.mend = plain_policy(question);
    return out;
  }
  WorkBudget work{work_max};
  TrustAnalysis out = judge(trust_policy, question, work);
  if (out.verdict == TrustVerdict::safe) return out;
  Mend mended = mend(trust_policy, question, out);
  out.mend = std::move(mended.text);
  out.mend_removed = std::move(mended.removed);
  return out;
}

TrustAnalysis analyze(std::string_view document, const TrustQuestion& question) {
  const auto read = [&]() -> Result<Policy> {
    DEPUTY_TRY(auto text, decode_document(document));
    return Policy::read(text, PolicyKind::trust);
  }();
  if (read) return analyze(read.value(), question);
  TrustAnalysis out = invalid_policy_analysis(read.error().message);
  out.mend = plain_policy(question);
  return out;
}

}  // namespace deputy::policy
