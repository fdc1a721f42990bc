#include "storage/cursor.hpp"

#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <sodium.h>

namespace deputy::storage {

namespace {

constexpr std::size_t cursor_characters_max = 256;

// Exactly as fmt writes it: no sign but a minus, no leading zero.
std::optional<std::int64_t> canonical_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size() || fmt::to_string(number) != text)
    return std::nullopt;
  return number;
}

}  // namespace

Error cursor_error() {
  return Error{ErrorKind::invalid_request,
               "the cursor is not one: use `next_cursor` of the page before as it is"}
      .with_field("cursor");
}

std::string encode_cursor(std::string_view text) {
  std::string out(sodium_base64_encoded_len(text.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  out.pop_back();  // the terminating NUL
  return out;
}

Result<std::string> decode_cursor(std::string_view cursor) {
  if (cursor.empty() || cursor.size() > cursor_characters_max) return cursor_error();
  std::string text(cursor.size(), '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(text.data()), text.size(), cursor.data(),
                        cursor.size(), nullptr, &size, &end, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
      end != cursor.data() + cursor.size())
    return cursor_error();
  text.resize(size);
  return text;
}

std::string to_cursor(const AgePlace& place) {
  return encode_cursor(fmt::format("{} {}", place.at, place.id));
}

Result<AgePlace> parse_age_cursor(std::string_view cursor) {
  DEPUTY_TRY(const std::string text, decode_cursor(cursor));
  const std::size_t space = text.find(' ');
  if (space == std::string::npos) return cursor_error();
  const auto at = canonical_number(std::string_view{text}.substr(0, space));
  if (!at) return cursor_error();
  return AgePlace{*at, text.substr(space + 1)};
}

std::string to_cursor(std::int64_t sequence) {
  return encode_cursor(fmt::to_string(sequence));
}

Result<std::int64_t> parse_number_cursor(std::string_view cursor) {
  DEPUTY_TRY(const std::string text, decode_cursor(cursor));
  const auto number = canonical_number(text);
  if (!number || *number < 0) return cursor_error();
  return *number;
}

}  // namespace deputy::storage
