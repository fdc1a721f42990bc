#include "api/json_fields.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

namespace deputy::api {
namespace {

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

Error invalid(std::string message, std::string path) {
  return Error{ErrorKind::invalid_request, std::move(message)}.with_field(std::move(path));
}

std::string listed(std::span<const std::string_view> names) {
  if (names.empty()) return "none is";
  return fmt::format("known are {}", fmt::join(names, ", "));
}

}  // namespace

Result<Fields> Fields::open(const json::Value& value, std::span<const std::string_view> known,
                            std::string path) {
  if (!value.is(json::Kind::object))
    return invalid(fmt::format("{} is needed here, not {}", to_text(json::Kind::object), to_text(value.kind)),
                   std::move(path));
  Fields fields{value, std::move(path)};
  for (const json::Member& member : value.members)
    if (std::ranges::find(known, member.name) == known.end())
      return Error{ErrorKind::unknown_field, fmt::format("the member {} is not known here; {}",
                                                         in_backticks(member.name), listed(known))}
          .with_field(fields.path_of(member.name));
  return fields;
}

const json::Value* Fields::find(std::string_view name) const {
  const json::Value* value = value_->find(name);
  return value != nullptr && value->is(json::Kind::null) ? nullptr : value;
}

std::string Fields::path_of(std::string_view name) const {
  return path_.empty() ? std::string{name} : path_ + "." + std::string{name};
}

Error Fields::wrong(std::string_view name, std::string_view what) const {
  return invalid(fmt::format("`{}` {}", path_of(name), what), path_of(name));
}

Result<std::string> bounded_text(const json::Value& value, TextBounds bounds, const std::string& path) {
  // A name that the caller chose may be part of the path.
  const auto wrong = [&](std::string_view what) {
    return invalid(fmt::format("{} {}", in_backticks(path), what), path);
  };
  if (!value.is(json::Kind::string))
    return wrong(fmt::format("must be a string, not {}", to_text(value.kind)));
  if (value.text.size() < bounds.bytes_min || value.text.size() > bounds.bytes_max)
    return wrong(fmt::format("must be {} to {} bytes long", bounds.bytes_min, bounds.bytes_max));
  if (has_control_character(value.text)) return wrong("must not contain control characters");
  if (bounds.bytes_min > 0 && value.text.find_first_not_of(' ') == std::string::npos)
    return wrong("must not be blank");
  return value.text;
}

Result<std::string> Fields::text(std::string_view name, TextBounds bounds) const {
  const json::Value* value = find(name);
  if (value == nullptr) return wrong(name, "is missing");
  return bounded_text(*value, bounds, path_of(name));
}

Result<std::optional<std::string>> Fields::optional_text(std::string_view name, TextBounds bounds) const {
  if (find(name) == nullptr) return std::optional<std::string>{};
  DEPUTY_TRY(std::string given, text(name, bounds));
  return std::optional<std::string>{std::move(given)};
}

Result<std::optional<bool>> Fields::optional_boolean(std::string_view name) const {
  const json::Value* value = find(name);
  if (value == nullptr) return std::optional<bool>{};
  if (!value->is(json::Kind::boolean)) return wrong(name, "must be true or false");
  return std::optional<bool>{value->boolean};
}

Result<std::optional<std::int64_t>> Fields::optional_integer(std::string_view name, std::int64_t min,
                                                             std::int64_t max) const {
  const json::Value* value = find(name);
  if (value == nullptr) return std::optional<std::int64_t>{};
  std::int64_t number = 0;
  const char* const end = value->text.data() + value->text.size();
  const bool whole = value->is(json::Kind::number) &&
                     std::from_chars(value->text.data(), end, number) == std::from_chars_result{end, {}};
  if (!whole || number < min || number > max)
    return wrong(name, fmt::format("must be a whole number from {} to {}", min, max));
  return std::optional<std::int64_t>{number};
}

Result<std::optional<std::string>> Fields::optional_document(std::string_view name) const {
  const json::Value* value = find(name);
  if (value == nullptr) return std::optional<std::string>{};
  if (value->is(json::Kind::object)) return std::optional<std::string>{to_json(*value)};
  if (value->is(json::Kind::string)) return std::optional<std::string>{value->text};
  return wrong(name, "must be a policy document, as an object or as its JSON text");
}

Result<std::vector<std::pair<std::string, std::string>>> Fields::text_map(std::string_view name,
                                                                          TextBounds keys,
                                                                          TextBounds values) const {
  std::vector<std::pair<std::string, std::string>> map;
  const json::Value* value = find(name);
  if (value == nullptr) return map;
  if (!value->is(json::Kind::object)) return wrong(name, "must be an object of strings");
  for (const json::Member& member : value->members) {
    if (member.name.size() < keys.bytes_min || member.name.size() > keys.bytes_max ||
        has_control_character(member.name))
      return wrong(name,
                   fmt::format("has the name {}; names are {} to {} bytes long without control characters",
                               in_backticks(member.name), keys.bytes_min, keys.bytes_max));
    DEPUTY_TRY(std::string text, bounded_text(member.value, values, path_of(name) + "." + member.name));
    map.emplace_back(member.name, std::move(text));
  }
  return map;
}

Result<std::span<const json::Value>> Fields::array(std::string_view name, std::size_t count_max) const {
  const json::Value* value = find(name);
  if (value == nullptr) return std::span<const json::Value>{};
  if (!value->is(json::Kind::array)) return wrong(name, "must be an array");
  if (value->elements.size() > count_max)
    return wrong(name, fmt::format("must have at most {} elements", count_max));
  return std::span<const json::Value>{value->elements};
}

namespace {

constexpr auto is_plain_in_json = [] {
  std::array<bool, 256> plain{};
  for (std::size_t byte = 0x20; byte < plain.size(); ++byte) plain[byte] = byte != '"' && byte != '\\';
  return plain;
}();

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  const auto plain = [](char c) { return is_plain_in_json[static_cast<unsigned char>(c)]; };
  out += '"';
  while (!text.empty()) {
    const auto end = std::ranges::find_if_not(text, plain);
    out.append(text.begin(), end);
    text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
    if (text.empty()) break;
    const auto byte = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    if (byte < 0x20) {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 0xfU];
    } else {
      out += '\\';
      out += static_cast<char>(byte);
    }
  }
  out += '"';
}

