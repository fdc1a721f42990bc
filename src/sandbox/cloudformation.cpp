#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "sandbox/bucket.hpp"
#include "sandbox/stack_template.hpp"

// Stacks of roles. What takes AWS minutes is done before the answer: a stack is complete, or rolled back,
// when its making is answered.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
namespace deputy::sandbox {
namespace {

constexpr std::size_t events_max = 1000;

struct StackRequest {
  std::string name;
  StackTemplate body;
  std::string body_text;
  std::map<std::string, std::string> given;
  std::vector<std::string> capabilities;
  std::vector<Tag> tags;
};

std::optional<Fault> denied_on_stack(const World& world, const Call& call, std::string_view name) {
  return denied(world, call, "cloudformation:" + call.operation,
                call.caller.account->arn("cloudformation", fmt::format("stack/{}/*", name), call.region));
}

// By name, only what is not deleted; by ID, everything.
Stack* find_stack(const Call& call, std::string_view name_or_id) {
  for (const auto& stack : call.caller.account->stacks) {
    if (stack->region != call.region) continue;
    if (stack->id == name_or_id || (stack->name == name_or_id && !stack->deleted_at)) return stack.get();
  }
  return nullptr;
}

Fault no_such_stack(std::string_view name) {
  return validation_error(fmt::format("Stack with id {} does not exist", name.substr(0, 256)));
}

// `arn:…:stack/NAME/UUID` or the name itself.
std::string_view name_of(std::string_view name_or_id) {
  if (!name_or_id.starts_with("arn:")) return name_or_id;
  const std::size_t begin = name_or_id.find('/');
  if (begin == std::string_view::npos) return name_or_id;
  name_or_id.remove_prefix(begin + 1);
  return name_or_id.substr(0, name_or_id.find('/'));
}

bool is_stack_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= 128 && letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

void add_event(World& world, Stack& stack, StackEvent event) {
  event.id = world.draw_uuid();
  event.at = world.clock.now();
  if (stack.events.size() >= events_max) stack.events.erase(stack.events.begin());
  stack.events.push_back(std::move(event));
}

void set_status(World& world, Stack& stack, std::string status, std::string reason = {}) {
  stack.status = std::move(status);
  stack.status_reason = std::move(reason);
  add_event(world, stack,
            {.id = {},
             .logical_id = stack.name,
             .physical_id = stack.id,
             .type = "AWS::CloudFormation::Stack",
             .status = stack.status,
             .reason = stack.status_reason,
             .at = {}});
}

void set_role_status(World& world, Stack& stack, std::string_view logical_id, std::string_view role_name,
                     std::string_view status) {
  add_event(world, stack,
            {.id = {},
             .logical_id = std::string{logical_id},
             .physical_id = std::string{role_name},
             .type = "AWS::IAM::Role",
             .status = std::string{status},
             .reason = {},
             .at = {}});
}

// ── Reading what is asked for
// ────────────────────────────────────────────────────────────────────────────────────────────────────────

Outcome<std::map<std::string, std::string>> read_parameters(const Parameters& parameters,
                                                            const Stack* previous) {
  std::map<std::string, std::string> given;
  const auto keeps = parameters.pairs("Parameters", "ParameterKey", "UsePreviousValue");
  const auto values = parameters.pairs("Parameters", "ParameterKey", "ParameterValue");
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto& [key, value] = values[i];
    const bool keep = keeps[i].second == "true";
    std::string chosen = value.value_or("");
    if (keep) {
      const auto before = previous ? previous->parameters.find(key) : decltype(previous->parameters.end()){};
      if (!previous || before == previous->parameters.end())
        return validation_error(fmt::format(
            "Invalid input for parameter key {}. Cannot specify usePreviousValue as true for a parameter "
            "key not in the previous template",
            key.substr(0, 255)));
      chosen = before->second;
    } else if (!value) {
      return validation_error(fmt::format("Parameter {} has no value", in_backticks(key)));
    }
    if (!given.emplace(key, std::move(chosen)).second)
      return validation_error(fmt::format("Duplicate parameter key: {}", key.substr(0, 255)));
  }
  return given;
}

// `TemplateBody`, or what is at `TemplateURL`.
Outcome<std::string> read_template_text(World& world, const Call& call, const Parameters& parameters) {
  const auto url = parameters.find("TemplateURL");
  if (!url) return parameters.required("TemplateBody");
  if (parameters.find("TemplateBody"))
    return validation_error("Either Template URL or Template Body must be specified, not both.");
  return read_template_at(world, call, *url);
}

Outcome<StackRequest> read_request(World& world, const Call& call, const Parameters& parameters,
                                   const Stack* previous) {
  StackRequest asked;
  DEPUTY_TRY(const std::string name_or_id, parameters.required("StackName"));
  asked.name = name_of(name_or_id);
  if (previous && parameters.get("UsePreviousTemplate") == "true") {
    asked.body_text = previous->template_text;
  } else {
    DEPUTY_TRY(asked.body_text, read_template_text(world, call, parameters));
  }
  DEPUTY_TRY(asked.body, StackTemplate::read(asked.body_text));
  DEPUTY_TRY(asked.given, read_parameters(parameters, previous));
  asked.capabilities = parameters.list("Capabilities");
  for (const std::string& capability : asked.capabilities)
    if (capability != "CAPABILITY_IAM" && capability != "CAPABILITY_NAMED_IAM" &&
        capability != "CAPABILITY_AUTO_EXPAND")
      return constraint_error(
          capability, "capabilities",
          "satisfy enum value set: [CAPABILITY_NAMED_IAM, CAPABILITY_IAM, CAPABILITY_AUTO_EXPAND]");
  DEPUTY_TRY(asked.tags, parameters.tags());
  if (previous && asked.tags.empty()) asked.tags = previous->tags;
  return asked;
}

std::optional<Fault> missing_capability(const StackRequest& asked, const StackPlan& plan) {
  const auto has = [&](std::string_view capability) {
    return std::ranges::find(asked.capabilities, capability) != asked.capabilities.end();
  };
  const bool named = std::ranges::any_of(plan.roles, &PlannedRole::named);
  if (has("CAPABILITY_NAMED_IAM") || (!named && has("CAPABILITY_IAM"))) return std::nullopt;
  return Fault{
      400, "InsufficientCapabilitiesException",
      fmt::format("Requires capabilities : [{}]", named ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM")};
}

Outcome<StackPlan> make_plan(World& world, const Call& call, const StackRequest& asked, Stack& stack) {
  DEPUTY_TRY(stack.parameters, asked.body.values(asked.given));
  const StackIdentity identity{
      .account = *call.caller.account,
      .region = stack.region,
      .name = stack.name,
      .id = stack.id,
      .parameters = stack.parameters,
      .name_role = [&](const std::string& logical_id) {
        const auto existing = std::ranges::find(stack.resources, logical_id, &StackResource::logical_id);
        if (existing != stack.resources.end() && existing->generated_name) return existing->role_name;
        // A role's name has at most 64 characters; the random end stays.
        const std::string begin = fmt::format("{}-{}", stack.name.substr(0, 24), logical_id.substr(0, 24));
        return begin + "-" + world.draw_id("", 12);
      }};
  return asked.body.plan(identity);
}

// ── Carrying it out: first everything that can go wrong, then the change
// ─────────────────────────────────────────────────────────────

// What the stack's caller must be allowed in IAM to make the role, or to change it from what it is.
std::vector<std::string_view> actions_for(const PlannedRole& planned, const Stack& stack, const Role* before,
                                          const StackResource* existing) {
  std::vector<std::string_view> actions{before ? "iam:UpdateAssumeRolePolicy" : "iam:CreateRole"};
  if (!planned.policies.empty()) actions.emplace_back("iam:PutRolePolicy");
  if (!planned.description.tags.empty() || !stack.tags.empty()) actions.emplace_back("iam:TagRole");
  if (!before) return actions;
  if (before->description != planned.description.description ||
      before->max_session_duration != planned.description.max_session_duration)
    actions.emplace_back("iam:UpdateRole");
  const auto unwanted = [&](const std::string& name) { return !planned.policies.contains(name); };
  if (std::ranges::any_of(existing->policy_names, unwanted)) actions.emplace_back("iam:DeleteRolePolicy");
  const auto untagged = [&](const Tag& tag) {
    const auto same = [&](const Tag& other) { return other.key == tag.key; };
    return std::ranges::none_of(planned.description.tags, same) && std::ranges::none_of(stack.tags, same);
  };
  if (std::ranges::any_of(before->tags, untagged)) actions.emplace_back("iam:UntagRole");
  return actions;
}

// A role as it will be. Changes nothing.
Outcome<Role> prepare_role(World& world, const Call& call, const PlannedRole& planned, const Stack& stack,
                           const StackResource* existing) {
  Account& account = *call.caller.account;
  const auto before = existing ? world.current_role(account.id, existing->role_name) : nullptr;
  const bool in_place = before && existing->role_unique_id == before->unique_id &&
                        before->name == planned.description.name && before->path == planned.description.path;
  const std::string arn = account.arn("iam", "role" + planned.description.path + planned.description.name);
  for (const std::string_view action :
       actions_for(planned, stack, in_place ? before.get() : nullptr, existing))
    if (auto fault = denied(world, call, action, arn)) return *std::move(fault);
  Role role;
  if (in_place) {
    role = *before;
    role.description = planned.description.description;
    role.max_session_duration = planned.description.max_session_duration;
    for (const std::string& name : existing->policy_names) role.policies.erase(name);
  } else {
    DEPUTY_TRY(role, describe_role(world, account, planned.description));
  }
  role.tags = planned.description.tags;
  for (const Tag& tag : stack.tags)
    if (std::ranges::find(role.tags, tag.key, &Tag::key) == role.tags.end()) role.tags.push_back(tag);
  DEPUTY_TRY(role.trust, read_trust_policy(world, planned.description.trust_policy));
  for (const auto& [name, text] : planned.policies) {
    if (auto fault = wrong_policy_name(name)) return *std::move(fault);
    DEPUTY_TRY(role.policies[name], read_inline_policy(text));
  }
  return role;
}

// May each role that the stack no longer wants be deleted?
std::optional<Fault> wrong_to_delete(World& world, const Call& call,
                                     const std::vector<StackResource>& resources) {
  for (const StackResource& resource : resources) {
    const auto role = world.current_role(call.caller.account->id, resource.role_name);
    if (!role || role->unique_id != resource.role_unique_id) continue;
    for (const std::string_view action : {"iam:DeleteRolePolicy", "iam:DeleteRole"})
      if (auto fault = denied(world, call, action, role->arn)) return fault;
    for (const auto& [name, document] : role->policies)
      if (!resource.policy_names.contains(name))
        return Fault{409, "DeleteConflict", "Cannot delete entity, must delete policies first."};
    if (!role->attached.empty())
      return Fault{409, "DeleteConflict", "Cannot delete entity, must detach all policies first."};
  }
  return std::nullopt;
}

void delete_roles(World& world, const Call& call, Stack& stack, const std::vector<StackResource>& resources) {
  for (const StackResource& resource : resources) {
    const auto role = world.current_role(call.caller.account->id, resource.role_name);
    if (role && role->unique_id == resource.role_unique_id)
      delete_role(world, *call.caller.account, resource.role_name, call.propagation);
    set_role_status(world, stack, resource.logical_id, resource.role_name, "DELETE_COMPLETE");
  }
}

// All or nothing.
std::optional<Fault> carry_out(World& world, const Call& call, const StackPlan& plan, Stack& stack) {
  std::vector<Role> roles;
  std::vector<StackResource> wanted, unwanted;
  for (const PlannedRole& planned : plan.roles) {
    const auto existing = std::ranges::find(stack.resources, planned.logical_id, &StackResource::logical_id);
    auto role =
        prepare_role(world, call, planned, stack, existing == stack.resources.end() ? nullptr : &*existing);
    if (!role) return std::move(role).error();
    if (std::ranges::find(roles, role.value().name, &Role::name) != roles.end())
      return Fault{409, "EntityAlreadyExists",
                   fmt::format("Role with name {} already exists.", role.value().name)};
    StackResource resource{.logical_id = planned.logical_id,
                           .role_name = role.value().name,
                           .role_unique_id = role.value().unique_id,
                           .generated_name = !planned.named,
                           .policy_names = {}};
    for (const auto& [name, text] : planned.policies) resource.policy_names.insert(name);
    roles.push_back(std::move(role).value());
    wanted.push_back(std::move(resource));
  }
  for (const StackResource& resource : stack.resources)
    if (std::ranges::find(wanted, resource.role_unique_id, &StackResource::role_unique_id) == wanted.end())
      unwanted.push_back(resource);
  if (auto fault = wrong_to_delete(world, call, unwanted)) return fault;

  const bool creating = stack.resources.empty();
  for (Role& role : roles) change_role(world, *call.caller.account, std::move(role), call.propagation);
  for (const StackResource& resource : wanted)
    set_role_status(world, stack, resource.logical_id, resource.role_name,
                    creating ? "CREATE_COMPLETE" : "UPDATE_COMPLETE");
  delete_roles(world, call, stack, unwanted);
  stack.resources = std::move(wanted);
  stack.outputs = plan.outputs;
  return std::nullopt;
}

Reply stack_id_reply(const Stack& stack) {
  XmlWriter xml;
  xml.text("StackId", stack.id);
  return {.body = xml.take(), .headers = {}};
}

void adopt(Stack& stack, const StackRequest& asked) {
  stack.description = asked.body.description();
  stack.template_text = asked.body_text;
  stack.capabilities = asked.capabilities;
  stack.tags = asked.tags;
  stack.hidden_parameters.clear();
  for (const ParameterDeclaration& declaration : asked.body.parameters())
    if (declaration.no_echo) stack.hidden_parameters.insert(declaration.name);
}

// ── The operations
// ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

Outcome<Reply> create(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but(
          {"StackName", "TemplateBody", "TemplateURL", "Parameters", "Capabilities", "Tags"}))
    return *std::move(fault);
  DEPUTY_TRY(const StackRequest asked, read_request(world, call, parameters, nullptr));
  if (!is_stack_name(asked.name))
    return constraint_error(asked.name, "stackName",
                            "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*");
  if (auto fault = denied_on_stack(world, call, asked.name)) return *std::move(fault);
  auto& stacks = call.caller.account->stacks;
  if (find_stack(call, asked.name))
    return Fault{400, "AlreadyExistsException", fmt::format("Stack [{}] already exists", asked.name)};
  if (stacks.size() >= Bounds::stacks_per_account)
    std::erase_if(stacks, [](const auto& old) { return old->deleted_at.has_value(); });
  if (stacks.size() >= Bounds::stacks_per_account)
    return Fault{400, "LimitExceededException", "Stack limit exceeded"};

  auto stack = std::make_unique<Stack>();
  stack->name = asked.name;
  stack->region = call.region;
  stack->id = call.caller.account->arn(
      "cloudformation", fmt::format("stack/{}/{}", asked.name, world.draw_uuid()), call.region);
  stack->created_at = world.clock.now();
  adopt(*stack, asked);
  DEPUTY_TRY(const StackPlan plan, make_plan(world, call, asked, *stack));
  if (auto fault = missing_capability(asked, plan)) return *std::move(fault);
  set_status(world, *stack, "CREATE_IN_PROGRESS", "User Initiated");
  if (const auto fault = carry_out(world, call, plan, *stack)) {
    set_status(world, *stack, "ROLLBACK_COMPLETE", fault->message);
  } else {
    set_status(world, *stack, "CREATE_COMPLETE");
  }
  stacks.push_back(std::move(stack));
  return stack_id_reply(*stacks.back());
}

Outcome<Reply> update(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"StackName", "TemplateBody", "TemplateURL",
                                              "UsePreviousTemplate", "Parameters", "Capabilities", "Tags"}))
    return *std::move(fault);
  DEPUTY_TRY(const std::string name, parameters.required("StackName"));
  if (auto fault = denied_on_stack(world, call, name_of(name))) return *std::move(fault);
  Stack* const stack = find_stack(call, name);
  if (!stack || stack->deleted_at) return no_such_stack(name);
  if (stack->status == "ROLLBACK_COMPLETE")
    return validation_error(
        fmt::format("Stack:{} is in ROLLBACK_COMPLETE state and can not be updated.", stack->id));
  DEPUTY_TRY(const StackRequest asked, read_request(world, call, parameters, stack));
  Stack changed = *stack;
  adopt(changed, asked);
  DEPUTY_TRY(const StackPlan plan, make_plan(world, call, asked, changed));
  if (auto fault = missing_capability(asked, plan)) return *std::move(fault);
  const auto same_tags = std::ranges::equal(asked.tags, stack->tags, [](const Tag& a, const Tag& b) {
    return a.key == b.key && a.value == b.value;
  });
  if (asked.body_text == stack->template_text && changed.parameters == stack->parameters && same_tags)
    return validation_error("No updates are to be performed.");
  changed.updated_at = world.clock.now();
  set_status(world, changed, "UPDATE_IN_PROGRESS", "User Initiated");
  if (const auto fault = carry_out(world, call, plan, changed)) {
    stack->updated_at = world.clock.now();
    set_status(world, *stack, "UPDATE_ROLLBACK_COMPLETE", fault->message);
  } else {
    set_status(world, changed, "UPDATE_COMPLETE");
    *stack = std::move(changed);
  }
  return stack_id_reply(*stack);
}

