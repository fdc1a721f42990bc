#include "policy/value_candidates.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <fmt/format.h>

#include "policy/pattern.hpp"

namespace deputy::policy {
namespace {

using enum OperatorFamily;

// ── Numbers: exact decimals of 18 digits after the point ──

__extension__ using Wide = __int128;
constexpr std::uint64_t fractions = 1'000'000'000'000'000'000ULL;

Wide scaled(const Number& number) {
  const Wide size =
      static_cast<Wide>(number.whole) * static_cast<Wide>(fractions) + static_cast<Wide>(number.fraction);
  return number.negative ? -size : size;
}

std::string number_text(Wide value) {
  const bool negative = value < 0;
  if (negative) value = -value;
  const auto whole = static_cast<std::uint64_t>(value / static_cast<Wide>(fractions));
  const auto fraction = static_cast<std::uint64_t>(value % static_cast<Wide>(fractions));
  std::string out = fmt::format("{}{}", negative ? "-" : "", whole);
  if (fraction == 0) return out;
  out += fmt::format(".{:018}", fraction);
  while (out.back() == '0') out.pop_back();
  return out;
}

void add_numbers(const Number& boundary, std::vector<std::string>& out) {
  const Wide at = scaled(boundary), one = static_cast<Wide>(fractions);
  for (const Wide value : {at, at - one, at + one, at - 1, at + 1}) out.push_back(number_text(value));
  if (at >= 0) out.push_back("00" + number_text(at));  // another spelling, for keys that ask for some length
}

// ── Instants: nanoseconds ──

void add_instant(Instant instant, std::vector<std::string>& out) {
  using namespace std::chrono;
  constexpr std::int64_t epoch_digits_end = 1'000'000'000'000;
  const sys_seconds time{seconds{instant.seconds}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  if (date.year() >= year{0} && date.year() <= year{9999}) {
    std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                   clock.hours().count(), clock.minutes().count(), clock.seconds().count());
    if (instant.nanoseconds != 0) text += fmt::format(".{:09}", instant.nanoseconds);
    out.push_back(text + "Z");
  }
  if (instant.nanoseconds == 0 && instant.seconds >= 0 && instant.seconds < epoch_digits_end) {
    const std::string digits = std::to_string(instant.seconds);
    out.push_back(digits.size() == 4 ? "0" + digits : digits);  // four digits could be a year
  }
}

void add_instants(const Instant& boundary, std::vector<std::string>& out) {
  constexpr std::uint32_t nanoseconds = 1'000'000'000;
  Instant before = boundary, after = boundary;
  if (before.nanoseconds == 0) --before.seconds;
  before.nanoseconds = (before.nanoseconds == 0 ? nanoseconds : before.nanoseconds) - 1;
  if (after.nanoseconds == nanoseconds - 1) ++after.seconds;
  after.nanoseconds = after.nanoseconds == nanoseconds - 1 ? 0 : after.nanoseconds + 1;
  const Instant second_before{boundary.seconds - 1, boundary.nanoseconds};
  const Instant second_after{boundary.seconds + 1, boundary.nanoseconds};
  for (const Instant& instant : {boundary, second_before, second_after, before, after})
    add_instant(instant, out);
}

// ── Addresses ──

std::string address_text(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), buffer.data(), buffer.size());
  return buffer.data();
}

// One further, or one less; around at the ends.
Address beside(Address address, bool further) {
  for (std::size_t i = address.v6 ? 16 : 4; i-- > 0;) {
    std::uint8_t& byte = address.bytes.at(i);
    byte = static_cast<std::uint8_t>(further ? byte + 1 : byte - 1);
    if (byte != (further ? 0x00 : 0xff)) break;
  }
  return address;
}

void add_addresses(const Network& network, std::vector<std::string>& out) {
  Address first = network.address, last = network.address;
  for (unsigned bit = network.prefix_bits, end = first.v6 ? 128 : 32; bit < end; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    first.bytes.at(bit / 8) = static_cast<std::uint8_t>(first.bytes.at(bit / 8) & ~mask);
    last.bytes.at(bit / 8) = static_cast<std::uint8_t>(last.bytes.at(bit / 8) | mask);
  }
  for (const Address& address : {first, last, beside(first, false), beside(last, true)})
    out.push_back(address_text(address));
}

// ── Base64: whatever is listed, and more than could be listed ──

void add_base64(std::span<const Literal> literals, std::vector<std::string>& out) {
  std::size_t listed = 0;
  for (const Literal& literal : literals) {
    if (literal.condition->condition_operator.family != binary_equals) continue;
    listed += literal.condition->values.size();
    out.insert(out.end(), literal.condition->values.begin(), literal.condition->values.end());
  }
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOP";
  for (std::size_t i = 0; i <= listed; ++i) {
    std::string text;
    for (unsigned shift = 0; shift < 32; shift += 4) text += digits[(i >> shift) & 0xfU];
    out.push_back(std::move(text));
  }
}

void add_boundaries(const Condition& condition, std::vector<std::string>& out) {
  for (const Comparand& comparand : condition.comparands) {
    if (const auto* number = std::get_if<Number>(&comparand)) add_numbers(*number, out);
    if (const auto* instant = std::get_if<Instant>(&comparand)) add_instants(*instant, out);
    if (const auto* network = std::get_if<Network>(&comparand)) add_addresses(*network, out);
    const auto* text = std::get_if<VariableText>(&comparand);
    if (text == nullptr) continue;
    const auto resolved = resolve_text(*text, {});
    if (!resolved) continue;
    if (const auto number = parse_number(*resolved)) add_numbers(*number, out);
    if (const auto instant = parse_instant(*resolved)) add_instants(*instant, out);
    if (const auto network = parse_network(*resolved)) add_addresses(*network, out);
  }
}

}  // namespace

bool is_typed(OperatorFamily family) {
  return (family >= numeric_equals && family <= date_greater_than_equals) || family == boolean ||
         family == binary_equals || family == ip_address;
}

std::vector<std::string> candidates(std::span<const Literal> literals) {
  std::vector<std::string> out;
  bool binary = false;
  for (const Literal& literal : literals) {
    const OperatorFamily family = literal.condition->condition_operator.family;
    binary = binary || family == binary_equals;
    if (is_typed(family) || family == string_equals) add_boundaries(*literal.condition, out);
  }
  for (const std::string_view text :
       {"198.51.100.7", "2001:db8::7", "0.0.0.0", "255.255.255.255", "::", "::fffe:ffff:ffff",
        "::1:0:0:0",  // around the IPv4-mapped ones, which are IPv4
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2030-01-01T00:00:00Z", "true", "false", "1", "x"}) {
    out.emplace_back(text);
  }
  if (binary) add_base64(literals, out);
  return out;
}

}  // namespace deputy::policy
