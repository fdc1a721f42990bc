#include "completion.hpp"

#include <fmt/format.h>
#include <vector>

namespace deputy::cli {
namespace {

// The words that may follow a command: its subcommands and long options.
std::string words_after(const CLI::App& command) {
  std::string words;
  for (const CLI::App* subcommand : command.get_subcommands({})) words += subcommand->get_name() + " ";
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
  if (!words.empty()) words.pop_back();
  return words;
}

struct Line {
  std::string command;  // `connection create`; empty for the program
  std::string words;
};

void collect(const CLI::App& command, const std::string& path, std::vector<Line>& lines) {
  lines.push_back({path, words_after(command)});
  for (const CLI::App* subcommand : command.get_subcommands({}))
    collect(*subcommand, path.empty() ? subcommand->get_name() : path + " " + subcommand->get_name(), lines);
}

// Bash's and zsh's: the commands typed so far, without options, choose the words.
std::string bash_function(const std::vector<Line>& lines) {
  std::string script =
      "_deputy() {\n"
      "  local typed=\"\" word words=\"\" current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case \"$word\" in -*) ;; *) typed=\"${typed:+$typed }$word\" ;; esac\n"
      "  done\n"
      "  case \"$typed\" in\n";
  for (const auto& [command, words] : lines)
    script += fmt::format("    \"{}\") words=\"{}\" ;;\n", command, words);
  script +=
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "}\n"
      "complete -o default -F _deputy deputy\n";
  return script;
}

std::string fish_lines(const std::vector<Line>& lines) {
  std::string script;
  for (const auto& [command, words] : lines) {
    const std::string condition = command.empty() ? "__fish_use_subcommand"
                                                  : fmt::format("__fish_seen_subcommand_from {}",
                                                                command.substr(command.rfind(' ') + 1));
    script += fmt::format("complete -c deputy -f -n '{}' -a '{}'\n", condition, words);
  }
  return script;
}

}  // namespace

std::string completion_script(const CLI::App& program, const std::string& shell) {
  std::vector<Line> lines;
  collect(program, "", lines);
  if (shell == "fish") return fish_lines(lines);
  const std::string script = bash_function(lines);
  return shell == "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" + script : script;
}

}  // namespace deputy::cli
