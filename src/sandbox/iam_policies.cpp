#include <array>
#include <fmt/format.h>

#include "aws/sigv4.hpp"
#include "sandbox/iam_operations.hpp"
#include "sandbox/managed_policies.hpp"

// Managed policies, and what a role has of them.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html
namespace deputy::sandbox {
namespace {

constexpr std::string_view only_version = "v1";

// The policy that the call names, if the caller may do this to it.
Outcome<std::shared_ptr<const ManagedPolicy>> permitted_policy(World& world, const Call& call,
                                                               const Parameters& parameters) {
  DEPUTY_TRY(const std::string arn, parameters.required("PolicyArn"));
  if (auto fault = denied(world, call, "iam:" + call.operation, arn)) return *std::move(fault);
  return existing_policy(world, *call.caller.account, arn);
}

void write_policy(XmlWriter& xml, const Account& account, const ManagedPolicy& managed) {
  xml.open("Policy");
  xml.text("PolicyName", managed.name);
  xml.text("PolicyId", managed.unique_id);
  xml.text("Arn", managed.arn);
  xml.text("Path", managed.path);
  xml.text("DefaultVersionId", only_version);
  xml.text("AttachmentCount", fmt::to_string(count_uses(account, managed.arn)));
  xml.text("IsAttachable", "true");
  if (!managed.description.empty()) xml.text("Description", managed.description);
  xml.text("CreateDate", to_rfc3339(managed.created_at));
  xml.text("UpdateDate", to_rfc3339(managed.created_at));
  xml.close();
}

Outcome<Reply> create(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"PolicyName", "Path", "PolicyDocument", "Description"}))
    return *std::move(fault);
  ManagedPolicyDescription description;
  DEPUTY_TRY(description.name, parameters.required("PolicyName"));
  DEPUTY_TRY(description.document, parameters.required("PolicyDocument"));
  description.path = parameters.get("Path", "/");
  description.description = parameters.get("Description");
  Account& account = *call.caller.account;
  const std::string arn = account.arn("iam", "policy" + description.path + description.name);
  if (auto fault = denied(world, call, "iam:CreatePolicy", arn)) return *std::move(fault);
  DEPUTY_TRY(const auto managed, create_managed_policy(world, account, description));
  XmlWriter xml;
  write_policy(xml, account, *managed);
  return Reply{.body = xml.take(), .headers = {}};
}

Outcome<Reply> get(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"PolicyArn"})) return *std::move(fault);
  DEPUTY_TRY(const auto managed, permitted_policy(world, call, parameters));
  XmlWriter xml;
  write_policy(xml, *call.caller.account, *managed);
  return Reply{.body = xml.take(), .headers = {}};
}

Outcome<Reply> get_version(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"PolicyArn", "VersionId"})) return *std::move(fault);
  DEPUTY_TRY(const auto managed, permitted_policy(world, call, parameters));
  DEPUTY_TRY(const std::string version, parameters.required("VersionId"));
  if (version != only_version)
    return Fault{404, "NoSuchEntity",
                 fmt::format("Policy {} version {} does not exist.", managed->arn, version.substr(0, 32))};
  XmlWriter xml;
  xml.open("PolicyVersion");
  xml.text("Document", aws::uri_encode(managed->document.text, false));
  xml.text("VersionId", only_version);
  xml.text("IsDefaultVersion", "true");
  xml.text("CreateDate", to_rfc3339(managed->created_at));
  xml.close();
  return Reply{.body = xml.take(), .headers = {}};
}

Outcome<Reply> remove(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"PolicyArn"})) return *std::move(fault);
  DEPUTY_TRY(const auto managed, permitted_policy(world, call, parameters));
  Account& account = *call.caller.account;
  if (!account.managed_policies.contains(managed->arn))
    return Fault{403, "AccessDenied", "Policies of AWS's own cannot be deleted."};
  if (count_uses(account, managed->arn) > 0)
    return Fault{409, "DeleteConflict", "Cannot delete a policy attached to entities."};
  account.managed_policies.erase(managed->arn);
  return empty_reply();
}

