#include "webhooks/delivery.hpp"

#include "webhooks/signature.hpp"

#include <algorithm>
#include <spdlog/spdlog.h>

#include "core/task_group.hpp"

namespace deputy::webhooks {
namespace {

using registry::WebhookEvent;
using std::chrono::milliseconds;

constexpr milliseconds store_retry = std::chrono::seconds{1};
constexpr milliseconds pause_min{20};
constexpr std::size_t answer_bytes_max = 64 * 1024;

void log_store_error(std::string_view doing, const Error& error) {
  spdlog::error("webhooks: {} failed: {} {}", doing, error.message, error.detail);
}

}  // namespace

struct Delivery::State : std::enable_shared_from_this<Delivery::State> {
  State(EventLoop& loop_, const Clock& clock_, Random& random_, WorkPool& pool_,
        registry::Registry& registry_, aws::Transport& transport_, DeliverySettings settings_)
      : loop(loop_),
        clock(clock_),
        random(random_),
        pool(pool_),
        registry(registry_),
        transport(transport_),
        settings(std::move(settings_)) {}

  EventLoop& loop;
  const Clock& clock;
  Random& random;
  WorkPool& pool;
  registry::Registry& registry;
  aws::Transport& transport;
  const DeliverySettings settings;

  TaskGroup group;
  std::size_t in_flight = 0;
  bool woken = false;
  std::stop_source nap;

  bool stopping() const { return group.stop_token().stop_requested(); }
  void wake() {
    woken = true;
    nap.request_stop();
  }

  Task<void> serve();
  Task<void> look();
  Task<milliseconds> until_next_look();
  Task<void> deliver(WebhookEvent event);
  enum class Attempt { taken, refused, unanswered };
  Task<Attempt> send(const WebhookEvent& event);
  Task<void> settle(const WebhookEvent& event, Attempt attempt);
  milliseconds back_off(int attempts) const;
};

Task<void> Delivery::State::serve() {
  while (!stopping()) {
    woken = false;
    co_await look();
    if (stopping()) break;
    const milliseconds delay = co_await until_next_look();
    if (woken || stopping()) continue;
    nap = std::stop_source{};
    co_await sleep_for(loop, delay, nap.get_token());
  }
}

Task<void> Delivery::State::look() {
  while (in_flight < settings.in_flight_max && !stopping()) {
    const std::size_t room = settings.in_flight_max - in_flight;
    auto claimed = co_await run_on(pool, loop, [&book = registry, room, lease = settings.lease] {
      return book.claim_webhook_events(room, lease);
    });
    if (!claimed) {
      log_store_error("claiming events", claimed.error());
      co_await sleep_for(loop, store_retry, group.stop_token());
      co_return;
    }
    if (claimed.value().empty()) co_return;
    for (WebhookEvent& event : claimed.value()) {
      ++in_flight;
      group.spawn(deliver(std::move(event)));
    }
  }
}

Task<milliseconds> Delivery::State::until_next_look() {
  // With no room left, the end of an attempt wakes us.
  if (in_flight >= settings.in_flight_max) co_return settings.poll;
  auto earliest = co_await run_on(pool, loop, [&book = registry] { return book.earliest_webhook_due(); });
  if (!earliest) {
    log_store_error("asking when the next is due", earliest.error());
    co_return std::min(store_retry, settings.poll);
  }
  if (!earliest.value()) co_return settings.poll;
  const auto left = std::chrono::ceil<milliseconds>(*earliest.value() - clock.now());
  co_return std::clamp(left, std::min(pause_min, settings.poll), settings.poll);
}

Task<void> Delivery::State::deliver(WebhookEvent event) {
  const Attempt attempt = co_await send(event);
  co_await settle(event, attempt);
  --in_flight;
  wake();
}

// Of the answer only the status counts: 2xx is taken, everything else, a redirect too, is not.
Task<Delivery::State::Attempt> Delivery::State::send(const WebhookEvent& event) {
  const Timestamp now = clock.now();
  aws::HttpRequest request{
      .method = "POST",
      .url = settings.url,
      .headers = {{"content-type", "application/json"},
                  {"user-agent", "Deputy"},
                  {"webhook-id", event.id.text()},
                  {"webhook-timestamp", timestamp_text(now)},
                  {"webhook-signature", signatures(settings.secrets, event.id.text(), now, event.body)}},
      .body = event.body,
      .timeout = settings.timeout,
      .response_bytes_max = answer_bytes_max};
  auto answer = co_await transport.send(std::move(request));
  if (answer && answer.value().status >= 200 && answer.value().status < 300) co_return Attempt::taken;
  if (!stopping())
    spdlog::warn("webhooks: event {} was not taken, attempt {}: {}", event.id.text(), event.attempts,
                 answer ? "status " + std::to_string(answer.value().status)
                        : aws::transport_error_code(answer.error()));
  co_return answer ? Attempt::refused : Attempt::unanswered;
}

// Written down, or else the lease runs out and the event goes out once more.
Task<void> Delivery::State::settle(const WebhookEvent& event, Attempt attempt) {
  if (attempt != Attempt::taken && stopping()) co_return;
  const Timestamp retry_at = clock.now() + back_off(event.attempts);
  auto written = co_await run_on(pool, loop, [&book = registry, &event, attempt, retry_at] {
    return attempt == Attempt::taken ? book.webhook_delivered(event.id)
                                     : book.webhook_failed(event.id, retry_at, attempt == Attempt::refused);
  });
  if (!written) log_store_error("writing down a delivery", written.error());
}

milliseconds Delivery::State::back_off(int attempts) const {
  constexpr int doublings_max = 20;
  const milliseconds ceiling =
      std::min(settings.retry_max, settings.retry_first * (1 << std::clamp(attempts - 1, 0, doublings_max)));
  return ceiling / 2 + full_jitter(random, ceiling / 2);
}

Delivery::Delivery(EventLoop& loop, const Clock& clock, Random& random, WorkPool& pool,
                   registry::Registry& registry, aws::Transport& transport, DeliverySettings settings)
    : state_(std::make_shared<State>(loop, clock, random, pool, registry, transport, std::move(settings))) {}

Delivery::~Delivery() = default;

void Delivery::start() {
  state_->group.spawn(state_->serve());
}

void Delivery::wake() {
  state_->loop.post([weak = state_->weak_from_this()] {
    if (const auto state = weak.lock()) state->wake();
  });
}

Task<void> Delivery::stop() {
  state_->group.request_stop();
  state_->nap.request_stop();
  co_await state_->group.join();
}

}  // namespace deputy::webhooks
