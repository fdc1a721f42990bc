#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/identifiers.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

// What a sandbox starts with: accounts, and what is in them before the first call.
namespace deputy::sandbox {

using SeedPolicies = std::map<std::string, std::string>;  // name → JSON text of the document

struct SeedUser {
  std::string name;
  std::string access_key_id;  // 16–128 of A–Z0–9, not beginning with `ASIA`: those are sessions'
  SecretString secret_access_key;
  SeedPolicies policies;
};
struct SeedRole {
  std::string name;
  std::string path = "/";
  std::string trust_policy;  // JSON text
  SeedPolicies policies;
  std::vector<std::string> attached_policies;  // ARNs
  std::string permissions_boundary;            // ARN; empty: none
  std::chrono::seconds max_session_duration{3600};
};
struct SeedOidcProvider {
  std::string url;  // of the issuer: `https://oidc.example.com/id/A`
  std::vector<std::string> client_ids;
  std::map<std::string, std::string> keys;  // `kid` → public RSA key in PEM
};
struct SeedEvent {
  std::int64_t timestamp_ms = 0;
  std::string message;
};
struct SeedStream {
  std::string name;
  std::vector<SeedEvent> events;
};
// Events made up when they are asked for: so many a second, beginning before the sandbox does.
struct SeedLoad {
  std::int64_t per_second = 0;  // 0: none
  std::int64_t message_bytes = 200;
  std::int64_t since_seconds = 0;
};
struct SeedLogGroup {
  std::string name;
  std::string region = "us-east-1";
  std::string log_class = "STANDARD";  // or `INFREQUENT_ACCESS`
  std::vector<SeedStream> streams;
  SeedLoad generate;
};
struct SeedAccount {
  explicit SeedAccount(AccountId id_) : id(std::move(id_)) {}
  AccountId id;
  std::string name;  // for people; may be empty
  Partition partition = Partition::aws;
  std::vector<SeedUser> users;
  std::vector<SeedRole> roles;
  SeedPolicies managed_policies;
  std::vector<SeedOidcProvider> oidc_providers;
  std::vector<std::string> buckets;
  std::vector<SeedLogGroup> log_groups;
};
struct Seed {
  std::vector<SeedAccount> accounts;
};

// Reads `{"accounts": [{"id", "name", "partition", "users": [{"name", "access_key_id", "secret_access_key",
// "policies": {NAME: DOCUMENT}}], "managed_policies": {NAME: DOCUMENT}, "roles": [{"name", "path",
// "trust_policy", "policies", "attached_policies": [ARN], "permissions_boundary": ARN,
// "max_session_duration"}], "oidc_providers": [{"url", "client_ids": [TEXT], "keys": {KID: PEM}}], "buckets":
// [NAME], "log_groups": [{"name", "region", "class", "streams": [{"name", "events": [{"timestamp",
// "message"}]}], "generate": {"per_second", "message_bytes", "since_seconds"}}]}]}`: of an account all but
// `id` is optional, names are needed, and a role needs its trust policy. `timestamp` is in milliseconds since
// 1970, `max_session_duration` in seconds. Strict: `unknown_field` for a member that is not known, else
// `invalid_request`, with the position. 64 MiB at most.
Result<Seed> read_seed(std::string_view json);

}  // namespace deputy::sandbox
