#pragma once

#include "console/screens.hpp"

#include <string_view>

// What all screens are made of.
namespace deputy::console {

// A page around `content`: head, the banner that says what this is, who one is, the way around.
class Page {
 public:
  Page(const Place& place, std::string_view title);
  Html& html() { return html_; }
  std::string take();

 private:
  Html html_;
};

void write_problem(Html& html, std::string_view problem);
void write_done(Html& html, std::string_view done);
// A value to take away: selectable, with a button to copy it where scripts run.
void write_copyable(Html& html, std::string_view id, std::string_view value);
void write_field(Html& html, std::string_view name, std::string_view label, std::string_view value,
                 std::string_view hint = {});
void write_hidden(Html& html, std::string_view name, std::string_view value);
void write_button(Html& html, std::string_view text, std::string_view style = "primary");

}  // namespace deputy::console
