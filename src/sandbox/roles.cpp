#include "sandbox/roles.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace deputy::sandbox {
namespace {

constexpr std::size_t trust_policy_length_max = 2048;  // IAM's default quota; white space does not count
constexpr std::size_t inline_policy_length_max = 10'240;

Fault malformed_policy(std::string message) {
  return {400, "MalformedPolicyDocument", std::move(message)};
}

std::size_t length_without_space(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return c != ' ' && c != '\t' && c != '\n' && c != '\r'; }));
}

// The resource of an IAM ARN in `account`: `role/team/name`; empty when it is something else.
struct IamName {
  std::string account, type, name;
};
std::optional<IamName> parse_principal_arn(std::string_view arn) {
  std::vector<std::string_view> parts;
  for (int i = 0; i < 5; ++i) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    parts.push_back(arn.substr(0, colon));
    arn.remove_prefix(colon + 1);
  }
  const std::size_t slash = arn.find('/');
  if (parts[0] != "arn" || parts[2] != "iam" || slash == std::string_view::npos) return std::nullopt;
  return IamName{std::string{parts[4]}, std::string{arn.substr(0, slash)},
                 std::string{arn.substr(arn.rfind('/') + 1)}};
}

// The unique ID of the role or user with exactly this ARN. Empty: none. nullopt: not a role or user of an
// account that is known.
std::optional<std::string> unique_id_of(World& world, const std::string& arn) {
  const auto parsed = parse_principal_arn(arn);
  if (!parsed) return std::nullopt;
  Account* const account = world.find_account(parsed->account);
  if (!account) return std::nullopt;
  if (parsed->type == "role") {
    const auto role = world.current_role(parsed->account, parsed->name);
    return role && role->arn == arn ? role->unique_id : std::string{};
  }
  if (parsed->type == "user") {
    const auto user = account->users.find(parsed->name);
    return user != account->users.end() && user->second.arn == arn ? user->second.unique_id : std::string{};
  }
  return std::nullopt;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

std::optional<Fault> wrong_name(std::string_view name, std::string_view member, std::size_t length_max) {
  if (name.empty()) return constraint_error(name, member, "have length greater than or equal to 1");
  if (name.size() > length_max)
    return constraint_error(name, member, fmt::format("have length less than or equal to {}", length_max));
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"_+=,.@-"}.find(c) != std::string_view::npos;
  };
  if (!std::ranges::all_of(name, allowed))
    return constraint_error(name, member, R"(satisfy regular expression pattern: [\w+=,.@-]+)");
  return std::nullopt;
}

}  // namespace

Outcome<TrustPolicy> read_trust_policy(World& world, std::string_view text) {
  if (length_without_space(text) > trust_policy_length_max)
    return Fault{409, "LimitExceeded",
                 fmt::format("Cannot exceed quota for ACLSizePerRole: {}", trust_policy_length_max)};
  auto policy = policy::Policy::read(text, policy::PolicyKind::trust);
  if (!policy) return malformed_policy(policy.error().message);
  TrustPolicy trust;
  for (const policy::Statement& statement : policy.value().statements()) {
    for (const policy::StatementPrincipal& principal : statement.principals) {
      if (principal.type != policy::PrincipalType::aws_arn) continue;
      const auto unique_id = unique_id_of(world, principal.value);
      if (!unique_id) continue;
      if (unique_id->empty())
        return malformed_policy(fmt::format("Invalid principal in policy: \"AWS\":\"{}\"", principal.value));
      trust.bindings.push_back({principal.value, *unique_id});
    }
  }
  trust.document = {std::string{text}, std::make_shared<const policy::Policy>(std::move(policy).value())};
  return trust;
}

PolicyDocument effective_trust(World& world, const TrustPolicy& trust) {
  std::string text = trust.document.text;
  bool broken = false;
  for (const TrustPolicy::Binding& binding : trust.bindings) {
    if (unique_id_of(world, binding.arn) == binding.unique_id) continue;
    broken = true;
    const std::string before = text;
    replace_all(text, '"' + binding.arn + '"', '"' + binding.unique_id + '"');
    // Written with escapes, so it was not found: the binding is broken all the same.
    if (text == before) return {std::move(text), nullptr};
  }
  if (!broken) return trust.document;
  auto policy = policy::Policy::read(text, policy::PolicyKind::trust);
  // What cannot be read allows nothing.
  if (!policy) return {std::move(text), nullptr};
  return {std::move(text), std::make_shared<const policy::Policy>(std::move(policy).value())};
}