namespace {

void append_value(std::string& out, const json::Value& value, MemberOrder order);

void append_members(std::string& out, const json::Value& object, MemberOrder order) {
  std::vector<const json::Member*> members;
  members.reserve(object.members.size());
  for (const json::Member& member : object.members) members.push_back(&member);
  if (order == MemberOrder::sorted) std::ranges::sort(members, {}, &json::Member::name);
  out += '{';
  for (const json::Member* member : members) {
    if (out.back() != '{') out += ',';
    append_json_string(out, member->name);
    out += ':';
    append_value(out, member->value, order);
  }
  out += '}';
}

// Recursion is as deep as the reader's depth_max.
void append_value(std::string& out, const json::Value& value, MemberOrder order) {
  switch (value.kind) {
    case json::Kind::null:
      out += "null";
      return;
    case json::Kind::boolean:
      out += value.boolean ? "true" : "false";
      return;
    case json::Kind::number:
      out += value.text;
      return;
    case json::Kind::string:
      append_json_string(out, value.text);
      return;
    case json::Kind::object:
      append_members(out, value, order);
      return;
    case json::Kind::array:
      break;
  }
  out += '[';
  for (std::size_t i = 0; i < value.elements.size(); ++i) {
    if (i > 0) out += ',';
    append_value(out, value.elements[i], order);
  }
  out += ']';
}

}  // namespace

std::string to_json(const json::Value& value, MemberOrder order) {
  std::string out;
  append_value(out, value, order);
  return out;
}

}  // namespace deputy::api
