#pragma once

#include <optional>

#include "aws/caller.hpp"

namespace deputy::aws {

// The form in which a service says that something went wrong; the one that a call's own protocol has, and no
// other, is believed.
enum class Protocol {
  query,     // <ErrorResponse><Error><Code>…: STS, IAM, CloudFormation
  rest_xml,  // <Error><Code>…: S3
  json,      // {"__type": "namespace#Code", "message": …}: CloudWatch Logs
};

// Reads an answer that is no success. What cannot be read is `unavailable`/`MalformedResponse`: whoever said
// it (a proxy, say), it was not the service. Consumes the body. The message is one line, clipped, and free of
// the secrets of `credentials` (STS repeats session tokens when a signature does not match).
AwsError read_error(HttpResponse response, Protocol protocol, const Credentials& credentials);

AwsErrorClass classify(int status, const std::string& code, const std::string& message, Protocol protocol);

// Is it that the request's time is off, as AWS says?
bool is_clock_skew(const AwsError& error);

// AWS's identifier of the exchange; empty when there is none.
std::string request_id_of(const HttpResponse& response);

}  // namespace deputy::aws
