#include "policy/comparand.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <chrono>
#include <cstring>

namespace deputy::policy {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

std::uint64_t digits_to_number(std::string_view digits) {
  std::uint64_t number = 0;
  for (const char c : digits) number = number * 10 + static_cast<std::uint64_t>(c - '0');
  return number;
}

// Takes text apart from the left; every step says whether it was there.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  bool done() const { return rest_.empty(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::optional<unsigned> take_digits(std::size_t count) {
    if (rest_.size() < count || !all_digits(rest_.substr(0, count))) return std::nullopt;
    const auto number = static_cast<unsigned>(digits_to_number(rest_.substr(0, count)));
    rest_.remove_prefix(count);
    return number;
  }
  std::string_view take_all_digits() {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_digit);
    const std::string_view digits = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(digits.size());
    return digits;
  }

 private:
  std::string_view rest_;
};

// `Z` or `+hh:mm`, in seconds east of UTC.
std::optional<std::int64_t> take_zone(Scanner& scanner) {
  if (scanner.take('Z')) return 0;
  const bool east = scanner.take('+');
  if (!east && !scanner.take('-')) return std::nullopt;
  const auto hours = scanner.take_digits(2);
  if (!hours || *hours > 14 || !scanner.take(':')) return std::nullopt;
  const auto minutes = scanner.take_digits(2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const std::int64_t seconds = std::int64_t{*hours} * 3600 + std::int64_t{*minutes} * 60;
  return east ? seconds : -seconds;
}

// `hh:mm[:ss[.f]]` and the zone, added to the instant.
bool take_time(Scanner& scanner, Instant& instant) {
  const auto hour = scanner.take_digits(2);
  if (!hour || *hour > 23 || !scanner.take(':')) return false;
  const auto minute = scanner.take_digits(2);
  if (!minute || *minute > 59) return false;
  unsigned second = 0;
  if (scanner.take(':')) {
    const auto written = scanner.take_digits(2);
    if (!written || *written > 59) return false;
    second = *written;
    if (scanner.take('.')) {
      const std::string_view fraction = scanner.take_all_digits();
      if (fraction.empty() || fraction.size() > 9) return false;
      auto nanoseconds = digits_to_number(fraction);
      for (std::size_t i = fraction.size(); i < 9; ++i) nanoseconds *= 10;
      instant.nanoseconds = static_cast<std::uint32_t>(nanoseconds);
    }
  }
  const auto zone = take_zone(scanner);
  if (!zone) return false;
  instant.seconds += std::int64_t{*hour} * 3600 + std::int64_t{*minute} * 60 + second - *zone;
  return true;
}

std::optional<Instant> parse_iso8601(std::string_view text) {
  Scanner scanner{text};
  const auto year = scanner.take_digits(4);
  if (!year || !scanner.take('-')) return std::nullopt;
  const auto month = scanner.take_digits(2);
  if (!month) return std::nullopt;
  const bool has_day = scanner.take('-');
  const auto day = has_day ? scanner.take_digits(2) : std::optional<unsigned>{1};
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                         std::chrono::month{*month}, std::chrono::day{*day}};
  if (!date.ok()) return std::nullopt;
  Instant instant;
  instant.seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::sys_days{date}.time_since_epoch())
          .count();
  if (has_day && scanner.take('T') && !take_time(scanner, instant)) return std::nullopt;
  if (!scanner.done()) return std::nullopt;
  return instant;
}

// From `${` (already taken) to behind `}`. Nothing when malformed.
std::optional<VariableText::Part> take_variable(std::string_view& rest) {
  constexpr std::string_view verbatim = "*?$";
  if (rest.size() >= 2 && rest[1] == '}' && verbatim.find(rest[0]) != std::string_view::npos) {
    VariableText::Part part{VariableText::Kind::verbatim, std::string{rest.substr(0, 1)}, {}};
    rest.remove_prefix(2);
    return part;
  }
  const std::size_t key_end = rest.find_first_of(",}");
  if (key_end == std::string_view::npos) return std::nullopt;
  const std::string_view key = rest.substr(0, key_end);
  if (key.empty() || key.find_first_of("${*?'\"\\") != std::string_view::npos) return std::nullopt;
  if (key.front() == ' ' || key.back() == ' ') return std::nullopt;
  VariableText::Part part{VariableText::Kind::variable, std::string{key}, {}};
  const bool has_fallback = rest[key_end] == ',';
  rest.remove_prefix(key_end + 1);
  if (!has_fallback) return part;
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  if (rest.empty() || rest.front() != '\'') return std::nullopt;
  const std::size_t quote = rest.find('\'', 1);
  if (quote == std::string_view::npos) return std::nullopt;
  part.fallback = std::string{rest.substr(1, quote - 1)};
  rest.remove_prefix(quote + 1);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  if (rest.empty() || rest.front() != '}') return std::nullopt;
  rest.remove_prefix(1);
  return part;
}

