#include "logs/collector.hpp"

#include "logs/collector_state.hpp"

#include <algorithm>
#include <ranges>

#include "core/assert.hpp"

namespace deputy::logs {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t denied_shown_max = 20;
constexpr milliseconds no_lease_pause{1'000};
constexpr milliseconds full_pause{500};
constexpr milliseconds handover{1'000};  // the time that quotas are counted over

}  // namespace

void CollectedRegion::take(Lease taken, SteadyTime now, SteadyTime until) {
  lease = std::move(taken);
  lease_until = until;
  taken_anew = true;
  for (Pace* const pace : {&filter, &sending, &describe}) pace->rest_until(now + handover);
}

SteadyTime CollectedRegion::next_step(const Line& line, SteadyTime now) const {
  if (had_last_step == nullptr || had_last_step == &line) return filter.next();
  return filter.next() - filter.apart(now);
}

void CollectedRegion::take_step(const Line& line, SteadyTime now) {
  filter.take(now);
  had_last_step = &line;
}

std::optional<EventTime> CollectedRegion::aws_now(SteadyTime now) const {
  if (!date) return std::nullopt;
  return date->first + std::chrono::floor<milliseconds>(now - date->second);
}

// AWS gives whole seconds. What the steady clock made of an earlier answer is as good while it agrees.
void CollectedRegion::note_date(EventTime said, SteadyTime now) {
  const auto known = aws_now(now);
  if (known && *known >= said && *known - said < std::chrono::seconds{2}) return;
  date.emplace(said, now);
}

EventTime Collector::State::local_now() const {
  return std::chrono::floor<milliseconds>(around.clock.now());
}

// ── Whose turn it is ──

void Collector::State::take_out(Feed& feed) {
  if (feed.waits_until) waiting.erase({*feed.waits_until, &feed});
  feed.waits_until.reset();
  if (feed.queued_since) feed.line->waiting.remove(feed.source.origin.tenant, &feed, *feed.queued_since);
  feed.queued_since.reset();
}

void Collector::State::wait(Feed& feed, SteadyTime until) {
  take_out(feed);
  feed.waits_until = until;
  waiting.emplace(until, &feed);
}

// After a step, or when the source was found: when is it due?
void Collector::State::requeue(Feed& feed) {
  if (feed.dropped || feed.running) return;
  note_standing(feed);
  if (feed.source.progress.status != SourceStatus::active) {
    take_out(feed);  // discovery wakes it
    forget_window(feed);
    return;
  }
  const SteadyTime now = around.clock.steady_now();
  const auto aws_now = feed.scope->place->aws_now(now);
  const EventTime due = due_at(feed.source.progress, feed.mood, settings.plan);
  const auto left = aws_now ? due - *aws_now : milliseconds{0};
  wait(feed, now + std::max(left, milliseconds{0}));
}

void Collector::State::forget_standing(Feed& feed) {
  if (!feed.standing) return;
  const Feed::Standing was = *std::exchange(feed.standing, std::nullopt);
  --by_status[was.status];
  by_mark.erase({was.mark, &feed});
  --feed.scope->sources;
  if (was.status == SourceStatus::denied) feed.scope->denied.erase(feed.source.origin.group);
  const auto tenant = by_tenant.find(feed.source.origin.tenant.text());
  DEPUTY_ASSERT(tenant != by_tenant.end());
  tenant->second.events -= was.events;
  tenant->second.message_bytes -= was.message_bytes;
  tenant->second.by_mark.erase({was.mark, &feed});
  if (--tenant->second.sources == 0) by_tenant.erase(tenant);
}

void Collector::State::note_standing(Feed& feed) {
  const SourceProgress& progress = feed.source.progress;
  const Feed::Standing now{progress.status, progress.high_water, progress.events, progress.message_bytes};
  if (feed.standing == now) return;
  forget_standing(feed);
  feed.standing = now;
  ++by_status[progress.status];
  ++feed.scope->sources;
  if (now.status == SourceStatus::denied) feed.scope->denied.insert(feed.source.origin.group);
  Standings& tenant = by_tenant[feed.source.origin.tenant.text()];
  ++tenant.sources;
  tenant.events += now.events;
  tenant.message_bytes += now.message_bytes;
  if (progress.status != SourceStatus::active) return;
  by_mark.emplace(progress.high_water, &feed);
  tenant.by_mark.emplace(progress.high_water, &feed);
}

void Collector::State::pump() {
  if (stopping()) return;
  const SteadyTime now = around.clock.steady_now();
  while (!waiting.empty() && waiting.begin()->first <= now) {
    Feed& feed = *waiting.begin()->second;
    take_out(feed);
    if (!feed.scope->place->is_ours(now)) {
      forget_window(feed);  // others may need its room meanwhile
      wait(feed, now + no_lease_pause);
      continue;
    }
    Line& line = line_of(feed, now);
    if (feed.share != &line || feed.stale) forget_window(feed);
    put_in(line, feed);
  }
  const bool full = around.spool.full();
  for (Line* const line : {&small, &large}) {
    if (!full) start_those_in(*line, now);
    if (full && !line->waiting.empty()) arm(now + full_pause);
  }
  if (!waiting.empty()) arm(waiting.begin()->first);
}

// A window stays in the line of those with much once it is there.
Line& Collector::State::line_of(const Feed& feed, SteadyTime now) {
  if (feed.stale || feed.share == &large) return large;
  const EventTime aws_now = feed.scope->place->aws_now(now).value_or(local_now());
  const EventTime window_now = std::chrono::floor<std::chrono::seconds>(aws_now);
  return reads_little(feed.source.progress, feed.mood, settings.plan, window_now) ? small : large;
}

void Collector::State::put_in(Line& line, Feed& feed) {
  feed.line = &line;
  feed.queued_since = feed.source.progress.high_water;
  line.waiting.push(feed.source.origin.tenant, &feed, *feed.queued_since, feed.share != nullptr);
}

void Collector::State::start_those_in(Line& line, SteadyTime now) {
  while (line.running < line.calls_max) {
    const bool room = has_room();
    Feed* const feed = room ? line.waiting.pop() : line.waiting.pop_open();
    if (feed != nullptr) {
      feed->queued_since.reset();
      start_or_put_back(line, *feed, now);
    } else if (!room) {
      out_of_room = out_of_room || !line.waiting.empty();
      break;
    } else {
      const auto lent = std::exchange(line.lent, {});
      if (lent.empty()) break;
      for (const std::string& tenant : lent) line.waiting.admit(tenant);  // nobody else waits now
    }
  }
}

void Collector::State::start_or_put_back(Line& line, Feed& feed, SteadyTime now) {
  CollectedRegion& place = *feed.scope->place;
  if (!place.is_ours(now)) {  // lost while it stood in the queue
    forget_window(feed);
    wait(feed, now + no_lease_pause);
  } else if (!may_start(line, feed)) {
    // It stays in its tenant's lane, which is passed over until something is given back.
    put_in(line, feed);
    line.waiting.crowd(feed.source.origin.tenant);
  } else if (const SteadyTime next = place.next_step(line, now); next > now) {
    wait(feed, next);
  } else {
    place.take_step(line, now);
    take_share(line, feed);
    ++line.running;
    feed.running = true;
    const auto key = std::pair{feed.source.origin.connection.text(), feed.source.group_arn};
    group.spawn(step(feeds.at(key)));
  }
}

// One timer, for the earliest of what there is to wait for.
void Collector::State::arm(SteadyTime at) {
  if (timer != 0 && timer_at <= at) return;
  if (timer != 0) around.loop.cancel(timer);
  timer_at = at;
  const auto left = std::chrono::ceil<milliseconds>(at - around.clock.steady_now());
  timer = around.loop.call_after(std::max(left, milliseconds{0}), [this] {
    timer = 0;
    pump();
  });
}

// ── The whole ──

Collector::Collector(Surroundings around, CollectorSettings settings)
    : state_(std::make_unique<State>(around, std::move(settings))) {
  DEPUTY_ASSERT(!state_->settings.holder.empty());
}

Collector::~Collector() {
  if (state_->timer != 0) state_->around.loop.cancel(state_->timer);
}

void Collector::start() {
  state_->group.spawn(state_->keep_leases());
  state_->group.spawn(state_->keep_discovering());
}

void Collector::wake() {
  state_->woken = true;
  state_->nap.request_stop();
}

void Collector::drop(const ConnectionId& connection) {
  for (auto each = state_->scopes.begin(); each != state_->scopes.end();) {
    const auto here = each++;
    if (here->first.first == connection.text()) {
      state_->drop_scope(here->second);
      state_->scopes.erase(here);
    }
  }
}

void Collector::drop_all() {
  for (const auto& [key, scope] : state_->scopes) state_->drop_scope(scope);
  state_->scopes.clear();
}

Task<void> Collector::stop() {
  state_->group.request_stop();
  state_->nap.request_stop();
  if (state_->timer != 0) state_->around.loop.cancel(state_->timer);
  state_->timer = 0;
  co_await state_->group.join();
  co_await state_->committer.stop();
  auto gave_back = co_await state_->around.writing.run(
      [this] { [[maybe_unused]] const auto done = state_->around.spool.release(state_->settings.holder); });
  // Else they run out by themselves.
  static_cast<void>(gave_back);
}

CollectorCounts Collector::counts() const {
  CollectorCounts counts = state_->counted;
  counts.sources = state_->feeds.size();
  counts.by_status = state_->by_status;
  counts.lag_max = state_->lag_of_last(state_->by_mark);
  counts.leases = state_->leases;
  counts.calls_under_way = state_->large.running + state_->small.running;
  counts.spool_bytes = state_->around.spool.bytes();
  counts.spool_bytes_max = state_->around.spool.bytes_max();
  return counts;
}

// The cursor is the connection and the number of the last source: short, however long a group's name is.
// Where that one is gone, its connection's are given again.
Result<SourcePage> Collector::sources(const std::optional<TenantId>& tenant,
                                      const std::optional<ConnectionId>& connection, const std::string& after,
                                      std::size_t limit) const {
  const auto& feeds = state_->feeds;
  auto at = connection ? feeds.lower_bound({connection->text(), ""}) : feeds.begin();
  if (!after.empty()) {
    const std::size_t end = after.find('.');
    if (end == std::string::npos || !ConnectionId::parse(after.substr(0, end)))
      return Error{ErrorKind::invalid_request, "the cursor is not one of this list's"}.with_field("cursor");
    const std::string last_connection = after.substr(0, end), last_number = after.substr(end + 1);
    at = feeds.lower_bound({last_connection, ""});
    for (auto each = at; each != feeds.end() && each->first.first == last_connection; ++each)
      if (std::to_string(static_cast<std::int64_t>(each->second->source.id)) == last_number)
        at = std::next(each);
  }
  SourcePage page;
  const SteadyTime now = state_->around.clock.steady_now();
  for (; at != feeds.end(); ++at) {
    const Feed& feed = *at->second;
    if (connection && at->first.first > connection->text()) break;
    if (connection && feed.source.origin.connection != *connection) continue;
    if (tenant && feed.source.origin.tenant != *tenant) continue;
    if (page.items.size() == limit) {
      const Source& last = page.items.back().source;
      page.next = last.origin.connection.text() + "." + std::to_string(static_cast<std::int64_t>(last.id));
      break;
    }
    const auto aws_now = feed.scope->place->aws_now(now).value_or(state_->local_now());
    page.items.push_back({feed.source, lag(feed.source.progress, aws_now), feed.mood.poll});
  }
  return page;
}

void Collector::for_each_source(
    const std::function<void(const Source& source, milliseconds lag)>& each) const {
  const SteadyTime now = state_->around.clock.steady_now();
  for (const auto& [key, feed] : state_->feeds) {
    const auto aws_now = feed->scope->place->aws_now(now).value_or(state_->local_now());
    each(feed->source, lag(feed->source.progress, aws_now));
  }
}

milliseconds Collector::State::lag_of_last(const std::set<std::pair<EventTime, const Feed*>>& marks) const {
  if (marks.empty()) return milliseconds{0};
  const Feed& last = *marks.begin()->second;
  const auto aws_now = last.scope->place->aws_now(around.clock.steady_now());
  return aws_now ? lag(last.source.progress, *aws_now) : milliseconds{0};
}

std::vector<TenantView> Collector::tenants(const std::string& after, std::size_t limit) const {
  std::vector<TenantView> views;
  const auto& all = state_->by_tenant;
  for (auto at = all.upper_bound(after); at != all.end() && views.size() < limit; ++at) {
    const auto& standings = at->second;
    views.push_back({at->first, standings.sources, standings.events, standings.message_bytes,
                     state_->lag_of_last(standings.by_mark)});
  }
  return views;
}

std::vector<DiscoveryView> Collector::discoveries(const std::pair<std::string, std::string>& after,
                                                  std::size_t limit) const {
  std::vector<DiscoveryView> views;
  const auto& all = state_->scopes;
  for (auto at = all.upper_bound(after); at != all.end() && views.size() < limit; ++at) {
    const auto& scope = at->second;
    DiscoveryView view{.tenant = scope->subscription.tenant,
                       .connection = scope->subscription.connection,
                       .region = scope->place->region,
                       .held = scope->place->lease.has_value(),
                       .sources = scope->sources,
                       .last_success = scope->last_success,
                       .last_error = scope->last_error,
                       .denied = scope->denied.size(),
                       .denied_groups = {}};
    for (const std::string& group : scope->denied | std::views::take(denied_shown_max))
      view.denied_groups.push_back(group);
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace deputy::logs
