#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace deputy::sandbox {

struct ObjectAddress {
  std::string bucket, key;
};

// `https://BUCKET.s3.REGION.amazonaws.com/KEY` or `https://s3.REGION.amazonaws.com/BUCKET/KEY`, in the forms
// that S3 has; nothing for any other address. No presigned ones.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
std::optional<ObjectAddress> parse_object_url(std::string_view url);

}  // namespace deputy::sandbox
