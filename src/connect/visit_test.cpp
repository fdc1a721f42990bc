#include "connect/visit.hpp"

#include "connect/request_rate.hpp"

#include <gtest/gtest.h>

#include "core/random.hpp"

namespace deputy::connect {
namespace {

using namespace std::chrono_literals;

const std::string good(52, 'a');
const ConnectSessionId session = ConnectSessionId::parse("cse_aaaaaaaaaaaaaaaaaaaaaaaa").value();

http::Headers cookies(std::initializer_list<std::string> fields) {
  http::Headers headers;
  for (const std::string& field : fields) headers.add("Cookie", field);
  return headers;
}

TEST(Visit, FindsTheSessionsOwnCookieAmongOthers) {
  const std::string name = cookie_name(session, true);
  const auto found = secret_in_cookies(cookies({"a=b; " + name + "=" + good + "; c=d"}), session, true);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->reveal(), good);
  EXPECT_FALSE(secret_in_cookies(cookies({"a=b"}), session, true));
  EXPECT_FALSE(secret_in_cookies(cookies({name + "x=" + good}), session, true));
  EXPECT_FALSE(secret_in_cookies(cookies({name + "=short"}), session, true));
  // Set by whoever can over plain http.
  EXPECT_FALSE(secret_in_cookies(cookies({cookie_name(session, false) + "=" + good}), session, true));
}

TEST(Visit, TwoCookiesThatDifferAreNone) {
  const std::string name = cookie_name(session, true);
  EXPECT_FALSE(
      secret_in_cookies(cookies({name + "=" + good, name + "=" + std::string(52, 'b')}), session, true));
  EXPECT_TRUE(secret_in_cookies(cookies({name + "=" + good, name + "=" + good}), session, true));
}

TEST(Visit, TheTokenIsOfTheSessionAndItsSecret) {
  const auto other = ConnectSessionId::parse("cse_baaaaaaaaaaaaaaaaaaaaaaa").value();
  EXPECT_EQ(csrf_token(SecretString{good}, session), csrf_token(SecretString{good}, session));
  EXPECT_NE(csrf_token(SecretString{good}, session), csrf_token(SecretString{good}, other));
  EXPECT_NE(csrf_token(SecretString{good}, session), csrf_token(SecretString{std::string(52, 'b')}, session));
}

TEST(Visit, TellsOurOwnFormsFromOthers) {
  const auto from = [](std::initializer_list<std::pair<const char*, const char*>> fields) {
    http::Headers headers;
    for (const auto& [name, value] : fields) headers.add(name, value);
    return may_be_ours(headers, "https://deputy.example");
  };
  EXPECT_TRUE(from({{"Sec-Fetch-Site", "same-origin"}, {"Origin", "null"}}));
  EXPECT_TRUE(from({{"Origin", "https://deputy.example"}}));
  EXPECT_TRUE(from({{"Origin", "null"}}));
  EXPECT_TRUE(from({}));
  EXPECT_FALSE(from({{"Sec-Fetch-Site", "cross-site"}}));
  EXPECT_FALSE(from({{"Sec-Fetch-Site", "same-site"}}));
  EXPECT_FALSE(from({{"Sec-Fetch-Site", "none"}}));
  EXPECT_FALSE(from({{"Origin", "https://evil.example"}}));
  EXPECT_FALSE(from({{"Origin", "https://deputy.example"}, {"Origin", "https://evil.example"}}));
}

TEST(RequestRate, GivesABurstAndThenSteadily) {
  RequestRate rate{3, 1};
  const auto start = RequestRate::Time{} + 1h;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rate.take("a", start));
  EXPECT_FALSE(rate.take("a", start));
  EXPECT_TRUE(rate.take("b", start));
  EXPECT_TRUE(rate.take("a", start + 1s));
  EXPECT_FALSE(rate.take("a", start + 1s));
}

}  // namespace
}  // namespace deputy::connect