Outcome<Reply> remove(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"StackName"})) return *std::move(fault);
  DEPUTY_TRY(const std::string name, parameters.required("StackName"));
  if (auto fault = denied_on_stack(world, call, name_of(name))) return *std::move(fault);
  Stack* const stack = find_stack(call, name);
  // As on AWS, deleting what is not there succeeds.
  if (!stack || stack->deleted_at) return Reply{};
  set_status(world, *stack, "DELETE_IN_PROGRESS", "User Initiated");
  if (const auto fault = wrong_to_delete(world, call, stack->resources)) {
    set_status(world, *stack, "DELETE_FAILED", fault->message);
    return Reply{};
  }
  delete_roles(world, call, *stack, stack->resources);
  stack->resources.clear();
  stack->outputs.clear();
  stack->deleted_at = world.clock.now();
  set_status(world, *stack, "DELETE_COMPLETE");
  return Reply{};
}

void write_pairs(XmlWriter& xml, std::string_view list, std::string_view key_element,
                 std::string_view value_element,
                 const std::vector<std::pair<std::string, std::string>>& pairs) {
  if (pairs.empty()) return;
  xml.open(list);
  for (const auto& [key, value] : pairs) {
    xml.open("member");
    xml.text(key_element, key);
    xml.text(value_element, value);
    xml.close();
  }
  xml.close();
}

