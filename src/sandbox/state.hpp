#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "core/clock.hpp"
#include "core/identifiers.hpp"
#include "core/random.hpp"
#include "core/secret.hpp"
#include "policy/policy.hpp"
#include "sandbox/parameters.hpp"

// What the small AWS knows: accounts and all that is in them. Plain state; the rules are in the services.
// Every table is bounded.
namespace deputy::sandbox {

struct Bounds {
  static constexpr std::size_t accounts = 100'000;
  static constexpr std::size_t users_per_account = 1'000;
  static constexpr std::size_t roles_per_account = 10'000;
  static constexpr std::size_t policies_per_role = 50;
  static constexpr std::size_t attached_per_role = 20;  // IAM's quota, raised
  static constexpr std::size_t managed_policies_per_account = 1'500;
  static constexpr std::size_t oidc_providers_per_account = 100;
  static constexpr std::size_t stacks_per_account = 2'000;
  static constexpr std::size_t buckets_per_account = 100;
  static constexpr std::size_t objects_per_bucket = 10'000;
  static constexpr std::size_t object_bytes = 64 * 1024 * 1024;  // of all buckets together
  static constexpr std::size_t changes_per_role = 256;  // on their way; beyond: the oldest is never seen
  static constexpr std::size_t log_regions = 64;        // of one account
  static constexpr std::size_t log_groups_per_region = 10'000;
  static constexpr std::size_t streams_per_group = 10'000;
  static constexpr std::size_t events = 2'000'000;               // of all accounts together
  static constexpr std::size_t event_bytes = 512 * 1024 * 1024;  // likewise
  static constexpr std::size_t sessions = 200'000;               // beyond: the oldest is forgotten
};

// A policy as it was given and as it was read.
struct PolicyDocument {
  std::string text;
  std::shared_ptr<const policy::Policy> policy;
};
using InlinePolicies = std::map<std::string, PolicyDocument, std::less<>>;

// A trust policy. As on AWS a role or user that it names is remembered by unique ID: one of the same name
// that is made later is another principal.
struct TrustPolicy {
  PolicyDocument document;
  struct Binding {
    std::string arn;
    std::string unique_id;
  };
  std::vector<Binding> bindings;
};

// A policy that stands by itself: an account's own, or one of AWS's, which every account sees. One version.
struct ManagedPolicy {
  std::string name, path, arn, unique_id, description;
  Timestamp created_at;
  PolicyDocument document;
};
using ManagedPolicies = std::map<std::string, std::shared_ptr<const ManagedPolicy>, std::less<>>;  // by ARN

struct User {
  std::string name, arn, unique_id;
  InlinePolicies policies;
};

struct Role {
  std::string name, path, arn, unique_id, description;
  Timestamp created_at;
  std::chrono::seconds max_session_duration{3600};
  TrustPolicy trust;
  InlinePolicies policies;
  // Managed policies never change here, so a role may hold them; one that is attached cannot be deleted.
  ManagedPolicies attached;
  std::shared_ptr<const ManagedPolicy> boundary;
  std::vector<Tag> tags;
};

// One role over time. IAM answers from the newest state at once; STS and the other services see a change only
// when it has spread.
class RoleHistory {
 public:
  const std::shared_ptr<const Role>& current() const { return states_.back().role; }
  // As STS sees it at `now`; nullptr: not there (yet, or any more).
  std::shared_ptr<const Role> seen(std::chrono::steady_clock::time_point now);
  void change(std::shared_ptr<const Role> role, std::chrono::steady_clock::time_point visible_at);
  // Deleted, and everybody has seen it.
  bool gone(std::chrono::steady_clock::time_point now) const;

