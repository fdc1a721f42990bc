#include "scan/report.hpp"

#include "scan/safe_text.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <map>
#include <ostream>

namespace deputy::scan {
namespace {

constexpr std::size_t groups_max = 50;        // in the text
constexpr std::size_t roles_listed_max = 20;  // of each group in the text
constexpr std::string_view id_in_words = "THE-EXTERNAL-ID-ISSUED-TO-THAT-CUSTOMER";

Error changed(const Error& error) {
  return {ErrorKind::conflict, "the fleet's file was changed during the scan: " + error.message};
}

// Calls `tell` for each row of the fleet.
template <class Tell>
Result<void> for_each_row(FleetReader& fleet, const Survey& survey, Tell tell) {
  for (;;) {
    const auto row = fleet.next();
    if (row.has_error()) return changed(row.error());
    if (!row.value()) break;
    if (row.value()->number >= survey.rows) break;
    tell(*row.value());
  }
  if (fleet.sha256_hex() != survey.sha256)
    return changed({ErrorKind::conflict, "its content is another one"});
  return success();
}

std::string first_sentence_upper(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string indented(const std::string& text, std::string_view indent) {
  std::string lines;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines += fmt::format("{}{}\n", indent, for_terminal(std::string_view{text}.substr(begin, end - begin)));
    begin = end + 1;
  }
  return lines;
}

// One trouble and who has it.
struct Group {
  RowOutcome outcome = RowOutcome::none;
  const Finding* finding = nullptr;
  std::size_t count = 0;
  std::vector<std::string> roles;
};

bool is_worse(const Group& a, const Group& b) {
  if (a.outcome != b.outcome) return a.outcome == RowOutcome::failed;
  const int severity_a = severity(a.finding->check);
  const int severity_b = severity(b.finding->check);
  if (severity_a != severity_b) return severity_a < severity_b;
  return a.count != b.count ? a.count > b.count : *a.finding < *b.finding;
}

Result<std::vector<Group>> grouped(FleetReader& fleet, const Survey& survey, const Results& results) {
  std::map<std::pair<RowOutcome, std::uint32_t>, Group> groups;
  DEPUTY_TRY(for_each_row(fleet, survey, [&](const FleetRow& row) {
    const RowResult& result = results.of(row.number);
    if (result.outcome != RowOutcome::failed && result.outcome != RowOutcome::inconclusive) return;
    Group& group = groups[{result.outcome, result.finding}];
    group.outcome = result.outcome;
    group.finding = &results.finding(result);
    if (++group.count <= roles_listed_max)
      group.roles.push_back(fmt::format("line {}  {}  {}", row.line, for_terminal(row.name),
                                        for_terminal(row.role_arn.text())));
  }));
  std::vector<Group> sorted;
  for (auto& [key, group] : groups) sorted.push_back(std::move(group));
  std::ranges::sort(sorted, is_worse);
  return sorted;
}

void write_group(std::ostream& out, const Group& group) {
  out << fmt::format("\n{} · {} · {} {}\n", to_text(group.outcome), group.finding->check, group.count,
                     group.count == 1 ? "role" : "roles");
  out << indented(first_sentence_upper(with_id(group.finding->message, id_in_words)), "  ");
  if (!group.finding->mend.empty())
    out << "  What to do:\n" << indented(with_id(group.finding->mend, id_in_words), "    ");
  for (const std::string& role : group.roles) out << "    " << role << "\n";
  if (group.count > group.roles.size())
    out << fmt::format("    … and {} more; --output csv or json names all\n",
                       group.count - group.roles.size());
}

void write_counts(std::ostream& out, const Survey& survey, const Results& results, const ScanFacts& facts) {
  out << fmt::format("{} roles in {}, {} to {}\n", survey.rows, for_terminal(facts.file),
                     to_rfc3339(facts.started_at), to_rfc3339(facts.finished_at));
  if (facts.assume_role_calls > 0)
    out << fmt::format("{} AssumeRole calls, {:.1f} a second; {} throttled\n", facts.assume_role_calls,
                       facts.calls_per_second, facts.throttles);
  const std::size_t passed = results.count(RowOutcome::passed);
  out << fmt::format("\n  {:>9}  passed: take the external ID and refused everything else that was tried\n",
                     passed);
  if (results.proved() > 0)
    out << fmt::format("  {:>9}    of these proved: the trust policy was read, and lets nothing else in\n",
                       results.proved());
  out << fmt::format("  {:>9}  failed: not safe, or not usable\n", results.count(RowOutcome::failed))
      << fmt::format("  {:>9}  inconclusive: AWS gave no clear answer; scan again\n",
                     results.count(RowOutcome::inconclusive));
  if (const std::size_t left = results.count(RowOutcome::none); left > 0)
    out << fmt::format("  {:>9}  not verified{}\n", left, facts.interrupted ? ": the scan was stopped" : "");
  if (const Results::Earlier earlier = results.earlier(); earlier.count > 0)
    out << fmt::format(
        "\n{} of {} results are from earlier runs, the oldest of {}: what was changed since does not show. A "
        "scan\nwith a new state file verifies all again.\n",
        earlier.count, survey.rows - results.count(RowOutcome::none), to_rfc3339(earlier.oldest));
  if (passed > results.proved())
    out << "\nA role that passed without proof was tried, not read: a statement that opens for another "
           "address,\n"
           "date or session name would not show.\n";
}

Result<void> write_text(std::ostream& out, FleetReader& fleet, const Survey& survey, const Results& results,
                        const ScanFacts& facts) {
  DEPUTY_TRY(const auto groups, grouped(fleet, survey, results));
  write_counts(out, survey, results, facts);
  for (std::size_t i = 0; i < std::min(groups.size(), groups_max); ++i) write_group(out, groups[i]);
  if (groups.size() > groups_max)
    out << fmt::format("\n… and {} more kinds of trouble; --output csv or json has all\n",
                       groups.size() - groups_max);
  if (survey.note_count > 0) out << "\nOf the file:\n";
  for (const std::string& note : survey.notes) out << "  " << note << "\n";
  if (survey.note_count > survey.notes.size())
    out << fmt::format("  … and {} more\n", survey.note_count - survey.notes.size());
  return success();
}

boost::json::value text_or_null(const std::string& text) {
  return text.empty() ? boost::json::value(nullptr) : boost::json::value(for_json(text));
}

std::string verified_at(const RowResult& result) {
  return result.outcome == RowOutcome::none ? std::string{} : to_rfc3339(result.verified_at);
}

std::string_view outcome_of(const Results& results) {
  const int status = exit_status(results);
  return status == 0 ? "passed" : status == 1 ? "failed" : "inconclusive";
}

Result<void> write_json(std::ostream& out, FleetReader& fleet, const Survey& survey, const Results& results,
                        const ScanFacts& facts) {
  boost::json::array notes;
  for (const std::string& note : survey.notes) notes.emplace_back(note);
  boost::json::object summary{{"roles", survey.rows},
                              {"passed", results.count(RowOutcome::passed)},
                              {"proved", results.proved()},
                              {"failed", results.count(RowOutcome::failed)},
                              {"inconclusive", results.count(RowOutcome::inconclusive)},
                              {"not_verified", results.count(RowOutcome::none)},
                              {"resumed", results.earlier().count}};
  boost::json::object calls{{"assume_role", facts.assume_role_calls},
                            {"throttled", facts.throttles},
                            {"per_second", facts.calls_per_second}};
  boost::json::object head{{"outcome", outcome_of(results)},
                           {"interrupted", facts.interrupted},
                           {"file", for_json(facts.file)},
                           {"file_sha256", survey.sha256},
                           {"started_at", to_rfc3339(facts.started_at)},
                           {"finished_at", to_rfc3339(facts.finished_at)},
                           {"summary", std::move(summary)},
                           {"calls", std::move(calls)},
                           {"notes", std::move(notes)},
                           {"note_count", survey.note_count}};
  std::string opened = boost::json::serialize(head);
  opened.pop_back();  // the roles follow, one by one: there may be a million
  out << opened << ",\"roles\":[";
  std::string_view separator = "\n";
  DEPUTY_TRY(for_each_row(fleet, survey, [&](const FleetRow& row) {
    const RowResult& result = results.of(row.number);
    const Finding& finding = results.finding(result);
    out << std::exchange(separator, ",\n")
        << boost::json::serialize(boost::json::object{
               {"line", row.line},
               {"name", for_json(row.name)},
               {"role_arn", row.role_arn.text()},
               {"outcome", result.outcome == RowOutcome::none ? "not_verified" : to_text(result.outcome)},
               {"proof", registry::to_text(result.proof)},
               {"verified_at", text_or_null(verified_at(result))},
               {"check", text_or_null(finding.check)},
               {"message", text_or_null(with_id(finding.message, row.external_id.text()))},
               {"mend", text_or_null(with_id(finding.mend, row.external_id.text()))}});
  }));
  out << "\n]}\n";
  return success();
}

std::string on_one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

Result<void> write_csv(std::ostream& out, FleetReader& fleet, const Survey& survey, const Results& results) {
  out << "line,name,role_arn,outcome,proof,check,message,what_to_do,verified_at\n";
  return for_each_row(fleet, survey, [&](const FleetRow& row) {
    const RowResult& result = results.of(row.number);
    const Finding& finding = results.finding(result);
    out << fmt::format(
        "{},{},{},{},{},{},{},{},{}\n", row.line, for_csv(row.name), for_csv(row.role_arn.text()),
        result.outcome == RowOutcome::none ? "not_verified" : to_text(result.outcome),
        registry::to_text(result.proof), for_csv(finding.check),
        for_csv(on_one_line(with_id(finding.message, row.external_id.text()))),
        for_csv(on_one_line(with_id(finding.mend, row.external_id.text()))), verified_at(result));
  });
}

}  // namespace

int exit_status(const Results& results) {
  if (results.count(RowOutcome::failed) > 0) return 1;
  return results.count(RowOutcome::passed) == results.rows() ? 0 : 3;
}

Result<void> write_report(std::ostream& out, ReportForm form, FleetReader& fleet, const Survey& survey,
                          const Results& results, const ScanFacts& facts) {
  switch (form) {
    case ReportForm::json:
      return write_json(out, fleet, survey, results, facts);
    case ReportForm::csv:
      return write_csv(out, fleet, survey, results);
    case ReportForm::text:
      break;
  }
  return write_text(out, fleet, survey, results, facts);
}

}  // namespace deputy::scan
