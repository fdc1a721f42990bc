#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/identifiers.hpp"
#include "core/result.hpp"

namespace deputy::api {

// How fast things may be made: at once as many as the burst, then ten a second. A connection draws an
// external ID that is never given again, connections and tenants are rows that are never removed, and each is
// an entry of the journal, so nobody may go on for as long as they like. THREATS: class 7. Makers are counted
// in a fixed table under a secret hash; two may share a count. On the loop's thread.
class CreationPace {
 public:
  CreationPace();

  // `rate_limited` with when to try again.
  Result<void> take_connection(const TenantId& tenant, std::chrono::steady_clock::time_point now);
  Result<void> take_tenant(const KeyId& maker, std::chrono::steady_clock::time_point now);
  Result<void> take_key(const KeyId& maker, std::chrono::steady_clock::time_point now);

 private:
  Result<void> take(const std::string& maker, double burst, std::string_view what,
                    std::chrono::steady_clock::time_point now);

  static constexpr std::size_t counts = 4'096;
  struct Count {
    double made = 0;  // of the burst, as far as time has not given it back
    std::chrono::steady_clock::time_point at;
  };
  std::array<Count, counts> counts_{};
  std::uint64_t secret_ = 0;
};

}  // namespace deputy::api