 private:
  struct State {
    std::chrono::steady_clock::time_point visible_at;
    std::shared_ptr<const Role> role;
  };
  void forget_superseded(std::chrono::steady_clock::time_point now);
  std::deque<State> states_{{std::chrono::steady_clock::time_point::min(), nullptr}};
};

struct StoredObject {
  std::string body, content_type, etag;
  Timestamp modified_at;
};
struct Bucket {
  Timestamp created_at;
  std::optional<PolicyDocument> policy{};
  std::map<std::string, StoredObject, std::less<>> objects{};  // by key
};

struct LogEvent {
  std::int64_t timestamp_ms = 0;
  std::int64_t ingestion_ms = 0;
  std::int64_t visible_ms = 0;  // from when on it can be read
  std::uint64_t number = 0;     // over all events: the last word on order, and what the event ID is made of
  std::string message;
  auto order() const { return std::tuple{timestamp_ms, ingestion_ms, number}; }
};
struct LogStream {
  std::string name;
  Timestamp created_at;
  std::vector<LogEvent> events;  // in order
};
// Events that are made up when they are asked for, so many a second, evenly: load that takes no memory.
struct LogGenerator {
  std::int64_t per_second = 0;  // 0: none
  std::size_t message_bytes = 200;
  std::int64_t since_ms = 0;
};
struct LogGroup {
  std::string name, log_class, arn;  // the arn without `:*`
  Timestamp created_at;
  std::size_t stored_bytes = 0;
  LogGenerator generator;
  std::map<std::string, LogStream, std::less<>> streams;
};

// An OpenID Connect provider that an account trusts to say who somebody is, as IAM has it.
struct OidcProvider {
  std::string arn, name;  // `oidc.example.com/id/A`: the issuer without its scheme
  std::vector<std::string> client_ids;
  // What AWS fetches from the issuer: public keys in PEM, by their `kid`.
  std::map<std::string, std::string, std::less<>> keys;
};

struct StackResource {
  std::string logical_id, role_name, role_unique_id;
  bool generated_name = false;                      // not named by the template
  std::set<std::string, std::less<>> policy_names;  // that the stack put there
};
struct StackOutput {
  std::string key, value, description;
};
struct StackEvent {
  std::string id, logical_id, physical_id, type, status, reason;
  Timestamp at;
};
struct Stack {
  std::string name, id, region, status, status_reason, description, template_text;
  Timestamp created_at;
  std::optional<Timestamp> updated_at, deleted_at;
  std::map<std::string, std::string, std::less<>> parameters;
  std::set<std::string, std::less<>> hidden_parameters;  // NoEcho
  std::vector<std::string> capabilities;
  std::vector<StackResource> resources;
  std::vector<StackOutput> outputs;
  std::vector<Tag> tags;
  std::vector<StackEvent> events;
};

struct Account {
  std::string id, name;
  Partition partition = Partition::aws;
  std::map<std::string, User, std::less<>> users;
  std::map<std::string, RoleHistory, std::less<>> roles;
  ManagedPolicies managed_policies;
  std::map<std::string, OidcProvider, std::less<>> oidc_providers;  // by issuer
  std::map<std::string, Bucket, std::less<>> buckets;
  std::map<std::string, std::map<std::string, LogGroup, std::less<>>, std::less<>> log_groups;  // by Region
  std::vector<std::unique_ptr<Stack>> stacks;  // in the order they were made

  std::string arn(std::string_view service, std::string_view resource, std::string_view region = {}) const;
};

// A user's long-lived key.
struct AccessKey {
  std::string account, user;
  SecretString secret;
};

// What AssumeRole and its like handed out.
struct Session {
  std::string access_key_id, account, role_name, role_unique_id, name, source_identity;
  SecretString secret, token;
  Timestamp issued_at, expires_at;
  std::shared_ptr<const policy::Policy> policy;
  std::vector<Tag> tags;
};

// The sessions that are known, by access key ID; the oldest goes first when there are too many.
class Sessions {
 public:
  std::shared_ptr<const Session> find(const std::string& access_key_id) const;
  void add(std::shared_ptr<const Session> session);

 private:
  std::unordered_map<std::string, std::shared_ptr<const Session>> sessions_;
  std::deque<std::string> oldest_first_;
};

// The whole of it. Accounts, users and log groups stay where they are once made: references to them hold.
struct World {
  World(Clock& clock_, Random& random_) : clock(clock_), random(random_) {}

  Clock& clock;
  Random& random;
  std::map<std::string, Account, std::less<>> accounts;
  std::unordered_map<std::string, AccessKey> access_keys;
  Sessions sessions;
  std::map<std::string, std::string, std::less<>> bucket_owners;  // bucket names are everybody's
  ManagedPolicies aws_policies;                                   // of AWS itself: see managed_policies.hpp
  std::uint64_t events = 0, event_bytes = 0, events_ever = 0;
  std::uint64_t object_bytes = 0;

  // nullptr when there is none.
  Account* find_account(std::string_view id);
  // The role as IAM knows it now / as STS has seen it.
  std::shared_ptr<const Role> current_role(std::string_view account, std::string_view name);
  std::shared_ptr<const Role> seen_role(std::string_view account, std::string_view name);

  // `PREFIX` and `length` more characters of A–Z2–7.
  std::string draw_id(std::string_view prefix, std::size_t length);
  std::string draw_secret(std::size_t length);
  std::string draw_uuid();
};

// 3–63 of a–z, 0–9, `-` and `.`, by S3's rules.
bool is_bucket_name(std::string_view name);

}  // namespace deputy::sandbox
