#pragma once

#include "connect/screens.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

// Every screen of the connect page in every state that looks different, filled with values as they are or
// with hostile ones, for tests and for people who want to look.
namespace deputy::connect::samples {

// What stands where a fine value would. `people` are texts that somebody writes freely; `identifiers` are
// values that a type of Deputy's or AWS's form guards.
struct Fill {
  std::function<std::string(std::string_view)> people = [](std::string_view fine) {
    return std::string{fine};
  };
  std::function<std::string(std::string_view)> identifiers = [](std::string_view fine) {
    return std::string{fine};
  };
};

struct Screen {
  std::string name;  // `ask`, `checks-failed`
  std::string html;
};
std::vector<Screen> all_screens(const Screens& screens, const Fill& fill = {});
Screen first_screen(const Screens& screens, const Fill& fill = {});

Brand northwind();

}  // namespace deputy::connect::samples
