#pragma once

#include "html/html.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/sandbox.hpp"

// What the screens show, and the screens. Values in, HTML out.
namespace deputy::console {

using Fields = std::vector<std::pair<std::string, std::string>>;

inline constexpr std::string_view address = "/console";

// `222222222222.administrator`
std::string name_of(const sandbox::SignIn& user);
// `Acme (222222222222), administrator`
std::string title_of(const sandbox::SignIn& user);
// `/console/as/222222222222.administrator/stacks`
std::string place_of(const sandbox::SignIn& user, std::string_view rest);

// Who looks and where: what every page of an account has at its head.
struct Place {
  const sandbox::SignIn* user = nullptr;  // nullptr: nobody yet
  std::string region;
};

struct Parameter {
  std::string name, value, description;
  std::vector<std::string> allowed_values;
};
struct QuickCreate {
  std::string template_url, stack_name, description, template_text, capability;
  std::vector<Parameter> parameters;
  bool acknowledged = false;
};
// A template that was pasted, to replace a stack's.
struct StackUpdate {
  std::string stack_name, template_text, capability;
  std::vector<Parameter> parameters;
  bool acknowledged = false;
};
struct StackRow {
  std::string name, status, created_at;
};
struct StackView {
  StackRow row;
  std::string status_reason, description;
  std::vector<Parameter> outputs;
  Fields parameters;
  struct Event {
    std::string at, logical_id, status, reason;
  };
  std::vector<Event> events;
};
struct RoleView {
  std::string name, arn, trust_policy;
  std::vector<std::pair<std::string, std::string>> policies;  // name and document
};

std::string sign_in_screen(const std::vector<sandbox::SignIn>& users);
// The page that a launch link opens: its fragment is moved into the query, or pasted.
std::string link_screen();
// Whose administrator is to create the stack? `link` is everything that the link said.
std::string choose_screen(const std::vector<sandbox::SignIn>& users, const Fields& link);
std::string quick_create_screen(const Place& place, const QuickCreate& asked, std::string_view problem);
std::string stacks_screen(const Place& place, const std::vector<StackRow>& stacks);
std::string stack_screen(const Place& place, const StackView& stack);
// Where the new template is given, and then its parameters: two steps, as in AWS.
std::string new_template_screen(const Place& place, const StackUpdate& asked, std::string_view problem);
std::string update_screen(const Place& place, const StackUpdate& asked, std::string_view problem);
std::string roles_screen(const Place& place, const std::vector<std::pair<std::string, std::string>>& roles,
                         std::string_view problem = {});
std::string role_screen(const Place& place, const RoleView& role, std::string_view problem,
                        std::string_view done);
// What went wrong, in AWS's words or ours.
std::string problem_screen(const Place& place, std::string_view title, std::string_view text);

}  // namespace deputy::console
