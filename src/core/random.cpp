#include "core/random.hpp"

#include <sodium.h>

#include "core/assert.hpp"

namespace deputy {

SystemRandom::SystemRandom() {
  DEPUTY_ASSERT(sodium_init() >= 0);
}

void SystemRandom::fill(std::span<std::byte> bytes) {
  randombytes_buf(bytes.data(), bytes.size());
}

std::uint64_t uniform(Random& random, std::uint64_t bound) {
  DEPUTY_ASSERT(bound > 0);
  // Values below 2^64 mod bound would favour the small results: drawn again.
  const std::uint64_t rejected = (0 - bound) % bound;
  for (;;) {
    std::uint64_t value = 0;
    random.fill(std::as_writable_bytes(std::span{&value, 1}));
    if (value >= rejected) return value % bound;
  }
}

std::chrono::milliseconds full_jitter(Random& random, std::chrono::milliseconds ceiling) {
  if (ceiling.count() <= 0) return std::chrono::milliseconds{0};
  return std::chrono::milliseconds{
      static_cast<std::int64_t>(uniform(random, static_cast<std::uint64_t>(ceiling.count()) + 1))};
}

std::string random_base32(Random& random, std::size_t length) {
  static constexpr char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
  std::string text(length, '\0');
  random.fill(std::as_writable_bytes(std::span{text}));
  for (char& c : text) c = alphabet[static_cast<unsigned char>(c) & 31U];
  return text;
}

}  // namespace deputy
