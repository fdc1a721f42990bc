#include "connect/screen_parts.hpp"
#include "connect/screen_views.hpp"

#include <fmt/format.h>

// Steps 1 to 3.
namespace deputy::connect {
namespace {

void put_account(Slots& slots, const std::optional<std::string>& account) {
  slots.put("ACCOUNT", account.value_or(""));
  slots.choose(account.has_value(), "HAS_ACCOUNT", "NO_ACCOUNT");
}

}  // namespace

void put(Slots& slots, const AskView& view) {
  put_frame(slots, view.frame, Step::ask);
  // How a note looks is not in what the first screen loads as a rule.
  if (view.frame.notice || view.frame.newer_version) slots.show("FURTHER");
  put_ask(slots, view.ask);
  put_account(slots, view.ask.account);
}

void put(Slots& slots, const CreateView& view) {
  put_frame(slots, view.frame, Step::create);
  slots.put("EXTERNAL_ID", view.external_id);
  put_account(slots, view.account);
  put_ways(slots, view.way, view.launch_url && slots.put_link("LAUNCH_URL", *view.launch_url));
  if (slots.put_link("CONSOLE_URL", view.console_url)) slots.show("HAS_CONSOLE");
  slots.put("STACK_NAME", view.stack_name);
  slots.put("FILE_NAME", view.file_name);
  slots.put_exact("FILE_TEXT", view.file_text);
  slots.put_exact("TERRAFORM_COMMANDS", "terraform init\nterraform apply\n");
  slots.put_exact("CLI_COMMANDS", fmt::format("sh {}\n", view.file_name));
  slots.choose(view.named_role, "NAMED_ROLE", "UNNAMED_ROLE");
  if (view.role_already_given) slots.show("ALREADY");
}

void put(Slots& slots, const RoleView& view) {
  put_frame(slots, view.frame, Step::role);
  slots.put("ENTERED", view.entered);
  if (view.error) {
    slots.put_message("ERROR", *view.error);
    slots.show("WRONG");
  }
  slots.put("EXAMPLE_ACCOUNT", view.account.value_or("111122223333"));
  slots.put("EXAMPLE_ROLE", view.fixed_role_name.value_or("NAME"));
  slots.choose(view.fixed_role_name.has_value(), "LOOKUP", "PASTE_ONLY");
  slots.put("FIXED_ROLE", view.fixed_role_name.value_or(""));
  slots.put("ENTERED_ACCOUNT",
            view.entered_account.empty() ? view.account.value_or("") : view.entered_account);
  if (view.account_error) {
    slots.put_message("ACCOUNT_ERROR", *view.account_error);
    slots.show("ACCOUNT_WRONG");
  }
}

}  // namespace deputy::connect