bool is_mapped_ipv4(const std::array<std::uint8_t, 16>& bytes) {
  return std::all_of(bytes.begin(), bytes.begin() + 10, [](std::uint8_t byte) { return byte == 0; }) &&
         bytes[10] == 0xff && bytes[11] == 0xff;
}

// As written: an IPv4-mapped address is still an IPv6 one.
std::optional<Address> parse_plain_address(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (text.size() >= buffer.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::copy(text.begin(), text.end(), buffer.begin());
  Address address;
  address.v6 = text.find(':') != std::string_view::npos;
  if (inet_pton(address.v6 ? AF_INET6 : AF_INET, buffer.data(), address.bytes.data()) != 1)
    return std::nullopt;
  return address;
}

Address unmapped(const Address& address) {
  if (!address.v6 || !is_mapped_ipv4(address.bytes)) return address;
  Address plain;
  std::copy(address.bytes.begin() + 12, address.bytes.end(), plain.bytes.begin());
  return plain;
}

}  // namespace

std::strong_ordering operator<=>(const Number& a, const Number& b) {
  if (a.negative != b.negative)
    return a.negative ? std::strong_ordering::less : std::strong_ordering::greater;
  const auto order = a.whole != b.whole ? a.whole <=> b.whole : a.fraction <=> b.fraction;
  return a.negative ? 0 <=> order : order;
}

std::optional<Number> parse_number(std::string_view text) {
  constexpr std::size_t digits_max = 18;
  Number number;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    number.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  if (!all_digits(whole) || whole.size() > digits_max) return std::nullopt;
  number.whole = digits_to_number(whole);
  if (point != std::string_view::npos) {
    const std::string_view fraction = text.substr(point + 1);
    if (!all_digits(fraction) || fraction.size() > digits_max) return std::nullopt;
    number.fraction = digits_to_number(fraction);
    for (std::size_t i = fraction.size(); i < digits_max; ++i) number.fraction *= 10;
  }
  if (number.whole == 0 && number.fraction == 0) number.negative = false;
  return number;
}

std::optional<Instant> parse_instant(std::string_view text) {
  constexpr std::size_t year_digits = 4, epoch_digits_max = 12;
  if (!all_digits(text)) return parse_iso8601(text);
  if (text.size() == year_digits || text.size() > epoch_digits_max) return std::nullopt;
  return Instant{static_cast<std::int64_t>(digits_to_number(text)), 0};
}

std::optional<Address> parse_address(std::string_view text) {
  const auto address = parse_plain_address(text);
  if (!address) return std::nullopt;
  return unmapped(*address);
}

std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_plain_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned bits_max = address->v6 ? 128 : 32;
  Network network{*address, bits_max};
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const bool padded = digits.size() > 1 && digits.front() == '0';
    if (!all_digits(digits) || digits.size() > 3 || padded) return std::nullopt;
    network.prefix_bits = static_cast<unsigned>(digits_to_number(digits));
    if (network.prefix_bits > bits_max) return std::nullopt;
  }
  if (network.address.v6 && network.prefix_bits >= 96 && is_mapped_ipv4(network.address.bytes)) {
    network = {unmapped(network.address), network.prefix_bits - 96};
  }
  return network;
}

bool Network::contains(const Address& candidate) const {
  if (candidate.v6 != address.v6) return false;
  const unsigned whole_bytes = prefix_bits / 8, bits_left = prefix_bits % 8;
  if (!std::equal(address.bytes.begin(), address.bytes.begin() + whole_bytes, candidate.bytes.begin()))
    return false;
  if (bits_left == 0) return true;
  const unsigned shift = 8 - bits_left;
  return (address.bytes.at(whole_bytes) >> shift) == (candidate.bytes.at(whole_bytes) >> shift);
}

std::optional<bool> parse_boolean(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

bool is_base64(std::string_view text) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.empty() || text.size() % 4 != 0) return false;
  std::size_t padding = 0;
  while (padding < 2 && text.back() == '=') {
    text.remove_suffix(1);
    ++padding;
  }
  if (text.find_first_not_of(alphabet) != std::string_view::npos) return false;
  const std::size_t last = alphabet.find(text.back());
  const std::size_t unused_bits = padding * 2;  // must be zero: one spelling for one value
  return (last & ((std::size_t{1} << unused_bits) - 1)) == 0;
}

std::optional<VariableText> parse_variables(std::string_view text) {
  VariableText out;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t start = rest.find("${");
    if (start == std::string_view::npos) {
      if (!out.parts.empty()) out.parts.push_back({VariableText::Kind::plain, std::string{rest}, {}});
      return out;
    }
    if (start > 0) out.parts.push_back({VariableText::Kind::plain, std::string{rest.substr(0, start)}, {}});
    rest.remove_prefix(start + 2);
    auto part = take_variable(rest);
    if (!part) return std::nullopt;
    out.parts.push_back(std::move(*part));
  }
  return out;
}

}  // namespace deputy::policy
