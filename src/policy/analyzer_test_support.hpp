#pragma once

#include "support/source_folder.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <vector>

#include "policy/analyzer.hpp"
#include "policy/policy_test_support.hpp"

// What the tests of the analyzer share: the corpus, the question that goes with it, and what must hold of
// every analysis.
namespace deputy::policy {

inline const std::string issued_id = "4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42";
inline const std::string next_id = "b8a0c5de-63f1-4e0a-8f27-1c9d4e5b6a70";
inline const std::string foreign_id = "0d9e8c7b-5a43-4f21-b0c9-8e7d6f5a4b3c";

inline ExternalId id_of(std::string_view text) {
  return ExternalId::parse(text).value();
}

inline TrustQuestion question() {
  return {.partner_principal = RoleArn::parse("arn:aws:iam::111111111111:role/deputy-broker").value(),
          .partner_accounts = {},
          .role_account = AccountId::parse("222222222222").value(),
          .issued = {id_of(issued_id)},
          .tolerated = {}};
}

struct CorpusPolicy {
  std::string id, verdict, document;
  std::vector<std::string> also_accepted;
};

inline void add_cases_of(const std::string& name, std::vector<CorpusPolicy>& out) {
  std::ifstream file{in_source_folder("corpus/trust-policies/" + std::string{name})};
  std::stringstream text;
  text << file.rdbuf();
  const boost::json::value root = boost::json::parse(text.str());
  for (const boost::json::value& value : root.at("cases").as_array()) {
    const boost::json::object& one = value.as_object();
    const auto text_of = [&](const char* member) { return std::string{one.at(member).as_string()}; };
    out.push_back({text_of("id"),
                   text_of("verdict"),
                   one.contains("text") ? text_of("text") : boost::json::serialize(one.at("policy")),
                   {}});
    if (!one.contains("also_accepted")) continue;
    for (const auto& verdict : one.at("also_accepted").as_array())
      out.back().also_accepted.emplace_back(verdict.as_string());
  }
}
inline std::vector<CorpusPolicy> corpus_policies() {
  std::vector<CorpusPolicy> out;
  for (const char* name : {"cases.json", "adversarial.json"}) add_cases_of(name, out);
  return out;
}

inline std::string codes_of(const TrustAnalysis& analysis) {
  std::string out;
  for (const TrustFinding& finding : analysis.findings)
    out += std::string{to_text(finding.weight)} + " " + finding.code + ": " + finding.message + "\n";
  return out;
}

inline bool has_code(const TrustAnalysis& analysis, std::string_view code) {
  for (const TrustFinding& finding : analysis.findings) {
    if (finding.code == code) return true;
  }
  return false;
}

// Of every analysis: the witness is one, the mend is safe, the findings are fit to be shown.
inline void expect_sound(const std::string& document, const TrustQuestion& asked,
                         const TrustAnalysis& analysis) {
  if (analysis.witness) {
    const auto policy = Policy::read(decode_document(document).value(), PolicyKind::trust);
    ASSERT_TRUE(policy.has_value());
    EXPECT_TRUE(evaluate(policy.value(), *analysis.witness).allowed()) << document;
    EXPECT_EQ(analysis.verdict, TrustVerdict::unsafe);
  }
  EXPECT_EQ(analysis.mend.empty(), analysis.verdict == TrustVerdict::safe) << document;
  if (!analysis.mend.empty()) {
    const TrustAnalysis mended = analyze(analysis.mend, asked);
    EXPECT_EQ(mended.verdict, TrustVerdict::safe) << document << "\n" << analysis.mend << codes_of(mended);
  }
  EXPECT_EQ(analysis.findings.empty() && analysis.verdict != TrustVerdict::safe, false);
  for (const TrustFinding& finding : analysis.findings) {
    EXPECT_FALSE(finding.message.empty());
    EXPECT_EQ(finding.message.find('\n'), std::string::npos);
  }
}

}  // namespace deputy::policy
