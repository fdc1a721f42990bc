#pragma once

#include "connect/assets.hpp"
#include "connect/brand.hpp"
#include "connect/views.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace deputy::connect {

// The policy that every page and asset of the connect page is served with: only what this very server sends
// is loaded, nothing inline runs, nobody frames it.
inline constexpr std::string_view content_security_policy =
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

// Turns what a screen shows into its HTML: whole documents, complete without JavaScript. Whatever a view
// carries is cleaned (display_text.hpp) and escaped for the place where it stands. Pure and thread-safe after
// construction.
class Screens {
 public:
  explicit Screens(Brand brand);
  ~Screens();
  Screens(const Screens&) = delete;
  Screens& operator=(const Screens&) = delete;

  // Style sheet, script, logo: what the pages refer to.
  const Assets& assets() const;

  std::string render(const AskView& view) const;
  std::string render(const CreateView& view) const;
  std::string render(const RoleView& view) const;
  std::string render(const ChecksView& view) const;
  std::string render(const ConnectedView& view) const;
  std::string render(const RotateView& view) const;
  std::string render(const UpdateView& view) const;
  std::string render(const DisconnectView& view) const;
  std::string render(const DisconnectedView& view) const;
  std::string render(const TroubleView& view) const;

 private:
  class Pages;
  std::unique_ptr<const Pages> pages_;
};

// The status that a trouble is answered with.
int status_of(Trouble trouble);

}  // namespace deputy::connect
