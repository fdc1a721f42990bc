#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deputy {

// Writes HTML. What is given as text or as an attribute's value is escaped; there is no way around it.
class Html {
 public:
  using Attributes = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  Html& open(std::string_view element, Attributes attributes = {});
  Html& close();
  Html& text(std::string_view text);
  // An element with a text in it.
  Html& element(std::string_view element, std::string_view text, Attributes attributes = {});
  // One that has no end: `input`, `meta`.
  Html& lone(std::string_view element, Attributes attributes);
  // REQUIRES: every element is closed.
  std::string take();

 private:
  void begin(std::string_view element, Attributes attributes);
  std::string text_;
  std::vector<std::string> open_;
};

// A table that a keyboard can scroll sideways, named for screen readers; rows come between the two.
void begin_table(Html& html, std::string_view label, std::initializer_list<std::string_view> columns);
void end_table(Html& html);

}  // namespace deputy
