#include "scan/results.hpp"

#include <algorithm>
#include <array>

namespace deputy::scan {
namespace {

std::string without_id(std::string text, const ExternalId& id) {
  for (std::size_t at = 0; (at = text.find(id.text(), at)) != std::string::npos; ++at)
    text.replace(at, id.text().size(), 1, id_place);
  return text;
}

}  // namespace

std::string_view to_text(RowOutcome outcome) {
  switch (outcome) {
    case RowOutcome::passed:
      return "passed";
    case RowOutcome::failed:
      return "failed";
    case RowOutcome::inconclusive:
      return "inconclusive";
    case RowOutcome::none:
      break;
  }
  return "not verified";
}

std::string with_id(const std::string& text, std::string_view external_id) {
  std::string whole;
  for (const char c : text) {
    if (c == id_place)
      whole += external_id;
    else
      whole += c;
  }
  return whole;
}

std::pair<RowResult, Finding> Results::summarise(const registry::VerificationReport& report,
                                                 const ExternalId& id) {
  RowResult result{.outcome = RowOutcome::inconclusive, .proof = report.proof};
  auto decides = registry::CheckResult::inconclusive;
  if (report.outcome == registry::VerificationOutcome::passed) result.outcome = RowOutcome::passed;
  if (report.outcome == registry::VerificationOutcome::failed) {
    result.outcome = RowOutcome::failed;
    decides = registry::CheckResult::failed;
  }
  if (result.outcome == RowOutcome::passed) return {result, Finding{}};
  const auto found = std::ranges::find(report.checks, decides, &registry::Check::result);
  if (found == report.checks.end())
    return {result, Finding{.check = "outcome", .message = "no check says why", .mend = {}}};
  return {result, Finding{.check = found->name,
                          .message = without_id(found->message, id),
                          .mend = without_id(found->mend.value_or(""), id)}};
}

void Results::record(std::size_t row, RowResult result, const Finding& finding) {
  RowResult& kept = rows_.at(row);
  const auto is_proved = [](const RowResult& one) {
    return one.outcome == RowOutcome::passed && one.proof == registry::Proof::proved;
  };
  --counts_.at(static_cast<std::size_t>(kept.outcome));
  proved_ -= is_proved(kept) ? 1 : 0;
  result.finding = finding.check.empty() ? 0 : number_of(finding);
  kept = result;
  ++counts_.at(static_cast<std::size_t>(kept.outcome));
  proved_ += is_proved(kept) ? 1 : 0;
}

Results::Earlier Results::earlier() const {
  Earlier all;
  for (const RowResult& row : rows_) {
    if (row.outcome == RowOutcome::none || !row.is_earlier) continue;
    if (all.count++ == 0 || row.verified_at < all.oldest) all.oldest = row.verified_at;
  }
  return all;
}

std::uint32_t Results::number_of(Finding finding) {
  auto known = numbers_.find(finding);
  if (known == numbers_.end() && findings_.size() > findings_max) {
    finding.message = "see `deputy verify` for this role";
    finding.mend.clear();
    known = numbers_.find(finding);
  }
  if (known != numbers_.end()) return known->second;
  const auto number = static_cast<std::uint32_t>(findings_.size());
  findings_.push_back(finding);
  numbers_.emplace(std::move(finding), number);
  return number;
}

int severity(const std::string& check) {
  // Open to everybody first; then open wider than it should be; then what is merely broken.
  constexpr std::array<std::string_view, 8> worst_first{
      "external_id_required",        "external_id_exact", "trust_policy",         "account_matches",
      "previous_external_id_denied", "role_assumable",    "role_still_assumable", "permissions"};
  const auto found = std::ranges::find(worst_first, check);
  return static_cast<int>(found - worst_first.begin());
}

}  // namespace deputy::scan
