#include "sandbox/managed_policies.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "core/assert.hpp"
#include "sandbox/roles.hpp"

namespace deputy::sandbox {
namespace {

constexpr std::size_t policy_length_max = 6'144;  // IAM's quota; white space does not count

struct AwsPolicy {
  std::string_view name, document;
};
constexpr AwsPolicy of_aws[] = {
    {"AdministratorAccess",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})"},
    {"ReadOnlyAccess",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cloudformation:Describe*",)"
     R"("cloudformation:Get*","cloudformation:List*","iam:Get*","iam:List*","logs:Describe*","logs:Filter*",)"
     R"("logs:Get*","logs:List*","s3:Get*","s3:List*","sts:GetCallerIdentity"],"Resource":"*"}]})"},
};

// An ARN of AWS's own policies in this account's partition, in the spelling that the table has.
std::string in_table_spelling(std::string_view arn, const Account& account) {
  const std::string prefix = fmt::format("arn:{}:iam::aws:policy/", deputy::to_text(account.partition));
  return arn.starts_with(prefix) ? "arn:aws:iam::aws:policy/" + std::string{arn.substr(prefix.size())}
                                 : std::string{arn};
}

std::optional<Fault> wrong_path(std::string_view path) {
  const auto visible = [](char c) { return c > ' ' && c < '\x7f'; };
  if (path.starts_with('/') && path.ends_with('/') && path.size() <= 512 &&
      std::ranges::all_of(path, visible))
    return std::nullopt;
  return constraint_error(path, "path",
                          "begin and end with a slash and be a path of visible ASCII characters");
}

}  // namespace

void add_aws_policies(World& world) {
  for (const AwsPolicy& policy : of_aws) {
    auto document = read_inline_policy(policy.document);
    DEPUTY_ASSERT(document.has_value());
    auto managed = std::make_shared<ManagedPolicy>();
    managed->name = policy.name;
    managed->path = "/";
    managed->arn = "arn:aws:iam::aws:policy/" + managed->name;
    managed->unique_id = world.draw_id("ANPA", 17);
    managed->created_at = world.clock.now();
    managed->document = std::move(document).value();
    world.aws_policies.insert_or_assign(managed->arn, managed);
  }
}

Outcome<std::shared_ptr<const ManagedPolicy>> create_managed_policy(
    World& world, Account& account, const ManagedPolicyDescription& description) {
  if (auto fault = wrong_policy_name(description.name)) return *std::move(fault);
  if (auto fault = wrong_path(description.path)) return *std::move(fault);
  if (description.description.size() > 1000)
    return constraint_error(description.description, "description", "have length less than or equal to 1000");
  DEPUTY_TRY(auto document, read_policy(description.document, policy_length_max));
  const auto same_name = [&](const auto& entry) { return entry.second->name == description.name; };
  if (std::ranges::any_of(account.managed_policies, same_name))
    return Fault{
        409, "EntityAlreadyExists",
        fmt::format("A policy called {} already exists. Duplicate names are not allowed.", description.name)};
  if (account.managed_policies.size() >= Bounds::managed_policies_per_account)
    return Fault{
        409, "LimitExceeded",
        fmt::format("Cannot exceed quota for PoliciesPerAccount: {}", Bounds::managed_policies_per_account)};
  auto managed = std::make_shared<ManagedPolicy>();
  managed->name = description.name;
  managed->path = description.path;
  managed->arn = account.arn("iam", "policy" + description.path + description.name);
  managed->unique_id = world.draw_id("ANPA", 17);
  managed->description = description.description;
  managed->created_at = world.clock.now();
  managed->document = std::move(document);
  account.managed_policies.emplace(managed->arn, managed);
  return std::shared_ptr<const ManagedPolicy>{std::move(managed)};
}

Outcome<std::shared_ptr<const ManagedPolicy>> existing_policy(const World& world, const Account& account,
                                                              std::string_view arn) {
  const auto own = account.managed_policies.find(arn);
  if (own != account.managed_policies.end()) return own->second;
  const auto aws = world.aws_policies.find(in_table_spelling(arn, account));
  if (aws != world.aws_policies.end()) {
    if (aws->first == arn) return aws->second;
    auto here = std::make_shared<ManagedPolicy>(*aws->second);
    here->arn = arn;
    return std::shared_ptr<const ManagedPolicy>{std::move(here)};
  }
  return Fault{404, "NoSuchEntity",
               fmt::format("Policy {} does not exist or is not attachable.", arn.substr(0, 2048))};
}

std::size_t count_uses(const Account& account, std::string_view arn) {
  return static_cast<std::size_t>(std::ranges::count_if(account.roles, [&](const auto& entry) {
    const auto& role = entry.second.current();
    return role && (role->attached.contains(arn) || (role->boundary && role->boundary->arn == arn));
  }));
}

}  // namespace deputy::sandbox
