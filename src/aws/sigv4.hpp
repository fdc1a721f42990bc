#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/credentials.hpp"
#include "core/clock.hpp"

// Signature Version 4, pure: the same input always gives the same output; no clock, no environment, no I/O.
// In four named phases, each of which the tests hold against AWS's documented vectors and botocore. The
// sandbox checks signatures with the same phases.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
namespace deputy::aws {

struct SigningScope {
  std::string region;
  std::string service;
  Timestamp time;
};

struct SignableRequest {
  std::string method;
  std::string path;                                          // as sent, percent-encoded; empty means `/`
  std::string query;                                         // as sent, percent-encoded, without `?`
  std::vector<std::pair<std::string, std::string>> headers;  // those to be signed; `host` must be among them
  std::string_view body;
};

// S3 signs the path as it is sent and wants `x-amz-content-sha256`; every other service encodes the path once
// more and normalizes it.
enum class PathStyle { normalized_twice_encoded, as_sent };

std::string canonical_request(const SignableRequest& request, std::string_view payload_hash, PathStyle style);
std::string string_to_sign(const SigningScope& scope, std::string_view canonical_request);
std::string signature(const SigningScope& scope, const SecretString& secret_access_key,
                      std::string_view string_to_sign);

// The header fields to add to the request: `x-amz-date`, `x-amz-security-token` (with a token),
// `x-amz-content-sha256` (as_sent style) and `authorization`.
std::vector<std::pair<std::string, std::string>> sign(const SignableRequest& request,
                                                      const SigningScope& scope,
                                                      const Credentials& credentials, PathStyle style);

// Lower-case hexadecimal SHA-256.
std::string sha256_hex(std::string_view bytes);
// `20261122T200642Z`
std::string amz_date(Timestamp time);
// Percent-encodes all but A–Z a–z 0–9 - . _ ~ (and `/` when it is kept), upper-case hexadecimal.
std::string uri_encode(std::string_view text, bool keep_slash);

}  // namespace deputy::aws
