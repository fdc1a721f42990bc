#include "unknown_word.hpp"

#include "scan/safe_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

namespace deputy::cli {
namespace {

constexpr std::size_t word_bytes_max = 64;  // the rest is shown as …

// How many letters to put in, take out, exchange or swap with the next (optimal string alignment).
std::size_t difference(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), 0U);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& known) {
  std::optional<std::string> best;
  std::size_t least = std::max<std::size_t>(1, std::min<std::size_t>(word.size() / 3, 3)) + 1;
  for (const std::string& candidate : known) {
    if (candidate.starts_with(word) && word.size() > 1 && !best) best = candidate;
    const std::size_t now = difference(word, candidate);
    if (now < least) {
      least = now;
      best = candidate;
    }
  }
  return best;
}

std::string path_of(const CLI::App& command) {
  const CLI::App* const parent = command.get_parent();
  return parent == nullptr ? command.get_name() : path_of(*parent) + " " + command.get_name();
}

std::string message(const CLI::App& command, std::string word, std::string_view what,
                    const std::vector<std::string>& known) {
  const auto right = word.size() <= word_bytes_max ? nearest(word, known) : std::nullopt;
  if (word.size() > word_bytes_max) word = word.substr(0, word_bytes_max) + "…";
  const std::string path = path_of(command);
  return fmt::format("`{}` is no {} of `{}`; {}`{} --help` lists them", scan::for_terminal(word), what, path,
                     right ? fmt::format("did you mean `{}`? ", *right) : "", path);
}

std::vector<std::string> commands_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* subcommand : command.get_subcommands({})) names.push_back(subcommand->get_name());
  return names;
}

std::vector<std::string> options_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

}  // namespace

std::optional<std::string> unknown_word(const CLI::App& program, const std::vector<std::string>& words) {
  const CLI::App* command = &program;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") break;
    if (word.starts_with("-") && word.size() > 1) {
      const bool is_long = word.starts_with("--");
      const std::string name = is_long ? word.substr(0, word.find('=')) : word.substr(0, 2);
      const CLI::Option* const option = command->get_option_no_throw(name);
      if (option == nullptr) return message(*command, name, "option", options_of(*command));
      const bool holds_value = is_long ? word.size() > name.size() : word.size() > 2;
      if (option->get_items_expected_min() > 0 && !holds_value) ++i;  // its value is any word
    } else if (const auto known = commands_of(*command); !known.empty()) {
      if (std::ranges::find(known, word) == known.end()) return message(*command, word, "command", known);
      command = command->get_subcommand(word);
    }
  }
  return std::nullopt;
}

}  // namespace deputy::cli
