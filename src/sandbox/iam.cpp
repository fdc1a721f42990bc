#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "aws/sigv4.hpp"
#include "sandbox/iam_operations.hpp"
#include "sandbox/managed_policies.hpp"

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
namespace deputy::sandbox {

Reply empty_reply() {
  return {.body = {}, .headers = {}};
}

Outcome<std::shared_ptr<const Role>> permitted_role(World& world, const Call& call,
                                                    const Parameters& parameters,
                                                    std::vector<policy::ContextKey> context) {
  DEPUTY_TRY(const std::string name, parameters.required("RoleName"));
  if (auto fault = wrong_role_name(name)) return *std::move(fault);
  const auto role = world.current_role(call.caller.account->id, name);
  const std::string arn = role ? role->arn : call.caller.account->arn("iam", "role/" + name);
  if (auto fault = denied(world, call, "iam:" + call.operation, arn, std::move(context)))
    return *std::move(fault);
  return existing_role(world, *call.caller.account, name);
}

void write_end_of(XmlWriter& xml, const KeyPage& page) {
  xml.text("IsTruncated", page.marker.empty() ? "false" : "true");
  if (!page.marker.empty()) xml.text("Marker", page.marker);
}

namespace {

void write_tags(XmlWriter& xml, const std::vector<Tag>& tags) {
  xml.open("Tags");
  for (const Tag& tag : tags) {
    xml.open("member");
    xml.text("Key", tag.key);
    xml.text("Value", tag.value);
    xml.close();
  }
  xml.close();
}

void write_role(XmlWriter& xml, World& world, const Role& role, std::string_view element) {
  xml.open(element);
  xml.text("Path", role.path);
  xml.text("RoleName", role.name);
  xml.text("RoleId", role.unique_id);
  xml.text("Arn", role.arn);
  xml.text("CreateDate", to_rfc3339(role.created_at));
  xml.text("AssumeRolePolicyDocument", aws::uri_encode(effective_trust(world, role.trust).text, false));
  if (!role.description.empty()) xml.text("Description", role.description);
  xml.text("MaxSessionDuration", fmt::to_string(role.max_session_duration.count()));
  if (role.boundary && element == "Role") {
    xml.open("PermissionsBoundary");
    xml.text("PermissionsBoundaryType", "Policy");
    xml.text("PermissionsBoundaryArn", role.boundary->arn);
    xml.close();
  }
  if (!role.tags.empty() && element == "Role") write_tags(xml, role.tags);
  xml.close();
}

Outcome<Reply> create(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleName", "Path", "AssumeRolePolicyDocument", "Description",
                                              "MaxSessionDuration", "Tags", "PermissionsBoundary"}))
    return *std::move(fault);
  RoleDescription description;
  DEPUTY_TRY(description.name, parameters.required("RoleName"));
  DEPUTY_TRY(description.trust_policy, parameters.required("AssumeRolePolicyDocument"));
  description.path = parameters.get("Path", "/");
  description.description = parameters.get("Description");
  DEPUTY_TRY(const long long seconds, parameters.number("MaxSessionDuration", 3600, 3600, 43'200));
  description.max_session_duration = std::chrono::seconds{seconds};
  DEPUTY_TRY(description.tags, parameters.tags());
  const std::string arn = call.caller.account->arn("iam", "role" + description.path + description.name);
  std::vector<policy::ContextKey> context;
  const auto boundary = parameters.find("PermissionsBoundary");
  if (boundary) context.push_back({"iam:PermissionsBoundary", {std::string{*boundary}}});
  if (auto fault = denied(world, call, "iam:CreateRole", arn, std::move(context))) return *std::move(fault);
  if (boundary) {
    DEPUTY_TRY(description.boundary, existing_policy(world, *call.caller.account, *boundary));
  }
  if (!description.tags.empty())
    if (auto fault = denied(world, call, "iam:TagRole", arn)) return *std::move(fault);
  DEPUTY_TRY(const auto role, create_role(world, *call.caller.account, description, call.propagation));
  XmlWriter xml;
  write_role(xml, world, *role, "Role");
  return Reply{.body = xml.take(), .headers = {}};
}

Outcome<Reply> get(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleName"})) return *std::move(fault);
  DEPUTY_TRY(const auto role, permitted_role(world, call, parameters));
  XmlWriter xml;
  write_role(xml, world, *role, "Role");
  return Reply{.body = xml.take(), .headers = {}};
}

Outcome<Reply> list(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"PathPrefix", "MaxItems", "Marker"})) return *std::move(fault);
  const std::string prefix{parameters.get("PathPrefix", "/")};
  DEPUTY_TRY(const long long items_max, parameters.number("MaxItems", 100, 1, 1000));
  if (auto fault = denied(world, call, "iam:ListRoles", call.caller.account->arn("iam", "role" + prefix)))
    return *std::move(fault);
  // The marker is the name of the last role that was listed.
  const std::string marker{parameters.get("Marker")};
  XmlWriter xml;
  xml.open("Roles");
  long long listed = 0;
  std::string last;
  bool more = false;
  const auto& roles = call.caller.account->roles;
  for (auto entry = marker.empty() ? roles.begin() : roles.upper_bound(marker); entry != roles.end();
       ++entry) {
    const auto& role = entry->second.current();
    if (!role || !role->path.starts_with(prefix)) continue;
    if (listed == items_max) {
      more = true;
      break;
    }
    write_role(xml, world, *role, "member");
    last = role->name;
    ++listed;
  }
  xml.close();
  xml.text("IsTruncated", more ? "true" : "false");
  if (more) xml.text("Marker", last);
  return Reply{.body = xml.take(), .headers = {}};
}

