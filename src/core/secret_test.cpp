#include "core/secret.hpp"

#include <concepts>
#include <gtest/gtest.h>
#include <ostream>

namespace deputy {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, T value) { out << value; };
static_assert(!Printable<SecretString>);
static_assert(!std::convertible_to<SecretString, std::string>);
static_assert(!std::convertible_to<SecretString, std::string_view>);

TEST(SecretString, ComparesByContent) {
  EXPECT_EQ(SecretString{"hunter2"}, SecretString{"hunter2"});
  EXPECT_FALSE(SecretString{"hunter2"} == SecretString{"hunter3"});
  EXPECT_FALSE(SecretString{"hunter2"} == SecretString{"hunter22"});
}

TEST(SecretString, EmptiesWhatItTakesOrMovesFrom) {
  std::string source = "hunter2";
  SecretString a = SecretString::take(source);
  EXPECT_TRUE(source.empty());
  SecretString b = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): that it is empty is the point
  EXPECT_EQ(b.reveal(), "hunter2");
  b = SecretString{"other"};
  EXPECT_EQ(b.reveal(), "other");
}

TEST(SecretString, WipesTheBytesItLeaves) {
  std::string text(64, 's');
  const char* const bytes = text.data();
  text.reserve(64);
  wipe(text);
  // The buffer still belongs to `text`: its old content must be gone.
  EXPECT_EQ(std::string_view(bytes, 64).find('s'), std::string_view::npos);
}

}  // namespace
}  // namespace deputy
