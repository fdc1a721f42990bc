#include "api/query.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "http/message.hpp"

namespace deputy::api {
namespace {

constexpr std::size_t limit_max = 200;
constexpr std::size_t cursor_bytes_max = 512;
constexpr std::string_view key_prefix = "dpk_";

Error invalid(std::string message, std::string_view field) {
  return Error{ErrorKind::invalid_request, std::move(message)}.with_field(std::string{field});
}

}  // namespace

Result<Query> Query::parse(std::string_view text, std::span<const std::string_view> known) {
  Query query;
  const auto pairs = http::parse_form(text);
  if (!pairs) return Error{ErrorKind::invalid_request, "the query has a broken percent-escape"};
  // Before anything else that may be wrong: whoever sent it has to know.
  for (const auto& [name, value] : *pairs)
    if (value.starts_with(key_prefix) || name.starts_with(key_prefix))
      return Error{
          ErrorKind::invalid_request,
          "a key does not belong into a URL; send it as `Authorization: Bearer KEY`, and revoke this one"};
  for (const auto& [name, value] : *pairs) {
    if (name.empty() && value.empty()) continue;  // `?` alone, `&&`
    if (std::ranges::find(known, name) == known.end())
      return Error{ErrorKind::unknown_field,
                   fmt::format("the query key {} is not known here", in_backticks(name))}
          .with_field(name);
    if (!query.values_.emplace(name, value).second)
      return invalid(fmt::format("the query key `{}` is given twice", name), name);
  }
  return query;
}

std::optional<std::string> Query::find(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

Result<registry::PageRequest> Query::page() const {
  registry::PageRequest page;
  if (const auto limit = find("limit")) {
    const char* const end = limit->data() + limit->size();
    const bool whole = std::from_chars(limit->data(), end, page.limit) == std::from_chars_result{end, {}};
    if (!whole || page.limit < 1 || page.limit > limit_max)
      return invalid(fmt::format("`limit` must be a whole number from 1 to {}", limit_max), "limit");
  }
  page.after = find("cursor").value_or("");
  const bool printable = std::ranges::all_of(page.after, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!printable || page.after.size() > cursor_bytes_max)
    return invalid("`cursor` must be the `next_cursor` of the page before", "cursor");
  return page;
}

}  // namespace deputy::api
