#include "aws/error_answer.hpp"

#include <algorithm>
#include <array>

#include "aws/xml.hpp"
#include "json/reader.hpp"

namespace deputy::aws {
namespace {

constexpr std::size_t message_bytes_max = 1'024;
constexpr std::size_t error_bytes_max = 64 * 1024;

struct CodeClass {
  std::string_view code;
  AwsErrorClass error_class;
};

// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html,
// API_AssumeRole.html#API_AssumeRole_Errors; botocore's data/_retry.json for the throttles. AccessDenied is
// not here: it needs more than its name.
constexpr std::array code_classes{
    CodeClass{"Throttling", AwsErrorClass::throttled},
    CodeClass{"ThrottlingException", AwsErrorClass::throttled},
    CodeClass{"ThrottledException", AwsErrorClass::throttled},
    CodeClass{"RequestThrottled", AwsErrorClass::throttled},
    CodeClass{"RequestThrottledException", AwsErrorClass::throttled},
    CodeClass{"RequestLimitExceeded", AwsErrorClass::throttled},
    CodeClass{"TooManyRequestsException", AwsErrorClass::throttled},
    CodeClass{"BandwidthLimitExceeded", AwsErrorClass::throttled},
    CodeClass{"SlowDown", AwsErrorClass::throttled},
    CodeClass{"InternalFailure", AwsErrorClass::unavailable},
    CodeClass{"InternalError", AwsErrorClass::unavailable},
    CodeClass{"ServiceUnavailable", AwsErrorClass::unavailable},
    CodeClass{"ServiceUnavailableException", AwsErrorClass::unavailable},
    CodeClass{"RequestTimeout", AwsErrorClass::unavailable},
    CodeClass{"RequestTimeoutException", AwsErrorClass::unavailable},
    CodeClass{"ExpiredToken", AwsErrorClass::caller_credentials},
    CodeClass{"ExpiredTokenException", AwsErrorClass::caller_credentials},
    CodeClass{"InvalidClientTokenId", AwsErrorClass::caller_credentials},
    CodeClass{"InvalidAccessKeyId", AwsErrorClass::caller_credentials},
    CodeClass{"InvalidToken", AwsErrorClass::caller_credentials},
    CodeClass{"UnrecognizedClient", AwsErrorClass::caller_credentials},
    CodeClass{"UnrecognizedClientException", AwsErrorClass::caller_credentials},
    CodeClass{"SignatureDoesNotMatch", AwsErrorClass::caller_credentials},
    CodeClass{"InvalidSignatureException", AwsErrorClass::caller_credentials},
    CodeClass{"IncompleteSignature", AwsErrorClass::caller_credentials},
    CodeClass{"IncompleteSignatureException", AwsErrorClass::caller_credentials},
    CodeClass{"MissingAuthenticationToken", AwsErrorClass::caller_credentials},
    CodeClass{"MissingAuthenticationTokenException", AwsErrorClass::caller_credentials},
    CodeClass{"AuthFailure", AwsErrorClass::caller_credentials},
    CodeClass{"OptInRequired", AwsErrorClass::caller_credentials},
    CodeClass{"RegionDisabledException", AwsErrorClass::region_disabled},
    CodeClass{"RegionDisabled", AwsErrorClass::region_disabled},
    CodeClass{"NoSuchEntity", AwsErrorClass::not_found},
    CodeClass{"NoSuchBucket", AwsErrorClass::not_found},
    CodeClass{"NoSuchKey", AwsErrorClass::not_found},
    CodeClass{"ResourceNotFoundException", AwsErrorClass::not_found},
    CodeClass{"ValidationError", AwsErrorClass::invalid_request},
    CodeClass{"ValidationException", AwsErrorClass::invalid_request},
    CodeClass{"MalformedPolicyDocument", AwsErrorClass::invalid_request},
    CodeClass{"PackedPolicyTooLarge", AwsErrorClass::invalid_request},
    CodeClass{"InvalidAction", AwsErrorClass::invalid_request},
    CodeClass{"MissingAction", AwsErrorClass::invalid_request},
    CodeClass{"UnknownOperationException", AwsErrorClass::invalid_request},
    CodeClass{"SerializationException", AwsErrorClass::invalid_request},
    CodeClass{"InvalidInput", AwsErrorClass::invalid_request},
    CodeClass{"InvalidParameterException", AwsErrorClass::invalid_request},
    CodeClass{"InvalidParameterValue", AwsErrorClass::invalid_request},
    CodeClass{"InvalidParameterCombination", AwsErrorClass::invalid_request},
    CodeClass{"InvalidQueryParameter", AwsErrorClass::invalid_request},
    CodeClass{"MalformedQueryString", AwsErrorClass::invalid_request},
    CodeClass{"MissingParameter", AwsErrorClass::invalid_request},
};

struct SaidError {
  std::string code;
  std::string message;
  std::string request_id;
};

bool is_word(std::string_view text, std::string_view also) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [also](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           also.find(c) != std::string_view::npos;
  });
}

