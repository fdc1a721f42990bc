#include "api/content.hpp"

#include <algorithm>
#include <string>

#include "core/ascii.hpp"

namespace deputy::api {
namespace {

constexpr std::string_view blanks = " \t";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// Cuts the part before `separator` off `rest`, trimmed.
std::string_view next_part(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view part = trimmed(rest.substr(0, end));
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return part;
}

bool is_json_in_utf8(std::string_view value) {
  if (to_lower(next_part(value, ';')) != "application/json") return false;
  while (!value.empty()) {
    const std::string parameter = to_lower(next_part(value, ';'));
    if (parameter != "charset=utf-8" && parameter != "charset=\"utf-8\"" && !parameter.empty()) return false;
  }
  return true;
}

// `q=0`, `q=0.0`, …: this range is refused.
bool is_refused(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string parameter = to_lower(next_part(parameters, ';'));
    if (parameter.starts_with("q=")) return parameter.find_first_not_of("0.", 2) == std::string::npos;
  }
  return false;
}

// How closely a range of Accept names the type: 0 not at all, 1 `*/*`, 2 `type/*`, 3 exactly.
int closeness(std::string_view range, std::string_view media_type) {
  if (range == "*/*") return 1;
  if (range == media_type) return 3;
  return range.ends_with("/*") && media_type.starts_with(range.substr(0, range.size() - 1)) ? 2 : 0;
}

}  // namespace

Result<void> require_json_content(const http::Headers& headers) {
  const auto type = headers.find("Content-Type");
  if (headers.count("Content-Type") != 1 || !is_json_in_utf8(*type))
    return Error{ErrorKind::unsupported_media_type,
                 "send the body as `Content-Type: application/json`, in UTF-8"};
  const auto encoding = headers.find("Content-Encoding");
  if (encoding && to_lower(trimmed(*encoding)) != "identity")
    return Error{ErrorKind::unsupported_media_type, "send the body without Content-Encoding"};
  return success();
}

bool accepts(const http::Headers& headers, std::string_view media_type) {
  bool asked = false;
  int closest = 0;
  bool admitted = false;
  for (const auto& [name, value] : headers) {
    if (to_lower(name) != "accept") continue;
    std::string_view ranges = value;
    while (!ranges.empty()) {
      std::string_view rest = next_part(ranges, ',');
      const std::string range = to_lower(next_part(rest, ';'));
      if (range.empty()) continue;
      asked = true;
      const int close = closeness(range, media_type);
      if (close > closest) {
        closest = close;
        admitted = !is_refused(rest);
      }
    }
  }
  return !asked || admitted;
}

}  // namespace deputy::api
