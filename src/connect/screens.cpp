#include "connect/screens.hpp"

#include "connect/display_text.hpp"
#include "connect/page_source.hpp"
#include "connect/screen_parts.hpp"
#include "connect/screen_views.hpp"
#include "connect/slots.hpp"
#include "connect/texts.hpp"

#include <ctemplate/template.h>
#include <fmt/format.h>
#include <functional>

#include "core/assert.hpp"

namespace deputy::connect {
namespace {

constexpr std::string_view pages[] = {"ask",    "create", "role",       "checks",       "connected",
                                      "rotate", "update", "disconnect", "disconnected", "trouble"};

constexpr std::string_view first_page = "ask";

ctemplate::TemplateString view(std::string_view text) {
  return {text.data(), text.size()};
}

std::string_view key_of(Trouble trouble) {
  switch (trouble) {
    case Trouble::link_invalid:
      return "link_invalid";
    case Trouble::session_expired:
      return "session_expired";
    case Trouble::session_ended:
      return "session_ended";
    case Trouble::not_found:
      return "not_found";
    case Trouble::form_stale:
      return "form_stale";
    case Trouble::too_many_requests:
      return "too_many_requests";
    case Trouble::unavailable:
      return "unavailable";
    case Trouble::internal:
      break;
  }
  return "internal";
}

}  // namespace

// The parsed templates, frozen: expanding is const and safe from any thread.
class Screens::Pages {
 public:
  explicit Pages(Brand brand) : brand_(std::move(brand)), assets_(brand_) {
    for (const std::string_view page : pages) {
      const std::string source = page_source(page);
      const bool well_formed =
          cache_.StringToTemplateCache(view(page), view(source), ctemplate::STRIP_BLANK_LINES);
      DEPUTY_ASSERT(well_formed);
    }
    cache_.Freeze();
  }

  const Assets& assets() const { return assets_; }

  using Fill = std::function<void(Slots&)>;
  std::string expand(std::string_view page, std::string_view title, const Fill& fill) const {
    ctemplate::TemplateDictionary dictionary{view(page)};
    Slots slots{dictionary};
    slots.put("TITLE", title);
    put_brand(slots);
    if (page != first_page) slots.show("FURTHER");
    fill(slots);
    std::string out;
    const bool complete =
        cache_.ExpandNoLoad(view(page), ctemplate::STRIP_BLANK_LINES, &dictionary, nullptr, &out);
    DEPUTY_ASSERT(complete);
    return out;
  }

 private:
  void put_brand(Slots& slots) const {
    slots.put("BRAND", one_line(brand_.name, shown_max));
    slots.put("STYLE_URL", assets_.style().path);
    slots.put("FURTHER_URL", assets_.further_style().path);
    slots.put("BRAND_STYLE_URL", assets_.brand_style().path);
    slots.put("SCRIPT_URL", assets_.script().path);
    slots.put("MARK_URL", assets_.mark().path);
    const Asset* logo = assets_.logo();
    if (logo != nullptr) slots.put("LOGO_URL", logo->path);
    slots.choose(logo != nullptr, "HAS_LOGO", "NO_LOGO");
  }

  Brand brand_;
  Assets assets_;
  ctemplate::TemplateCache cache_;
};

Screens::Screens(Brand brand) : pages_(std::make_unique<const Pages>(std::move(brand))) {}
Screens::~Screens() = default;

const Assets& Screens::assets() const {
  return pages_->assets();
}

std::string Screens::render(const AskView& view) const {
  return pages_->expand("ask", text("ask.title"), [&](Slots& slots) { put(slots, view); });
}
std::string Screens::render(const CreateView& view) const {
  return pages_->expand("create", text("create.title"), [&](Slots& slots) { put(slots, view); });
}
std::string Screens::render(const RoleView& view) const {
  const bool wrong = view.error || view.account_error;
  const std::string title = wrong ? fmt::format("{} {}", text("error.prefix"), text("role.title"))
                                  : std::string{text("role.title")};
  return pages_->expand("role", title, [&](Slots& slots) { put(slots, view); });
}
std::string Screens::render(const ChecksView& view) const {
  return pages_->expand("checks", headline(view), [&](Slots& slots) { put(slots, view); });
}
std::string Screens::render(const ConnectedView& view) const {
  return pages_->expand("connected", text("connected.title"), [&](Slots& slots) { put(slots, view); });
}
std::string Screens::render(const RotateView& view) const {
  return pages_->expand("rotate", text("rotate.title"), [&](Slots& slots) { put(slots, view); });
}
std::string Screens::render(const UpdateView& view) const {
  return pages_->expand("update", text("update.title"), [&](Slots& slots) { put(slots, view); });
}
std::string Screens::render(const DisconnectView& view) const {
  return pages_->expand("disconnect", text("disconnect.title"), [&](Slots& slots) { put(slots, view); });
}
std::string Screens::render(const DisconnectedView& view) const {
  return pages_->expand("disconnected", text("disconnected.title"), [&](Slots& slots) { put(slots, view); });
}

std::string Screens::render(const TroubleView& view) const {
  const std::string key = fmt::format("trouble.{}", key_of(view.trouble));
  return pages_->expand("trouble", text(key + ".title"), [&](Slots& slots) {
    slots.show_text(key + ".text");
    if (view.retry_after) slots.put("RETRY_AFTER", duration_text(*view.retry_after));
    slots.show_text(view.retry_after ? "trouble.retry.next" : key + ".next");
    slots.put_segment("SESSION", view.session.value_or(""));
    if (view.session) slots.show("HAS_SESSION");
    slots.put("REQUEST_ID", view.request_id);
    if (!view.request_id.empty()) slots.show("HAS_REQUEST_ID");
  });
}

int status_of(Trouble trouble) {
  switch (trouble) {
    case Trouble::link_invalid:
    case Trouble::not_found:
      return 404;
    case Trouble::session_expired:
    case Trouble::session_ended:
      return 410;
    case Trouble::form_stale:
      return 403;
    case Trouble::too_many_requests:
      return 429;
    case Trouble::unavailable:
      return 503;
    case Trouble::internal:
      break;
  }
  return 500;
}

}  // namespace deputy::connect
