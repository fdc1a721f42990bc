#pragma once

#include <random>

#include "core/random.hpp"

namespace deputy {

// Repeatable: the same seed draws the same bytes. Not thread-safe.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed = 1) : engine_(seed) {}
  void fill(std::span<std::byte> bytes) override {
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(engine_() & 0xffU);
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace deputy
