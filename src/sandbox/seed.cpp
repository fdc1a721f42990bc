#include "sandbox/seed.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <functional>
#include <initializer_list>
#include <set>

#include "json/reader.hpp"
#include "sandbox/json_text.hpp"

namespace deputy::sandbox {
namespace {

constexpr json::Limits seed_limits{.bytes_max = 64 * 1024 * 1024, .depth_max = 32, .values_max = 5'000'000};

Error wrong(json::Position position, std::string what) {
  return {ErrorKind::invalid_request, std::move(what) + json::at(position)};
}

Result<void> check_object(const json::Value& value, std::string_view noun,
                          std::initializer_list<std::string_view> known) {
  if (!value.is(json::Kind::object))
    return wrong(value.position, fmt::format("{} is {}, not an object", noun, json::to_text(value.kind)));
  for (const json::Member& member : value.members)
    if (std::ranges::find(known, member.name) == known.end())
      return Error{ErrorKind::unknown_field,
                   fmt::format("{} is not a member of {}{}", in_backticks(member.name), noun,
                               json::at(member.position))};
  return success();
}

// Empty when the member is absent.
Result<std::string> text_or_empty(const json::Value& object, std::string_view name) {
  const json::Value* const value = object.find(name);
  if (!value) return std::string{};
  if (!value->is(json::Kind::string) || value->text.empty())
    return wrong(value->position, fmt::format("`{}` is not a string with something in it", name));
  return value->text;
}

Result<std::string> needed_text(const json::Value& object, std::string_view name, std::string_view noun) {
  if (!object.find(name)) return wrong(object.position, fmt::format("`{}` is missing in {}", name, noun));
  return text_or_empty(object, name);
}

Result<std::int64_t> whole_number(const json::Value& value, std::string_view name) {
  std::int64_t number = 0;
  const char* const end = value.text.data() + value.text.size();
  if (!value.is(json::Kind::number) ||
      std::from_chars(value.text.data(), end, number) != std::from_chars_result{end, std::errc{}})
    return wrong(value.position, fmt::format("`{}` is not a whole number", name));
  return number;
}

// Calls `read` for each element of the member, which may be absent.
Result<void> each(const json::Value& object, std::string_view name,
                  const std::function<Result<void>(const json::Value&)>& read) {
  const json::Value* const list = object.find(name);
  if (!list) return success();
  if (!list->is(json::Kind::array))
    return wrong(list->position, fmt::format("`{}` is {}, not a list", name, json::to_text(list->kind)));
  for (const json::Value& element : list->elements) {
    DEPUTY_TRY(read(element));
  }
  return success();
}

Result<std::string> document(const json::Value& value, std::string_view name) {
  if (!value.is(json::Kind::object))
    return wrong(value.position, fmt::format("the policy document {} is {}, not an object",
                                             in_backticks(name), json::to_text(value.kind)));
  return to_json_text(value);
}

Result<SeedPolicies> policies(const json::Value& object, std::string_view name = "policies") {
  SeedPolicies read;
  const json::Value* const value = object.find(name);
  if (!value) return read;
  if (!value->is(json::Kind::object))
    return wrong(value->position, fmt::format("`{}` is not an object of names and documents", name));
  for (const json::Member& member : value->members) {
    DEPUTY_TRY(auto text, document(member.value, member.name));
    read.emplace(member.name, std::move(text));
  }
  return read;
}

constexpr const char* trusts_nobody =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}]})";

