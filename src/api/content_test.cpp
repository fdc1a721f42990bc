#include "api/content.hpp"

#include <gtest/gtest.h>

namespace deputy::api {
namespace {

http::Headers with(std::initializer_list<std::pair<std::string, std::string>> fields) {
  http::Headers headers;
  for (const auto& [name, value] : fields) headers.add(name, value);
  return headers;
}

TEST(ContentType, IsJsonInUtf8) {
  for (const char* type : {"application/json", "Application/JSON", "application/json; charset=utf-8",
                           "application/json;charset=\"UTF-8\"", " application/json ; "})
    EXPECT_FALSE(require_json_content(with({{"content-type", type}})).has_error()) << type;
  for (const char* type :
       {"", "text/json", "application/json; charset=utf-16", "application/json, text/plain",
        "application/merge-patch+json", "application/x-www-form-urlencoded", "application/jsonp",
        "application/json; charset=utf-8; charset=utf-7", "application/json; version=2"})
    EXPECT_EQ(require_json_content(with({{"Content-Type", type}})).error().kind,
              ErrorKind::unsupported_media_type)
        << type;
}

TEST(ContentType, StandsThereOnce) {
  EXPECT_TRUE(require_json_content({}).has_error());
  EXPECT_TRUE(
      require_json_content(with({{"Content-Type", "application/json"}, {"content-type", "application/json"}}))
          .has_error());
}

TEST(ContentEncoding, IsRefused) {
  EXPECT_TRUE(require_json_content(with({{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}}))
                  .has_error());
  EXPECT_FALSE(
      require_json_content(with({{"Content-Type", "application/json"}, {"Content-Encoding", "identity"}}))
          .has_error());
}

TEST(Accept, AdmitsByTheClosestRange) {
  const auto json = [](const char* accept) {
    return accepts(with({{"Accept", accept}}), "application/json");
  };
  EXPECT_TRUE(accepts({}, "application/json"));
  for (const char* accept :
       {"", "*/*", "application/*", "application/json", "APPLICATION/JSON;q=0.1", "text/html, */*;q=0.1",
        "text/html,application/json", "*/*;q=0, application/json"})
    EXPECT_TRUE(json(accept)) << accept;
  for (const char* accept : {"text/html", "application/xml", "text/*", "application/json;q=0",
                             "*/*, application/json; q=0.000", "application/*;q=0, */*", "application"})
    EXPECT_FALSE(json(accept)) << accept;
}

TEST(Accept, FieldsAddUp) {
  EXPECT_TRUE(accepts(with({{"Accept", "text/html"}, {"accept", "application/json"}}), "application/json"));
}

}  // namespace
}  // namespace deputy::api
