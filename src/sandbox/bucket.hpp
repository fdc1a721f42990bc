#pragma once

#include "sandbox/services.hpp"

// What is in a bucket: whole objects, addressed by path, and the bucket's policy, which can open it to other
// accounts.
namespace deputy::sandbox {

Outcome<Reply> put_object(World& world, const Call& call, const http::Request& request);
Outcome<Reply> get_object(World& world, const Call& call, const http::Request& request);
Outcome<Reply> put_bucket_policy(World& world, const Call& call, std::string_view bucket,
                                 const http::Request& request);
Outcome<Reply> get_bucket_policy(World& world, const Call& call, std::string_view bucket);

// An object as the caller may read it: the caller's own policies and, in another account, the bucket's must
// allow it. Faults are S3's: `NoSuchBucket`, `AccessDenied`, and `NoSuchKey` for who may list the bucket. The
// object lives until the next call.
Outcome<const StoredObject*> read_object(World& world, const Call& call, std::string_view bucket,
                                         std::string_view key);

// The template that CloudFormation is given by `TemplateURL`: an https address of Amazon S3, which is this
// sandbox's own. Read as the caller; nothing is ever fetched from anywhere.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
Outcome<std::string> read_template_at(World& world, const Call& call, std::string_view url);

}  // namespace deputy::sandbox
