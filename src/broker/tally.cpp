#include "broker/tally.hpp"

namespace deputy::broker {
namespace {

// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html, what the transport says
// (aws/transport.cpp), and what session_source.cpp calls an answer that is not believed.
constexpr std::string_view known_codes[] = {"AccessDenied",
                                            "ConnectionCut",
                                            "ConnectionFailed",
                                            "ExpiredToken",
                                            "ExpiredTokenException",
                                            "InternalError",
                                            "InternalFailure",
                                            "InvalidClientTokenId",
                                            "MalformedPolicyDocument",
                                            "MalformedResponse",
                                            "NoBaseCredentials",
                                            "OtherRole",
                                            "PackedPolicyTooLarge",
                                            "RegionDisabledException",
                                            "RequestExpired",
                                            "RequestTimeout",
                                            "RequestTimeoutException",
                                            "ResponseTooLarge",
                                            "ServiceUnavailable",
                                            "ServiceUnavailableException",
                                            "SignatureDoesNotMatch",
                                            "Throttling",
                                            "ThrottlingException",
                                            "Timeout",
                                            "TlsFailed",
                                            "Unavailable",
                                            "UnusableCredentials",
                                            "ValidationError"};
static_assert(std::ranges::is_sorted(known_codes));  // it is searched by halves

}  // namespace

Tally::Tally() {
  for (const std::string_view code : known_codes) sts_errors_by_code.emplace(code, 0);
  sts_errors_by_code.emplace("other", 0);
}

void Tally::count_sts_error(std::string_view code) {
  ++sts_errors;
  const std::string_view name = std::ranges::binary_search(known_codes, code) ? code : "other";
  ++sts_errors_by_code.find(name)->second;
}

}  // namespace deputy::broker