void write_outputs(XmlWriter& xml, const Stack& stack) {
  if (stack.outputs.empty()) return;
  xml.open("Outputs");
  for (const StackOutput& output : stack.outputs) {
    xml.open("member");
    xml.text("OutputKey", output.key);
    xml.text("OutputValue", output.value);
    if (!output.description.empty()) xml.text("Description", output.description);
    xml.close();
  }
  xml.close();
}

void write_stack(XmlWriter& xml, const Stack& stack) {
  xml.open("member");
  xml.text("StackId", stack.id);
  xml.text("StackName", stack.name);
  if (!stack.description.empty()) xml.text("Description", stack.description);
  std::vector<std::pair<std::string, std::string>> parameters, tags;
  for (const auto& [key, value] : stack.parameters)
    parameters.emplace_back(key, stack.hidden_parameters.contains(key) ? "****" : value);
  write_pairs(xml, "Parameters", "ParameterKey", "ParameterValue", parameters);
  xml.text("CreationTime", to_rfc3339_millis(stack.created_at));
  if (stack.updated_at) xml.text("LastUpdatedTime", to_rfc3339_millis(*stack.updated_at));
  if (stack.deleted_at) xml.text("DeletionTime", to_rfc3339_millis(*stack.deleted_at));
  xml.text("StackStatus", stack.status);
  if (!stack.status_reason.empty()) xml.text("StackStatusReason", stack.status_reason);
  xml.text("DisableRollback", "false");
  if (!stack.capabilities.empty()) {
    xml.open("Capabilities");
    for (const std::string& capability : stack.capabilities) xml.text("member", capability);
    xml.close();
  }
  write_outputs(xml, stack);
  for (const Tag& tag : stack.tags) tags.emplace_back(tag.key, tag.value);
  write_pairs(xml, "Tags", "Key", "Value", tags);
  xml.close();
}

