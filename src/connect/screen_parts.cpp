#include "connect/screen_parts.hpp"

#include "connect/display_text.hpp"
#include "connect/permissions.hpp"
#include "connect/texts.hpp"

#include <array>
#include <fmt/format.h>

#include "core/identifiers.hpp"

namespace deputy::connect {
namespace {

// More of them than anybody reads at a glance: the exact policy, beside, has them all.
constexpr std::size_t names_shown_max = 12;

void put_names(Slots& row, std::string_view part, std::string_view more,
               const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size() && i < names_shown_max; ++i)
    row.add(part).put("NAME", one_line(names[i], shown_max));
  if (names.size() <= names_shown_max) return;
  row.add(more).put("MORE", filled("ask.more", {{"count", std::to_string(names.size() - names_shown_max)}}));
}

std::string_view effect_key(const Permission& permission) {
  if (permission.denies) return permission.all_actions_but ? "ask.may_not_all_but" : "ask.may_not";
  return permission.all_actions_but ? "ask.may_all_but" : "ask.may";
}

std::string_view key_of(CheckState state) {
  switch (state) {
    case CheckState::waiting:
      return "waiting";
    case CheckState::running:
      return "running";
    case CheckState::passed:
      return "passed";
    case CheckState::failed:
      return "failed";
    case CheckState::inconclusive:
      return "inconclusive";
    case CheckState::skipped:
      return "skipped";
    case CheckState::awaited:
      return "awaited";
  }
  return "inconclusive";
}

void put_check(Slots& row, const CheckView& check) {
  const std::string_view state = key_of(check.state);
  const std::string key = "check." + check.name;
  const std::string_view title = text_or_nothing(key);
  row.put("CHECK_NAME", check.name);
  row.put("STATE", check.state == CheckState::awaited ? key_of(CheckState::inconclusive) : state);
  row.put("STATE_TEXT", text(fmt::format("check.state.{}", state)));
  row.put("CHECK_TITLE", title.empty() ? std::string_view{check.name} : title);
  row.put("CHECK_PROVES", text_or_nothing(key + ".proves"));
  const bool says_more =
      check.state != CheckState::passed || check.name == "trust_policy" || check.name == "permissions";
  if (!check.message.empty() && says_more) {
    row.put_message("MESSAGE", check.message);
    row.show("HAS_MESSAGE");
  }
  if (check.mend) {
    row.put_exact("MEND", *check.mend);
    row.show("HAS_MEND");
  }
  if (check.aws_error_code && !check.aws_error_code->empty()) {
    row.put("AWS_CODE", *check.aws_error_code);
    row.show("HAS_CODE");
  }
  if (check.aws_request_id && !check.aws_request_id->empty()) {
    row.put("AWS_REQUEST", *check.aws_request_id);
    row.show("HAS_REQUEST");
  }
  if (check.at && (check.state == CheckState::failed || check.state == CheckState::inconclusive)) {
    row.put_time("AT", *check.at);
    row.show("HAS_TIME");
    row.show("HAS_EVIDENCE");
  }
}

}  // namespace

std::string_view key_of(Step step) {
  constexpr std::array<std::string_view, 5> keys{"ask", "create", "role", "checks", "connected"};
  return keys.at(static_cast<std::size_t>(step));
}

std::string_view key_of(Way way) {
  constexpr std::array<std::string_view, 3> keys{"cloudformation", "terraform", "aws-cli"};
  return keys.at(static_cast<std::size_t>(way));
}

std::string_view look_of(registry::ConnectionState state) {
  using enum registry::ConnectionState;
  switch (state) {
    case active:
      return "passed";
    case rejected:
    case suspended:
      return "failed";
    case in_review:
    case verifying:
      return "running";
    case awaiting_role:
      return "waiting";
    case disconnected:
      return "skipped";
  }
  return "inconclusive";
}

std::string_view look_of(registry::VerificationOutcome outcome) {
  return registry::to_text(outcome);  // the same three words
}

