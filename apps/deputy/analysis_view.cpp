#include "analysis_view.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>
#include <utility>
#include <vector>

#include "json/text.hpp"

namespace deputy::cli {
namespace {

using policy::FindingWeight;
using policy::Request;
using policy::TrustAnalysis;
using policy::TrustVerdict;

std::string name_of(const policy::Caller& caller) {
  if (!caller.federated.empty()) return caller.federated;
  if (!caller.canonical_user.empty()) return caller.canonical_user;
  // Of an identity behind a unique ID nothing else is known.
  return caller.account.empty() && !caller.unique_id.empty() ? caller.unique_id : caller.arn;
}

boost::json::value witness_json(const std::optional<Request>& witness) {
  if (!witness) return nullptr;
  boost::json::object context;
  for (const policy::ContextKey& key : witness->context) {
    boost::json::array values;
    for (const std::string& value : key.values) values.emplace_back(value);
    context[key.name] = std::move(values);
  }
  return boost::json::object{
      {"principal", name_of(witness->caller)}, {"action", witness->action}, {"context", std::move(context)}};
}

bool is_unclear(const TrustAnalysis& analysis) {
  return !analysis.findings.empty() && analysis.findings.front().code == "document_unclear";
}

std::string_view summary(const TrustAnalysis& analysis) {
  switch (analysis.verdict) {
    case TrustVerdict::safe:
      return "only what was issued is accepted from the partner, and nobody else comes in";
    case TrustVerdict::unsafe:
      return analysis.witness ? "a request is accepted that should be refused"
                              : "it could not be shown that every request is refused that should be";
    case TrustVerdict::denied:
      return "nothing wrong is accepted, but the partner is refused as well";
    case TrustVerdict::invalid:
      return is_unclear(analysis) ? "it could not be read as the trust policy of one role"
                                  : "this is no trust policy that AWS takes";
  }
  return {};
}

std::string coloured(std::string_view text, std::string_view code, bool colour) {
  return colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string{text};
}
std::string_view colour_of(TrustVerdict verdict) {
  return verdict == TrustVerdict::safe ? "1;32" : verdict == TrustVerdict::denied ? "1;33" : "1;31";
}

// Broken at spaces, later lines indented.
std::string wrapped(std::string_view text, std::size_t indent) {
  constexpr std::size_t width = 100;
  std::string out;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    if (column > indent && column + 1 + space > width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += text.substr(0, space);
    column += space;
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return out;
}

std::string findings_text(const TrustAnalysis& analysis, bool colour) {
  std::string out;
  for (const policy::TrustFinding& finding : analysis.findings) {
    const std::string_view weight = policy::to_text(finding.weight);
    const bool note = finding.weight == FindingWeight::note;
    out += fmt::format("\n  {}{} {}\n  {}{}\n",
                       coloured(weight, note ? "2" : colour_of(analysis.verdict), colour),
                       std::string(9 - weight.size(), ' '), wrapped(json::escaped(finding.message), 12),
                       std::string(10, ' '), coloured(finding.code, "2", colour));
  }
  return out;
}

// Said already by who asks.
bool is_derived(std::string_view key) {
  return key == "aws:PrincipalIsAWSService" || key == "aws:PrincipalArn" || key == "aws:PrincipalAccount" ||
         key == "aws:PrincipalType";
}

std::string witness_text(const Request& witness) {
  std::vector<std::pair<std::string, std::string>> lines;
  if (witness.action == "sts:AssumeRole" && witness.find("sts:ExternalId") == nullptr)
    lines.emplace_back("sts:ExternalId", "(none)");
  for (const policy::ContextKey& key : witness.context) {
    if (is_derived(key.name)) continue;
    std::string values;
    for (const std::string& value : key.values)
      values += (values.empty() ? "" : ", ") + json::escaped(value.empty() ? "\"\"" : value);
    lines.emplace_back(json::escaped(key.name), std::move(values));
  }
  std::size_t width = 0;
  for (const auto& [name, values] : lines) width = std::max(width, name.size());
  std::string out = fmt::format("\nThis request is accepted and should not be:\n\n  {}\n    as {}\n",
                                json::escaped(witness.action), json::escaped(name_of(witness.caller)));
  for (const auto& [name, values] : lines) out += fmt::format("    {:<{}}  {}\n", name, width, values);
  return out;
}

std::string mend_text(const TrustAnalysis& analysis) {
  if (analysis.mend.empty()) return {};
  const std::string_view heading =
      analysis.verdict == TrustVerdict::invalid
          ? "A policy that would be safe; it lets the partner alone in, and replaces everything else:"
          : "The corrected policy, which is safe:";
  std::string out = fmt::format("\n{}\n\n{}", heading, analysis.mend);
  if (!analysis.mend_removed.empty())
    out += "\nIt leaves out, which you may want back in a form that is safe:\n";
  for (const std::string& removed : analysis.mend_removed)
    out += "  " + wrapped(json::escaped(removed), 2) + "\n";
  return out;
}

}  // namespace

std::string analysis_json(const TrustAnalysis& analysis) {
  boost::json::array findings;
  for (const policy::TrustFinding& finding : analysis.findings) {
    boost::json::object one{
        {"code", finding.code}, {"weight", policy::to_text(finding.weight)}, {"message", finding.message}};
    one["statement"] =
        finding.statement ? boost::json::value(*finding.statement) : boost::json::value(nullptr);
    findings.push_back(std::move(one));
  }
  boost::json::object out{{"verdict", policy::to_text(analysis.verdict)},
                          {"findings", std::move(findings)},
                          {"witness", witness_json(analysis.witness)}};
  out["mend"] = analysis.mend.empty() ? boost::json::value(nullptr) : boost::json::value(analysis.mend);
  boost::json::array removed;
  for (const std::string& one : analysis.mend_removed) removed.emplace_back(one);
  out["mend_removed"] = std::move(removed);
  // All that is not ASCII stands in strings, where an escape means the same.
  return json::escaped(boost::json::serialize(out));
}

std::string analysis_text(const TrustAnalysis& analysis, bool colour) {
  std::string out = fmt::format(
      "{}: {}\n", coloured(policy::to_text(analysis.verdict), colour_of(analysis.verdict), colour),
      summary(analysis));
  out += findings_text(analysis, colour);
  if (analysis.witness) out += witness_text(*analysis.witness);
  return out + mend_text(analysis);
}

}  // namespace deputy::cli