Outcome<Reply> attach(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleName", "PolicyArn"})) return *std::move(fault);
  DEPUTY_TRY(const std::string arn, parameters.required("PolicyArn"));
  DEPUTY_TRY(const auto role, permitted_role(world, call, parameters, {{"iam:PolicyARN", {arn}}}));
  DEPUTY_TRY(auto managed, existing_policy(world, *call.caller.account, arn));
  Role changed = *role;
  changed.attached.insert_or_assign(arn, std::move(managed));
  if (changed.attached.size() > Bounds::attached_per_role)
    return Fault{409, "LimitExceeded",
                 fmt::format("Cannot exceed quota for PoliciesPerRole: {}", Bounds::attached_per_role)};
  change_role(world, *call.caller.account, std::move(changed), call.propagation);
  return empty_reply();
}

Outcome<Reply> detach(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleName", "PolicyArn"})) return *std::move(fault);
  DEPUTY_TRY(const std::string arn, parameters.required("PolicyArn"));
  DEPUTY_TRY(const auto role, permitted_role(world, call, parameters, {{"iam:PolicyARN", {arn}}}));
  Role changed = *role;
  if (changed.attached.erase(arn) == 0)
    return Fault{404, "NoSuchEntity", fmt::format("Policy {} was not found.", arn.substr(0, 2048))};
  change_role(world, *call.caller.account, std::move(changed), call.propagation);
  return empty_reply();
}

Outcome<Reply> list_attached(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleName", "MaxItems", "Marker"})) return *std::move(fault);
  DEPUTY_TRY(const auto role, permitted_role(world, call, parameters));
  DEPUTY_TRY(const KeyPage page, page_of(role->attached, parameters));
  XmlWriter xml;
  xml.open("AttachedPolicies");
  for (const std::string& arn : page.keys) {
    xml.open("member");
    xml.text("PolicyName", role->attached.find(arn)->second->name);
    xml.text("PolicyArn", arn);
    xml.close();
  }
  xml.close();
  write_end_of(xml, page);
  return Reply{.body = xml.take(), .headers = {}};
}

Outcome<Reply> put_boundary(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleName", "PermissionsBoundary"})) return *std::move(fault);
  DEPUTY_TRY(const std::string arn, parameters.required("PermissionsBoundary"));
  DEPUTY_TRY(const auto role, permitted_role(world, call, parameters, {{"iam:PermissionsBoundary", {arn}}}));
  Role changed = *role;
  DEPUTY_TRY(changed.boundary, existing_policy(world, *call.caller.account, arn));
  change_role(world, *call.caller.account, std::move(changed), call.propagation);
  return empty_reply();
}

Outcome<Reply> delete_boundary(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleName"})) return *std::move(fault);
  DEPUTY_TRY(const auto role, permitted_role(world, call, parameters));
  if (!role->boundary)
    return Fault{404, "NoSuchEntity", fmt::format("Role {} has no permissions boundary.", role->name)};
  Role changed = *role;
  changed.boundary = nullptr;
  change_role(world, *call.caller.account, std::move(changed), call.propagation);
  return empty_reply();
}

constexpr std::array<std::pair<std::string_view, IamOperation>, 9> operations{{
    {"CreatePolicy", create},
    {"GetPolicy", get},
    {"GetPolicyVersion", get_version},
    {"DeletePolicy", remove},
    {"AttachRolePolicy", attach},
    {"DetachRolePolicy", detach},
    {"ListAttachedRolePolicies", list_attached},
    {"PutRolePermissionsBoundary", put_boundary},
    {"DeleteRolePermissionsBoundary", delete_boundary},
}};

}  // namespace

IamOperation find_policy_operation(std::string_view name) {
  for (const auto& [known, operation] : operations)
    if (known == name) return operation;
  return nullptr;
}

}  // namespace deputy::sandbox
