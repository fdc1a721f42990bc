#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "core/identifiers.hpp"
#include "core/result.hpp"

namespace deputy::api {

// How fast connections of one tenant may be made: 1,000 at once, then ten a second. Each draws an external ID
// that is never given again and a row that is never removed, so nobody may go on for as long as they like.
// THREATS: class 7. Tenants are counted in a fixed table under a secret hash; two may share a count. On the
// loop's thread.
class CreationPace {
 public:
  CreationPace();

  // `rate_limited` with when to try again.
  Result<void> take(const TenantId& tenant, std::chrono::steady_clock::time_point now);

 private:
  static constexpr std::size_t counts = 4'096;
  struct Count {
    double made = 0;  // of the burst, as far as time has not given it back
    std::chrono::steady_clock::time_point at;
  };
  std::array<Count, counts> counts_{};
  std::uint64_t secret_ = 0;
};

}  // namespace deputy::api
