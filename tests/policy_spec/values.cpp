#include "policy_spec/values.hpp"

#include <algorithm>
#include <set>

namespace deputy::policy_spec {
namespace {

constexpr std::string_view digits = "0123456789";

bool consists_of(std::string_view text, std::string_view alphabet) {
  return !text.empty() && text.find_first_not_of(alphabet) == std::string_view::npos;
}

Texts split(std::string_view text, char separator) {
  Texts out{""};
  for (const char c : text) {
    if (c == separator) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

struct Variable {
  std::string key, fallback;
  bool has_fallback = false;
  std::size_t length = 0;  // with its braces
};

// `text` starts with `${`: the variable there, or nothing when it is malformed.
std::optional<Variable> variable_at(std::string_view text) {
  Variable out;
  std::size_t at = 2;
  while (at < text.size() && text[at] != ',' && text[at] != '}') out.key += text[at++];
  if (at == text.size() || out.key.empty()) return std::nullopt;
  if (out.key == "*" || out.key == "?" || out.key == "$") {
    out.length = at + 1;
    return text[at] == '}' ? std::optional{out} : std::nullopt;
  }
  if (out.key.find_first_of("${*?'\"\\") != std::string::npos) return std::nullopt;
  if (out.key.front() == ' ' || out.key.back() == ' ') return std::nullopt;
  if (text[at] == ',') {
    out.has_fallback = true;
    ++at;
    while (at < text.size() && text[at] == ' ') ++at;
    if (at == text.size() || text[at] != '\'') return std::nullopt;
    ++at;
    while (at < text.size() && text[at] != '\'') out.fallback += text[at++];
    if (at == text.size()) return std::nullopt;
    ++at;
    while (at < text.size() && text[at] == ' ') ++at;
    if (at == text.size() || text[at] != '}') return std::nullopt;
  }
  out.length = at + 1;
  return out;
}

// What a variable stands for in a request.
std::optional<std::string> value_of(const Variable& variable, const json::Value& request) {
  if (variable.key == "*" || variable.key == "?" || variable.key == "$") return variable.key;
  const auto values = context_values(request, variable.key);
  if (values && values->size() == 1) return values->front();
  if ((!values || values->empty()) && variable.has_fallback) return variable.fallback;
  return std::nullopt;
}

void append(Pattern& pattern, std::string_view text, bool may_be_wild) {
  for (const std::string& character : characters_of(text)) pattern.push_back({character, may_be_wild});
}

// At its first five colons.
std::vector<Pattern> arn_parts(const Pattern& pattern) {
  std::vector<Pattern> out(1);
  for (const Symbol& symbol : pattern) {
    if (symbol.character == ":" && out.size() < 6) {
      out.emplace_back();
    } else {
      out.back().push_back(symbol);
    }
  }
  return out;
}

bool is_leap(long long year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}
long long days_in(long long year, long long month) {
  if (month == 2) return is_leap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}
long long days_since_1970(long long year, long long month, long long day) {
  long long days = 0;
  for (long long y = 1970; y < year; ++y) days += is_leap(y) ? 366 : 365;
  for (long long y = year; y < 1970; ++y) days -= is_leap(y) ? 366 : 365;
  for (long long m = 1; m < month; ++m) days += days_in(year, m);
  return days + day - 1;
}

// Whether the text has the shape, in which `9` is any digit.
bool has_shape(std::string_view text, std::string_view shape) {
  if (text.size() != shape.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = digits.find(text[i]) != std::string_view::npos;
    if (shape[i] == '9' ? !digit : text[i] != shape[i]) return false;
  }
  return true;
}
long long number_at(std::string_view text, std::size_t at, std::size_t count) {
  return std::stoll(std::string{text.substr(at, count)});
}

// `hh:mm`, `hh:mm:ss`, `hh:mm:ss.fraction`.
std::optional<Moment> time_of(std::string_view text) {
  std::string fraction(9, '0');
  const std::size_t point = text.find('.');
  if (point != std::string_view::npos) {
    const std::string_view written = text.substr(point + 1);
    if (point != 8 || !consists_of(written, digits) || written.size() > 9) return std::nullopt;
    fraction.replace(0, written.size(), written);
    text = text.substr(0, point);
  }
  if (!has_shape(text, "99:99") && !has_shape(text, "99:99:99")) return std::nullopt;
  const long long hour = number_at(text, 0, 2), minute = number_at(text, 3, 2);
  const long long second = text.size() == 8 ? number_at(text, 6, 2) : 0;
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return Moment{hour * 3600 + minute * 60 + second, fraction};
}

// How far east of UTC, in seconds.
std::optional<long long> zone_of(std::string_view text) {
  if (text == "Z") return 0;
  if (!has_shape(text, "+99:99") && !has_shape(text, "-99:99")) return std::nullopt;
  const long long hours = number_at(text, 1, 2), minutes = number_at(text, 4, 2);
  if (hours > 14 || minutes > 59) return std::nullopt;
  return (text[0] == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
}

std::optional<Moment> written_moment_of(std::string_view text) {
  const bool month_only = has_shape(text, "9999-99");
  const std::string_view date = text.substr(0, 10);
  if (!month_only && !has_shape(date, "9999-99-99")) return std::nullopt;
  const long long year = number_at(text, 0, 4), month = number_at(text, 5, 2);
  const long long day = month_only ? 1 : number_at(text, 8, 2);
  if (month < 1 || month > 12 || day < 1 || day > days_in(year, month)) return std::nullopt;
  Moment moment{days_since_1970(year, month, day) * 86400, std::string(9, '0')};
  if (text.size() <= 10) return moment;
  if (text[10] != 'T') return std::nullopt;
  const std::size_t zone_at = text.find_first_of("Z+-", 11);
  if (zone_at == std::string_view::npos) return std::nullopt;
  const auto time = time_of(text.substr(11, zone_at - 11));
  const auto zone = zone_of(text.substr(zone_at));
  if (!time || !zone) return std::nullopt;
  return Moment{moment.first + time->first - *zone, time->second};
}

std::string bits_of(unsigned value, std::size_t count) {
  std::string out;
  while (out.size() < count) {
    out.insert(out.begin(), value % 2 == 1 ? '1' : '0');
    value /= 2;
  }
  return out;
}

std::optional<std::string> ipv4_bits(std::string_view text) {
  const Texts groups = split(text, '.');
  if (groups.size() != 4) return std::nullopt;
  std::string out;
  for (const std::string& group : groups) {
    if (!consists_of(group, digits) || group.size() > 3 || (group.size() > 1 && group[0] == '0'))
      return std::nullopt;
    if (std::stoi(group) > 255) return std::nullopt;
    out += bits_of(static_cast<unsigned>(std::stoi(group)), 8);
  }
  return out;
}

// Groups of an IPv6 address between colons; the last may be an IPv4 address.
std::optional<std::string> ipv6_groups(std::string_view text, bool may_end_in_ipv4) {
  std::string out;
  if (text.empty()) return out;
  const Texts groups = split(text, ':');
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (may_end_in_ipv4 && i + 1 == groups.size() && groups[i].find('.') != std::string::npos) {
      const auto tail = ipv4_bits(groups[i]);
      if (!tail) return std::nullopt;
      out += *tail;
      continue;
    }
    if (!consists_of(groups[i], "0123456789abcdefABCDEF") || groups[i].size() > 4) return std::nullopt;
    out += bits_of(static_cast<unsigned>(std::stoul(groups[i], nullptr, 16)), 16);
  }
  return out;
}

std::optional<std::string> ipv6_bits(std::string_view text) {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    auto all = ipv6_groups(text, true);
    return all && all->size() == 128 ? all : std::nullopt;
  }
  const auto before = ipv6_groups(text.substr(0, gap), false);
  const auto after = ipv6_groups(text.substr(gap + 2), true);
  if (!before || !after || before->size() + after->size() > 112)
    return std::nullopt;  // `::` is a group at least
  return *before + std::string(128 - before->size() - after->size(), '0') + *after;
}

const std::string mapped_prefix = std::string(80, '0') + std::string(16, '1');

}  // namespace

Texts characters_of(std::string_view text) {
  Texts out;
  for (const char c : text) {
    const bool continues = (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
    if (continues && !out.empty()) {
      out.back() += c;
    } else {
      out.emplace_back(1, c);
    }
  }
  return out;
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return text;
}

bool stands_for(const Pattern& pattern, const Texts& characters) {
  std::set<std::size_t> places{0};
  for (const Symbol& symbol : pattern) {
    std::set<std::size_t> next;
    for (const std::size_t place : places) {
      if (symbol.may_be_wild && symbol.character == "*") {
        for (std::size_t any = place; any <= characters.size(); ++any) next.insert(any);
        break;  // the first place reaches all that the others do
      }
      const bool one = symbol.may_be_wild && symbol.character == "?";
      if (place < characters.size() && (one || characters[place] == symbol.character)) next.insert(place + 1);
    }
    places = next;
  }
  return places.contains(characters.size());
}

bool is_arn(std::string_view text) {
  return split(text, ':').size() >= 6;
}

bool stands_for_arn(const Pattern& pattern, std::string_view text) {
  Pattern given;
  append(given, text, false);
  const auto wanted_parts = arn_parts(pattern), given_parts = arn_parts(given);
  if (wanted_parts.size() != 6 || given_parts.size() != 6) return false;
  for (std::size_t i = 0; i < 6; ++i)
    if (!stands_for(wanted_parts[i], characters_of(text_of(given_parts[i])))) return false;
  return true;
}

std::string text_of(const Pattern& pattern) {
  std::string out;
  for (const Symbol& symbol : pattern) out += symbol.character;
  return out;
}

std::optional<Pattern> filled_in(std::string_view text, bool knows_variables, const json::Value& request) {
  Pattern out;
  while (!text.empty()) {
    const std::size_t start = knows_variables ? std::min(text.find("${"), text.size()) : text.size();
    append(out, text.substr(0, start), true);
    text.remove_prefix(start);
    if (text.empty()) break;
    const auto variable = variable_at(text);
    const auto value = variable ? value_of(*variable, request) : std::nullopt;
    if (!value) return std::nullopt;
    append(out, *value, false);
    text.remove_prefix(variable->length);
  }
  return out;
}

bool has_variables(std::string_view text) {
  return text.find("${") != std::string_view::npos;
}

bool has_well_formed_variables(std::string_view text) {
  while (has_variables(text)) {
    text.remove_prefix(text.find("${"));
    const auto variable = variable_at(text);
    if (!variable) return false;
    text.remove_prefix(variable->length);
  }
  return true;
}

std::string outside_variables(std::string_view text) {
  std::string out;
  while (has_variables(text)) {
    out += text.substr(0, text.find("${"));
    text.remove_prefix(text.find("${"));
    text.remove_prefix(variable_at(text).value_or(Variable{.length = text.size()}).length);
  }
  return out + std::string{text};
}

std::optional<Texts> context_values(const json::Value& request, std::string_view key) {
  const json::Value* context = request.find("context");
  if (context == nullptr) return std::nullopt;
  for (const json::Member& member : context->members) {
    if (lower(member.name) != lower(std::string{key})) continue;
    Texts out;
    for (const json::Value& value : member.value.elements) out.push_back(value.text);
    return out;
  }
  return std::nullopt;
}

std::string member_text(const json::Value& value, std::string_view name) {
  const json::Value* member = value.find(name);
  return member == nullptr ? "" : member->text;
}

std::optional<Number> number_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const Texts halves = split(text, '.');
  if (halves.size() > 2) return std::nullopt;
  for (const std::string& half : halves)
    if (!consists_of(half, digits) || half.size() > 18) return std::nullopt;
  std::string all = std::string(18 - halves[0].size(), '0') + halves[0];
  if (halves.size() == 2) all += halves[1];
  all.resize(36, '0');
  return Number{negative && all != std::string(36, '0'), all};
}

int compare(const Number& a, const Number& b) {
  if (a.first != b.first) return a.first ? -1 : 1;
  const int order = a.second.compare(b.second);
  return a.first ? -order : order;
}

std::optional<Moment> moment_of(std::string_view text) {
  if (!consists_of(text, digits)) return written_moment_of(text);
  if (text.size() == 4 || text.size() > 12) return std::nullopt;
  return Moment{std::stoll(std::string{text}), std::string(9, '0')};
}

std::optional<Block> address_of(std::string_view text) {
  if (text.find('/') != std::string_view::npos) return std::nullopt;
  return block_of(text);
}

std::optional<Block> block_of(std::string_view text) {
  const Texts halves = split(text, '/');
  if (halves.size() > 2) return std::nullopt;
  const bool v6 = halves[0].find(':') != std::string::npos;
  const auto bits = v6 ? ipv6_bits(halves[0]) : ipv4_bits(halves[0]);
  if (!bits) return std::nullopt;
  std::size_t length = bits->size();
  if (halves.size() == 2) {
    const std::string& prefix = halves[1];
    if (!consists_of(prefix, digits) || prefix.size() > 3 || (prefix.size() > 1 && prefix[0] == '0'))
      return std::nullopt;
    if (std::stoul(prefix) > length) return std::nullopt;
    length = std::stoul(prefix);
  }
  const std::string kept = bits->substr(0, length);
  if (v6 && kept.starts_with(mapped_prefix)) return Block{32, kept.substr(96)};
  return Block{bits->size(), kept};
}

// Taken apart into bits and put together again it is the same text.
bool is_base64(const std::string& text) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.empty() || text.size() % 4 != 0) return false;
  const std::string data = text.substr(0, std::min(text.find('='), text.size()));
  if (!consists_of(data, alphabet)) return false;
  std::string bits;
  for (const char c : data) bits += bits_of(static_cast<unsigned>(alphabet.find(c)), 6);
  bits.resize(bits.size() / 8 * 8);  // whole bytes
  if (bits.empty()) return false;
  while (bits.size() % 6 != 0) bits += '0';
  std::string again;
  for (std::size_t at = 0; at < bits.size(); at += 6)
    again += alphabet[std::stoul(bits.substr(at, 6), nullptr, 2)];
  while (again.size() % 4 != 0) again += '=';
  return again == text;
}

}  // namespace deputy::policy_spec
