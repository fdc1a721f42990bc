#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// The values of conditions in the form in which they compare. Reading is exact: no white space, nothing left
// over. None of the parsers allocates or throws.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
namespace deputy::policy {

// A decimal number without exponent: up to 18 digits before and after the point, compared exactly.
struct Number {
  bool negative = false;
  std::uint64_t whole = 0;
  std::uint64_t fraction = 0;  // in 10⁻¹⁸
  friend bool operator==(const Number&, const Number&) = default;
  friend std::strong_ordering operator<=>(const Number& a, const Number& b);
};
std::optional<Number> parse_number(std::string_view text);

// A point in time. Written as ISO 8601 in the W3C profile (`2026-01`, `2026-01-31`, `2026-01-31T10:00Z`,
// `…T10:00:00.5+01:00`) or as seconds since 1970 (1–12 digits). Four digits alone could be either and are
// refused.
struct Instant {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  friend auto operator<=>(const Instant&, const Instant&) = default;
};
std::optional<Instant> parse_instant(std::string_view text);

// An IPv4 or IPv6 address; an IPv4-mapped IPv6 address is the IPv4 address.
struct Address {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // IPv4 in the first four
};
std::optional<Address> parse_address(std::string_view text);

// A CIDR block, or one address. Bits beyond the prefix do not count.
struct Network {
  Address address;
  unsigned prefix_bits = 0;
  bool contains(const Address& candidate) const;
};
std::optional<Network> parse_network(std::string_view text);

std::optional<bool> parse_boolean(std::string_view text);  // `true` or `false`, lower case
bool is_base64(std::string_view text);                     // padded, canonical, not empty

// A text that may hold policy variables (`${aws:username}`, `${key, 'default'}`, `${*}`), taken apart at read
// time. Without any, `parts` is empty and the text itself is the value.
struct VariableText {
  enum class Kind {
    plain,     // as written; wildcards work where the operator knows them
    verbatim,  // from `${*}`, `${?}`, `${$}`: never a wildcard
    variable,  // the key's value, never a wildcard
  };
  struct Part {
    Kind kind = Kind::plain;
    std::string text;  // the characters, or the variable's key
    std::optional<std::string> fallback;
  };
  std::vector<Part> parts;
  bool has_variables() const { return !parts.empty(); }
};
// Nothing when a variable is malformed: not closed, empty, a broken default. Under version 2008-10-17 do not
// call it.
std::optional<VariableText> parse_variables(std::string_view text);

// std::monostate: the text itself. Null and Bool hold a bool.
using Comparand = std::variant<std::monostate, VariableText, Number, Instant, Network, bool>;

}  // namespace deputy::policy