std::optional<SaidError> read_xml(std::string& body, Protocol protocol) {
  const auto answer = XmlAnswer::read(body);
  if (!answer) return std::nullopt;
  if (protocol == Protocol::rest_xml) {
    const auto code = answer->text({"Error", "Code"});
    if (!code) return std::nullopt;
    return SaidError{*code, answer->text({"Error", "Message"}).value_or(""),
                     answer->text({"Error", "RequestId"}).value_or("")};
  }
  const auto code = answer->text({"ErrorResponse", "Error", "Code"});
  if (!code) return std::nullopt;
  return SaidError{*code, answer->text({"ErrorResponse", "Error", "Message"}).value_or(""),
                   answer->text({"ErrorResponse", "RequestId"}).value_or("")};
}

std::string text_of(const json::Value& object, std::string_view name) {
  const json::Value* member = object.find(name);
  return member != nullptr && member->is(json::Kind::string) ? member->text : std::string{};
}

std::optional<SaidError> read_json(const std::string& body) {
  const auto answer = json::read(body);
  if (answer.has_error() || !answer.value().is(json::Kind::object)) return std::nullopt;
  std::string code = text_of(answer.value(), "__type");
  if (const std::size_t hash = code.rfind('#'); hash != std::string::npos) code.erase(0, hash + 1);
  std::string message = text_of(answer.value(), "message");
  if (message.empty()) message = text_of(answer.value(), "Message");
  return SaidError{std::move(code), std::move(message), {}};
}

// One line without control characters. When it holds a secret nevertheless, nothing of it is kept.
std::string presentable(const std::string& message, const Credentials& credentials) {
  const auto holds = [&message](const SecretString& secret) {
    return !secret.empty() && message.find(secret.reveal()) != std::string::npos;
  };
  if (holds(credentials.session_token) || holds(credentials.secret_access_key))
    return "withheld, since it repeats a secret";
  std::string line = message.substr(0, std::min(message.find_first_of("\r\n"), message_bytes_max));
  std::ranges::replace_if(line, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, ' ');
  return line;
}

AwsError malformed(const HttpResponse& response) {
  return {.error_class = response.status == 429 ? AwsErrorClass::throttled : AwsErrorClass::unavailable,
          .status = response.status,
          .code = "MalformedResponse",
          .message = "the answer is not in the service's form",
          .request_id = request_id_of(response)};
}

bool names_clock_skew(const std::string& code) {
  return code == "RequestTimeTooSkewed" || code == "RequestExpired" || code == "RequestInTheFuture";
}

bool is_signature_code(const std::string& code) {
  return code == "SignatureDoesNotMatch" || code == "InvalidSignatureException";
}

bool says_clock_skew(const std::string& code, const std::string& message) {
  if (names_clock_skew(code)) return true;
  return is_signature_code(code) && (message.find("Signature expired") != std::string::npos ||
                                     message.find("not yet current") != std::string::npos);
}

bool is_denial(int status, const std::string& code, Protocol protocol) {
  if (protocol == Protocol::json) return code == "AccessDeniedException" && (status == 400 || status == 403);
  return code == "AccessDenied" && status == 403;
}

}  // namespace

std::string request_id_of(const HttpResponse& response) {
  for (const std::string_view name : {"x-amzn-requestid", "x-amz-request-id"}) {
    if (const auto value = response.header(name); value && is_word(*value, "-+/=_:."))
      return std::string{*value};
  }
  return {};
}

bool is_clock_skew(const AwsError& error) {
  // For the signature's codes the class holds what the message said, before it was made presentable.
  return error.error_class == AwsErrorClass::unavailable && error.status < 500 &&
         (names_clock_skew(error.code) || is_signature_code(error.code));
}

AwsErrorClass classify(int status, const std::string& code, const std::string& message, Protocol protocol) {
  const auto* known = std::ranges::find(code_classes, code, &CodeClass::code);
  const bool is_throttle = known != code_classes.end() && known->error_class == AwsErrorClass::throttled;
  if (is_throttle || status == 429) return AwsErrorClass::throttled;
  if (status >= 500 || says_clock_skew(code, message)) return AwsErrorClass::unavailable;
  if (is_denial(status, code, protocol)) return AwsErrorClass::access_denied;
  return known != code_classes.end() ? known->error_class : AwsErrorClass::other;
}

AwsError read_error(HttpResponse response, Protocol protocol, const Credentials& credentials) {
  if (response.body.size() > error_bytes_max) return malformed(response);
  const auto said = protocol == Protocol::json ? read_json(response.body) : read_xml(response.body, protocol);
  if (!said || !is_word(said->code, ".-_:")) return malformed(response);
  AwsError error{.error_class = classify(response.status, said->code, said->message, protocol),
                 .status = response.status,
                 .code = said->code,
                 .message = presentable(said->message, credentials),
                 .request_id = request_id_of(response)};
  if (error.request_id.empty() && is_word(said->request_id, "-+/=_:.")) error.request_id = said->request_id;
  return error;
}

}  // namespace deputy::aws
