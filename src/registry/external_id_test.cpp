#include "registry/external_id.hpp"

#include <algorithm>
#include <cctype>
#include <gtest/gtest.h>
#include <set>

namespace deputy::registry {
namespace {

// Gives out given blocks, then repeats the last.
class ScriptedRandom final : public Random {
 public:
  explicit ScriptedRandom(std::vector<std::vector<std::uint8_t>> blocks) : blocks_(std::move(blocks)) {}
  void fill(std::span<std::byte> bytes) override {
    const auto& block = blocks_[std::min(next_++, blocks_.size() - 1)];
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(block[i % block.size()]);
  }
  std::size_t draws() const { return next_; }

 private:
  std::vector<std::vector<std::uint8_t>> blocks_;
  std::size_t next_ = 0;
};

TEST(ExternalIdIssuer, MakesLowerCaseUuidsOfVersion4) {
  SystemRandom random;
  for (int i = 0; i < 1000; ++i) {
    const std::string text = issue_external_id(random).text();
    ASSERT_EQ(text.size(), 36U);
    EXPECT_EQ(text[14], '4');
    EXPECT_NE(std::string_view{"89ab"}.find(text[19]), std::string_view::npos);
    EXPECT_EQ(text.find_first_not_of("0123456789abcdef-"), std::string::npos);
  }
}

TEST(ExternalIdIssuer, NeverRepeats) {
  SystemRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(seen.insert(issue_external_id(random).text()).second);
}

TEST(ExternalIdIssuer, DrawsAgainWithoutALetter) {
  // 0x11 everywhere and a variant nibble of 8 or 9 give digits alone.
  ScriptedRandom random{{{0x11}, {0xab}}};
  const std::string text = issue_external_id(random).text();
  EXPECT_EQ(random.draws(), 2U);
  EXPECT_TRUE(std::ranges::any_of(text, [](unsigned char c) { return std::isalpha(c) != 0; }));
}

}  // namespace
}  // namespace deputy::registry
