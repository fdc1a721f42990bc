#pragma once

#include "scan/fleet_file.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/clock.hpp"
#include "registry/registry.hpp"

namespace deputy::scan {

enum class RowOutcome : std::uint8_t { none, passed, failed, inconclusive };
std::string_view to_text(RowOutcome outcome);  // `not verified` for none

// The check that decided, in words. The external ID is left out of the texts (`id_place` in its place), so
// that thousands of roles with one trouble share them.
struct Finding {
  std::string check;
  std::string message;
  std::string mend;
  friend auto operator<=>(const Finding&, const Finding&) = default;
};
inline constexpr char id_place = '\x1f';
// `text` with the external ID, or words for it, in its place.
std::string with_id(const std::string& text, std::string_view external_id);

struct RowResult {
  RowOutcome outcome = RowOutcome::none;
  registry::Proof proof = registry::Proof::none;
  bool is_earlier = false;    // another run's, from the state file
  std::uint32_t finding = 0;  // of `findings`; 0: there is none
  Timestamp verified_at;      // when it was found out; nothing where the outcome is none
};

// What came of each role: sixteen bytes a row, and each distinct finding once. Bounded: past `findings_max`
// distinct ones only the check is kept of further ones.
class Results {
 public:
  static constexpr std::size_t findings_max = 100'000;

  explicit Results(std::size_t rows) : rows_(rows), findings_(1) {}

  static std::pair<RowResult, Finding> summarise(const registry::VerificationReport& report,
                                                 const ExternalId& id);
  void record(std::size_t row, RowResult result, const Finding& finding);  // again replaces
  const RowResult& of(std::size_t row) const { return rows_.at(row); }
  const Finding& finding(const RowResult& result) const { return findings_.at(result.finding); }
  std::size_t rows() const { return rows_.size(); }
  std::size_t count(RowOutcome outcome) const { return counts_.at(static_cast<std::size_t>(outcome)); }
  std::size_t proved() const { return proved_; }
  // What was not found out in this run, but taken from the state file.
  struct Earlier {
    std::size_t count = 0;
    Timestamp oldest;
  };
  Earlier earlier() const;
  // The rows with an outcome that will not change: not the inconclusive ones.
  bool is_settled(std::size_t row) const {
    return rows_.at(row).outcome == RowOutcome::passed || rows_.at(row).outcome == RowOutcome::failed;
  }

 private:
  std::uint32_t number_of(Finding finding);

  std::vector<RowResult> rows_;
  std::vector<Finding> findings_;
  std::map<Finding, std::uint32_t> numbers_;
  std::array<std::size_t, 4> counts_{rows_.size(), 0, 0, 0};
  std::size_t proved_ = 0;
};

// How bad a check's failing is: 0 is worst.
int severity(const std::string& check);

}  // namespace deputy::scan
