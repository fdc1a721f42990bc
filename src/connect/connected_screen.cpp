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

void put_use(Slots& uses, const ConnectedView& view, const IssuanceRow& issuance, int number) {
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

void put_uses(Slots& slots, const ConnectedView& view) {
  if (view.issuances.empty()) {
    slots.show("NO_USE");
  } else {
    Slots uses = slots.add("USES");
    int number = 0;
    for (const auto& issuance : view.issuances) put_use(uses, view, issuance, ++number);
  }
  if (view.newer_cursor || view.older_cursor) slots.show("PAGED");
  slots.put("NEWER_CURSOR", view.newer_cursor.value_or(""));
  slots.put("OLDER_CURSOR", view.older_cursor.value_or(""));
  if (view.newer_cursor) slots.show("NEWER_PAGE");
  if (view.older_cursor) slots.show("OLDER_PAGE");
  if (const auto query = query_for_role(view.role_arn.value_or(""))) {
    slots.put_exact("ALL_CALLS", *query);
    slots.show("HAS_ALL_CALLS");
  }
}

void put_others(Slots& slots, const ConnectedView& view) {
  Slots section = slots.add("OTHERS");
  for (const OtherConnection& other : view.others) {
    Slots row = section.add("OTHER");
    row.put("OTHER_ID", other.id);
    row.put("OTHER_NAME", other.account.value_or(other.id));
    row.put("OTHER_STATE", text(fmt::format("state.{}", registry::to_text(other.state))));
    row.put("OTHER_KIND", look_of(other.state));
  }
  if (view.more_others) section.show("MORE_OTHERS");
  section.choose(view.can_connect_another, "CAN_CONNECT_ANOTHER", "FINISH_FIRST");
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
  put_uses(slots, view);
  put_others(slots, view);
  if (view.state != registry::ConnectionState::disconnected) slots.show("CHANGEABLE");
}

}  // namespace deputy::connect
