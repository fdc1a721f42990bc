#include "sandbox/planting.hpp"

#include <fmt/format.h>

#include "sandbox/identity_token.hpp"
#include "sandbox/log_store.hpp"
#include "sandbox/managed_policies.hpp"
#include "sandbox/roles.hpp"

namespace deputy::sandbox {
namespace {

Error wrong(const Account& account, std::string_view noun, std::string_view name, std::string_view what) {
  return {ErrorKind::invalid_request,
          fmt::format("account {}, {} {}: {}", account.id, noun, in_backticks(name), what)};
}

Result<InlinePolicies> read_policies(const Account& account, const SeedPolicies& seed,
                                     std::string_view owner) {
  InlinePolicies policies;
  for (const auto& [name, text] : seed) {
    if (auto fault = wrong_policy_name(name)) return wrong(account, "policy of", owner, fault->message);
    auto document = read_inline_policy(text);
    if (!document)
      return wrong(account, "policy of", owner,
                   fmt::format("{}: {}", in_backticks(name), document.error().message));
    policies.emplace(name, std::move(document).value());
  }
  return policies;
}

Result<void> plant_user(World& world, Account& account, const SeedUser& seed) {
  if (auto fault = wrong_role_name(seed.name)) return wrong(account, "user", seed.name, "not a user name");
  if (account.users.size() >= Bounds::users_per_account)
    return wrong(account, "user", seed.name, "there are too many");
  if (account.users.contains(seed.name)) return wrong(account, "user", seed.name, "is given twice");
  User user{.name = seed.name,
            .arn = account.arn("iam", "user/" + seed.name),
            .unique_id = world.draw_id("AIDA", 17),
            .policies = {}};
  DEPUTY_TRY(user.policies, read_policies(account, seed.policies, seed.name));
  account.users.emplace(seed.name, std::move(user));
  if (seed.access_key_id.empty()) return success();
  const AccessKey key{.account = account.id, .user = seed.name, .secret = seed.secret_access_key};
  if (!world.access_keys.emplace(seed.access_key_id, key).second)
    return wrong(account, "user", seed.name, "has an access key ID that is given twice");
  return success();
}

// Roles may name each other: first all of them are made, then their trust policies are read.
Result<void> plant_role(World& world, Account& account, const SeedRole& seed) {
  auto role = describe_role(world, account,
                            {.name = seed.name,
                             .path = seed.path,
                             .trust_policy = {},
                             .description = {},
                             .max_session_duration = seed.max_session_duration,
                             .tags = {}});
  if (!role) return wrong(account, "role", seed.name, role.error().message);
  DEPUTY_TRY(role.value().policies, read_policies(account, seed.policies, seed.name));
  if (seed.attached_policies.size() > Bounds::attached_per_role)
    return wrong(account, "role", seed.name, "has too many attached policies");
  for (const std::string& arn : seed.attached_policies) {
    auto managed = existing_policy(world, account, arn);
    if (!managed) return wrong(account, "role", seed.name, managed.error().message);
    role.value().attached.insert_or_assign(arn, std::move(managed).value());
  }
  if (!seed.permissions_boundary.empty()) {
    auto managed = existing_policy(world, account, seed.permissions_boundary);
    if (!managed) return wrong(account, "role", seed.name, managed.error().message);
    role.value().boundary = std::move(managed).value();
  }
  change_role(world, account, std::move(role).value(), std::chrono::milliseconds{0});
  return success();
}

Result<void> plant_trust(World& world, Account& account, const SeedRole& seed) {
  Role role = *world.current_role(account.id, seed.name);
  auto trust = read_trust_policy(world, seed.trust_policy);
  if (!trust) return wrong(account, "trust policy of role", seed.name, trust.error().message);
  role.trust = std::move(trust).value();
  change_role(world, account, std::move(role), std::chrono::milliseconds{0});
  return success();
}

Result<void> plant_log_group(World& world, Account& account, const SeedLogGroup& seed) {
  if (!is_log_group_name(seed.name))
    return wrong(account, "log group", seed.name, "not a name of a log group");
  if (const auto region = account.log_groups.find(seed.region);
      region != account.log_groups.end() && region->second.contains(seed.name))
    return wrong(account, "log group", seed.name, "is given twice");
  LogGroup* const group = add_log_group(world, account, seed.region, seed.name, seed.log_class);
  if (!group) return wrong(account, "log group", seed.name, "there are too many");
  const auto now_ms =
      std::chrono::floor<std::chrono::milliseconds>(world.clock.now().time_since_epoch()).count();
  group->generator = {.per_second = seed.generate.per_second,
                      .message_bytes = static_cast<std::size_t>(seed.generate.message_bytes),
                      .since_ms = now_ms - seed.generate.since_seconds * 1000};
  for (const SeedStream& stream_seed : seed.streams) {
    if (!is_log_stream_name(stream_seed.name) || group->streams.contains(stream_seed.name))
      return wrong(account, "log stream", stream_seed.name, "not a name of a log stream, or given twice");
    LogStream* const stream = add_log_stream(world, *group, stream_seed.name);
    if (!stream) return wrong(account, "log stream", stream_seed.name, "there are too many");
    for (const SeedEvent& event : stream_seed.events)
      if (!add_log_event(world, *group, *stream, event.timestamp_ms, event.message))
        return wrong(account, "log stream", stream_seed.name, "there are too many events");
  }
  return success();
}

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
Result<void> plant_oidc_provider(Account& account, const SeedOidcProvider& seed) {
  constexpr std::string_view scheme = "https://";
  const std::string name = seed.url.starts_with(scheme) ? seed.url.substr(scheme.size()) : std::string{};
  if (name.empty() || seed.url.size() > 255 || name.find_first_of("?#@: ") != std::string::npos ||
      name.ends_with('/'))
    return wrong(account, "OIDC provider", seed.url,
                 "is no https URL without port, query and slash at its end");
  if (account.oidc_providers.size() >= Bounds::oidc_providers_per_account)
    return wrong(account, "OIDC provider", seed.url, "there are too many");
  for (const auto& [id, pem] : seed.keys)
    if (!is_provider_key(pem))
      return wrong(
          account, "OIDC provider", seed.url,
          fmt::format("the key {} is no public RSA key of 2048 bits or more, in PEM", in_backticks(id)));
  OidcProvider provider{.arn = account.arn("iam", "oidc-provider/" + name),
                        .name = name,
                        .client_ids = seed.client_ids,
                        .keys = {seed.keys.begin(), seed.keys.end()}};
  if (!account.oidc_providers.emplace(seed.url, std::move(provider)).second)
    return wrong(account, "OIDC provider", seed.url, "is given twice");
  return success();
}

Result<void> plant_account(World& world, const SeedAccount& seed) {
  if (world.accounts.size() >= Bounds::accounts)
    return Error{ErrorKind::invalid_request, "there are too many accounts"};
  const auto [entry, added] = world.accounts.try_emplace(seed.id.text());
  Account& account = entry->second;
  if (!added) return Error{ErrorKind::conflict, fmt::format("account {} is there already", seed.id.text())};
  account.id = seed.id.text();
  account.name = seed.name;
  account.partition = seed.partition;
  for (const auto& [name, document] : seed.managed_policies) {
    const auto made = create_managed_policy(
        world, account, {.name = name, .path = "/", .document = document, .description = {}});
    if (!made) return wrong(account, "managed policy", name, made.error().message);
  }
  for (const SeedOidcProvider& provider : seed.oidc_providers) {
    DEPUTY_TRY(plant_oidc_provider(account, provider));
  }
  for (const SeedUser& user : seed.users) {
    DEPUTY_TRY(plant_user(world, account, user));
  }
  for (const SeedRole& role : seed.roles) {
    DEPUTY_TRY(plant_role(world, account, role));
  }
  for (const std::string& bucket : seed.buckets) {
    if (!is_bucket_name(bucket)) return wrong(account, "bucket", bucket, "not a bucket name");
    if (!world.bucket_owners.emplace(bucket, account.id).second)
      return wrong(account, "bucket", bucket, "belongs to another account");
    account.buckets.emplace(bucket, Bucket{.created_at = world.clock.now()});
  }
  for (const SeedLogGroup& group : seed.log_groups) {
    DEPUTY_TRY(plant_log_group(world, account, group));
  }
  return success();
}

}  // namespace

Result<void> plant(World& world, const Seed& seed) {
  for (const SeedAccount& account : seed.accounts) {
    DEPUTY_TRY(plant_account(world, account));
  }
  for (const SeedAccount& account : seed.accounts) {
    for (const SeedRole& role : account.roles) {
      DEPUTY_TRY(plant_trust(world, *world.find_account(account.id.text()), role));
    }
  }
  return success();
}

}  // namespace deputy::sandbox
