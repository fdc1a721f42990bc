#include "api/problem.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "api/api.hpp"

namespace deputy::api {
namespace {

boost::json::object body_of(const http::Response& response) {
  return boost::json::parse(response.body).as_object();
}

TEST(Problem, HasTheStatusOfTheContract) {
  const std::pair<ErrorKind, int> contract[] = {
      {ErrorKind::invalid_request, 400},
      {ErrorKind::unknown_field, 400},
      {ErrorKind::external_id_not_settable, 400},
      {ErrorKind::role_arn_invalid, 400},
      {ErrorKind::role_arn_forbidden, 400},
      {ErrorKind::integration_too_broad, 400},
      {ErrorKind::unauthorized, 401},
      {ErrorKind::forbidden, 403},
      {ErrorKind::not_found, 404},
      {ErrorKind::method_not_allowed, 405},
      {ErrorKind::not_acceptable, 406},
      {ErrorKind::unsupported_media_type, 415},
      {ErrorKind::conflict, 409},
      {ErrorKind::idempotency_conflict, 409},
      {ErrorKind::connection_not_active, 409},
      {ErrorKind::connection_disconnected, 409},
      {ErrorKind::verification_expired, 409},
      {ErrorKind::role_denied, 409},
      {ErrorKind::payload_too_large, 413},
      {ErrorKind::account_mismatch, 422},
      {ErrorKind::rate_limited, 429},
      {ErrorKind::internal, 500},
      {ErrorKind::upstream_throttled, 503},
      {ErrorKind::upstream_unavailable, 503},
      {ErrorKind::overloaded, 503},
  };
  for (const auto& [kind, status] : contract) {
    const auto response = problem_response(Error{kind, "words"}, "req_1");
    EXPECT_EQ(response.status, status) << code_of(kind);
    EXPECT_EQ(body_of(response)["code"].as_string(), code_of(kind));
    EXPECT_EQ(body_of(response)["status"].as_int64(), status);
  }
}

TEST(Problem, IsADocumentOfRfc9457) {
  const auto response =
      problem_response(Error{ErrorKind::conflict, "words", "for the operator"}.with_field("name"), "req_1");
  EXPECT_EQ(response.headers.find("Content-Type"), "application/problem+json");
  EXPECT_EQ(response.headers.find("Cache-Control"), "no-store");
  EXPECT_EQ(response.headers.find("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(response.headers.find("X-Request-Id"), "req_1");
  const auto body = body_of(response);
  EXPECT_EQ(body.at("detail").as_string(), "words");
  EXPECT_EQ(body.at("field").as_string(), "name");
  EXPECT_EQ(body.at("request_id").as_string(), "req_1");
  EXPECT_EQ(response.body.find("operator"), std::string::npos);
}

TEST(Problem, ShowsAFieldOfAnyBytes) {
  const auto response = problem_response(
      Error{ErrorKind::unknown_field, "words"}.with_field("\xff\n" + std::string(100'000, 'a')), "r");
  EXPECT_TRUE(body_of(response).at("field").as_string().starts_with("\\xff\\x0aaaa"));
  EXPECT_LT(response.body.size(), 500U);
}

TEST(Problem, DoesNotTellWhyAKeyIsRefusedOrWhatExists) {
  const auto one = problem_response(Error{ErrorKind::unauthorized, "expired"}, "r");
  const auto other = problem_response(Error{ErrorKind::unauthorized, "unknown"}, "r");
  EXPECT_EQ(one.body, other.body);
  EXPECT_EQ(one.headers.find("WWW-Authenticate"), "Bearer realm=\"deputy\"");
  EXPECT_EQ(problem_response(Error{ErrorKind::not_found, "no such tenant"}, "r").body,
            problem_response(Error{ErrorKind::not_found, "malformed"}, "r").body);
}

TEST(Problem, SaysWhenToTryAgain) {
  EXPECT_EQ(problem_response(Error{ErrorKind::overloaded, "w"}, "r").headers.find("Retry-After"), "1");
  EXPECT_EQ(
      problem_response(Error{ErrorKind::rate_limited, "w"}.with_retry_after(std::chrono::seconds{7}), "r")
          .headers.find("Retry-After"),
      "7");
  EXPECT_EQ(problem_response(Error{ErrorKind::conflict, "w"}, "r").headers.find("Retry-After"), std::nullopt);
}

TEST(ContainerProblem, HasCodeAndMessageAlone) {
  const auto response = container_problem_response(Error{ErrorKind::role_denied, "words"}, "r");
  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(response.body, R"({"code":"role_denied","message":"words"})");
}

// The listener may not know the path yet: one body for both kinds of readers.
TEST(ListenerError, IsAProblemAndWhatSdksReadFromTheContainerEndpoint) {
  const std::pair<int, std::string_view> contract[] = {{400, "invalid_request"},   {408, "invalid_request"},
                                                       {413, "payload_too_large"}, {417, "invalid_request"},
                                                       {429, "rate_limited"},      {431, "payload_too_large"},
                                                       {500, "internal"},          {501, "invalid_request"},
                                                       {503, "overloaded"},        {505, "invalid_request"}};
  for (const auto& [status, code] : contract) {
    const auto response = listener_error(status, "req_1");
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.headers.find("Content-Type"), "application/problem+json");
    EXPECT_EQ(response.headers.find("Retry-After").has_value(), status == 429 || status == 503) << status;
    const auto body = body_of(response);
    for (const char* member : {"type", "title", "status", "code", "detail", "request_id", "message"})
      EXPECT_TRUE(body.contains(member)) << status << member;
    EXPECT_EQ(body.at("code").as_string(), code) << status;
    EXPECT_EQ(body.at("message"), body.at("detail"));
    EXPECT_EQ(body.at("status").as_int64(), status);
  }
}

}  // namespace
}  // namespace deputy::api
