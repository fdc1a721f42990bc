#include <algorithm>
#include <set>

#include "policy/analyzer_test_support.hpp"

namespace deputy::policy {
namespace {

TEST(AnalyzerCorpus, EveryVerdictIsRight) {
  const auto all = corpus_policies();
  ASSERT_GT(all.size(), 240U);
  for (const CorpusPolicy& one : all) {
    SCOPED_TRACE(one.id);
    const TrustAnalysis analysis = analyze(one.document, question());
    const std::string verdict{to_text(analysis.verdict)};
    const bool also =
        std::find(one.also_accepted.begin(), one.also_accepted.end(), verdict) != one.also_accepted.end();
    EXPECT_TRUE(verdict == one.verdict || also) << verdict << ", not " << one.verdict << "\n"
                                                << codes_of(analysis);
    expect_sound(one.document, question(), analysis);
    // None of the open ones is beyond showing.
    EXPECT_TRUE(analysis.witness.has_value() || one.verdict != "unsafe" || also) << codes_of(analysis);
  }
}

TEST(AnalyzerCorpus, NamesAreUnique) {
  std::set<std::string> names;
  for (const CorpusPolicy& one : corpus_policies()) EXPECT_TRUE(names.insert(one.id).second) << one.id;
}

}  // namespace
}  // namespace deputy::policy
