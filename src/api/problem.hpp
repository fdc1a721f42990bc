#pragma once

#include <string_view>

#include "core/error.hpp"
#include "http/message.hpp"

// Errors as clients see them. The one table from the kind of an error to an HTTP status is here.
namespace deputy::api {

struct Problem {
  int status;
  std::string_view title;  // the same for every error of the kind
};
Problem problem_of(ErrorKind kind);

// RFC 9457, application/problem+json: {type, title, status, code, detail, field?, request_id}, with
// `Retry-After` where trying again helps and `WWW-Authenticate` on 401. Every `unauthorized` looks alike, and
// so does every `not_found` for the same field: neither tells what exists.
http::Response problem_response(const Error& error, std::string_view request_id);

// The same status with {"code", "message"}: what SDKs read from the container-credentials endpoint.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
http::Response container_problem_response(const Error& error, std::string_view request_id);

// An answer with the header fields that each one carries: no-store, nosniff, the request's identifier.
http::Response plain_response(int status, std::string_view content_type, std::string body,
                              std::string_view request_id);

}  // namespace deputy::api
