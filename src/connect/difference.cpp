#include "connect/difference.hpp"

#include <algorithm>
#include <cstdint>

namespace deputy::connect {
namespace {

constexpr std::size_t lines_max = 2000;
using Lines = std::vector<std::string_view>;

Lines lines_of(std::string_view text) {
  Lines out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return out;
}

// common[i][j]: how many lines the rests from i and j have in common, in order.
class Table {
 public:
  Table(const Lines& before, const Lines& after)
      : width_(after.size() + 1), common_((before.size() + 1) * width_, 0) {
    for (std::size_t i = before.size(); i-- > 0;)
      for (std::size_t j = after.size(); j-- > 0;)
        common_[i * width_ + j] = before[i] == after[j] ? static_cast<std::uint16_t>(at(i + 1, j + 1) + 1)
                                                        : std::max(at(i + 1, j), at(i, j + 1));
  }
  std::uint16_t at(std::size_t i, std::size_t j) const { return common_[i * width_ + j]; }

 private:
  std::size_t width_;
  std::vector<std::uint16_t> common_;
};

}  // namespace

std::vector<DiffLine> difference_of(std::string_view before_text, std::string_view after_text) {
  const Lines before = lines_of(before_text), after = lines_of(after_text);
  std::vector<DiffLine> out;
  const auto add = [&](LineChange change, std::string_view line) {
    out.push_back({.change = change, .text = std::string{line}});
  };
  if (before == after) {
    for (const auto line : before) add(LineChange::same, line);
    return out;
  }
  if (before.size() > lines_max || after.size() > lines_max) {
    for (const auto line : before) add(LineChange::removed, line);
    for (const auto line : after) add(LineChange::added, line);
    return out;
  }
  const Table common{before, after};
  std::size_t i = 0, j = 0;
  while (i < before.size() || j < after.size()) {
    if (i < before.size() && j < after.size() && before[i] == after[j]) {
      add(LineChange::same, before[i]);
      ++i, ++j;
    } else if (i < before.size() && (j == after.size() || common.at(i + 1, j) >= common.at(i, j + 1))) {
      add(LineChange::removed, before[i++]);
    } else {
      add(LineChange::added, after[j++]);
    }
  }
  return out;
}

}  // namespace deputy::connect
