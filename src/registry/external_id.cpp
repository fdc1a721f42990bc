#include "registry/external_id.hpp"

#include <array>
#include <cstddef>

#include "core/assert.hpp"

namespace deputy::registry {
namespace {

constexpr std::size_t uuid_bytes = 16;

std::array<std::byte, uuid_bytes> draw_uuid(Random& random) {
  std::array<std::byte, uuid_bytes> bytes{};
  random.fill(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};  // version 4
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};  // variant of RFC 9562
  return bytes;
}

std::string format_uuid(const std::array<std::byte, uuid_bytes>& bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += digits[std::to_integer<unsigned>(bytes[i] >> 4)];
    text += digits[std::to_integer<unsigned>(bytes[i] & std::byte{0x0f})];
  }
  return text;
}

}  // namespace

std::string random_uuid(Random& random) {
  return format_uuid(draw_uuid(random));
}

ExternalId issue_external_id(Random& random) {
  for (;;) {
    const std::string text = random_uuid(random);
    if (text.find_first_of("abcdef") == std::string::npos) continue;
    auto id = ExternalId::parse(text);
    DEPUTY_ASSERT(id.has_value());
    return std::move(id).value();
  }
}

}  // namespace deputy::registry