Outcome<Reply> update_trust(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleName", "PolicyDocument"})) return *std::move(fault);
  DEPUTY_TRY(const auto role, permitted_role(world, call, parameters));
  DEPUTY_TRY(const std::string document, parameters.required("PolicyDocument"));
  Role changed = *role;
  DEPUTY_TRY(changed.trust, read_trust_policy(world, document));
  change_role(world, *call.caller.account, std::move(changed), call.propagation);
  return empty_reply();
}

Outcome<Reply> update(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleName", "Description", "MaxSessionDuration"}))
    return *std::move(fault);
  DEPUTY_TRY(const auto role, permitted_role(world, call, parameters));
  DEPUTY_TRY(const long long seconds,
             parameters.number("MaxSessionDuration", role->max_session_duration.count(), 3600, 43'200));
  Role changed = *role;
  changed.max_session_duration = std::chrono::seconds{seconds};
  if (const auto description = parameters.find("Description")) {
    if (description->size() > 1000)
      return constraint_error(*description, "description", "have length less than or equal to 1000");
    changed.description = *description;
  }
  change_role(world, *call.caller.account, std::move(changed), call.propagation);
  // Says "there is a result, and it is empty": clients look for the element.
  return Reply{.body = " ", .headers = {}};
}

Outcome<Reply> put_policy(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleName", "PolicyName", "PolicyDocument"}))
    return *std::move(fault);
  DEPUTY_TRY(const auto role, permitted_role(world, call, parameters));
  DEPUTY_TRY(const std::string name, parameters.required("PolicyName"));
  if (auto fault = wrong_policy_name(name)) return *std::move(fault);
  DEPUTY_TRY(const std::string text, parameters.required("PolicyDocument"));
  DEPUTY_TRY(auto document, read_inline_policy(text));
  Role changed = *role;
  changed.policies.insert_or_assign(name, std::move(document));
  if (changed.policies.size() > Bounds::policies_per_role)
    return Fault{409, "LimitExceeded",
                 fmt::format("A role has at most {} inline policies here.", Bounds::policies_per_role)};
  change_role(world, *call.caller.account, std::move(changed), call.propagation);
  return empty_reply();
}

Fault no_such_policy(std::string_view name) {
  return {404, "NoSuchEntity", fmt::format("The role policy with name {} cannot be found.", name)};
}

Outcome<Reply> get_policy(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleName", "PolicyName"})) return *std::move(fault);
  DEPUTY_TRY(const auto role, permitted_role(world, call, parameters));
  DEPUTY_TRY(const std::string name, parameters.required("PolicyName"));
  const auto found = role->policies.find(name);
  if (found == role->policies.end()) return no_such_policy(name);
  XmlWriter xml;
  xml.text("RoleName", role->name);
  xml.text("PolicyName", name);
  xml.text("PolicyDocument", aws::uri_encode(found->second.text, false));
  return Reply{.body = xml.take(), .headers = {}};
}

Outcome<Reply> list_policies(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleName", "MaxItems", "Marker"})) return *std::move(fault);
  DEPUTY_TRY(const auto role, permitted_role(world, call, parameters));
  DEPUTY_TRY(const KeyPage page, page_of(role->policies, parameters));
  XmlWriter xml;
  xml.open("PolicyNames");
  for (const std::string& name : page.keys) xml.text("member", name);
  xml.close();
  write_end_of(xml, page);
  return Reply{.body = xml.take(), .headers = {}};
}

Outcome<Reply> delete_policy(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleName", "PolicyName"})) return *std::move(fault);
  DEPUTY_TRY(const auto role, permitted_role(world, call, parameters));
  DEPUTY_TRY(const std::string name, parameters.required("PolicyName"));
  Role changed = *role;
  if (changed.policies.erase(name) == 0) return no_such_policy(name);
  change_role(world, *call.caller.account, std::move(changed), call.propagation);
  return empty_reply();
}

Outcome<Reply> remove(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleName"})) return *std::move(fault);
  DEPUTY_TRY(const auto role, permitted_role(world, call, parameters));
  if (!role->policies.empty())
    return Fault{409, "DeleteConflict", "Cannot delete entity, must delete policies first."};
  if (!role->attached.empty())
    return Fault{409, "DeleteConflict", "Cannot delete entity, must detach all policies first."};
  delete_role(world, *call.caller.account, role->name, call.propagation);
  return empty_reply();
}

Outcome<Reply> tag(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleName", "Tags"})) return *std::move(fault);
  DEPUTY_TRY(const auto role, permitted_role(world, call, parameters));
  DEPUTY_TRY(auto tags, parameters.tags());
  Role changed = *role;
  for (Tag& added : tags) {
    const auto same = std::ranges::find(changed.tags, added.key, &Tag::key);
    if (same == changed.tags.end()) {
      changed.tags.push_back(std::move(added));
    } else {
      same->value = std::move(added.value);
    }
  }
  if (changed.tags.size() > 50) return Fault{409, "LimitExceeded", "A role has at most 50 tags."};
  change_role(world, *call.caller.account, std::move(changed), call.propagation);
  return empty_reply();
}

Outcome<Reply> list_tags(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleName", "MaxItems", "Marker"})) return *std::move(fault);
  DEPUTY_TRY(const auto role, permitted_role(world, call, parameters));
  XmlWriter xml;
  write_tags(xml, role->tags);
  xml.text("IsTruncated", "false");
  return Reply{.body = xml.take(), .headers = {}};
}

constexpr std::array<std::pair<std::string_view, IamOperation>, 12> operations{{
    {"CreateRole", create},
    {"GetRole", get},
    {"ListRoles", list},
    {"UpdateRole", update},
    {"UpdateAssumeRolePolicy", update_trust},
    {"PutRolePolicy", put_policy},
    {"GetRolePolicy", get_policy},
    {"ListRolePolicies", list_policies},
    {"DeleteRolePolicy", delete_policy},
    {"DeleteRole", remove},
    {"TagRole", tag},
    {"ListRoleTags", list_tags},
}};

}  // namespace

Outcome<Reply> answer_iam(World& world, const Call& call, const Parameters& parameters) {
  for (const auto& [name, operation] : operations)
    if (name == call.operation) return operation(world, call, parameters);
  if (const IamOperation operation = find_policy_operation(call.operation))
    return operation(world, call, parameters);
  return invalid_action(call.operation, parameters.get("Version"));
}

}  // namespace deputy::sandbox
