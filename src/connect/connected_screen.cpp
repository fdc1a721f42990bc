#include "connect/audit_queries.hpp"
#include "connect/screen_parts.hpp"
#include "connect/screen_views.hpp"
#include "connect/texts.hpp"

#include <fmt/format.h>

// Step 5, and whatever became of the connection after it.
namespace deputy::connect {
namespace {

void put_state(Slots& slots, const ConnectedView& view) {
  using registry::ConnectionState;
  const std::string_view state = registry::to_text(view.state);
  const std::string_view headline = view.state == ConnectionState::active
                                        ? text("connected.heading")
                                        : text(fmt::format("connected.heading.{}", state));
  const std::string_view state_text = text(fmt::format("state.{}", state));
  slots.put("HEADLINE", headline);
  if (state_text != headline) slots.show("SAYS_MORE");
  slots.put("STATE_TEXT", state_text);
  slots.put("STATE_KIND", look_of(view.state));
  slots.put("STATE_ICON", look_of(view.state));
  slots.show_text(fmt::format("state.{}.note", state));
  if (view.state == ConnectionState::suspended || view.state == ConnectionState::rejected ||
      view.state == ConnectionState::verifying)
    slots.show("SEE_CHECKS");
}

void put_verification(Slots& slots, const ConnectedView& view) {
  slots.choose(view.last_verification.has_value(), "HAS_LAST", "NO_LAST");
  if (view.last_verification) {
    const auto outcome = view.last_verification->outcome;
    slots.put("LAST_KIND", look_of(outcome));
    slots.put("LAST_OUTCOME", text(fmt::format("outcome.{}", registry::to_text(outcome))));
    slots.put_time("LAST_AT", view.last_verification->finished_at);
  }
  slots.choose(view.next_verification_at.has_value(), "HAS_NEXT", "NO_NEXT");
  if (view.next_verification_at) slots.put_time("NEXT_AT", *view.next_verification_at);
  const std::string proof = fmt::format("proof.{}", registry::to_text(view.proof));
  slots.put("PROOF", text(proof));
  slots.put("PROOF_KIND", view.proof == registry::Proof::proved   ? "passed"
                          : view.proof == registry::Proof::probed ? "probed"
                                                                  : "waiting");
  slots.show_text(proof + ".note");
  put_checks(slots, view.checks);
  if (!view.checks.empty()) slots.show("HAS_CHECKS");
  if (view.role_arn) slots.show("CAN_CHECK");
  if (view.report) slots.show("REPORT");
}

void put_use(Slots& uses, const IssuanceRow& issuance, int number) {
  Slots row = uses.add("USE");
  row.put("ROW", number);
  row.put_time("ISSUED", issuance.issued_at);
  row.put_time("EXPIRES", issuance.expires_at);
  row.put("WORKLOAD", issuance.workload);
  if (issuance.reason) row.put_long("REASON", *issuance.reason);
  row.choose(issuance.reason.has_value(), "HAS_REASON", "NO_REASON");
  row.put("SESSION_NAME", issuance.session_name);
  row.put("ACCESS_KEY", issuance.access_key_id);
  if (issuance.from_cache) row.show("CACHED");
  if (const auto queries = queries_for(issuance)) {
    row.put_exact("LOOKUP", queries->command);
    row.put_exact("ATHENA", queries->athena);
    row.show("FINDABLE");
  }
}

void put_uses(Slots& slots, const Uses& uses, const std::optional<std::string>& role_arn) {
  if (uses.rows.empty()) {
    slots.show("NO_USE");
  } else {
    Slots table = slots.add("USES");
    int number = 0;
    for (const auto& issuance : uses.rows) put_use(table, issuance, ++number);
  }
  if (uses.newer_cursor || uses.older_cursor) slots.show("PAGED");
  slots.put("NEWER_CURSOR", uses.newer_cursor.value_or(""));
  slots.put("OLDER_CURSOR", uses.older_cursor.value_or(""));
  if (uses.newer_cursor) slots.show("NEWER_PAGE");
  if (uses.older_cursor) slots.show("OLDER_PAGE");
  if (const auto query = query_for_role(role_arn.value_or(""))) {
    slots.put_exact("ALL_CALLS", *query);
    slots.show("HAS_ALL_CALLS");
  }
}

void put_others(Slots& slots, const Others& others) {
  for (const OtherConnection& other : others.listed) {
    Slots row = slots.add("OTHER");
    row.put("OTHER_ID", other.id);
    row.put("OTHER_NAME", other.account.value_or(other.id));
    row.put("OTHER_STATE", text(fmt::format("state.{}", registry::to_text(other.state))));
    row.put("OTHER_KIND", look_of(other.state));
  }
  if (others.more) slots.show("MORE_OTHERS");
  slots.choose(others.can_connect_another, "CAN_CONNECT_ANOTHER", "FINISH_FIRST");
}

}  // namespace

void put(Slots& slots, const ConnectedView& view) {
  put_frame(slots, view.frame, Step::connected);
  put_state(slots, view);
  if (view.rotation) {
    slots.show("ROTATING");
    slots.show_text(fmt::format("rotate.note.{}", registry::to_text(*view.rotation)));
  }
  slots.put("CONNECTION", view.connection);
  slots.put("EXTERNAL_ID", view.external_id);
  slots.put_if("ACCOUNT", view.account);
  put_role(slots, view.role_arn);
  put_verification(slots, view);
  put_ask(slots, view.ask);
  put_uses(slots, view.uses, view.role_arn);
  put_others(slots, view.others);
  if (view.state != registry::ConnectionState::disconnected) slots.show("CHANGEABLE");
}

void put(Slots& slots, const DisconnectedView& view) {
  put_frame(slots, view.frame, std::nullopt);
  put_role(slots, view.role_arn);
  slots.put("STACK_NAME", view.stack_name);
  slots.put_time("DISCONNECTED_AT", view.disconnected_at);
  if (const auto commands = delete_commands(view.role_arn.value_or(""))) {
    slots.put_exact("DELETE_COMMANDS", *commands);
    slots.show("HAS_DELETE");
  }
  if (!view.uses.rows.empty() || view.uses.newer_cursor) slots.show("WAS_USED");
  put_uses(slots, view.uses, view.role_arn);
  put_others(slots, view.others);
}

}  // namespace deputy::connect
