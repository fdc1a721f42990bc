#pragma once

#include <string>
#include <string_view>

#include "json/reader.hpp"
#include "sandbox/call.hpp"

// One function per service: a verified caller's request in, an answer or AWS's error out. What a service does
// not know it refuses.
namespace deputy::sandbox {

inline constexpr std::string_view sts_namespace = "https://sts.amazonaws.com/doc/2011-06-15/";
inline constexpr std::string_view iam_namespace = "https://iam.amazonaws.com/doc/2010-05-08/";
inline constexpr std::string_view cloudformation_namespace =
    "http://cloudformation.amazonaws.com/doc/2010-05-15/";

Outcome<Reply> answer_sts(World& world, const Call& call, const Parameters& parameters);
Outcome<Reply> answer_iam(World& world, const Call& call, const Parameters& parameters);
Outcome<Reply> answer_cloudformation(World& world, const Call& call, const Parameters& parameters);
Outcome<Reply> answer_logs(World& world, const Call& call, const json::Value& input);
Outcome<Reply> answer_s3(World& world, const Call& call, const http::Request& request);

// The name of the operation that an S3 request asks for: `ListBuckets`, `CreateBucket`; empty for what is not
// served.
std::string s3_operation(const http::Request& request);

// "Could not find operation X for version Y".
Fault invalid_action(std::string_view action, std::string_view version);

}  // namespace deputy::sandbox
