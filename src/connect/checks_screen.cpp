#include "connect/permissions.hpp"
#include "connect/screen_parts.hpp"
#include "connect/screen_views.hpp"
#include "connect/texts.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string>

// Step 4.
namespace deputy::connect {
namespace {

// What the run that is shown amounts to: the key of its heading, and of its note.
struct Summary {
  std::string_view heading;
  std::string note;
  std::string_view look;
};

bool has_awaited(const ChecksView& view, std::string_view check) {
  const auto found = std::ranges::find(view.checks, check, &CheckView::name);
  return found != view.checks.end() && found->state == CheckState::awaited;
}

// The run passed, and the role is used or will be; but the rotation that it was asked for has not come on.
std::string_view awaited(const ChecksView& view) {
  using registry::ConnectionState;
  if (view.running || view.outcome != registry::VerificationOutcome::passed) return {};
  if (view.state != ConnectionState::active && view.state != ConnectionState::in_review) return {};
  if (has_awaited(view, "next_external_id_works")) return "next_awaited";
  if (has_awaited(view, "previous_external_id_denied")) return "previous_awaited";
  return {};
}

Summary summary_of(const ChecksView& view) {
  using registry::ConnectionState;
  using registry::VerificationOutcome;
  if (view.waiting_for_aws) return {"waiting", "waiting", "running"};
  if (view.running || !view.outcome) return {"running", "running", "running"};
  if (const auto awaits = awaited(view); !awaits.empty()) {
    const bool unused = view.state == ConnectionState::in_review;
    return {awaits, fmt::format("{}{}", awaits, unused ? "_in_review" : ""), "inconclusive"};
  }
  switch (*view.outcome) {
    case VerificationOutcome::passed:
      if (view.state == ConnectionState::in_review) return {"passed", "in_review", "passed"};
      return {"passed", view.proof == registry::Proof::proved ? "proved" : "probed", "passed"};
    case VerificationOutcome::failed:
      return {"failed", "failed", "failed"};
    case VerificationOutcome::inconclusive:
      break;
  }
  return {"inconclusive", "inconclusive", "inconclusive"};
}

}  // namespace

std::string_view headline(const ChecksView& view) {
  return text(fmt::format("checks.{}.heading", summary_of(view).heading));
}

void put(Slots& slots, const ChecksView& view) {
  put_frame(slots, view.frame, Step::checks);
  const Summary summary = summary_of(view);
  slots.put("HEADLINE", headline(view));
  slots.put("SUMMARY_KIND", summary.look);
  slots.put("SUMMARY_ICON", summary.look);
  slots.show_text(fmt::format("checks.{}.note", summary.note));
  if (view.waiting_for_aws) slots.put_time_if("WAITING_UNTIL", view.waiting_until);
  slots.put_time_if("NEXT_ATTEMPT_AT", view.next_attempt_at);
  if (view.retire_by) slots.put_time("RETIRE_BY", *view.retire_by);
  slots.put("ROLE_ARN", view.role_arn);
  slots.put("EXTERNAL_ID", view.external_id);
  if (view.running) slots.show("RUNNING");
  slots.choose(view.watch && view.running, "WATCH", "NOT_WATCH");
  put_checks(slots, view.checks);

  if (view.trust_policy) {
    slots.put_exact("TRUST_POLICY", indented_json(*view.trust_policy));
    slots.show("WHOLE_POLICY");
    const bool both = view.rotation && view.rotation != registry::RotationState::retiring;
    slots.show_text(both ? "checks.whole.both.note" : "checks.whole.one.note");
  }

  const bool awaits = !awaited(view).empty();
  const bool passed = view.outcome == registry::VerificationOutcome::passed && !view.running && !awaits;
  if (passed) slots.choose(view.rotation.has_value(), "GO_ON_ROTATING", "GO_ON");
  if (awaits) slots.show("TO_ROTATION");
  if (!passed && !view.running && view.state != registry::ConnectionState::disconnected) {
    slots.show("CAN_CHECK");
    slots.choose(view.again_from.has_value(), "LATER", "NOW");
    if (view.again_from) slots.put_time("AGAIN_FROM", *view.again_from);
  }
}

}  // namespace deputy::connect
