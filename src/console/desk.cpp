#include "console/desk.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

#include "aws/sigv4.hpp"
#include "core/identifiers.hpp"
#include "policy/policy.hpp"

namespace deputy::console {
namespace {

constexpr std::string_view default_region = "us-east-1";
constexpr std::string_view parameter_prefix = "param_";

http::Response page(std::string html, int status = 200) {
  http::Response response;
  response.status = status;
  response.headers.add("Content-Type", "text/html; charset=utf-8");
  response.body = std::move(html);
  return response;
}

http::Response see(std::string location) {
  http::Response response;
  response.status = 303;
  response.headers.add("Location", std::move(location));
  return response;
}

std::string words_of(const Refusal& refusal) {
  return fmt::format("{}: {}", refusal.code, refusal.message);
}

Place place_for(const AwsCalls& calls) {
  return {.user = &calls.user(), .region = calls.region()};
}

http::Response refused_page(const AwsCalls& calls, std::string_view title, const Refusal& refusal) {
  return page(problem_screen(place_for(calls), title, words_of(refusal)), 400);
}

std::string text_of(const pugi::xml_node& node, const char* child) {
  return node.child(child).text().get();
}

QuickCreate read_summary(const Xml& answer) {
  QuickCreate asked;
  const pugi::xml_node summary = result_of(answer);
  asked.description = text_of(summary, "Description");
  asked.capability = text_of(summary.child("Capabilities"), "member");
  for (const pugi::xml_node& member : summary.child("Parameters").children("member")) {
    Parameter parameter{.name = text_of(member, "ParameterKey"),
                        .value = text_of(member, "DefaultValue"),
                        .description = text_of(member, "Description"),
                        .allowed_values = {}};
    for (const pugi::xml_node& value :
         member.child("ParameterConstraints").child("AllowedValues").children("member"))
      parameter.allowed_values.emplace_back(value.text().get());
    asked.parameters.push_back(std::move(parameter));
  }
  return asked;
}

StackRow read_row(const pugi::xml_node& stack) {
  return {text_of(stack, "StackName"), text_of(stack, "StackStatus"), text_of(stack, "CreationTime")};
}

StackView read_stack(const pugi::xml_node& stack) {
  StackView view;
  view.row = read_row(stack);
  view.status_reason = text_of(stack, "StackStatusReason");
  view.description = text_of(stack, "Description");
  for (const pugi::xml_node& output : stack.child("Outputs").children("member"))
    view.outputs.push_back({.name = text_of(output, "OutputKey"),
                            .value = text_of(output, "OutputValue"),
                            .description = text_of(output, "Description"),
                            .allowed_values = {}});
  for (const pugi::xml_node& parameter : stack.child("Parameters").children("member"))
    view.parameters.emplace_back(text_of(parameter, "ParameterKey"), text_of(parameter, "ParameterValue"));
  return view;
}

// Policy documents come URL-encoded.
std::string document_of(const pugi::xml_node& node, const char* child) {
  const std::string encoded = text_of(node, child);
  const auto decoded = policy::decode_document(encoded);
  return decoded ? decoded.value() : encoded;
}

// Everything behind `?` of a launch link's fragment, and the Region from before it.
Fields read_link(std::string_view link) {
  const std::size_t hash = link.find('#');
  const std::string_view before = link.substr(0, hash);
  const std::string_view fragment = hash == std::string_view::npos ? std::string_view{} : link.substr(hash);
  const auto query_of = [](std::string_view text) {
    const std::size_t question = text.find('?');
    return http::parse_form(question == std::string_view::npos ? std::string_view{}
                                                               : text.substr(question + 1))
        .value_or(Fields{});
  };
  Fields fields = query_of(fragment);
  for (auto& [name, value] : query_of(before))
    if (name == "region") fields.emplace_back(std::move(name), std::move(value));
  return fields;
}

}  // namespace

http::Response problem_page(int status, std::string_view title, std::string_view text) {
  return page(problem_screen({}, title, text), status);
}

Desk::Desk(sandbox::Sandbox& sandbox, const Clock& clock, std::string remote_address, Fields fields)
    : sandbox_(sandbox),
      clock_(clock),
      remote_address_(std::move(remote_address)),
      fields_(std::move(fields)),
      users_(sandbox.sign_ins()) {
  if (const std::string link = field("link"); !link.empty()) fields_ = read_link(link);
}

std::string Desk::field(std::string_view name) const {
  const auto found = std::ranges::find(fields_, name, &Fields::value_type::first);
  return found == fields_.end() ? std::string{} : found->second;
}

void Desk::fill_in(std::vector<Parameter>& parameters) const {
  for (Parameter& parameter : parameters) {
    const std::string name = std::string{parameter_prefix} + parameter.name;
    if (std::ranges::find(fields_, name, &Fields::value_type::first) != fields_.end())
      parameter.value = field(name);
  }
}

Fields Desk::given_parameters() const {
  Fields given;
  std::size_t number = 0;
  for (const auto& [key, value] : fields_) {
    if (!key.starts_with(parameter_prefix)) continue;
    const std::string member = fmt::format("Parameters.member.{}.", ++number);
    given.emplace_back(member + "ParameterKey", key.substr(parameter_prefix.size()));
    given.emplace_back(member + "ParameterValue", value);
  }
  return given;
}

std::string Desk::region() const {
  const std::string given = field("region");
  return Region::parse(given) ? given : std::string{default_region};
}

std::optional<AwsCalls> Desk::calls_as(std::string_view who) const {
  const auto user = std::ranges::find(users_, who, name_of);
  if (user == users_.end()) return std::nullopt;
  return AwsCalls{sandbox_, clock_, *user, region(), remote_address_};
}

std::optional<Desk::Target> Desk::parse(std::string_view path) {
  constexpr std::string_view prefix = "/console/as/";
  if (!path.starts_with(prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  Target target;
  for (std::string* part : {&target.who, &target.kind, &target.name, &target.action}) {
    const std::size_t slash = path.find('/');
    *part = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  if (!path.empty()) return std::nullopt;
  return target;
}

Task<http::Response> Desk::show(std::string path) const {
  if (path == "/console" || path == "/console/") co_return page(sign_in_screen(users_));
  if (path == "/console/cloudformation/home") co_return page(link_screen());
  if (path == "/console/quickcreate") co_return co_await quick_create(false);
  const auto target = parse(path);
  const auto calls = target ? calls_as(target->who) : std::nullopt;
  if (calls && target->kind == "stacks" && target->action == "update")
    co_return page(new_template_screen(
        place_for(*calls),
        {.stack_name = target->name, .template_text = {}, .capability = {}, .parameters = {}}, {}));
  if (calls && target->action.empty()) {
    if (target->kind == "stacks" && target->name.empty()) co_return co_await stacks(*calls);
    if (target->kind == "stacks") co_return co_await stack(*calls, target->name);
    if (target->kind == "roles" && target->name.empty()) co_return co_await roles(*calls, {});
    if (target->kind == "roles") co_return co_await role(*calls, target->name, {}, field("done"));
  }
  co_return problem_page(404, "No such page", "The stand-in has no page at this address.");
}

Task<http::Response> Desk::act(std::string path) const {
  if (path == "/console/quickcreate") co_return co_await quick_create(true);
  const auto target = parse(path);
  const auto calls = target ? calls_as(target->who) : std::nullopt;
  if (calls) {
    if (target->kind == "stacks" && target->action == "delete")
      co_return co_await delete_stack(*calls, target->name);
    if (target->kind == "stacks" && target->action == "update")
      co_return co_await update_stack(*calls, target->name);
    if (target->kind == "roles" && target->name.empty()) co_return co_await create_role(*calls);
    if (target->kind == "roles" && target->action.empty())
      co_return co_await update_role(*calls, target->name);
  }
  co_return problem_page(404, "No such form", "The stand-in has no form at this address.");
}

// ── Quick create
// ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

Task<http::Response> Desk::quick_create(bool create) const {
  if (field("templateURL").empty())
    co_return problem_page(400, "Not a launch link",
                           "A launch link names a template: it has …#/stacks/quickcreate?templateURL=….");
  const auto calls = calls_as(field("as"));
  if (!calls) {
    Fields link = fields_;
    std::erase_if(link, [](const auto& one) { return one.first == "as"; });
    co_return page(choose_screen(users_, link));
  }
  if (create) co_return co_await create_stack(*calls);
  co_return co_await filled_in(*calls, {});
}

Task<http::Response> Desk::filled_in(AwsCalls calls, std::string problem) const {
  const std::string url = field("templateURL");
  const auto summary = co_await calls.call("cloudformation", "GetTemplateSummary", {{"TemplateURL", url}});
  if (!summary) co_return refused_page(calls, "The template cannot be read", summary.error());
  const auto text = co_await calls.object_at(url);
  if (!text) co_return refused_page(calls, "The template cannot be read", text.error());
  QuickCreate asked = read_summary(summary.value());
  asked.template_url = url;
  asked.template_text = text.value();
  asked.stack_name = field("stackName");
  asked.acknowledged = !field("capability").empty();
  fill_in(asked.parameters);
  const int status = problem.empty() ? 200 : 400;
  co_return page(quick_create_screen(place_for(calls), asked, problem), status);
}

Task<http::Response> Desk::create_stack(AwsCalls calls) const {
  const std::string name = field("stackName");
  Fields asked{{"StackName", name}, {"TemplateURL", field("templateURL")}};
  if (const std::string capability = field("capability"); !capability.empty())
    asked.emplace_back("Capabilities.member.1", capability);
  std::ranges::move(given_parameters(), std::back_inserter(asked));
  const auto created = co_await calls.call("cloudformation", "CreateStack", std::move(asked));
  if (!created) co_return co_await filled_in(calls, words_of(created.error()));
  co_return see(fmt::format("{}?region={}", place_of(calls.user(), "stacks/" + aws::uri_encode(name, false)),
                            calls.region()));
}

// ── What is there
// ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

Task<http::Response> Desk::stacks(AwsCalls calls) const {
  const auto described = co_await calls.call("cloudformation", "DescribeStacks", {});
  if (!described) co_return refused_page(calls, "Stacks", described.error());
  std::vector<StackRow> rows;
  for (const pugi::xml_node& stack : result_of(described.value()).child("Stacks").children("member"))
    rows.push_back(read_row(stack));
  co_return page(stacks_screen(place_for(calls), rows));
}

Task<http::Response> Desk::stack(AwsCalls calls, std::string name) const {
  const auto described = co_await calls.call("cloudformation", "DescribeStacks", {{"StackName", name}});
  if (!described) co_return refused_page(calls, "The stack cannot be shown", described.error());
  const auto events = co_await calls.call("cloudformation", "DescribeStackEvents", {{"StackName", name}});
  if (!events) co_return refused_page(calls, "The stack cannot be shown", events.error());
  StackView view = read_stack(result_of(described.value()).child("Stacks").child("member"));
  for (const pugi::xml_node& event : result_of(events.value()).child("StackEvents").children("member"))
    view.events.push_back({text_of(event, "Timestamp"), text_of(event, "LogicalResourceId"),
                           text_of(event, "ResourceStatus"), text_of(event, "ResourceStatusReason")});
  co_return page(stack_screen(place_for(calls), view));
}

// Once to be shown the new template's parameters, with what the stack has now where it knows them; then with
// `submit` to carry it out.
Task<http::Response> Desk::update_stack(AwsCalls calls, std::string name) const {
  StackUpdate asked{.stack_name = name,
                    .template_text = field("template"),
                    .capability = field("capability"),
                    .parameters = {},
                    .acknowledged = !field("capability").empty()};
  const auto summary =
      co_await calls.call("cloudformation", "GetTemplateSummary", {{"TemplateBody", asked.template_text}});
  if (!summary) co_return page(new_template_screen(place_for(calls), asked, words_of(summary.error())), 400);
  std::string problem;
  if (!field("submit").empty()) {
    Fields wanted{{"StackName", name}, {"TemplateBody", asked.template_text}};
    if (asked.acknowledged) wanted.emplace_back("Capabilities.member.1", asked.capability);
    std::ranges::move(given_parameters(), std::back_inserter(wanted));
    const auto updated = co_await calls.call("cloudformation", "UpdateStack", std::move(wanted));
    if (updated)
      co_return see(fmt::format(
          "{}?region={}", place_of(calls.user(), "stacks/" + aws::uri_encode(name, false)), calls.region()));
    problem = words_of(updated.error());
  }
  const auto described = co_await calls.call("cloudformation", "DescribeStacks", {{"StackName", name}});
  if (!described) co_return refused_page(calls, "The stack cannot be updated", described.error());
  const auto before = read_stack(result_of(described.value()).child("Stacks").child("member")).parameters;
  QuickCreate read = read_summary(summary.value());
  for (Parameter& parameter : read.parameters) {
    const auto kept = std::ranges::find(before, parameter.name, &Fields::value_type::first);
    if (kept != before.end()) parameter.value = kept->second;
  }
  fill_in(read.parameters);
  asked.parameters = std::move(read.parameters);
  asked.capability = std::move(read.capability);
  const int status = problem.empty() ? 200 : 400;
  co_return page(update_screen(place_for(calls), asked, problem), status);
}

Task<http::Response> Desk::delete_stack(AwsCalls calls, std::string name) const {
  const auto deleted = co_await calls.call("cloudformation", "DeleteStack", {{"StackName", name}});
  if (!deleted) co_return refused_page(calls, "The stack was not deleted", deleted.error());
  // What could not be deleted is still there, and says why.
  const auto left = co_await calls.call("cloudformation", "DescribeStacks", {{"StackName", name}});
  const std::string rest = left ? "stacks/" + aws::uri_encode(name, false) : "stacks";
  co_return see(fmt::format("{}?region={}", place_of(calls.user(), rest), calls.region()));
}

Task<http::Response> Desk::roles(AwsCalls calls, std::string problem) const {
  const auto listed = co_await calls.call("iam", "ListRoles", {});
  if (!listed) co_return refused_page(calls, "Roles", listed.error());
  Fields roles;
  for (const pugi::xml_node& role : result_of(listed.value()).child("Roles").children("member"))
    roles.emplace_back(text_of(role, "RoleName"), text_of(role, "Arn"));
  co_return page(roles_screen(place_for(calls), roles, problem), problem.empty() ? 200 : 400);
}

Task<http::Response> Desk::create_role(AwsCalls calls) const {
  const std::string name = field("name");
  const auto created = co_await calls.call(
      "iam", "CreateRole", {{"RoleName", name}, {"AssumeRolePolicyDocument", field("trust")}});
  if (!created) co_return co_await roles(calls, words_of(created.error()));
  co_return see(fmt::format("{}?region={}", place_of(calls.user(), "roles/" + aws::uri_encode(name, false)),
                            calls.region()));
}

Task<http::Response> Desk::role(AwsCalls calls, std::string name, std::string problem,
                                std::string done) const {
  const auto got = co_await calls.call("iam", "GetRole", {{"RoleName", name}});
  if (!got) co_return refused_page(calls, "The role cannot be shown", got.error());
  const pugi::xml_node found = result_of(got.value()).child("Role");
  RoleView view{
      .name = text_of(found, "RoleName"),
      .arn = text_of(found, "Arn"),
      .trust_policy = problem.empty() ? document_of(found, "AssumeRolePolicyDocument") : field("trust"),
      .policies = {}};
  const auto listed = co_await calls.call("iam", "ListRolePolicies", {{"RoleName", name}});
  if (!listed) co_return refused_page(calls, "The role cannot be shown", listed.error());
  for (const pugi::xml_node& member : result_of(listed.value()).child("PolicyNames").children("member")) {
    const std::string policy_name = member.text().get();
    const auto policy =
        co_await calls.call("iam", "GetRolePolicy", {{"RoleName", name}, {"PolicyName", policy_name}});
    if (policy)
      view.policies.emplace_back(policy_name, document_of(result_of(policy.value()), "PolicyDocument"));
  }
  const std::string_view told = done == "updated" ? "The trust policy was updated." : "";
  co_return page(role_screen(place_for(calls), view, problem, told), problem.empty() ? 200 : 400);
}

Task<http::Response> Desk::update_role(AwsCalls calls, std::string name) const {
  const auto updated = co_await calls.call("iam", "UpdateAssumeRolePolicy",
                                           {{"RoleName", name}, {"PolicyDocument", field("trust")}});
  if (!updated) co_return co_await role(calls, name, words_of(updated.error()), {});
  co_return see(fmt::format("{}?region={}&done=updated",
                            place_of(calls.user(), "roles/" + aws::uri_encode(name, false)), calls.region()));
}

}  // namespace deputy::console
