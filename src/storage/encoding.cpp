#include "storage/encoding.hpp"

#include "core/big_endian.hpp"

namespace deputy::storage {

namespace {
constexpr std::size_t number_bytes = 8;
}

void put_number(std::string& out, std::uint64_t number) {
  append_big_endian(out, number);
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

void put_value(std::string& out, const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    out.push_back('i');
    put_number(out, static_cast<std::uint64_t>(*number));
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    out.push_back('t');
    put_text(out, *text);
  } else if (const auto* blob = std::get_if<Blob>(&value)) {
    out.push_back('b');
    put_text(out, blob->bytes);
  } else {
    out.push_back('n');
  }
}

std::string encoded(std::initializer_list<std::string_view> texts) {
  std::string out;
  put_number(out, texts.size());
  for (const std::string_view text : texts) put_text(out, text);
  return out;
}

std::optional<std::uint64_t> Decoder::number() {
  if (rest_.size() < number_bytes) {
    rest_ = {};
    return std::nullopt;
  }
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < number_bytes; ++i)
    number = (number << 8) | static_cast<unsigned char>(rest_[i]);
  rest_.remove_prefix(number_bytes);
  return number;
}

std::optional<std::string_view> Decoder::text() {
  const auto size = number();
  if (!size || *size > rest_.size()) {
    rest_ = {};
    return std::nullopt;
  }
  const std::string_view text = rest_.substr(0, static_cast<std::size_t>(*size));
  rest_.remove_prefix(text.size());
  return text;
}

}  // namespace deputy::storage