// Shorter than AWS's, so that a seed can use telling names.
bool is_access_key_id(std::string_view id) {
  return id.size() >= 4 && id.size() <= 128 && !id.starts_with("ASIA") && std::ranges::all_of(id, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

Result<SeedUser> user(const json::Value& value) {
  DEPUTY_TRY(check_object(value, "a user", {"name", "access_key_id", "secret_access_key", "policies"}));
  SeedUser user;
  DEPUTY_TRY(user.name, needed_text(value, "name", "a user"));
  DEPUTY_TRY(user.access_key_id, text_or_empty(value, "access_key_id"));
  DEPUTY_TRY(auto secret, text_or_empty(value, "secret_access_key"));
  user.secret_access_key = SecretString::take(secret);
  if (user.access_key_id.empty() != user.secret_access_key.empty())
    return wrong(value.position, "a user has both `access_key_id` and `secret_access_key`, or neither");
  if (!user.access_key_id.empty() && !is_access_key_id(user.access_key_id))
    return wrong(
        value.position,
        in_backticks(user.access_key_id) +
            " is not an access key ID of a user: 4 to 128 letters, digits and `_`, not beginning with ASIA");
  DEPUTY_TRY(user.policies, policies(value));
  return user;
}

Result<SeedRole> role(const json::Value& value) {
  DEPUTY_TRY(check_object(value, "a role",
                          {"name", "path", "trust_policy", "policies", "attached_policies",
                           "permissions_boundary", "max_session_duration"}));
  SeedRole role;
  DEPUTY_TRY(role.name, needed_text(value, "name", "a role"));
  DEPUTY_TRY(auto path, text_or_empty(value, "path"));
  if (!path.empty()) role.path = std::move(path);
  const json::Value* const trust = value.find("trust_policy");
  if (trust) {
    DEPUTY_TRY(role.trust_policy, document(*trust, "trust_policy"));
  } else {
    role.trust_policy = trusts_nobody;
  }
  DEPUTY_TRY(role.policies, policies(value));
  DEPUTY_TRY(each(value, "attached_policies", [&](const json::Value& element) -> Result<void> {
    if (!element.is(json::Kind::string))
      return wrong(element.position, "an attached policy is not a string: write its ARN");
    role.attached_policies.push_back(element.text);
    return success();
  }));
  DEPUTY_TRY(role.permissions_boundary, text_or_empty(value, "permissions_boundary"));
  if (const json::Value* const duration = value.find("max_session_duration")) {
    DEPUTY_TRY(const auto seconds, whole_number(*duration, "max_session_duration"));
    if (seconds < 3600 || seconds > 43'200)
      return wrong(duration->position, "`max_session_duration` is not from 3600 to 43200 seconds");
    role.max_session_duration = std::chrono::seconds{seconds};
  }
  return role;
}

Result<std::string> text_in(const json::Value& element, std::string_view noun) {
  if (!element.is(json::Kind::string) || element.text.empty())
    return wrong(element.position, fmt::format("{} is not a string with something in it", noun));
  return element.text;
}

Result<SeedOidcProvider> oidc_provider(const json::Value& value) {
  DEPUTY_TRY(check_object(value, "a provider", {"url", "client_ids", "keys"}));
  SeedOidcProvider provider;
  DEPUTY_TRY(provider.url, needed_text(value, "url", "a provider"));
  DEPUTY_TRY(each(value, "client_ids", [&](const json::Value& element) -> Result<void> {
    DEPUTY_TRY(auto id, text_in(element, "a client ID"));
    provider.client_ids.push_back(std::move(id));
    return success();
  }));
  const json::Value* const keys = value.find("keys");
  if (!keys || !keys->is(json::Kind::object))
    return wrong(value.position, "a provider has `keys`: an object of key IDs and public keys in PEM");
  for (const json::Member& member : keys->members) {
    DEPUTY_TRY(auto pem, text_in(member.value, "a key"));
    provider.keys.emplace(member.name, std::move(pem));
  }
  return provider;
}

Result<SeedStream> stream(const json::Value& value) {
  DEPUTY_TRY(check_object(value, "a log stream", {"name", "events"}));
  SeedStream stream;
  DEPUTY_TRY(stream.name, needed_text(value, "name", "a log stream"));
  DEPUTY_TRY(each(value, "events", [&](const json::Value& event) -> Result<void> {
    DEPUTY_TRY(check_object(event, "a log event", {"timestamp", "message"}));
    const json::Value* const timestamp = event.find("timestamp");
    if (!timestamp) return wrong(event.position, "`timestamp` is missing in a log event");
    DEPUTY_TRY(const auto timestamp_ms, whole_number(*timestamp, "timestamp"));
    if (timestamp_ms < 0) return wrong(timestamp->position, "`timestamp` is negative");
    DEPUTY_TRY(auto message, needed_text(event, "message", "a log event"));
    stream.events.push_back({timestamp_ms, std::move(message)});
    return success();
  }));
  return stream;
}

Result<SeedLoad> generated(const json::Value& value) {
  DEPUTY_TRY(check_object(value, "a load", {"per_second", "message_bytes", "since_seconds"}));
  SeedLoad load;
  const auto read = [&value](std::string_view name, std::int64_t least, std::int64_t most,
                             std::int64_t& into) -> Result<void> {
    const json::Value* const member = value.find(name);
    if (!member) return success();
    DEPUTY_TRY(const auto number, whole_number(*member, name));
    if (number < least || number > most)
      return wrong(member->position, fmt::format("`{}` is not from {} to {}", name, least, most));
    into = number;
    return success();
  };
  DEPUTY_TRY(read("per_second", 1, 10'000'000, load.per_second));
  DEPUTY_TRY(read("message_bytes", 1, 262'144, load.message_bytes));
  DEPUTY_TRY(read("since_seconds", 0, 14LL * 24 * 3600, load.since_seconds));
  if (load.per_second == 0) return wrong(value.position, "`per_second` is missing in a load");
  return load;
}

Result<SeedLogGroup> log_group(const json::Value& value, Partition partition) {
  DEPUTY_TRY(check_object(value, "a log group", {"name", "region", "class", "streams", "generate"}));
  SeedLogGroup group;
  DEPUTY_TRY(group.name, needed_text(value, "name", "a log group"));
  DEPUTY_TRY(auto region, text_or_empty(value, "region"));
  if (!region.empty()) group.region = std::move(region);
  const auto parsed = Region::parse(group.region);
  if (!parsed || parsed.value().partition() != partition)
    return wrong(value.position, in_backticks(group.region) + " is not a Region of the account's partition");
  DEPUTY_TRY(auto log_class, text_or_empty(value, "class"));
  if (!log_class.empty()) group.log_class = std::move(log_class);
  if (group.log_class != "STANDARD" && group.log_class != "INFREQUENT_ACCESS")
    return wrong(value.position, "`class` is neither `STANDARD` nor `INFREQUENT_ACCESS`");
  DEPUTY_TRY(each(value, "streams", [&](const json::Value& element) -> Result<void> {
    DEPUTY_TRY(auto read, stream(element));
    group.streams.push_back(std::move(read));
    return success();
  }));
  if (const json::Value* const load = value.find("generate")) {
    DEPUTY_TRY(group.generate, generated(*load));
  }
  return group;
}

Result<SeedAccount> account(const json::Value& value) {
  DEPUTY_TRY(check_object(value, "an account",
                          {"id", "name", "partition", "users", "managed_policies", "roles", "oidc_providers",
                           "buckets", "log_groups"}));
  DEPUTY_TRY(const std::string id_text, needed_text(value, "id", "an account"));
  auto id = AccountId::parse(id_text);
  if (!id) return wrong(value.find("id")->position, id.error().message);
  SeedAccount account{std::move(id).value()};
  DEPUTY_TRY(account.name, text_or_empty(value, "name"));
  DEPUTY_TRY(const std::string partition, text_or_empty(value, "partition"));
  if (!partition.empty()) {
    DEPUTY_TRY(account.partition, parse_partition(partition));
  }
  DEPUTY_TRY(each(value, "users", [&](const json::Value& element) -> Result<void> {
    DEPUTY_TRY(auto read, user(element));
    account.users.push_back(std::move(read));
    return success();
  }));
  DEPUTY_TRY(each(value, "roles", [&](const json::Value& element) -> Result<void> {
    DEPUTY_TRY(auto read, role(element));
    account.roles.push_back(std::move(read));
    return success();
  }));
  DEPUTY_TRY(account.managed_policies, policies(value, "managed_policies"));
  DEPUTY_TRY(each(value, "oidc_providers", [&](const json::Value& element) -> Result<void> {
    DEPUTY_TRY(auto read, oidc_provider(element));
    account.oidc_providers.push_back(std::move(read));
    return success();
  }));
  DEPUTY_TRY(each(value, "buckets", [&](const json::Value& element) -> Result<void> {
    if (!element.is(json::Kind::string))
      return wrong(element.position, "a bucket is not a string: write its name");
    account.buckets.push_back(element.text);
    return success();
  }));
  DEPUTY_TRY(each(value, "log_groups", [&](const json::Value& element) -> Result<void> {
    DEPUTY_TRY(auto read, log_group(element, account.partition));
    account.log_groups.push_back(std::move(read));
    return success();
  }));
  return account;
}

}  // namespace

Result<Seed> read_seed(std::string_view text) {
  DEPUTY_TRY(const json::Value root, json::read(text, seed_limits));
  DEPUTY_TRY(check_object(root, "the seed", {"accounts"}));
  Seed seed;
  std::set<AccountId> ids;
  DEPUTY_TRY(each(root, "accounts", [&](const json::Value& element) -> Result<void> {
    DEPUTY_TRY(auto read, account(element));
    if (!ids.insert(read.id).second)
      return wrong(element.position, "the account " + read.id.text() + " is given twice");
    seed.accounts.push_back(std::move(read));
    return success();
  }));
  return seed;
}

}  // namespace deputy::sandbox
