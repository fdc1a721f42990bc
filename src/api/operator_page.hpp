#pragma once

#include "html/html.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace deputy::api {

// A page for the operator and for developers: head, way around, `content` to be written by the caller.
class OperatorPage {
 public:
  explicit OperatorPage(std::string_view title);
  Html& html() { return html_; }
  std::string take();

 private:
  Html html_;
};

struct Standing {
  std::string_view version;
  std::optional<std::string> trouble;  // why the service is not ready
};
// The page at `/`: what this is, how it fares, where to go on. Tells of no tenant.
std::string front_page(const Standing& standing);

// The policy that these pages are served with: nothing but their own style sheet and icon is loaded, nothing
// runs, is sent or framed.
inline constexpr std::string_view page_security_policy =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

// What the pages refer to, by its name below /docs/.
struct PageAsset {
  std::string_view content_type;
  std::string_view body;
};
std::optional<PageAsset> page_asset(std::string_view name);

}  // namespace deputy::api
