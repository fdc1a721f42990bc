#include "app/demo/narrator.hpp"

#include <cstdio>
#include <fmt/format.h>

namespace deputy::app {
namespace {

constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view dim = "\x1b[2m";
constexpr std::string_view green = "\x1b[32m";
constexpr std::string_view yellow = "\x1b[33m";
constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view none = "";

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

void Narrator::line(std::string_view style, std::string_view mark, std::string_view text) {
  if (colour_ && !style.empty()) {
    print(fmt::format("   {}{} {}\x1b[0m\n", style, mark, text));
  } else {
    print(fmt::format("   {} {}\n", mark, text));
  }
}

void Narrator::title(std::string_view text) {
  print(colour_ ? fmt::format("{}{}\x1b[0m\n", bold, text) : fmt::format("{}\n", text));
}

void Narrator::chapter(std::string_view text) {
  const std::string head = fmt::format("{:>2}. {}", ++chapters_, text);
  print(colour_ ? fmt::format("\n{}{}\x1b[0m\n", bold, head) : fmt::format("\n{}\n", head));
}

void Narrator::asked(std::string_view who, std::string_view what) {
  line(dim, "→", fmt::format("{}: {}", who, what));
}
void Narrator::came_back(std::string_view what) {
  line(green, "←", what);
}
void Narrator::refused(std::string_view what) {
  line(yellow, "←", what);
}
void Narrator::meaning(std::string_view text) {
  line(none, " ", text);
}
void Narrator::went_wrong(std::string_view what) {
  line(red, "✗", what);
}
void Narrator::plain(std::string_view text) {
  print(fmt::format("{}\n", text));
}

}  // namespace deputy::app
