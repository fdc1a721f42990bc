#include "aws/base/refreshing_provider.hpp"

#include <algorithm>

namespace deputy::aws {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr milliseconds renew_ahead_max = minutes{15};
constexpr milliseconds wait_ahead_max = minutes{1};
// Credentials without an expiry that may change: how long they stay in use when they cannot be read again.
constexpr milliseconds unread_max = minutes{15};
constexpr milliseconds backoff_base = seconds{1};
constexpr milliseconds backoff_max = seconds{30};
constexpr milliseconds backoff_max_with_nothing = seconds{5};

milliseconds drawn(Random& random, milliseconds ceiling) {
  return full_jitter(random, std::max(ceiling, milliseconds{0}));
}

}  // namespace

// Many processes that began together do not come together: the jitter makes each one's moment its own.
RefreshingProvider::Held RefreshingProvider::held(Supply supply) {
  const auto expires_at = supply.credentials.expires_at;
  Held held{std::move(supply.credentials), std::nullopt, Span{0}, Span{0}};
  if (expires_at) {
    const auto life = std::chrono::floor<Span>(*expires_at - clock_.now());
    const Span ahead = std::min(renew_ahead_max, life / 3);
    held.until = clock_.steady_now() + life;
    held.renew_ahead = ahead + drawn(random_, ahead / 4);
    held.wait_ahead = std::min(wait_ahead_max, life / 10);
  } else if (supply.look_again_after) {
    const Span after = *supply.look_again_after;
    held.until = clock_.steady_now() + unread_max;
    held.renew_ahead = unread_max - after;
    held.wait_ahead = unread_max - 3 * after;
  }
  return held;
}

RefreshingProvider::Span RefreshingProvider::left() const {
  Span left = Span::max();
  if (held_->until) left = std::chrono::floor<Span>(*held_->until - clock_.steady_now());
  if (const auto& expires_at = held_->credentials.expires_at)
    left = std::min(left, std::chrono::floor<Span>(*expires_at - clock_.now()));
  return left;
}

bool RefreshingProvider::may_try() const {
  if (attempts_.running() > 0 || attempts_.stop_token().stop_requested()) return false;
  return !failure_ || clock_.steady_now() >= next_try_;
}

Task<Result<Credentials>> RefreshingProvider::get() {
  if (held_ && left() > held_->renew_ahead) co_return held_->credentials;
  if (may_try()) attempts_.spawn(renew());
  if (held_ && left() > held_->wait_ahead) co_return held_->credentials;
  if (attempts_.running() > 0) co_await attempts_.join();
  if (held_ && left() > Span{0}) co_return held_->credentials;
  if (failure_) co_return *failure_;
  co_return broken_source("the service stops");
}

Task<void> RefreshingProvider::renew() {
  auto supply = co_await fetch_(attempts_.stop_token());
  if (supply) {
    held_ = held(std::move(supply).value());
    failure_.reset();
    failures_ = 0;
    co_return;
  }
  failure_ = std::move(supply).error();
  const bool has_something = held_ && left() > Span{0};
  const Span ceiling = has_something ? backoff_max : backoff_max_with_nothing;
  const Span wait = std::min(ceiling, backoff_base * (1 << std::min(failures_++, 10)));
  next_try_ = clock_.steady_now() + wait / 2 + drawn(random_, wait / 2);
}

Task<void> RefreshingProvider::stop() {
  attempts_.request_stop();
  co_await attempts_.join();
}

}  // namespace deputy::aws
