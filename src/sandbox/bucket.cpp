#include "sandbox/bucket.hpp"

#include <algorithm>
#include <array>
#include <boost/crc.hpp>
#include <fmt/format.h>
#include <sodium.h>

#include "aws/sigv4.hpp"
#include "core/ascii.hpp"

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html, API_GetObject.html,
// API_PutBucketPolicy.html
namespace deputy::sandbox {
namespace {

constexpr std::size_t key_length_max = 1'024;
constexpr std::size_t policy_length_max = 20 * 1'024;

struct Place {
  std::string_view bucket, key;
};

// `/bucket/key`; the key may have slashes.
Place place_of(const http::Request& request) {
  std::string_view path = request.path;
  path.remove_prefix(1);
  const std::size_t slash = path.find('/');
  return {path.substr(0, slash), path.substr(slash + 1)};
}

struct OwnedBucket {
  Account& owner;
  Bucket& bucket;
  std::string name;
};

Outcome<OwnedBucket> find_bucket(World& world, std::string_view name) {
  const auto owner = world.bucket_owners.find(name);
  if (owner == world.bucket_owners.end())
    return Fault{404, "NoSuchBucket", "The specified bucket does not exist"};
  Account& account = *world.find_account(owner->second);
  return OwnedBucket{account, account.buckets.find(owner->first)->second, owner->first};
}

Fault access_denied() {
  return {403, "AccessDenied", "Access Denied"};
}

// The caller's policies and the bucket's together; `key` is empty for what is asked of the bucket itself.
bool may(const World& world, const Call& call, std::string_view action, const OwnedBucket& found,
         std::string_view key = {}) {
  policy::PolicySet policies = policies_of(call.caller);
  if (found.bucket.policy) policies.resource = found.bucket.policy->policy.get();
  policies.resource_account = found.owner.id;
  policy::Request request{.caller = policy_caller(call.caller),
                          .action = std::string{action},
                          .resource = fmt::format("arn:{}:s3:::{}{}{}", to_text(found.owner.partition),
                                                  found.name, key.empty() ? "" : "/", key),
                          .context = global_context(world, call)};
  request.context.push_back({"aws:ResourceAccount", {found.owner.id}});
  return policy::authorize(policies, request).allowed();
}

// What would change the meaning of the call must not be ignored.
std::optional<Fault> unknown_header(const http::Request& request) {
  constexpr std::array known{"x-amz-date",          "x-amz-content-sha256", "x-amz-security-token",
                             "x-amz-checksum-mode", "x-amz-user-agent",     "x-amz-sdk-checksum-algorithm",
                             "x-amz-checksum-crc32"};
  constexpr std::array meaningful{"range", "if-match", "if-none-match", "if-modified-since",
                                  "if-unmodified-since"};
  for (const auto& [name, value] : request.headers) {
    const std::string lowered = to_lower(name);
    const bool foreign = lowered.starts_with("x-amz-") && std::ranges::find(known, lowered) == known.end();
    if (foreign || std::ranges::find(meaningful, lowered) != meaningful.end())
      return Fault{501, "NotImplemented",
                   fmt::format("The sandbox's S3 does not know the header {}.", in_backticks(lowered))};
  }
  return std::nullopt;
}

// SDKs send the body's CRC-32 beside the signature, big-endian and in base64.
std::optional<Fault> wrong_checksum(const http::Request& request) {
  const auto claimed = request.headers.find("x-amz-checksum-crc32");
  if (!claimed) return std::nullopt;
  boost::crc_32_type crc;
  crc.process_bytes(request.body.data(), request.body.size());
  std::array<unsigned char, 4> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<unsigned char>(crc.checksum() >> (8 * (3 - i)));
  std::array<char, sodium_base64_ENCODED_LEN(4, sodium_base64_VARIANT_ORIGINAL)> text{};
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  if (*claimed == std::string_view{text.data()}) return std::nullopt;
  return Fault{400, "BadDigest", "The CRC32 you specified did not match the calculated checksum."};
}

// A bucket's policy speaks of that bucket alone. Roles and users are named by their accounts: the sandbox
// does not follow who of them is made anew under an old name, as it does for trust policies.
std::optional<Fault> unfit(const policy::Policy& policy, const OwnedBucket& found) {
  const std::string arn = fmt::format("arn:{}:s3:::{}", to_text(found.owner.partition), found.name);
  for (const policy::Statement& statement : policy.statements()) {
    for (const std::string& resource : statement.resources)
      if (resource != arn && !resource.starts_with(arn + "/"))
        return Fault{400, "MalformedPolicy", "Policy has invalid resource"};
    if (statement.not_resource) return Fault{400, "MalformedPolicy", "Policy has invalid resource"};
    for (const policy::StatementPrincipal& principal : statement.principals)
      if (principal.type != policy::PrincipalType::everyone &&
          principal.type != policy::PrincipalType::aws_account)
        return Fault{501, "NotImplemented",
                     "The policies of the sandbox's buckets name everybody (`*`) or accounts."};
  }
  return std::nullopt;
}

}  // namespace

Outcome<Reply> put_object(World& world, const Call& call, const http::Request& request) {
  const auto [bucket_name, key] = place_of(request);
  DEPUTY_TRY(const OwnedBucket found, find_bucket(world, bucket_name));
  if (!may(world, call, "s3:PutObject", found, key)) return access_denied();
  if (auto fault = unknown_header(request)) return *std::move(fault);
  if (auto fault = wrong_checksum(request)) return *std::move(fault);
  if (key.size() > key_length_max) return Fault{400, "KeyTooLongError", "Your key is too long"};
  auto& objects = found.bucket.objects;
  const auto before = objects.find(key);
  const std::size_t freed = before == objects.end() ? 0 : before->second.body.size();
  if ((before == objects.end() && objects.size() >= Bounds::objects_per_bucket) ||
      world.object_bytes - freed + request.body.size() > Bounds::object_bytes)
    return Fault{503, "SlowDown", "The sandbox keeps no more than this: its buckets are full."};
  world.object_bytes += request.body.size();
  world.object_bytes -= freed;
  StoredObject object{
      .body = request.body,
      .content_type = std::string{request.headers.find("content-type").value_or("binary/octet-stream")},
      .etag = '"' + aws::sha256_hex(request.body).substr(0, 32) + '"',
      .modified_at = world.clock.now()};
  Reply reply;
  reply.headers.add("ETag", object.etag);
  objects.insert_or_assign(std::string{key}, std::move(object));
  return reply;
}

Outcome<const StoredObject*> read_object(World& world, const Call& call, std::string_view bucket,
                                         std::string_view key) {
  DEPUTY_TRY(const OwnedBucket found, find_bucket(world, bucket));
  if (!may(world, call, "s3:GetObject", found, key)) return access_denied();
  const auto object = found.bucket.objects.find(key);
  if (object != found.bucket.objects.end()) return &object->second;
  if (!may(world, call, "s3:ListBucket", found)) return access_denied();
  return Fault{404, "NoSuchKey", "The specified key does not exist."};
}

Outcome<Reply> get_object(World& world, const Call& call, const http::Request& request) {
  const auto [bucket, key] = place_of(request);
  if (auto fault = unknown_header(request)) return *std::move(fault);
  DEPUTY_TRY(const StoredObject* object, read_object(world, call, bucket, key));
  Reply reply{.body = object->body, .headers = {}};
  reply.headers.add("Content-Type", object->content_type);
  reply.headers.add("ETag", object->etag);
  return reply;
}

Outcome<Reply> put_bucket_policy(World& world, const Call& call, std::string_view bucket,
                                 const http::Request& request) {
  DEPUTY_TRY(const OwnedBucket found, find_bucket(world, bucket));
  if (found.owner.id != call.caller.account->id || !may(world, call, "s3:PutBucketPolicy", found))
    return access_denied();
  if (auto fault = unknown_header(request)) return *std::move(fault);
  if (auto fault = wrong_checksum(request)) return *std::move(fault);
  if (request.body.size() > policy_length_max)
    return Fault{400, "PolicyTooLarge", "Policy exceeds the maximum allowed document size."};
  auto policy = policy::Policy::read(request.body, policy::PolicyKind::resource);
  if (!policy) return Fault{400, "MalformedPolicy", policy.error().message};
  if (auto fault = unfit(policy.value(), found)) return *std::move(fault);
  found.bucket.policy =
      PolicyDocument{request.body, std::make_shared<const policy::Policy>(std::move(policy).value())};
  return Reply{};
}

Outcome<Reply> get_bucket_policy(World& world, const Call& call, std::string_view bucket) {
  DEPUTY_TRY(const OwnedBucket found, find_bucket(world, bucket));
  if (found.owner.id != call.caller.account->id || !may(world, call, "s3:GetBucketPolicy", found))
    return access_denied();
  if (!found.bucket.policy) return Fault{404, "NoSuchBucketPolicy", "The bucket policy does not exist"};
  Reply reply{.body = found.bucket.policy->text, .headers = {}};
  reply.headers.add("Content-Type", "application/json");
  return reply;
}

}  // namespace deputy::sandbox
