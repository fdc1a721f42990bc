#include "api/authentication.hpp"

#include <algorithm>
#include <string_view>

namespace deputy::api {
namespace {

constexpr std::size_t key_bytes_max = 256;

bool equal_without_case(std::string_view a, std::string_view lower_case) {
  return std::ranges::equal(a, lower_case,
                            [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x | 0x20 : x) == y; });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");  // a token file often ends with a newline
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

Result<SecretString> presented_key(const http::Headers& headers, KeyForm form) {
  const auto refused = [] { return Error{ErrorKind::unauthorized, "a valid key is needed"}; };
  const auto field = headers.find("Authorization");
  if (!field || headers.count("Authorization") != 1) return refused();
  std::string_view key = trimmed(*field);
  const std::size_t blank = key.find(' ');
  if (blank != std::string_view::npos) {
    if (!equal_without_case(key.substr(0, blank), "bearer")) return refused();
    key = trimmed(key.substr(blank));
  } else if (form == KeyForm::bearer) {
    return refused();
  }
  const bool printable = std::ranges::all_of(key, [](char c) { return c > 0x20 && c < 0x7f; });
  if (key.empty() || key.size() > key_bytes_max || !printable) return refused();
  return SecretString{key};
}

namespace {

// Drawn identifiers do not begin like this.
KeyId identifier_of(std::uint32_t user) {
  constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  std::string text = "key_" + std::string(24, 'a');
  for (std::size_t i = text.size(); user != 0; user /= alphabet.size())
    text[--i] = alphabet[user % alphabet.size()];
  return KeyId::parse(text).value();
}

}  // namespace

std::optional<registry::Key> key_of_user(const http::Request& request, const WorkloadUsers& users) {
  if (!request.peer_user_id || request.headers.count("Authorization") != 0) return std::nullopt;
  const auto found = users.find(*request.peer_user_id);
  if (found == users.end()) return std::nullopt;
  registry::Key key{.id = identifier_of(found->first)};
  key.role = registry::KeyRole::workload;
  key.workload = found->second;
  return key;
}

}  // namespace deputy::api
