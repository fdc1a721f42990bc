#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace deputy::policy_spec {

// Where a generator takes its choices from: first from bytes that a fuzzer gives, then from a row of random
// numbers that starts at a seed. The same bytes and seed make the same choices.
class Choices {
 public:
  explicit Choices(std::uint64_t seed) : state_(seed) {}
  explicit Choices(std::span<const std::uint8_t> bytes) : bytes_(bytes), state_(bytes.size()) {
    for (const std::uint8_t byte : bytes) state_ = state_ * 1099511628211U + byte;
  }

  std::size_t below(std::size_t bound) {
    if (bytes_.empty()) return next() % bound;
    const std::size_t byte = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return byte % bound;
  }
  bool once_in(std::size_t many) { return below(many) == 0; }
  template <std::size_t count>
  std::string any_of(const char* const (&options)[count]) {
    return options[below(count)];
  }

 private:
  std::uint64_t next() {  // splitmix64
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

  std::span<const std::uint8_t> bytes_;
  std::uint64_t state_;
};

}  // namespace deputy::policy_spec
