#include "logs/collector_state.hpp"

#include <algorithm>

#include "core/assert.hpp"

// One step of a source: one page of its window, from the call to the commit. After every wait the step looks
// whether the connection may still be used and the lease is still the one that it began under; if not, what
// it has is thrown away.
namespace deputy::logs {
namespace {

using std::chrono::milliseconds;

// What a page costs its tenant at least: a call is not for nothing.
constexpr std::uint64_t least_charge = 16'384;
// Credentials are not used in their last minutes: a call may take one.
constexpr std::chrono::minutes credentials_margin{5};

}  // namespace

bool Collector::State::still_ours(const Feed& feed, const Lease& lease) const {
  const CollectedRegion& place = *feed.scope->place;
  return !feed.dropped && !stopping() && place.lease == lease && place.is_ours(around.clock.steady_now());
}

void Collector::State::trouble(Feed& feed, const Error& error) {
  ++counted.failed;
  const EventTime now = feed.scope->place->aws_now(around.clock.steady_now()).value_or(local_now());
  take_trouble(feed.source.progress, feed.mood, settings.plan, error, now, around.random);
}

// Another process has it, or may have: all that is known of its sources is read again before the next step.
void Collector::State::lose(CollectedRegion& place) {
  if (!place.lease) return;
  place.lease.reset();
  --leases;
  ++counted.leases_lost;
}

Task<void> Collector::State::step(std::shared_ptr<Feed> feed) {
  co_await read_page(feed);
  feed->running = false;
  --feed->line->running;
  // One that failed pauses, for minutes where its Region is down: it must not keep the tenant's other
  // accounts and Regions from opening windows.
  if (!feed->seen || feed->dropped || feed->stale || feed->mood.failures > 0) forget_window(*feed);
  requeue(*feed);
  pump();
}

// Reserves the next call, and waits for it.
Task<void> Collector::State::await_turn(CollectedRegion& place) {
  const SteadyTime now = around.clock.steady_now();
  const auto left = std::chrono::ceil<milliseconds>(place.sending.next() - now);
  place.sending.take(now);
  if (left > milliseconds{0}) co_await sleep_for(around.loop, left, group.stop_token());
}

Task<Result<aws::Credentials>> Collector::State::credentials(std::shared_ptr<Scope> scope) {
  const Timestamp now = around.clock.now();
  if (scope->credentials) {
    const auto& expires_at = scope->credentials->credentials.expires_at;
    if (!expires_at || now + credentials_margin < *expires_at) co_return scope->credentials->credentials;
    scope->credentials.reset();
  }
  auto got = co_await around.credentials.get(scope->subscription.connection, scope->place->region);
  if (!got) co_return std::move(got).error();
  // A record is its tenant's because this tenant's credentials read it: they must be of that account.
  if (got.value().account != scope->subscription.account)
    co_return Error{ErrorKind::internal, "the credentials are of another account than the connection's"};
  if (!scope->dropped) scope->credentials = got.value();
  co_return std::move(got).value().credentials;
}

// What another process may have written since this one knew it.
Task<bool> Collector::State::reload(std::shared_ptr<Feed> feed) {
  Result<Source> source = Error{ErrorKind::overloaded, "too much is waiting for the log collector's disk"};
  auto ran = co_await around.reading.run([&] {
    source = around.spool.source(feed->source.origin, feed->source.group_arn, feed->source.progress);
  });
  if (!ran || !source) {
    trouble(*feed, ran ? source.error() : ran.error());
    co_return false;
  }
  feed->source = std::move(source).value();
  // The operator may have set other offsets: those that are new begin where everything was read once less
  // what they look back.
  auto& marks = feed->source.progress.rescanned;
  while (marks.size() > settings.plan.rescan_offsets.size()) marks.pop_back();
  while (marks.size() < settings.plan.rescan_offsets.size())
    marks.push_back(marks.empty() ? feed->source.progress.high_water : marks.back());
  feed->stale = false;
  co_return true;
}

// Loads what was seen in the window's stretch. A stretch with more events than may be in memory is cut.
Task<bool> Collector::State::open_window(std::shared_ptr<Feed> feed, EventTime now) {
  SourceProgress& progress = feed->source.progress;
  // While it waited for its turn something else has become due: it goes to the other line.
  if (feed->share == &small && !reads_little(progress, feed->mood, settings.plan, now)) co_return false;
  if (progress.window) {
    take_up_window(*progress.window, settings.plan, now);
  } else {
    progress.window = next_window(progress, feed->mood, settings.plan, now);
    if (!progress.window) co_return false;
  }
  Result<std::vector<RecordIdentity>> known =
      Error{ErrorKind::overloaded, "too much is waiting for the log collector's disk"};
  OpenWindow window = *progress.window;
  const bool may_cut = window.next_token.empty();
  auto ran = co_await around.reading.run([&] {
    for (;;) {
      auto count = around.spool.count_seen(feed->source.id, window.begin, window.end);
      if (!count) {
        known = std::move(count).error();
        return;
      }
      const auto length = window.end - window.begin;
      if (count.value() <= settings.plan.window_events_max || !may_cut || length <= settings.plan.window_min)
        break;
      window.end = window.begin + length / 2;
      window.done_end = window.end;
    }
    known = around.spool.seen(feed->source.id, window.begin, window.end);
  });
  if (!ran || !known) {
    progress.window.reset();
    feed->stale = true;
    trouble(*feed, ran ? known.error() : ran.error());
    co_return false;
  }
  progress.window = std::move(window);
  feed->seen.emplace();
  feed->seen->insert(known.value());
  note_identities(*feed, feed->seen->size());
  give_back_reserved(*feed);
  co_return true;
}

Task<void> Collector::State::read_page(std::shared_ptr<Feed> feed) {
  CollectedRegion& place = *feed->scope->place;
  DEPUTY_ASSERT(place.lease.has_value());
  const Lease lease = *place.lease;
  if (feed->stale) {
    forget_seen(*feed);
    if (!co_await reload(feed) || !still_ours(*feed, lease)) co_return;
    if (feed->source.progress.status != SourceStatus::active) co_return;
  }
  auto session = co_await credentials(feed->scope);
  if (!still_ours(*feed, lease)) co_return;
  if (!session) {
    trouble(*feed, session.error());
    co_return;
  }
  const auto now = place.aws_now(around.clock.steady_now());
  if (!now) co_return;  // discovery says what time it is
  if (!feed->seen) {
    const EventTime window_now = std::chrono::floor<std::chrono::seconds>(*now);
    if (!co_await open_window(feed, window_now) || !still_ours(*feed, lease)) co_return;
  }
  co_await await_turn(place);
  if (!still_ours(*feed, lease)) co_return;
  const OpenWindow& window = *feed->source.progress.window;
  aws::FilterLogEventsRequest request{
      .group_arn = feed->source.group_arn,
      .start_ms = std::max<std::int64_t>(window.begin.time_since_epoch().count(), 0),
      .end_ms = window.end.time_since_epoch().count() - 1,
      .limit = feed->mood.page_events > 0 ? feed->mood.page_events : page_events_max,
      .next_token = window.next_token};
  auto answer =
      co_await around.logs.filter_log_events(std::move(request), place.region, std::move(session).value());
  if (!still_ours(*feed, lease)) co_return;
  if (answer.has_error()) {
    co_await fail(feed, std::move(answer).error(), *now);
    co_return;
  }
  place.note_date(answer.value().date, around.clock.steady_now());
  co_await take_answer(feed, std::move(answer).value());
}

Task<void> Collector::State::take_answer(std::shared_ptr<Feed> feed, aws::FilterLogEventsAnswer answer) {
  const Lease lease = *feed->scope->place->lease;
  const std::size_t known = feed->seen->size();
  const std::uint64_t bytes = answer.body.size();
  Result<ReadPage> read = Error{ErrorKind::overloaded, "too many pages are waiting to be read"};
  auto ran = co_await around.reading.run([&] {
    read = logs::read_page(feed->source.origin, std::move(answer), feed->source.progress.high_water,
                           *feed->seen);
  });
  note_identities(*feed, feed->seen->size() - known);
  feed->line->waiting.charge(feed->source.origin.tenant, std::max(bytes, least_charge));
  if (!still_ours(*feed, lease)) {
    feed->stale = true;
    co_return;
  }
  if (!ran || !read) {
    feed->stale = true;  // what was put into the seen ones was not committed
    trouble(*feed, ran ? read.error() : ran.error());
    co_return;
  }
  co_await commit_page(std::move(feed), lease, std::move(read).value());
}

// The page and what it makes of the source, together or not at all.
Task<void> Collector::State::commit_page(std::shared_ptr<Feed> feed, Lease lease, ReadPage page) {
  SourceCommit step{.source = feed->source.id, .lease = lease};
  step.page = std::move(page.encoded);
  step.events = page.summary.new_events;
  step.seen = std::move(page.identities);
  step.seen_first = page.first;
  step.seen_last = page.last;
  step.progress = feed->source.progress;
  const OpenWindow window = *step.progress.window;
  const bool reads_again = window.begin < step.progress.high_water;
  SourceMood mood = feed->mood;
  bool ended = take_page(step.progress, mood, settings.plan, page.summary);
  // Rows of identities stay as they were written, a page each: a merged one would count as a whole for every
  // stretch that it touches, and cutting a stretch would never make it small enough.
  if (ended && reads_again)
    step.settle = SourceCommit::Settle{window.begin, window.end, std::nullopt, settled_before(step.progress)};
  // Too many to be held: what was read stays read, and half the stretch is begun anew.
  const auto length = window.end - window.begin;
  if (!ended && feed->seen->size() > settings.plan.window_events_max && length > settings.plan.window_min) {
    step.progress.window.reset();
    mood.window = length / 2;
    ended = true;
  }
  const SourceProgress before = feed->source.progress, after = step.progress;
  if (!co_await commit(feed, std::move(step))) {
    feed->stale = true;
    co_return;
  }
  feed->source.progress = after;
  ++feed->source.progress.revision;
  feed->mood = mood;
  count_page(page, before, after);
  if (ended) forget_window(*feed);
}

void Collector::State::count_page(const ReadPage& page, const SourceProgress& before,
                                  const SourceProgress& after) {
  ++counted.pages;
  counted.empty_pages += page.summary.new_events == 0 ? 1 : 0;
  counted.events += page.summary.new_events;
  counted.message_bytes += page.summary.message_bytes;
  counted.duplicates += page.duplicates;
  counted.rescans += after.rescans - before.rescans;
  counted.rescan_events += after.rescan_events - before.rescan_events;
}

Task<Result<void>> Collector::State::commit(std::shared_ptr<Feed> feed, SourceCommit step) {
  auto committed = co_await committer.commit(std::move(step));
  if (committed) co_return success();
  if (committed.error().kind == ErrorKind::conflict) {
    // Of the source's own kind when a step that was under way ended after all: it is read again.
    if (committed.error().field == "lease") lose(*feed->scope->place);
  } else {
    trouble(*feed, committed.error());
  }
  co_return std::move(committed).error();
}

Task<void> Collector::State::fail(std::shared_ptr<Feed> feed, aws::AwsError error, EventTime now) {
  CollectedRegion& place = *feed->scope->place;
  const Lease lease = *place.lease;
  SourceProgress& progress = feed->source.progress;
  const FailureStep next = take_failure(progress, feed->mood, settings.plan, error, now, around.random);
  ++counted.failed;
  if (next == FailureStep::retry_throttled) {
    ++counted.throttled;
    place.filter.throttled(around.clock.steady_now());
  }
  if (next == FailureStep::renew_credentials) {
    feed->scope->credentials.reset();
    around.credentials.forget(feed->scope->subscription.connection);
  }
  if (next != FailureStep::suspend) co_return;
  // Kept, so that it is shown after a restart as well. The window is not: it begins anew.
  progress.window.reset();
  SourceCommit step{.source = feed->source.id, .lease = lease};
  step.progress = progress;
  auto committed = co_await commit(feed, std::move(step));
  if (committed) {
    ++progress.revision;
  } else {
    feed->stale = true;
  }
}

}  // namespace deputy::logs
