#include "api/creation_pace.hpp"

#include <algorithm>
#include <functional>
#include <span>
#include <string>

#include "core/random.hpp"

namespace deputy::api {
namespace {

constexpr double burst_max = 1'000;
constexpr double per_second = 10;

}  // namespace

CreationPace::CreationPace() {
  SystemRandom{}.fill(std::as_writable_bytes(std::span{&secret_, 1}));
}

Result<void> CreationPace::take(const TenantId& tenant, std::chrono::steady_clock::time_point now) {
  const std::size_t place = std::hash<std::string>{}(tenant.text() + std::to_string(secret_)) % counts;
  Count& count = counts_[place];
  const double seconds = std::chrono::duration<double>(now - count.at).count();
  count.made = std::max(0.0, count.made - seconds * per_second);
  count.at = now;
  if (count.made + 1 > burst_max)
    return Error{ErrorKind::rate_limited,
                 "too many connections were made for this tenant; ten a second are let through"}
        .with_retry_after(std::chrono::seconds{1});
  count.made += 1;
  return success();
}

}  // namespace deputy::api
