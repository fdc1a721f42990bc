#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace deputy {

// Bytes that must not leak: wiped when destroyed, moved from or assigned over; not printable (there is no
// operator<< and fmt does not know it), compared in constant time. `reveal` is the one way to the bytes: a
// search for it shows every use. Not thread-safe. A copy is an allocation of its own and is wiped likewise.
class SecretString {
 public:
  SecretString() = default;
  explicit SecretString(std::string_view text);
  // Takes the bytes over and wipes the source.
  static SecretString take(std::string& source);

  SecretString(const SecretString& other);
  SecretString(SecretString&& other) noexcept;
  SecretString& operator=(const SecretString& other);
  SecretString& operator=(SecretString&& other) noexcept;
  ~SecretString();

  // Valid until this object is changed or destroyed.
  std::string_view reveal() const { return {bytes_.data(), bytes_.size()}; }
  bool empty() const { return bytes_.empty(); }
  std::size_t size() const { return bytes_.size(); }

  // Constant-time in the content; the length is not a secret.
  friend bool operator==(const SecretString& a, const SecretString& b);

 private:
  void wipe() noexcept;
  std::vector<char> bytes_;
};

// Overwrites the characters in a way that the compiler keeps, then empties the text.
void wipe(std::string& text) noexcept;

// Constant-time comparison of equal-length texts.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace deputy
