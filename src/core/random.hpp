#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace deputy {

// Where randomness comes from. Everything that is issued (external IDs, identifiers, keys, nonces) uses
// SystemRandom; tests inject their own for jitter and to show that nothing else is used. Implementations are
// thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::byte> bytes) = 0;
};

// The operating system's generator (getrandom(2), through libsodium).
class SystemRandom final : public Random {
 public:
  SystemRandom();
  void fill(std::span<std::byte> bytes) override;
};

// Uniform in [0, bound); bound > 0.
std::uint64_t uniform(Random& random, std::uint64_t bound);

// Full jitter: uniform in [0, ceiling].
std::chrono::milliseconds full_jitter(Random& random, std::chrono::milliseconds ceiling);

// `length` characters of the lower-case base32 alphabet a–z2–7 (5 bits each).
std::string random_base32(Random& random, std::size_t length);

}  // namespace deputy
