#include "logs/collector_state.hpp"
#include "logs/group_pattern.hpp"

#include <algorithm>

// Which regions are ours, which connections there are, and which log groups they have.
namespace deputy::logs {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds discovery_retry{10'000};
constexpr milliseconds look_pause{1'000};

SourceError source_error(const Error& error, EventTime now) {
  return {std::string{code_of(error.kind)}, error.message, now};
}

}  // namespace

CollectedRegion& Collector::State::region_of(const AccountId& account, const Region& region) {
  auto& place = regions[lease_name(account, region)];
  if (!place) place = std::make_unique<CollectedRegion>(account, region);
  return *place;
}

std::shared_ptr<Feed> Collector::State::find_feed(const ConnectionId& connection,
                                                  const std::string& arn) const {
  const auto found = feeds.find({connection.text(), arn});
  return found == feeds.end() ? nullptr : found->second;
}

// ── Leases ──

Task<void> Collector::State::keep_leases() {
  while (!stopping()) {
    co_await lease_regions();
    if (!co_await sleep_for(around.loop, settings.lease / 4, group.stop_token())) co_return;
  }
}

// One at a time: whoever comes meanwhile has the one that is under way go round once more.
Task<void> Collector::State::lease_regions() {
  lease_again = true;
  if (std::exchange(leasing, true)) co_return;
  while (std::exchange(lease_again, false) && !stopping()) co_await lease_once();
  leasing = false;
}

// Prolongs what is ours, and asks for what is free. What could not be prolonged may be another's by now.
Task<void> Collector::State::lease_once() {
  std::vector<std::string> wanted;
  for (const auto& [name, place] : regions)
    if (!place->lease) wanted.push_back(name);
  Result<std::vector<std::string>> kept = Error{ErrorKind::overloaded, "the log collector's disk is busy"};
  std::vector<Lease> acquired;
  const SteadyTime until = around.clock.steady_now() + settings.lease / 2;
  auto ran = co_await around.writing.run([&] {
    kept = around.spool.renew(settings.holder, around.clock.now(), settings.lease);
    if (wanted.empty()) return;
    auto free = around.spool.acquire_free(wanted, settings.holder, around.clock.now(), settings.lease);
    if (free) acquired = std::move(free).value();
  });
  // Without an answer the leases stay as they are: a write under one that ran out and was taken is refused.
  if (!ran) co_return;
  if (kept) {
    const std::set<std::string> kept_names(kept.value().begin(), kept.value().end());
    const std::set<std::string> wanted_names(wanted.begin(), wanted.end());
    for (const auto& [name, place] : regions) {
      const bool asked = !wanted_names.contains(name);
      if (!asked || !place->lease) continue;
      if (kept_names.contains(name)) {
        if (!place->is_ours(around.clock.steady_now())) nap.request_stop();  // discovery passed it over
        place->lease_until = until;
      } else {
        lose(*place);
      }
    }
  }
  for (Lease& lease : acquired) {
    const auto place = regions.find(lease.name);
    if (place == regions.end() || place->second->lease) continue;
    place->second->take(std::move(lease), around.clock.steady_now(), until);
    ++leases;
    woken = true;
    nap.request_stop();
  }
  if (!acquired.empty()) begin_anew();
  pump();
}

// Other processes may have gone on with what was theirs until now.
void Collector::State::begin_anew() {
  for (const auto& [key, feed] : feeds)
    if (feed->scope->place->taken_anew) feed->stale = true;
  for (const auto& [key, scope] : scopes)
    if (scope->place->taken_anew) scope->discover_at = {};
  for (const auto& [name, place] : regions) place->taken_anew = false;
}

// ── Connections ──

Task<void> Collector::State::keep_discovering() {
  SteadyTime refresh_at{};
  while (!stopping()) {
    if (std::exchange(woken, false) || around.clock.steady_now() >= refresh_at) {
      const bool refreshed = co_await refresh_subscriptions();
      if (refreshed && around.clock.steady_now() >= forget_at) co_await forget_connections();
      refresh_at = around.clock.steady_now() + (refreshed ? settings.discovery : discovery_retry);
    }
    const SteadyTime now = around.clock.steady_now();
    const SteadyTime next = std::min(refresh_at, begin_discoveries(now));
    if (woken) continue;
    nap = std::stop_source{};
    const auto left = std::chrono::ceil<milliseconds>(next - now);
    co_await sleep_for(around.loop, std::max(left, look_pause), nap.get_token());
  }
}

// Whoever waits longest goes first, whatever its number: those that are never done must not keep others from
// being begun. And no tenant takes all places.
SteadyTime Collector::State::begin_discoveries(SteadyTime now) {
  SteadyTime next = SteadyTime::max();
  std::size_t under_way = 0;
  std::unordered_map<std::string, std::size_t> of_tenant;
  std::vector<std::shared_ptr<Scope>> due;
  for (const auto& [key, scope] : scopes) {
    if (scope->discovering) {
      ++under_way;
      ++of_tenant[scope->subscription.tenant.text()];
    } else if (scope->place->is_ours(now)) {
      if (scope->discover_at > now) next = std::min(next, scope->discover_at);
      if (scope->discover_at <= now) due.push_back(scope);
    }
  }
  std::ranges::sort(due, {}, [](const auto& scope) { return scope->discover_at; });
  for (const auto& scope : due) {
    if (under_way >= settings.discoveries_max) break;
    std::size_t& theirs = of_tenant[scope->subscription.tenant.text()];
    if (theirs >= settings.discoveries_per_tenant_max) continue;
    ++theirs;
    ++under_way;
    scope->discovering = true;
    group.spawn(discover(scope));
  }
  return next;
}

Task<bool> Collector::State::refresh_subscriptions() {
  auto active = co_await around.subscriptions.active();
  if (!active) co_return false;
  std::set<std::pair<std::string, std::string>> wanted;
  bool new_regions = false;
  for (Subscription& each : active.value()) {
    for (const Region& region : each.regions) {
      const std::pair key{each.connection.text(), region.text()};
      wanted.insert(key);
      auto& scope = scopes[key];
      if (scope && scope->subscription.account != each.account) {
        drop_scope(scope);
        scope.reset();
      }
      if (scope) {
        if (scope->subscription.groups != each.groups) change_patterns(scope, each.groups);
        continue;
      }
      scope = std::make_shared<Scope>(Scope{.subscription = each});
      scope->place = &region_of(each.account, region);
      new_regions = new_regions || !scope->place->lease;
    }
  }
  for (auto each = scopes.begin(); each != scopes.end();) {
    const auto here = each++;
    if (wanted.contains(here->first)) continue;
    drop_scope(here->second);
    scopes.erase(here);
  }
  if (new_regions) co_await lease_regions();
  co_return true;
}

void Collector::State::drop_scope(const std::shared_ptr<Scope>& scope) {
  scope->dropped = true;
  scope->credentials.reset();
  drop_feeds([&](const Feed& feed) { return feed.scope == scope; });
}

void Collector::State::drop_feeds(const std::function<bool(const Feed&)>& which) {
  for (auto each = feeds.begin(); each != feeds.end();) {
    const auto here = each++;
    Feed& feed = *here->second;
    if (!which(feed)) continue;
    feed.dropped = true;
    take_out(feed);
    forget_standing(feed);
    const TenantId& tenant = feed.source.origin.tenant;
    if (!by_tenant.contains(tenant.text()))
      for (Line* const line : {&large, &small}) line->waiting.forget(tenant);
    if (!feed.running) forget_window(feed);
    feeds.erase(here);
  }
}

// What no pattern names any more is read no more, from this moment. Its place is kept: where a pattern names
// it again, reading goes on from there.
void Collector::State::change_patterns(const std::shared_ptr<Scope>& scope, std::vector<std::string> groups) {
  scope->subscription.groups = std::move(groups);
  drop_feeds([&](const Feed& feed) {
    return feed.scope == scope && !matches_any(scope->subscription.groups, feed.source.origin.group);
  });
  scope->discover_at = {};
  scope->again = scope->discovering;
}

// ── Log groups ──

Task<void> Collector::State::discover(std::shared_ptr<Scope> scope) {
  co_await discover_groups(scope);
  scope->discovering = false;
  const SteadyTime now = around.clock.steady_now();
  // Spread over time: each connection on its own.
  scope->discover_at =
      now + (scope->last_error ? discovery_retry + full_jitter(around.random, settings.discovery)
                               : settings.discovery / 2 + full_jitter(around.random, settings.discovery / 2));
  if (std::exchange(scope->again, false)) scope->discover_at = {};
  nap.request_stop();
  pump();
}

bool Collector::State::may_discover(const Scope& scope) const {
  return !scope.dropped && !stopping() && scope.place->is_ours(around.clock.steady_now());
}

// One pattern that AWS refuses, or denies, says nothing of the others.
Task<void> Collector::State::discover_groups(std::shared_ptr<Scope> scope) {
  auto session = co_await credentials(scope);
  if (!may_discover(*scope)) co_return;
  if (!session) {
    scope->last_error = source_error(session.error(), local_now());
    co_return;
  }
  bool all = true;
  for (const std::string& prefix : group_prefixes(scope->subscription.groups)) {
    const Discovered discovered = co_await discover_prefix(scope, prefix, session.value());
    if (discovered == Discovered::ended) co_return;
    all = all && discovered == Discovered::all;
  }
  if (!all) co_return;
  scope->last_success = around.clock.now();
  scope->last_error.reset();
  co_await forget_vanished(scope);
}

// Groups that no discovery has found for longer than anything is read again: what comes under their name is
// another group, of which nothing was seen.
Task<void> Collector::State::forget_vanished(std::shared_ptr<Scope> scope) {
  const CollectedRegion& place = *scope->place;
  const SteadyTime now = around.clock.steady_now();
  const auto aws_now = place.aws_now(now);
  const bool is_first = scope->forget_at == SteadyTime{};  // not all at the start
  if (is_first) scope->forget_at = now + full_jitter(around.random, settings.forgetting);
  if (now < scope->forget_at || !place.lease || !aws_now) co_return;
  scope->forget_at = now + settings.forgetting;
  const Lease lease = *place.lease;
  const EventTime before = *aws_now - settings.plan.rescan_offsets.back();
  Result<std::vector<std::string>> gone = std::vector<std::string>{};
  auto ran = co_await around.writing.run([&] {
    gone = around.spool.forget_vanished(scope->subscription.connection, place.region, lease, before);
  });
  if (!ran || !gone) co_return;  // at another time
  const std::set<std::string> arns(gone.value().begin(), gone.value().end());
  if (!arns.empty())
    drop_feeds([&](const Feed& feed) {
      return feed.scope == scope && !feed.running && arns.contains(feed.source.group_arn);
    });
}

// Connections that ended, or were suspended for very long: by AWS's time, since ours may be anything.
Task<void> Collector::State::forget_connections() {
  forget_at = around.clock.steady_now() + settings.forgetting;
  std::set<std::string> active;
  for (const auto& [key, scope] : scopes) active.insert(key.first);
  std::optional<EventTime> aws_now;
  for (const auto& [name, place] : regions)
    aws_now = std::max(aws_now, place->aws_now(around.clock.steady_now()));
  if (!aws_now) co_return;
  const EventTime before = *aws_now - settings.connection_memory;
  auto ran = co_await around.writing.run(
      [&] { [[maybe_unused]] const auto done = around.spool.forget_connections(active, before); });
  // Else in an hour.
  static_cast<void>(ran);
}

// Notes why AWS did not say which groups there are. False when it is not for what was asked: no other
// question will fare better.
bool Collector::State::refuse_discovery(Scope& scope, const aws::AwsError& error) {
  scope.last_error = SourceError{error.code, error.message, local_now()};
  if (error.error_class == aws::AwsErrorClass::throttled)
    scope.place->describe.throttled(around.clock.steady_now());
  if (error.error_class != aws::AwsErrorClass::caller_credentials) return true;
  scope.credentials.reset();
  around.credentials.forget(scope.subscription.connection);
  return false;
}

Task<Collector::State::Discovered> Collector::State::discover_prefix(std::shared_ptr<Scope> scope,
                                                                     std::string prefix,
                                                                     aws::Credentials credentials) {
  CollectedRegion& place = *scope->place;
  std::string token;
  do {
    const auto left = place.describe.next() - around.clock.steady_now();
    place.describe.take(around.clock.steady_now());
    if (left > SteadyTime::duration{0} &&
        !co_await sleep_for(around.loop, std::chrono::ceil<milliseconds>(left), group.stop_token()))
      co_return Discovered::ended;
    if (!may_discover(*scope)) co_return Discovered::ended;
    auto page = co_await around.logs.describe_log_groups(prefix, token, place.region, credentials);
    if (!may_discover(*scope)) co_return Discovered::ended;
    if (page.has_error())
      co_return refuse_discovery(*scope, page.error()) ? Discovered::not_all : Discovered::ended;
    place.note_date(page.value().date, around.clock.steady_now());
    for (aws::LogGroupDetails& group_found : page.value().groups) {
      if (!matches_any(scope->subscription.groups, group_found.name)) continue;
      auto taken = co_await take_group(scope, std::move(group_found));
      if (!may_discover(*scope)) co_return Discovered::ended;
      if (!taken) {
        scope->last_error = source_error(taken.error(), local_now());
        co_return Discovered::ended;
      }
    }
    token = std::move(page.value().next_token);
  } while (!token.empty());
  co_return Discovered::all;
}

Task<Result<void>> Collector::State::take_group(std::shared_ptr<Scope> scope, aws::LogGroupDetails found) {
  if (auto feed = find_feed(scope->subscription.connection, found.arn)) {
    co_await meet_again(std::move(feed), std::move(found));
    co_return success();
  }
  co_return co_await take_up(std::move(scope), std::move(found));
}

// A group whose source is at work here.
Task<void> Collector::State::meet_again(std::shared_ptr<Feed> feed, aws::LogGroupDetails found) {
  if (feed->running) co_return;  // with the next discovery
  const CollectedRegion& place = *feed->scope->place;
  const EventTime now = place.aws_now(around.clock.steady_now()).value_or(local_now());
  feed->running = true;  // nobody steps it meanwhile
  take_out(*feed);
  if (feed->stale) {
    forget_window(*feed);
    co_await reload(feed);
  }
  SourceProgress progress = feed->source.progress;
  const EventTime created{milliseconds{found.created_ms}};
  if (!feed->stale && place.lease &&
      take_discovery(progress, feed->mood, created, found.log_class, now, settings.plan)) {
    SourceCommit step{.source = feed->source.id, .lease = *place.lease};
    step.progress = progress;
    auto committed = co_await commit(feed, std::move(step));
    if (committed) {
      feed->source.progress = progress;
      ++feed->source.progress.revision;
    } else {
      feed->stale = true;
    }
  }
  feed->running = false;
  if (feed->dropped) forget_window(*feed);
  requeue(*feed);
}

// Where reading a group begins that was never read. One that is younger than its connection is read from
// before its beginning: what its writers dated back is late, not lost.
SourceProgress Collector::State::beginning_of(const aws::LogGroupDetails& found,
                                              const Subscription& subscription, EventTime now) const {
  const EventTime floor{milliseconds{1}}, created{milliseconds{found.created_ms}};
  const bool younger = created >= std::chrono::floor<milliseconds>(subscription.since);
  const EventTime start =
      std::max(floor, younger ? created - settings.plan.rescan_offsets.back() : now - settings.lookback);
  SourceProgress progress{.high_water = start,
                          .rescanned = std::vector(settings.plan.rescan_offsets.size(), start)};
  progress.group_created = created;
  if (found.log_class == "INFREQUENT_ACCESS") progress.status = SourceStatus::infrequent_access;
  return progress;
}

// A group of which nobody reads here: from its beginning, or from where its source was left.
Task<Result<void>> Collector::State::take_up(std::shared_ptr<Scope> scope, aws::LogGroupDetails found) {
  const CollectedRegion& place = *scope->place;
  const Subscription& subscription = scope->subscription;
  const EventTime now = place.aws_now(around.clock.steady_now()).value_or(local_now());
  const SourceProgress beginning = beginning_of(found, subscription, now);
  const Origin origin{subscription.tenant, subscription.connection, subscription.account, place.region,
                      found.name};
  Result<Source> source = Error{ErrorKind::overloaded, "the log collector's disk is busy"};
  DEPUTY_CO_TRY(
      co_await around.writing.run([&] { source = around.spool.source(origin, found.arn, beginning); }));
  if (!source) co_return source.error();
  // The connection ended meanwhile, or no pattern names the group any more.
  const auto unwanted = [&] {
    return scope->dropped || !matches_any(scope->subscription.groups, origin.group);
  };
  if (unwanted()) co_return success();
  auto feed = std::make_shared<Feed>(Feed{.source = std::move(source).value(), .scope = scope});
  if (place.lease &&
      take_discovery(feed->source.progress, feed->mood, EventTime{milliseconds{found.created_ms}},
                     found.log_class, now, settings.plan)) {
    SourceCommit step{.source = feed->source.id, .lease = *place.lease};
    step.progress = feed->source.progress;
    DEPUTY_CO_TRY(co_await commit(feed, std::move(step)));
    ++feed->source.progress.revision;
    if (unwanted()) co_return success();
  }
  feeds[{subscription.connection.text(), found.arn}] = feed;
  requeue(*feed);
  pump();
  co_return success();
}

}  // namespace deputy::logs
