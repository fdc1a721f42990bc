#include "console/screens.hpp"

#include "console/page.hpp"

#include <fmt/format.h>

#include "aws/sigv4.hpp"

namespace deputy::console {
namespace {

std::string in_region(const Place& place, std::string_view rest) {
  return fmt::format("{}?region={}", place_of(*place.user, rest), aws::uri_encode(place.region, false));
}

void write_definitions(Html& html, const Fields& fields) {
  html.open("dl");
  for (const auto& [name, value] : fields) html.element("dt", name).element("dd", value);
  html.close();
}

void write_policy(Html& html, std::string_view summary, std::string_view text) {
  html.open("details").element("summary", summary);
  html.element("pre", text, {{"tabindex", "0"}, {"role", "group"}, {"aria-label", summary}});
  html.close();
}

void write_parameter(Html& html, const Parameter& parameter) {
  const std::string name = "param_" + parameter.name;
  if (parameter.allowed_values.empty()) {
    write_field(html, name, parameter.name, parameter.value, parameter.description);
    return;
  }
  const std::string id = "field-" + name;
  html.open("div", {{"class", "field"}}).element("label", parameter.name, {{"for", id}});
  html.element("p", parameter.description, {{"class", "hint"}, {"id", id + "-hint"}});
  html.open("select", {{"id", id}, {"name", name}, {"aria-describedby", id + "-hint"}});
  for (const std::string& value : parameter.allowed_values) {
    if (value == parameter.value)
      html.element("option", value, {{"selected", ""}});
    else
      html.element("option", value);
  }
  html.close().close();
}

void write_parameters(Html& html, const std::vector<Parameter>& parameters) {
  html.element("h2", "Parameters");
  for (const Parameter& parameter : parameters) write_parameter(html, parameter);
  if (parameters.empty()) html.element("p", "The template has none.");
}

void write_text_area(Html& html, std::string_view name, std::string_view label, std::string_view value,
                     std::string_view rows) {
  html.open("div", {{"class", "field"}}).element("label", label, {{"for", name}});
  html.element("textarea", value, {{"id", name}, {"name", name}, {"rows", rows}, {"spellcheck", "false"}});
  html.close();
}

void write_capability(Html& html, std::string_view capability, bool acknowledged) {
  html.element("h2", "Capabilities");
  html.open("div", {{"class", "tick"}});
  if (acknowledged)
    html.lone("input", {{"type", "checkbox"},
                        {"id", "capability"},
                        {"name", "capability"},
                        {"value", capability},
                        {"checked", ""}});
  else
    html.lone("input",
              {{"type", "checkbox"}, {"id", "capability"}, {"name", "capability"}, {"value", capability}});
  html.element("label",
               capability == "CAPABILITY_NAMED_IAM"
                   ? "I acknowledge that this template might create IAM resources with custom names."
                   : "I acknowledge that this template might create IAM resources.",
               {{"for", "capability"}});
  html.close();
}

}  // namespace

std::string sign_in_screen(const std::vector<sandbox::SignIn>& users) {
  Page page{{}, "Whose administrator are you?"};
  Html& html = page.html();
  html.element("p", "These are the sandbox's users that have keys. There are no passwords: it is a sandbox.");
  html.open("ul", {{"class", "people"}});
  for (const sandbox::SignIn& user : users)
    html.open("li").element("a", title_of(user), {{"href", place_of(user, "stacks")}}).close();
  html.close();
  if (users.empty())
    html.element("p", "There is nobody. Start the sandbox with a seed: deputy sandbox --seed FILE");
  return page.take();
}

std::string link_screen() {
  Page page{{}, "Open a launch link"};
  Html& html = page.html();
  html.element(
      "p",
      "What a launch link asks for stands behind its # sign, which browsers do not send. Where scripts "
      "are off, paste the whole link here.");
  html.open("form", {{"method", "get"}, {"action", "/console/quickcreate"}});
  write_field(html, "link", "The whole launch link", "");
  write_button(html, "Open");
  html.close();
  return page.take();
}

std::string choose_screen(const std::vector<sandbox::SignIn>& users, const Fields& link) {
  Page page{{}, "Quick create stack: whose administrator are you?"};
  Html& html = page.html();
  html.element("p", "In AWS you would be signed in to one account by now.");
  html.open("form", {{"method", "get"}, {"action", "/console/quickcreate"}});
  for (const auto& [name, value] : link) write_hidden(html, name, value);
  html.open("fieldset").element("legend", "Account");
  for (const sandbox::SignIn& user : users) {
    const std::string name = name_of(user);
    html.open("div", {{"class", "tick"}});
    html.lone("input",
              {{"type", "radio"}, {"id", "as-" + name}, {"name", "as"}, {"value", name}, {"required", ""}});
    html.element("label", title_of(user), {{"for", "as-" + name}}).close();
  }
  html.close();
  write_button(html, "Continue");
  html.close();
  return page.take();
}

std::string quick_create_screen(const Place& place, const QuickCreate& asked, std::string_view problem) {
  Page page{place, "Quick create stack"};
  Html& html = page.html();
  write_problem(html, problem);
  html.element("h2", "Template");
  write_definitions(html, {{"Template URL", asked.template_url}, {"Stack description", asked.description}});
  write_policy(html, "View template", asked.template_text);
  html.open("form", {{"method", "post"}, {"action", "/console/quickcreate"}});
  write_hidden(html, "as", name_of(*place.user));
  write_hidden(html, "region", place.region);
  write_hidden(html, "templateURL", asked.template_url);
  html.element("h2", "Stack");
  write_field(html, "stackName", "Stack name", asked.stack_name,
              "A letter, then letters, digits and hyphens.");
  write_parameters(html, asked.parameters);
  write_capability(html, asked.capability, asked.acknowledged);
  write_button(html, "Create stack");
  html.close();
  return page.take();
}

std::string stacks_screen(const Place& place, const std::vector<StackRow>& stacks) {
  Page page{place, "Stacks"};
  Html& html = page.html();
  begin_table(html, "Stacks", {"Name", "Status", "Created"});
  for (const StackRow& stack : stacks) {
    html.open("tr").open("td");
    html.element("a", stack.name,
                 {{"href", in_region(place, "stacks/" + aws::uri_encode(stack.name, false))}});
    html.close().element("td", stack.status).element("td", stack.created_at).close();
  }
  end_table(html);
  if (stacks.empty()) html.element("p", "There is none in this Region. A launch link makes one.");
  return page.take();
}

std::string stack_screen(const Place& place, const StackView& stack) {
  Page page{place, stack.row.name};
  Html& html = page.html();
  html.open("p", {{"class", stack.row.status.ends_with("_COMPLETE") &&
                                    stack.row.status.find("ROLLBACK") == std::string::npos
                                ? "done"
                                : "problem"},
                  {"role", "status"}});
  html.element("strong", stack.row.status);
  if (!stack.status_reason.empty()) html.text(": " + stack.status_reason);
  html.close();
  if (!stack.description.empty()) html.element("p", stack.description);
  html.element("h2", "Outputs");
  for (const Parameter& output : stack.outputs) {
    html.element("h3", output.name);
    if (!output.description.empty()) html.element("p", output.description, {{"class", "hint"}});
    write_copyable(html, "output-" + output.name, output.value);
  }
  if (stack.outputs.empty()) html.element("p", "None.");
  html.element("h2", "Parameters");
  write_definitions(html, stack.parameters);
  html.element("h2", "Events");
  begin_table(html, "Events", {"Time", "Resource", "Status", "Reason"});
  for (const auto& event : stack.events) {
    html.open("tr").element("td", event.at).element("td", event.logical_id);
    html.element("td", event.status).element("td", event.reason).close();
  }
  end_table(html);
  const std::string stack_place = "stacks/" + aws::uri_encode(stack.row.name, false);
  html.open("p", {{"class", "acts"}});
  html.element("a", "Update stack", {{"href", in_region(place, stack_place + "/update")}}).close();
  html.open("form", {{"method", "post"}, {"action", place_of(*place.user, stack_place + "/delete")}});
  write_hidden(html, "region", place.region);
  write_button(html, "Delete stack", "danger");
  html.close();
  return page.take();
}

std::string new_template_screen(const Place& place, const StackUpdate& asked, std::string_view problem) {
  Page page{place, fmt::format("Update {}: replace the template", asked.stack_name)};
  Html& html = page.html();
  write_problem(html, problem);
  html.element("p", "The template that the stack has now stays as it is until the update is submitted.");
  html.open(
      "form",
      {{"method", "post"},
       {"action", place_of(*place.user, "stacks/" + aws::uri_encode(asked.stack_name, false) + "/update")}});
  write_hidden(html, "region", place.region);
  html.open("div", {{"class", "field"}, {"data-file-for", "template"}, {"hidden", ""}});
  html.element("label", "Template file", {{"for", "file"}});
  html.lone("input", {{"type", "file"}, {"id", "file"}, {"accept", ".yaml,.yml,.json,.template"}}).close();
  write_text_area(html, "template", "Template", asked.template_text, "18");
  write_button(html, "Next");
  html.close();
  return page.take();
}

std::string update_screen(const Place& place, const StackUpdate& asked, std::string_view problem) {
  Page page{place, "Update " + asked.stack_name};
  Html& html = page.html();
  write_problem(html, problem);
  write_policy(html, "View template", asked.template_text);
  html.open(
      "form",
      {{"method", "post"},
       {"action", place_of(*place.user, "stacks/" + aws::uri_encode(asked.stack_name, false) + "/update")}});
  write_hidden(html, "region", place.region);
  write_hidden(html, "template", asked.template_text);
  write_hidden(html, "submit", "yes");
  write_parameters(html, asked.parameters);
  write_capability(html, asked.capability, asked.acknowledged);
  write_button(html, "Submit");
  html.close();
  return page.take();
}

std::string roles_screen(const Place& place, const Fields& roles, std::string_view problem) {
  Page page{place, "Roles"};
  Html& html = page.html();
  write_problem(html, problem);
  begin_table(html, "Roles", {"Name", "ARN"});
  for (const auto& [name, arn] : roles) {
    html.open("tr").open("td");
    html.element("a", name, {{"href", in_region(place, "roles/" + aws::uri_encode(name, false))}});
    html.close().element("td", arn).close();
  }
  end_table(html);
  html.element("h2", "Create a role by hand");
  html.open("form", {{"method", "post"}, {"action", place_of(*place.user, "roles")}});
  write_hidden(html, "region", place.region);
  write_field(html, "name", "Role name", "");
  write_text_area(html, "trust", "Trust policy", "", "12");
  write_button(html, "Create role");
  html.close();
  return page.take();
}

std::string role_screen(const Place& place, const RoleView& role, std::string_view problem,
                        std::string_view done) {
  Page page{place, role.name};
  Html& html = page.html();
  write_problem(html, problem);
  write_done(html, done);
  html.element("h2", "ARN");
  write_copyable(html, "arn", role.arn);
  html.element("h2", "Trust policy");
  html.open("form", {{"method", "post"},
                     {"action", place_of(*place.user, "roles/" + aws::uri_encode(role.name, false))}});
  write_hidden(html, "region", place.region);
  write_text_area(html, "trust", "Who may assume the role, and when", role.trust_policy, "22");
  write_button(html, "Update policy");
  html.close();
  html.element("h2", "Permissions");
  for (const auto& [name, document] : role.policies) write_policy(html, name, document);
  if (role.policies.empty()) html.element("p", "None.");
  return page.take();
}

std::string problem_screen(const Place& place, std::string_view title, std::string_view text) {
  Page page{place, title};
  write_problem(page.html(), text);
  page.html().open("p").element("a", "Be somebody else", {{"href", "/console/"}}).close();
  return page.take();
}

}  // namespace deputy::console
