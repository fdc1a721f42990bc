#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/result.hpp"

// Places in a list: the sort key of a page's last item, as base64url. Opaque to callers, but no secret and
// not trusted: a cursor can only name a place to go on from, within what the caller may list anyway. Whatever
// is not exactly one that Deputy makes is `invalid_request` with field `cursor`.
namespace deputy::storage {

Error cursor_error();

std::string encode_cursor(std::string_view text);
Result<std::string> decode_cursor(std::string_view cursor);

// By time, then identifier.
struct AgePlace {
  std::int64_t at = 0;  // microseconds
  std::string id;
};
std::string to_cursor(const AgePlace& place);
Result<AgePlace> parse_age_cursor(std::string_view cursor);

// By number.
std::string to_cursor(std::int64_t sequence);
Result<std::int64_t> parse_number_cursor(std::string_view cursor);

}  // namespace deputy::storage
