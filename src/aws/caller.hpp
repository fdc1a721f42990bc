#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "aws/base_credentials.hpp"
#include "aws/endpoints.hpp"
#include "aws/sigv4.hpp"
#include "aws/transport.hpp"
#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/identifiers.hpp"
#include "core/random.hpp"

namespace deputy::aws {

// What AWS said, told apart. Only `access_denied` is a denial; everything that may pass by itself is
// `throttled` or `unavailable`; everything that is about the partner's own credentials is
// `caller_credentials`.
enum class AwsErrorClass {
  access_denied,  // the code AccessDenied (or the service's AccessDeniedException), 403: nothing else
  throttled,      // Throttling, ThrottlingException, RequestLimitExceeded, TooManyRequestsException, 429
  unavailable,    // 5xx, no answer, cut off, malformed answer, clock skew that one correction did not heal
  caller_credentials,  // ExpiredToken, InvalidClientTokenId, SignatureDoesNotMatch, UnrecognizedClient, no
                       // base credentials
  invalid_request,  // ValidationError, MalformedPolicyDocument, PackedPolicyTooLarge, …: asking again cannot
                    // help
  region_disabled,  // RegionDisabledException
  not_found,        // NoSuchEntity, ResourceNotFoundException
  other,
};

// A failed AWS call. Not client-safe: `message` may name the caller's ARN.
struct AwsError {
  AwsErrorClass error_class = AwsErrorClass::other;
  int status = 0;    // 0: no answer
  std::string code;  // AWS's: `AccessDenied`; `Timeout`, `ConnectionFailed`, `MalformedResponse` where AWS
                     // said nothing
  std::string message;
  std::string request_id;
};

template <class T>
using AwsResult = boost::outcome_v2::basic_result<T, AwsError, boost::outcome_v2::policy::terminate>;

struct RetryPolicy {
  int attempts_max = 3;
  std::chrono::milliseconds backoff_base{100};  // full jitter over min(cap, base·2^n)
  std::chrono::milliseconds backoff_max{5'000};
  // One attempt. A caller of ours waits at most for all of them: under the half minute that clients wait.
  std::chrono::milliseconds attempt_timeout{8'000};
};

// What every service's client stands on. References outlive the clients.
struct Caller {
  EventLoop& loop;
  const Clock& clock;
  Random& random;
  Transport& transport;
  const Endpoints& endpoints;
  RetryPolicy retry;
};

// One call in a service's own protocol, before it is signed.
struct Call {
  std::string service;       // identifier for the endpoint: `sts`
  std::string signing_name;  // usually the same
  Region region;
  std::string method = "POST";
  std::string path = "/";
  std::string query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  PathStyle path_style = PathStyle::normalized_twice_encoded;
  bool idempotent = true;  // may it be sent again after a time-out or 5xx? A throttle may always be
};

// AWS's clock when it answered, to the second; nullopt without a Date that can be read.
std::optional<std::chrono::sys_seconds> date_of(const HttpResponse& response);

// Signs, sends, tells errors apart (XML of the query and REST protocols, JSON 1.1), retries with full jitter
// what may be retried, and corrects the clock once by the answer's Date when AWS says that the request's time
// is off. A 2xx answer is returned as it is.
Task<AwsResult<HttpResponse>> perform(const Caller& caller, Call call, Credentials credentials);

// The same without a signature, for the few calls that carry their proof in the body. `proof` is what no
// error may repeat. The call's body is wiped.
Task<AwsResult<HttpResponse>> perform_unsigned(const Caller& caller, Call call, SecretString proof);

}  // namespace deputy::aws
