#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "storage/value.hpp"

// The unambiguous byte form of what is hashed or authenticated: every number is eight bytes, every text
// carries its length before it, every column its type. Two different inputs never have the same bytes.
namespace deputy::storage {

void put_number(std::string& out, std::uint64_t number);
void put_text(std::string& out, std::string_view text);
void put_value(std::string& out, const Value& value);
std::string encoded(std::initializer_list<std::string_view> texts);

// Reads such bytes back. Every read looks first; after a failure nothing more is read.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}
  std::optional<std::uint64_t> number();
  std::optional<std::string_view> text();
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace deputy::storage
