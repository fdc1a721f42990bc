#include "api/problem.hpp"

#include <boost/json.hpp>

#include "api/api.hpp"
#include "core/assert.hpp"

namespace deputy::api {
namespace {

constexpr std::chrono::seconds retry_after_default{1};

// What the client reads. Reasons differ inside; outside, a key that is missing, unknown, expired or revoked
// is one thing, and an object that does not exist and one that this key may not see is one thing.
std::string_view visible_message(const Error& error) {
  switch (error.kind) {
    case ErrorKind::unauthorized:
      return "a valid key is needed, as `Authorization: Bearer KEY`";
    case ErrorKind::not_found:
      return "there is nothing here by this name that this key may see";
    default:
      return error.message;
  }
}

// A field may be a name that the client made up, of any bytes and any length: clipped and in ASCII here.
std::string printable(std::string_view field) {
  const std::string quoted = in_backticks(field);
  return quoted.substr(1, quoted.size() - 2);
}

bool says_when_to_retry(ErrorKind kind) {
  return kind == ErrorKind::rate_limited || kind == ErrorKind::upstream_throttled ||
         kind == ErrorKind::upstream_unavailable || kind == ErrorKind::overloaded;
}

void add_error_headers(http::Response& response, const Error& error) {
  if (error.kind == ErrorKind::unauthorized)
    response.headers.add("WWW-Authenticate", "Bearer realm=\"deputy\"");
  if (error.retry_after || says_when_to_retry(error.kind)) {
    const auto seconds = error.retry_after.value_or(retry_after_default);
    response.headers.add("Retry-After", std::to_string(std::max<std::int64_t>(1, seconds.count())));
  }
}

}  // namespace

Problem problem_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_request:
      return {400, "Invalid request"};
    case ErrorKind::unknown_field:
      return {400, "Unknown field"};
    case ErrorKind::external_id_not_settable:
      return {400, "External IDs cannot be set"};
    case ErrorKind::role_arn_invalid:
      return {400, "Not the ARN of an IAM role"};
    case ErrorKind::role_arn_forbidden:
      return {400, "This role cannot be used"};
    case ErrorKind::integration_too_broad:
      return {400, "The integration asks for too much"};
    case ErrorKind::unauthorized:
      return {401, "Unauthorized"};
    case ErrorKind::forbidden:
      return {403, "Forbidden"};
    case ErrorKind::not_found:
      return {404, "Not found"};
    case ErrorKind::method_not_allowed:
      return {405, "Method not allowed"};
    case ErrorKind::not_acceptable:
      return {406, "Not acceptable"};
    case ErrorKind::unsupported_media_type:
      return {415, "Unsupported media type"};
    case ErrorKind::conflict:
      return {409, "Conflict"};
    case ErrorKind::idempotency_conflict:
      return {409, "Idempotency key used for another request"};
    case ErrorKind::connection_not_active:
      return {409, "The connection is not active"};
    case ErrorKind::connection_disconnected:
      return {409, "The connection is disconnected"};
    case ErrorKind::verification_expired:
      return {409, "The verification is too old"};
    case ErrorKind::role_denied:
      return {409, "AWS denied the role"};
    case ErrorKind::payload_too_large:
      return {413, "Payload too large"};
    case ErrorKind::account_mismatch:
      return {422, "Another AWS account"};
    case ErrorKind::rate_limited:
      return {429, "Too many requests"};
    case ErrorKind::internal:
      return {500, "Internal error"};
    case ErrorKind::upstream_throttled:
      return {503, "AWS is throttling"};
    case ErrorKind::upstream_unavailable:
      return {503, "AWS cannot be reached"};
    case ErrorKind::overloaded:
      return {503, "Overloaded"};
  }
  DEPUTY_ASSERT(false);
}

namespace {

boost::json::object problem_body(const Error& error, int status) {
  const std::string_view code = code_of(error.kind);
  boost::json::object body;
  body["type"] = "/docs#" + std::string{code};
  body["title"] = problem_of(error.kind).title;
  body["status"] = status;
  body["code"] = code;
  body["detail"] = visible_message(error);
  if (!error.field.empty()) body["field"] = printable(error.field);
  return body;
}

}  // namespace

http::Response plain_response(int status, std::string_view content_type, std::string body,
                              std::string_view request_id) {
  http::Response response;
  response.status = status;
  constexpr std::size_t fields_usual = 6;
  response.headers.reserve(fields_usual);
  if (!content_type.empty()) response.headers.add("Content-Type", std::string{content_type});
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("X-Request-Id", std::string{request_id});
  response.body = std::move(body);
  return response;
}

http::Response problem_response(const Error& error, std::string_view request_id) {
  const int status = problem_of(error.kind).status;
  boost::json::object body = problem_body(error, status);
  body["request_id"] = request_id;
  http::Response response =
      plain_response(status, "application/problem+json", boost::json::serialize(body), request_id);
  add_error_headers(response, error);
  return response;
}

// The listener may not know yet what was asked for, so its body is both: a problem document, and what SDKs
// read from the container-credentials endpoint.
http::Response listener_error(int status, std::string_view request_id) {
  Error error{ErrorKind::invalid_request, "this is not a request that can be read"};
  if (status == 408) error = Error{ErrorKind::invalid_request, "the request did not arrive in time"};
  if (status == 413) error = Error{ErrorKind::payload_too_large, "the body is too large"};
  if (status == 429)
    error =
        Error{ErrorKind::rate_limited, "too many requests of this client are being answered; wait for some"};
  if (status == 431) error = Error{ErrorKind::payload_too_large, "the header is too large"};
  if (status == 500)
    error = Error{ErrorKind::internal, "something went wrong inside; the operator's log says what"};
  if (status == 503) error = Error{ErrorKind::overloaded, "too much is going on; try again shortly"};
  boost::json::object body = problem_body(error, status);
  body["request_id"] = request_id;
  body["message"] = body["detail"];
  http::Response response =
      plain_response(status, "application/problem+json", boost::json::serialize(body), request_id);
  add_error_headers(response, error);
  return response;
}

http::Response container_problem_response(const Error& error, std::string_view request_id) {
  const Problem problem = problem_of(error.kind);
  boost::json::object body;
  body["code"] = code_of(error.kind);
  body["message"] = visible_message(error);
  http::Response response =
      plain_response(problem.status, "application/json", boost::json::serialize(body), request_id);
  add_error_headers(response, error);
  return response;
}

}  // namespace deputy::api