Outcome<PolicyDocument> read_inline_policy(std::string_view text) {
  return read_policy(text, inline_policy_length_max);
}

Outcome<PolicyDocument> read_policy(std::string_view text, std::size_t length_max) {
  if (length_without_space(text) > length_max)
    return Fault{409, "LimitExceeded", fmt::format("Maximum policy size of {} bytes exceeded", length_max)};
  auto policy = policy::Policy::read(text, policy::PolicyKind::identity);
  if (!policy) return malformed_policy(policy.error().message);
  return PolicyDocument{std::string{text}, std::make_shared<const policy::Policy>(std::move(policy).value())};
}

std::optional<Fault> wrong_role_name(std::string_view name) {
  return wrong_name(name, "roleName", 64);
}
std::optional<Fault> wrong_policy_name(std::string_view name) {
  return wrong_name(name, "policyName", 128);
}

Outcome<Role> describe_role(World& world, Account& account, const RoleDescription& description) {
  if (auto fault = wrong_role_name(description.name)) return *std::move(fault);
  const std::string arn = account.arn("iam", "role" + description.path + description.name);
  if (!description.path.starts_with('/') || !description.path.ends_with('/') || !RoleArn::parse(arn))
    return constraint_error(description.path, "path",
                            "begin and end with a slash and be a path of visible ASCII characters");
  if (description.max_session_duration < std::chrono::hours{1} ||
      description.max_session_duration > std::chrono::hours{12})
    return constraint_error(fmt::to_string(description.max_session_duration.count()), "maxSessionDuration",
                            "have value between 3600 and 43200");
  if (description.description.size() > 1000)
    return constraint_error(description.description, "description", "have length less than or equal to 1000");
  if (world.current_role(account.id, description.name))
    return Fault{409, "EntityAlreadyExists",
                 fmt::format("Role with name {} already exists.", description.name)};
  if (account.roles.size() >= Bounds::roles_per_account)
    std::erase_if(account.roles,
                  [now = world.clock.steady_now()](auto& entry) { return entry.second.gone(now); });
  if (account.roles.size() >= Bounds::roles_per_account)
    return Fault{409, "LimitExceeded",
                 fmt::format("Cannot exceed quota for RolesPerAccount: {}", Bounds::roles_per_account)};
  Role role;
  role.name = description.name;
  role.path = description.path;
  role.arn = arn;
  role.unique_id = world.draw_id("AROA", 17);
  role.description = description.description;
  role.created_at = world.clock.now();
  role.max_session_duration = description.max_session_duration;
  role.tags = description.tags;
  role.boundary = description.boundary;
  return role;
}

Outcome<std::shared_ptr<const Role>> create_role(World& world, Account& account,
                                                 const RoleDescription& description,
                                                 std::chrono::milliseconds delay) {
  DEPUTY_TRY(Role role, describe_role(world, account, description));
  DEPUTY_TRY(role.trust, read_trust_policy(world, description.trust_policy));
  change_role(world, account, std::move(role), delay);
  return world.current_role(account.id, description.name);
}

void change_role(World& world, Account& account, Role role, std::chrono::milliseconds delay) {
  const std::string name = role.name;
  account.roles[name].change(std::make_shared<const Role>(std::move(role)), world.clock.steady_now() + delay);
}

void delete_role(World& world, Account& account, const std::string& name, std::chrono::milliseconds delay) {
  account.roles[name].change(nullptr, world.clock.steady_now() + delay);
}

Outcome<std::shared_ptr<const Role>> existing_role(World& world, const Account& account,
                                                   std::string_view name) {
  if (auto fault = wrong_role_name(name)) return *std::move(fault);
  auto role = world.current_role(account.id, name);
  if (!role) return Fault{404, "NoSuchEntity", fmt::format("The role with name {} cannot be found.", name)};
  return role;
}

}  // namespace deputy::sandbox
