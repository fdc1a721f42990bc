#include "registry/return_url.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace deputy::registry {
namespace {

std::vector<ReturnUrl> allowed() {
  std::vector<ReturnUrl> urls;
  for (const char* text :
       {"https://App.Example/settings/aws", "https://other.example:8443/", "http://127.0.0.1:3000/done"})
    urls.push_back(ReturnUrl::parse(text).value());
  return urls;
}

TEST(ReturnUrl, MayBeWhatIsAllowedOrLiesBelowIt) {
  for (const char* good :
       {"https://app.example/settings/aws", "https://APP.example/settings/aws?tenant=7&x=%20y",
        "https://app.example:443/settings/aws/done", "https://other.example:8443",
        "https://other.example:8443/a/b", "http://127.0.0.1:3000/done"}) {
    const auto result = allowed_return_url(good, allowed());
    ASSERT_TRUE(result) << good << ": " << result.error().message;
    EXPECT_EQ(result.value(), good);
  }
}

// Threat 30: an open redirect, and addresses that two programs read differently.
TEST(ReturnUrl, RefusesEverythingElse) {
  for (const char* bad : {"",
                          "https://app.example/settings/awsome",
                          "https://app.example/settings",
                          "https://app.example.evil.example/settings/aws",
                          "https://evil.example/https://app.example/settings/aws",
                          "https://app.example@evil.example/settings/aws",
                          "https://evil.example\\@app.example/settings/aws",
                          "https://app.example:444/settings/aws",
                          "http://app.example/settings/aws",
                          "https://app.example/settings/aws/../../admin",
                          "https://app.example/settings/aws/%2e%2e/admin",
                          "https://app.example/settings/aws/..%2fadmin",
                          "https://app.example/settings/aws#javascript:alert(1)",
                          "javascript:alert(1)",
                          "javascript://app.example/settings/aws",
                          "//app.example/settings/aws",
                          "/settings/aws",
                          "https:/app.example/settings/aws",
                          "https://app.example/settings/aws\r\nSet-Cookie: a=b",
                          "https://app.example/settings/aws\"onclick=\"x",
                          "http://127.0.0.1:3001/done",
                          "http://localhost:3000/done",
                          "https://[::2]/",
                          "https://other.example:0/",
                          "https://other.example:99999/"}) {
    const auto result = allowed_return_url(bad, allowed());
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().kind, ErrorKind::invalid_request);
    EXPECT_EQ(result.error().field, "return_url");
  }
}

TEST(ReturnUrl, NothingIsAllowedWithoutAList) {
  EXPECT_FALSE(allowed_return_url("https://app.example/", {}));
}

}  // namespace
}  // namespace deputy::registry