Outcome<Reply> describe(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"StackName"})) return *std::move(fault);
  const std::string name{parameters.get("StackName")};
  if (auto fault = denied_on_stack(world, call, name.empty() ? "*" : name_of(name))) return *std::move(fault);
  XmlWriter xml;
  xml.open("Stacks");
  if (!name.empty()) {
    const Stack* const stack = find_stack(call, name);
    if (!stack) return no_such_stack(name);
    write_stack(xml, *stack);
  } else {
    for (const auto& stack : call.caller.account->stacks)
      if (stack->region == call.region && !stack->deleted_at) write_stack(xml, *stack);
  }
  xml.close();
  return Reply{.body = xml.take(), .headers = {}};
}

Outcome<Reply> describe_events(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"StackName"})) return *std::move(fault);
  DEPUTY_TRY(const std::string name, parameters.required("StackName"));
  if (auto fault = denied_on_stack(world, call, name_of(name))) return *std::move(fault);
  const Stack* const stack = find_stack(call, name);
  if (!stack) return no_such_stack(name);
  XmlWriter xml;
  xml.open("StackEvents");
  for (auto event = stack->events.rbegin(); event != stack->events.rend(); ++event) {
    xml.open("member");
    xml.text("StackId", stack->id);
    xml.text("EventId", event->id);
    xml.text("StackName", stack->name);
    xml.text("LogicalResourceId", event->logical_id);
    xml.text("PhysicalResourceId", event->physical_id);
    xml.text("ResourceType", event->type);
    xml.text("Timestamp", to_rfc3339_millis(event->at));
    xml.text("ResourceStatus", event->status);
    if (!event->reason.empty()) xml.text("ResourceStatusReason", event->reason);
    xml.close();
  }
  xml.close();
  return Reply{.body = xml.take(), .headers = {}};
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplateSummary.html
Outcome<Reply> summarize(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"TemplateBody", "TemplateURL"})) return *std::move(fault);
  if (auto fault = denied(world, call, "cloudformation:GetTemplateSummary", "*")) return *std::move(fault);
  DEPUTY_TRY(const std::string text, read_template_text(world, call, parameters));
  DEPUTY_TRY(const StackTemplate body, StackTemplate::read(text));
  XmlWriter xml;
  if (!body.description().empty()) xml.text("Description", body.description());
  xml.open("Parameters");
  for (const ParameterDeclaration& declaration : body.parameters()) {
    xml.open("member");
    xml.text("ParameterKey", declaration.name);
    if (declaration.default_value) xml.text("DefaultValue", *declaration.default_value);
    xml.text("ParameterType", "String");
    xml.text("NoEcho", declaration.no_echo ? "true" : "false");
    if (!declaration.description.empty()) xml.text("Description", declaration.description);
    if (!declaration.allowed_values.empty()) {
      xml.open("ParameterConstraints");
      xml.open("AllowedValues");
      for (const std::string& value : declaration.allowed_values) xml.text("member", value);
      xml.close();
      xml.close();
    }
    xml.close();
  }
  xml.close();
  xml.open("Capabilities");
  xml.text("member", body.needed_capability());
  xml.close();
  xml.open("ResourceTypes");
  for (const std::string& type : body.resource_types()) xml.text("member", type);
  xml.close();
  return Reply{.body = xml.take(), .headers = {}};
}

using Operation = Outcome<Reply> (*)(World&, const Call&, const Parameters&);
constexpr std::array<std::pair<std::string_view, Operation>, 6> operations{{
    {"CreateStack", create},
    {"DescribeStacks", describe},
    {"DescribeStackEvents", describe_events},
    {"UpdateStack", update},
    {"DeleteStack", remove},
    {"GetTemplateSummary", summarize},
}};

}  // namespace

Outcome<Reply> answer_cloudformation(World& world, const Call& call, const Parameters& parameters) {
  for (const auto& [name, operation] : operations)
    if (name == call.operation) return operation(world, call, parameters);
  return invalid_action(call.operation, parameters.get("Version"));
}

}  // namespace deputy::sandbox
