#include "broker/sessions.hpp"

#include <algorithm>
#include <coroutine>
#include <unordered_set>
#include <utility>

namespace deputy::broker {
namespace {

using std::chrono::milliseconds;

// A session is fetched anew when it has a fifth of its life left, and so long before it is no longer fresh.
constexpr milliseconds refresh_before_floor = std::chrono::minutes{2};
constexpr milliseconds refresh_jitter_max = std::chrono::minutes{5};  // so that not all are refreshed at once
constexpr milliseconds refresh_retry = std::chrono::seconds{10};  // a failed refresh is not tried on each hit
constexpr milliseconds outage_memory =
    std::chrono::seconds{30};  // after a call that failed, while none is up
// Who could be given what is still good does not wait for STS until the client gives up.
constexpr milliseconds wait_beside_session_max{500};
constexpr std::size_t refusals_max = 10'000;

Error takes_too_long() {
  return Error{ErrorKind::upstream_unavailable, "AWS STS takes too long to answer; try again shortly"}
      .with_retry_after(std::chrono::seconds{5});
}

Error again(const Error& error) {
  if (error.kind == ErrorKind::role_denied)
    return Error{ErrorKind::role_denied, "AWS denied the role a moment ago; verify the connection again"};
  return error;
}

}  // namespace

// A fetch from STS that several requests may wait for.
struct Sessions::Flight {
  Owners owners;
  bool refreshes = false;  // ahead of expiry, beside a hit
  bool abandoned = false;
  bool in_outage = false;  // STS was out when it began, or somebody waited for it in vain
  std::optional<Result<SessionPointer>> outcome;
  std::unordered_set<Landing*> waiting;
};

// co_await: until the flight has its outcome, or for so long.
struct Sessions::Landing {
  EventLoop& loop;
  Flight& flight;
  milliseconds wait_max;
  std::coroutine_handle<> waiter{};
  EventLoop::TimerId timer = 0;

