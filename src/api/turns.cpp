#include "api/turns.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>

#include "core/assert.hpp"

namespace deputy::api {

struct Turns::Wait {
  Turns& turns;
  std::string client;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    auto& queue = turns.of_client_[client];
    if (queue.empty()) turns.next_.push_back(client);
    queue.push_back(waiter);
    ++turns.waiting_;
  }
  void await_resume() const noexcept {}
};

Task<bool> Turns::enter(std::string client) {
  if (at_once_ < limits_.at_once_max) {
    ++at_once_;
    co_return true;
  }
  const auto found = of_client_.find(client);
  const std::size_t of_client = found == of_client_.end() ? 0 : found->second.size();
  if (waiting_ >= limits_.waiting_max || of_client >= limits_.waiting_of_client_max) co_return false;
  co_await Wait{*this, std::move(client)};
  co_return true;
}

// The turn goes over to the next one, so that nobody who comes just now is before those who wait.
void Turns::leave() {
  DEPUTY_ASSERT(at_once_ > 0);
  if (next_.empty()) {
    --at_once_;
    return;
  }
  std::string client = std::move(next_.front());
  next_.pop_front();
  const auto found = of_client_.find(client);
  const auto waiter = found->second.front();
  found->second.pop_front();
  --waiting_;
  if (found->second.empty())
    of_client_.erase(found);
  else
    next_.push_back(std::move(client));
  loop_.post([waiter] { waiter.resume(); });
}

std::string client_at(std::string_view address) {
  constexpr std::size_t network_bytes = 8;
  constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::string text{address};
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET6, text.substr(0, text.find('%')).c_str(), bytes.data()) != 1) return text;
  if (std::equal(mapped.begin(), mapped.end(), bytes.begin()))
    return std::to_string(bytes[12]) + "." + std::to_string(bytes[13]) + "." + std::to_string(bytes[14]) +
           "." + std::to_string(bytes[15]);
  return {reinterpret_cast<const char*>(bytes.data()), network_bytes};
}

}  // namespace deputy::api
