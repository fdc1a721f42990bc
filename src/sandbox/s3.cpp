#include <algorithm>
#include <fmt/format.h>
#include <pugixml.hpp>

#include "aws/sigv4.hpp"
#include "sandbox/bucket.hpp"

// Buckets, addressed by path. What is in them: bucket.cpp.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
namespace deputy::sandbox {
namespace {

constexpr std::string_view s3_namespace = "http://s3.amazonaws.com/doc/2006-03-01/";

// `/name` or `/name/`; empty when there is more to it.
std::string_view bucket_of(const http::Request& request) {
  std::string_view path = request.path;
  if (!path.empty()) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  return path.find('/') == std::string_view::npos ? path : std::string_view{};
}

Outcome<Reply> list_buckets(World& world, const Call& call) {
  if (denied(world, call, "s3:ListAllMyBuckets",
             fmt::format("arn:{}:s3:::*", to_text(call.caller.account->partition))))
    return Fault{403, "AccessDenied", "Access Denied"};
  XmlWriter xml;
  xml.open_in("ListAllMyBucketsResult", s3_namespace);
  xml.open("Owner");
  xml.text("ID", aws::sha256_hex(
                     call.caller.account->id));  // stands for the canonical user ID, which nothing here uses
  xml.close();
  xml.open("Buckets");
  for (const auto& [name, bucket] : call.caller.account->buckets) {
    xml.open("Bucket");
    xml.text("Name", name);
    xml.text("CreationDate", to_rfc3339_millis(bucket.created_at));
    xml.close();
  }
  xml.close();
  xml.close();
  return Reply{.body = R"(<?xml version="1.0" encoding="UTF-8"?>)" + xml.take(), .headers = {}};
}

// The Region that the body asks for; empty when it says none.
Outcome<std::string> location_of(const http::Request& request) {
  if (request.body.empty()) return std::string{};
  const Fault malformed{
      400, "MalformedXML",
      "The XML you provided was not well-formed or did not validate against our published schema"};
  pugi::xml_document document;
  // No DOCTYPE, no entities but the five of XML: nothing can be expanded or fetched.
  if (!document.load_buffer(request.body.data(), request.body.size(),
                            pugi::parse_default & ~pugi::parse_doctype))
    return malformed;
  const pugi::xml_node root = document.document_element();
  if (std::string_view{root.name()} != "CreateBucketConfiguration") return malformed;
  for (const pugi::xml_node child : root.children())
    if (std::string_view{child.name()} != "LocationConstraint") return malformed;
  return std::string{root.child("LocationConstraint").text().get()};
}

Outcome<Reply> create_bucket(World& world, const Call& call, const http::Request& request) {
  const std::string name{bucket_of(request)};
  if (!is_bucket_name(name)) return Fault{400, "InvalidBucketName", "The specified bucket is not valid."};
  if (denied(world, call, "s3:CreateBucket",
             fmt::format("arn:{}:s3:::{}", to_text(call.caller.account->partition), name)))
    return Fault{403, "AccessDenied", "Access Denied"};
  DEPUTY_TRY(const std::string location, location_of(request));
  const std::string wanted = location.empty() ? "us-east-1" : location;
  if (wanted != call.region || location == "us-east-1")
    return Fault{400, "IllegalLocationConstraintException",
                 fmt::format("The {} location constraint is incompatible for the region specific endpoint "
                             "this request was sent to.",
                             location.empty() ? "unspecified" : in_backticks(location))};
  const auto [owner, created] = world.bucket_owners.emplace(name, call.caller.account->id);
  if (!created && owner->second != call.caller.account->id)
    return Fault{409, "BucketAlreadyExists",
                 "The requested bucket name is not available. The bucket namespace is shared by all users "
                 "of the system. Please select a different name and try again."};
  // In us-east-1 alone, making one's own bucket again succeeds.
  if (!created && call.region != "us-east-1")
    return Fault{409, "BucketAlreadyOwnedByYou",
                 "Your previous request to create the named bucket succeeded and you already own it."};
  if (created && call.caller.account->buckets.size() >= Bounds::buckets_per_account) {
    world.bucket_owners.erase(owner);
    return Fault{400, "TooManyBuckets", "You have attempted to create more buckets than allowed"};
  }
  call.caller.account->buckets.emplace(name, Bucket{.created_at = world.clock.now()});
  Reply reply;
  reply.headers.add("Location", "/" + name);
  return reply;
}

}  // namespace

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
bool is_bucket_name(std::string_view name) {
  const auto letter_or_digit = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.size() < 3 || name.size() > 63 || !letter_or_digit(name.front()) || !letter_or_digit(name.back()))
    return false;
  if (name.find("..") != std::string_view::npos || name.starts_with("xn--") || name.ends_with("-s3alias"))
    return false;
  return std::ranges::all_of(name, [&](char c) { return letter_or_digit(c) || c == '-' || c == '.'; });
}

std::string s3_operation(const http::Request& request) {
  const bool of_a_bucket = !bucket_of(request).empty();
  const bool puts = request.method == "PUT", gets = request.method == "GET";
  // A query names a sub-resource (`?acl`, `?versioning`): a bucket's policy is the one that is served. Some
  // SDKs name the operation in `x-id`, which means nothing.
  if (request.query == "policy" || request.query == "policy=") {
    if (of_a_bucket && puts) return "PutBucketPolicy";
    return of_a_bucket && gets ? "GetBucketPolicy" : std::string{};
  }
  if (!request.query.empty() && !request.query.starts_with("x-id=")) return {};
  if (request.query.find('&') != std::string::npos) return {};
  if (gets && request.path == "/") return "ListBuckets";
  if (of_a_bucket) return puts ? "CreateBucket" : std::string{};
  if (puts) return "PutObject";
  return gets ? "GetObject" : std::string{};
}

Outcome<Reply> answer_s3(World& world, const Call& call, const http::Request& request) {
  if (call.operation == "ListBuckets") return list_buckets(world, call);
  if (call.operation == "CreateBucket") return create_bucket(world, call, request);
  if (call.operation == "PutBucketPolicy") return put_bucket_policy(world, call, bucket_of(request), request);
  if (call.operation == "GetBucketPolicy") return get_bucket_policy(world, call, bucket_of(request));
  if (call.operation == "PutObject") return put_object(world, call, request);
  if (call.operation == "GetObject") return get_object(world, call, request);
  return Fault{501, "NotImplemented",
               "The sandbox's S3 has buckets with a policy and whole objects, addressed by path; it does "
               "nothing else."};
}

}  // namespace deputy::sandbox