  bool await_ready() const noexcept { return flight.outcome.has_value(); }
  void await_suspend(std::coroutine_handle<> suspended) {
    waiter = suspended;
    flight.waiting.insert(this);
    timer = loop.call_after(wait_max, [this] {
      flight.waiting.erase(this);
      waiter.resume();
    });
  }
  void await_resume() const noexcept {}
  void landed() {
    loop.cancel(timer);
    loop.post([suspended = waiter] { suspended.resume(); });
  }
};

Sessions::Sessions(SessionSource::Surroundings around, const BrokerSettings& settings)
    : around_(around),
      settings_(settings),
      source_(around, settings),
      cache_(settings.cache_entries_max),
      refused_(refusals_max, settings.denied_memory) {}

Task<Result<Obtained>> Sessions::obtain(const Order& order) {
  Tally& tally = around_.tally;
  const auto now = around_.clock.steady_now();
  if (auto* entry = cache_.find(order.key)) {
    const auto life = entry->session->life_left(around_.clock);
    const bool fresh = life >= settings_.life_min;
    if (fresh || (life >= settings_.outage_life_min && is_known_outage(*entry))) {
      ++(fresh ? tally.hits : tally.outage_hits);
      Obtained hit{entry->session, registry::IssuanceSource::cache};
      refresh_ahead(*entry, order);
      co_return hit;
    }
  }
  if (const Error* refusal = refused_.find(order.key, now)) {
    ++tally.remembered_denials;
    co_return again(*refusal);
  }
  const auto flying = flights_.find(order.key);
  const bool joined = flying != flights_.end();
  ++(joined ? tally.joins : tally.misses);
  const std::shared_ptr<Flight> flight = joined ? flying->second : take_off(order);
  co_return co_await arrival(order.key, *flight, joined);
}

// STS is out while the last call failed a moment ago, or one that began so is still up.
bool Sessions::is_known_outage(const CredentialCache::Entry& entry) const {
  const auto flying = flights_.find(entry.key);
  if (flying != flights_.end() && flying->second->in_outage) return true;
  return around_.clock.steady_now() < entry.outage_until;
}

Sessions::SessionPointer Sessions::good_in_outage(const std::string& key) {
  auto* entry = cache_.find(key);
  const bool good = entry != nullptr && entry->session->life_left(around_.clock) >= settings_.outage_life_min;
  return good ? entry->session : nullptr;
}

// Waits for the flight: not for long where there is something to fall back on, which is looked up again when
// the wait is over, since it may be forgotten by then.
Task<Result<Obtained>> Sessions::arrival(const std::string& key, Flight& flight, bool joined) {
  if (good_in_outage(key)) {
    co_await Landing{around_.loop, flight, std::min(wait_beside_session_max, settings_.answer_wait_max)};
    if (!flight.outcome && !flight.abandoned) flight.in_outage = true;
  }
  if (!flight.outcome && !good_in_outage(key))
    co_await Landing{around_.loop, flight, settings_.answer_wait_max};
  if (flight.outcome && *flight.outcome)
    co_return Obtained{flight.outcome->value(),
                       joined ? registry::IssuanceSource::cache : registry::IssuanceSource::sts};
  if (!flight.outcome && !flight.abandoned) note_outage(key);
  const Error error = flight.outcome ? flight.outcome->error() : takes_too_long();
  if (!is_outage(error)) co_return error;
  auto session = good_in_outage(key);
  if (!session) co_return error;
  ++around_.tally.outage_hits;
  co_return Obtained{std::move(session), registry::IssuanceSource::cache};
}

std::shared_ptr<Sessions::Flight> Sessions::take_off(const Order& order, bool refreshes) {
  auto flight = std::make_shared<Flight>(Flight{.owners = order.owners, .refreshes = refreshes});
  flights_.emplace(order.key, flight);
  group_.spawn(fly(order, flight));
  return flight;
}

Task<void> Sessions::fly(Order order, std::shared_ptr<Flight> flight) {
  auto outcome = co_await source_.get(order.session, group_.stop_token());
  if (const auto mine = flights_.find(order.key); mine != flights_.end() && mine->second == flight)
    flights_.erase(mine);
  if (!outcome && flight->refreshes) ++around_.tally.refreshes_failed;
  if (!flight->abandoned) {
    if (outcome)
      keep(order, outcome.value());
    else
      note_failure(order, outcome.error());
  }
  flight->outcome.emplace(std::move(outcome));
  for (Landing* const each : std::exchange(flight->waiting, {})) each->landed();
}

void Sessions::keep(const Order& order, SessionPointer session) {
  const auto life = session->life_left(around_.clock);
  const auto ahead = std::max(life / 5, milliseconds{settings_.life_min} + refresh_before_floor) +
                     full_jitter(around_.random, refresh_jitter_max);
  const std::size_t before = cache_.size();
  const bool replaces = cache_.find(order.key) != nullptr;
  cache_.put(
      {.key = order.key, .owners = order.owners, .session = std::move(session), .refresh_below = ahead});
  if (!replaces && cache_.size() == before) ++around_.tally.evictions;
}

void Sessions::note_failure(const Order& order, const Error& error) {
  if (is_outage(error))
    note_outage(order.key);
  else if (auto* entry = cache_.find(order.key))
    entry->outage_until = {};
  if (is_refusal(error))
    refused_.add(order.key, order.owners.connection.text(), error, around_.clock.steady_now());
}

void Sessions::note_outage(const std::string& key) {
  if (auto* entry = cache_.find(key)) entry->outage_until = around_.clock.steady_now() + outage_memory;
}

// Beside the hit that is served from the cache; a failure leaves what is there. By what is left of its life,
// in time that nobody can set back.
void Sessions::refresh_ahead(CredentialCache::Entry& entry, const Order& order) {
  const auto now = around_.clock.steady_now();
  if (entry.session->life_left(around_.clock) > entry.refresh_below || now < entry.next_refresh_attempt)
    return;
  if (flights_.contains(order.key) || refused_.find(order.key, now) != nullptr) return;
  entry.next_refresh_attempt = now + refresh_retry + full_jitter(around_.random, refresh_retry);
  ++around_.tally.refreshes;
  const bool in_outage = is_known_outage(entry);
  take_off(order, true)->in_outage = in_outage;
}

template <class Matches>
void Sessions::abandon_flights(Matches matches) {
  std::erase_if(flights_, [&](const auto& entry) {
    if (!matches(entry.second->owners)) return false;
    entry.second->abandoned = true;
    return true;
  });
}

void Sessions::forget(const ConnectionId& connection) {
  cache_.forget(connection);
  refused_.forget_owner(connection.text());
  abandon_flights([&](const Owners& owners) { return owners.connection == connection; });
}

void Sessions::forget(const WorkloadName& workload) {
  cache_.forget(workload);
  abandon_flights([&](const Owners& owners) { return owners.workload == workload; });
}

void Sessions::forget_all() {
  cache_.forget_all();
  abandon_flights([](const Owners&) { return true; });
}

Task<void> Sessions::stop() {
  group_.request_stop();
  co_await group_.join();
}

}  // namespace deputy::broker
