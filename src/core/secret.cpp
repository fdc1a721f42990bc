#include "core/secret.hpp"

#include <sodium.h>

namespace deputy {

SecretString::SecretString(std::string_view text) : bytes_(text.begin(), text.end()) {}

SecretString SecretString::take(std::string& source) {
  SecretString secret{std::string_view{source}};
  deputy::wipe(source);
  return secret;
}

SecretString::SecretString(const SecretString& other) = default;

SecretString::SecretString(SecretString&& other) noexcept : bytes_(std::move(other.bytes_)) {
  other.bytes_.clear();
}

SecretString& SecretString::operator=(const SecretString& other) {
  if (this != &other) {
    wipe();
    bytes_ = std::vector<char>(other.bytes_.begin(), other.bytes_.end());
  }
  return *this;
}

SecretString& SecretString::operator=(SecretString&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_ = std::move(other.bytes_);
    other.bytes_.clear();
  }
  return *this;
}

SecretString::~SecretString() {
  wipe();
}

void SecretString::wipe() noexcept {
  if (!bytes_.empty()) sodium_memzero(bytes_.data(), bytes_.size());
}

bool operator==(const SecretString& a, const SecretString& b) {
  return equal_in_constant_time(a.reveal(), b.reveal());
}

void wipe(std::string& text) noexcept {
  if (!text.empty()) sodium_memzero(text.data(), text.size());
  text.clear();
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace deputy
