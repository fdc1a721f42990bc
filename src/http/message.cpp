#include "http/message.hpp"

#include <algorithm>

#include "core/ascii.hpp"
#include "core/secret.hpp"

namespace deputy::http {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte of the escape `%XX` at `at`; nullopt when it is broken.
std::optional<char> escaped_byte(std::string_view text, std::size_t at) {
  if (text.size() - at < 3) return std::nullopt;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(static_cast<unsigned char>(high * 16 + low));
}

std::optional<std::string> decode_form_word(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i] == '+' ? ' ' : text[i];
    if (c == '%') {
      const auto byte = escaped_byte(text, i);
      if (!byte) return std::nullopt;
      c = *byte;
      i += 2;
    }
    if (c == '\0') return std::nullopt;
    out += c;
  }
  return out;
}

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(segment.size());
  }
  return false;
}

}  // namespace

bool equal_without_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return to_lower(x) == to_lower(y); });
}

Headers& Headers::operator=(const Headers& other) {
  return *this = Headers{other};
}

Headers& Headers::operator=(Headers&& other) noexcept {
  fields_.swap(other.fields_);  // what was here goes with the other
  return *this;
}

void Headers::wipe() noexcept {
  for (auto& [name, value] : fields_) deputy::wipe(value);
}

void Headers::set(std::string name, std::string value) {
  const auto is_of_that_name = [&](const auto& field) { return equal_without_case(field.first, name); };
  for (auto& field : fields_)
    if (is_of_that_name(field)) deputy::wipe(field.second);
  std::erase_if(fields_, is_of_that_name);
  add(std::move(name), std::move(value));
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const auto& [field, value] : fields_) {
    if (equal_without_case(field, name)) return value;
  }
  return std::nullopt;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      fields_, [name](const auto& field) { return equal_without_case(field.first, name); }));
}

Request& Request::operator=(const Request& other) {
  return *this = Request{other};
}

// What was here goes, wiped, with the temporary.
Request& Request::operator=(Request&& other) noexcept {
  Request old{std::move(*this)};
  method = std::move(other.method);
  target = std::move(other.target);
  path = std::move(other.path);
  query = std::move(other.query);
  headers = std::move(other.headers);
  body = std::move(other.body);
  remote_address = std::move(other.remote_address);
  peer_user_id = other.peer_user_id;
  request_id = std::move(other.request_id);
  return *this;
}

Request::~Request() {
  for (std::string* const part : {&target, &path, &query, &body}) wipe(*part);
}

std::optional<std::vector<std::pair<std::string, std::string>>> parse_form(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto name = decode_form_word(pair.substr(0, equals));
    auto value =
        decode_form_word(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1));
    if (!name || !value) return std::nullopt;
    pairs.emplace_back(*std::move(name), *std::move(value));
  }
  return pairs;
}

std::optional<std::string> decode_path(std::string_view encoded) {
  if (!encoded.starts_with('/')) return std::nullopt;
  std::string path;
  path.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    char c = encoded[i];
    if (c == '%') {
      const auto byte = escaped_byte(encoded, i);
      if (!byte || *byte == '/') return std::nullopt;
      c = *byte;
      i += 2;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '\\') return std::nullopt;
    path += c;
  }
  if (has_dot_segment(path)) return std::nullopt;
  return path;
}

}  // namespace deputy::http
