#include "connect/permissions.hpp"
#include "connect/screen_parts.hpp"
#include "connect/screen_views.hpp"
#include "connect/texts.hpp"

#include <fmt/format.h>

// Rotating, updating, asking whether to disconnect.
namespace deputy::connect {

void put(Slots& slots, const RotateView& view) {
  using registry::RotationState;
  put_frame(slots, view.frame, std::nullopt);
  const std::string_view state = view.rotation ? registry::to_text(*view.rotation) : "none";
  slots.put("STATE_TEXT", text(fmt::format("rotate.state.{}", state)));
  slots.put("STATE_KIND", view.rotation == RotationState::verified ? "passed"
                          : view.rotation                          ? "running"
                                                                   : "waiting");
  slots.put("EXTERNAL_ID", view.external_id);
  if (view.next_external_id) {
    slots.put("NEXT_ID", *view.next_external_id);
    slots.show("HAS_NEXT_ID");
  }
  if (view.previous_external_id) {
    slots.put("PREVIOUS_ID", *view.previous_external_id);
    slots.show("HAS_PREVIOUS_ID");
  }
  slots.put_time_if("RETIRE_BY", view.retire_by);
  slots.put_exact("TRUST_POLICY", indented_json(view.trust_policy));
  put_role(slots, view.role_arn);
  if (!view.rotation) {
    slots.show("NONE");
    return;
  }
  slots.show(*view.rotation == RotationState::awaiting_customer ? "AWAITING"
             : *view.rotation == RotationState::verified        ? "VERIFIED"
                                                                : "RETIRING");
  if (*view.rotation != RotationState::retiring) slots.show("CANCELLABLE");
}

void put(Slots& slots, const UpdateView& view) {
  put_frame(slots, view.frame, std::nullopt);
  slots.put("VERSION_NOW", view.version_now);
  slots.put("VERSION_NEW", view.version_new);
  for (const auto& line : view.difference) {
    Slots row = slots.add("LINE");
    const std::string_view change = line.change == LineChange::added     ? "added"
                                    : line.change == LineChange::removed ? "removed"
                                                                         : "same";
    row.put("CHANGE", change);
    row.put("CHANGE_WORD", text(fmt::format("update.line.{}", change)));
    row.put_exact("LINE_TEXT", line.text);
  }
  put_permissions(slots, view.permissions);
  put_ways(slots, view.way, false);
  slots.put("FILE_NAME", view.file_name);
  slots.put_exact("FILE_TEXT", view.file_text);
  slots.choose(view.named_role, "NAMED_ROLE", "UNNAMED_ROLE");
  put_role(slots, view.role_arn);
}

void put(Slots& slots, const DisconnectView& view) {
  put_frame(slots, view.frame, std::nullopt);
  slots.put_if("ACCOUNT", view.account);
  put_role(slots, view.role_arn);
  if (view.error) {
    slots.put_message("ERROR", *view.error);
    slots.show("WRONG");
  }
}

}  // namespace deputy::connect
