#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "json/reader.hpp"

namespace deputy::api {

// Bounds of a text in a request, in bytes of UTF-8. Control characters are never taken.
struct TextBounds {
  std::size_t bytes_min = 1;
  std::size_t bytes_max = 200;
};

// Typed, strict reading of one object of a request's body. Only the members that are listed may be there. A
// member that may be left out may also be null. Errors are `invalid_request` or `unknown_field` and name the
// member by its path. Refers to the object; use within its life.
class Fields {
 public:
  // `unknown_field` for a member that is not in `known`.
  static Result<Fields> open(const json::Value& value, std::span<const std::string_view> known,
                             std::string path = {});

  Result<std::string> text(std::string_view name, TextBounds bounds = {}) const;
  Result<std::optional<std::string>> optional_text(std::string_view name, TextBounds bounds = {}) const;
  Result<std::optional<bool>> optional_boolean(std::string_view name) const;
  Result<std::optional<std::int64_t>> optional_integer(std::string_view name, std::int64_t min,
                                                       std::int64_t max) const;
  // The value that `T::parse` makes of the member's text.
  template <class T>
  Result<T> parsed(std::string_view name) const {
    DEPUTY_TRY(const std::string given, text(name, {.bytes_min = 0, .bytes_max = parsed_bytes_max}));
    return at_member(T::parse(given), name);
  }
  template <class T>
  Result<std::optional<T>> optional_parsed(std::string_view name) const {
    if (find(name) == nullptr) return std::optional<T>{};
    DEPUTY_TRY(T value, parsed<T>(name));
    return std::optional<T>{std::move(value)};
  }
  // An AWS policy document, given as an object or as its text: its JSON text, not yet read as a policy.
  Result<std::optional<std::string>> optional_document(std::string_view name) const;
  // A map of texts, in the order given.
  Result<std::vector<std::pair<std::string, std::string>>> text_map(std::string_view name, TextBounds keys,
                                                                    TextBounds values) const;
  // An array's elements; empty when the member is absent.
  Result<std::span<const json::Value>> array(std::string_view name, std::size_t count_max) const;

  // The member's value; nullptr when it is absent or null.
  const json::Value* find(std::string_view name) const;
  std::string path_of(std::string_view name) const;
  Error wrong(std::string_view name, std::string_view what) const;

  // Names the member in an error that has no field yet.
  template <class T>
  Result<T> at_member(Result<T> result, std::string_view name) const {
    if (result.has_error()) result.error().field = path_of(name);
    return result;
  }

 private:
  Fields(const json::Value& value, std::string path) : value_(&value), path_(std::move(path)) {}
  static constexpr std::size_t parsed_bytes_max = 2'048;

  const json::Value* value_;
  std::string path_;
};

// A text's content when it is within bounds; the message speaks of `the member`.
Result<std::string> bounded_text(const json::Value& value, TextBounds bounds, const std::string& path);

// `value` as JSON text without white space. Members keep their order, or are sorted by name.
enum class MemberOrder { as_written, sorted };
std::string to_json(const json::Value& value, MemberOrder order = MemberOrder::as_written);

// Appends `text` as a JSON string, quotes included.
void append_json_string(std::string& out, std::string_view text);

}  // namespace deputy::api
