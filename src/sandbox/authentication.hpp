#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/call.hpp"

// Who signed this request? Signature Version 4 in the Authorization header, and nothing else: presigned URLs
// are refused. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
namespace deputy::sandbox {

// The claims of an Authorization header, unverified.
struct SignatureClaims {
  std::string access_key_id, date, region, service, signature;
  std::vector<std::string> signed_headers;  // lower case, in order
};

// `MissingAuthenticationToken` without the header, `IncompleteSignature` for what is not of SigV4's form.
Outcome<SignatureClaims> read_claims(const http::Request& request);

// How this service tells its errors.
Protocol protocol_of(std::string_view service);

// Verifies the claims: key, session token, time, scope, signed headers, body, signature. The faults carry the
// code of the claimed service.
Outcome<Caller> authenticate(World& world, const http::Request& request, const SignatureClaims& claims);

}  // namespace deputy::sandbox
