#include "object_view.hpp"

#include "scan/safe_text.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstdio>
#include <fmt/format.h>
#include <iostream>
#include <system_error>
#include <unistd.h>

namespace deputy::cli {

std::string shown(const boost::json::value& value) {
  if (const auto* text = value.if_string()) return scan::for_terminal({text->data(), text->size()});
  return scan::for_terminal(boost::json::serialize(value));
}

void print_members(const boost::json::object& object) {
  for (const auto& member : object) {
    if (!member.value().is_null())
      std::cout << fmt::format("{}: {}\n", scan::for_terminal(std::string{member.key()}),
                               shown(member.value()));
  }
}

void print_row(const boost::json::object& object) {
  std::string row;
  for (const auto& member : object) {
    if (member.value().is_structured() || member.value().is_null()) continue;
    row += (row.empty() ? "" : "  ") + shown(member.value());
  }
  std::cout << row << "\n";
}

void print_as_it_is(const std::string& text) {
  if (text.empty()) return;
  if (isatty(STDOUT_FILENO) == 0) {
    std::cout << text << (text.ends_with('\n') ? "" : "\n");
    return;
  }
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::cout << scan::for_terminal(rest.substr(0, end)) << "\n";
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

Result<void> finish_output() {
  errno = 0;
  std::cout.flush();
  const bool flushed = std::fflush(stdout) == 0;
  const int code = errno;
  if (flushed && std::cout && std::ferror(stdout) == 0) return success();
  // What failed before this flush has left no reason behind.
  return Error{ErrorKind::internal,
               "standard output cannot be written" +
                   (code == 0 ? std::string{} : ": " + std::generic_category().message(code)) +
                   "; what was to be shown is lost"};
}

}  // namespace deputy::cli
