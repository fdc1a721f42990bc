#include "api/creation_pace.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <span>

#include "core/random.hpp"

namespace deputy::api {
namespace {

constexpr double burst_max = 1'000;
constexpr double key_burst_max = 200;
constexpr double per_second = 10;

}  // namespace

CreationPace::CreationPace() {
  SystemRandom{}.fill(std::as_writable_bytes(std::span{&secret_, 1}));
}

Result<void> CreationPace::take_connection(const TenantId& tenant,
                                           std::chrono::steady_clock::time_point now) {
  return take("connection " + tenant.text(), burst_max, "connections were made for this tenant", now);
}
Result<void> CreationPace::take_tenant(const KeyId& maker, std::chrono::steady_clock::time_point now) {
  return take("tenant " + maker.text(), burst_max, "tenants were made with this key", now);
}
Result<void> CreationPace::take_key(const KeyId& maker, std::chrono::steady_clock::time_point now) {
  return take("key " + maker.text(), key_burst_max, "keys were made with this key", now);
}

Result<void> CreationPace::take(const std::string& maker, double burst, std::string_view what,
                                std::chrono::steady_clock::time_point now) {
  const std::size_t place = std::hash<std::string>{}(maker + std::to_string(secret_)) % counts;
  Count& count = counts_[place];
  const double seconds = std::chrono::duration<double>(now - count.at).count();
  count.made = std::max(0.0, count.made - seconds * per_second);
  count.at = now;
  if (count.made + 1 > burst)
    return Error{ErrorKind::rate_limited, fmt::format("too many {}; ten a second are let through", what)}
        .with_retry_after(std::chrono::seconds{1});
  count.made += 1;
  return success();
}

}  // namespace deputy::api