void put_frame(Slots& slots, const Frame& frame, std::optional<Step> at) {
  slots.put_segment("SESSION", frame.session);
  slots.put("CSRF", frame.csrf);
  slots.put("SHOWN", frame.connection);
  slots.put_long("TENANT", frame.tenant);
  slots.put("TENANT_ID", frame.tenant_id);
  slots.put("INTEGRATION", one_line(frame.integration, shown_max));
  slots.put_time("EXPIRES_AT", frame.expires_at);
  if (frame.return_url && slots.put_link("RETURN_URL", *frame.return_url)) slots.show("RETURN");
  if (frame.newer_version) slots.show("NEWER");
  if (frame.notice) {
    slots.put_message("NOTICE", *frame.notice);
    slots.show("HAS_NOTICE");
  }
  if (!at) return;
  Slots stepper = slots.add("STEPPER");
  for (int i = 0; i <= static_cast<int>(Step::connected); ++i) {
    const auto step = static_cast<Step>(i);
    Slots row = stepper.add("STEP");
    row.put("STEP_NUMBER", i + 1);
    row.put("STEP_PATH", key_of(step));
    row.put("STEP_NAME", text(fmt::format("step.{}", key_of(step))));
    const bool current = step == *at, reachable = step <= frame.reachable;
    // Before a role was given, what is open ahead is not done yet.
    const bool done = step < frame.reachable && (step < *at || frame.reachable > Step::role);
    row.put("STEP_STATE", current ? "current" : done ? "done" : reachable ? "open" : "later");
    if (done && !current) row.show("STEP_DONE");
    row.choose(reachable && !current, "STEP_LINK", "STEP_PLAIN");
    if (current) row.show("STEP_CURRENT");
  }
}

void put_permissions(Slots& slots, const std::vector<Permission>& permissions) {
  for (const auto& permission : permissions) {
    Slots row = slots.add("PERMISSION");
    if (permission.reason) row.put_long("REASON", *permission.reason);
    row.choose(permission.reason.has_value(), "HAS_REASON", "NO_REASON");
    row.put("EFFECT", text(effect_key(permission)));
    put_names(row, "ACTION", "MORE_ACTIONS", permission.actions);
    row.put("ON", text(permission.all_resources_but ? "ask.on_all_but" : "ask.on"));
    const bool any = !permission.all_resources_but && permission.resources == std::vector<std::string>{"*"};
    if (any)
      row.show("ANY_RESOURCE");
    else
      put_names(row, "RESOURCE", "MORE_RESOURCES", permission.resources);
    if (permission.conditional) row.show("CONDITIONAL");
  }
}

void put_ask(Slots& slots, const Ask& ask) {
  slots.put("PARTNER_PRINCIPAL", ask.partner_principal);
  slots.put("PARTNER_ACCOUNT", ask.partner_account);
  slots.put("SESSION_MAX", duration_text(ask.session_max));
  slots.put_exact("POLICY", indented_json(ask.policy));
  slots.put_exact("TRUST_POLICY", indented_json(ask.trust_policy));
  put_permissions(slots, ask.permissions);
  if (ask.reads_itself) slots.show("READS_ITSELF");
}

void put_checks(Slots& slots, const std::vector<CheckView>& checks) {
  for (const auto& check : checks) {
    Slots row = slots.add("CHECK");
    put_check(row, check);
  }
}

void put_ways(Slots& slots, Way chosen, bool launch) {
  for (const Way way : {Way::cloudformation, Way::terraform, Way::aws_cli}) {
    Slots row = slots.add("WAY");
    const std::string key = fmt::format("way.{}", key_of(way));
    row.put("WAY_KEY", key_of(way));
    row.put("WAY_NAME", text(key));
    row.put("WAY_NOTE", text(key + ".note"));
    if (way == chosen) row.show("WAY_CHOSEN");
  }
  slots.put("CHOSEN_WAY", key_of(chosen));
  switch (chosen) {
    case Way::cloudformation:
      slots.choose(launch, "BY_LAUNCH", "BY_UPLOAD");
      return;
    case Way::terraform:
      slots.show("BY_TERRAFORM");
      return;
    case Way::aws_cli:
      slots.show("BY_CLI");
      return;
  }
}

void put_role(Slots& slots, const std::optional<std::string>& role_arn) {
  if (!role_arn) return;
  slots.put("ROLE_ARN", *role_arn);
  slots.show("HAS_ROLE");
  const auto role = RoleArn::parse(*role_arn);
  if (!role) return;
  slots.put("ROLE_NAME", role.value().name());
  slots.show("HAS_ROLE_NAME");
}

}  // namespace deputy::connect
