#include "core/hmac.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <string>

namespace deputy {
namespace {

std::string code_of(HmacSha256& hmac, std::string_view key, std::string_view message) {
  HmacSha256::Code code{};
  hmac.compute(key, message, code);
  std::string text;
  for (const std::byte byte : code) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

// https://www.rfc-editor.org/rfc/rfc4231#section-4
TEST(HmacSha256, IsTheOneOfTheStandardForOneKeyAfterTheOther) {
  HmacSha256 hmac;
  EXPECT_EQ(code_of(hmac, std::string(20, '\x0b'), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(code_of(hmac, "Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(code_of(hmac, std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, TakesAnEmptyMessageAndAnEmptyKeyForWhatTheyAre) {
  HmacSha256 hmac;
  EXPECT_EQ(code_of(hmac, "k", ""), "8bb990c40a7d61cb97597a942125025be50ac8beb74436e3735b98893a7f6620");
  EXPECT_EQ(code_of(hmac, {}, ""), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

}  // namespace
}  // namespace deputy
