#include "logs/collector_state.hpp"

#include <algorithm>
#include <map>

// The completeness audit: what AWS has, beside what was collected.
namespace deputy::logs {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds audit_max = std::chrono::hours{1};
constexpr std::size_t missing_max = 100;
constexpr std::uint64_t events_max = 5'000'000;  // identities in memory

Error cannot(std::string why, std::string field) {
  return Error{ErrorKind::invalid_request, std::move(why)}.with_field(std::move(field));
}

Error from_aws(const aws::AwsError& error) {
  const bool throttled = error.error_class == aws::AwsErrorClass::throttled;
  return {throttled ? ErrorKind::upstream_throttled : ErrorKind::upstream_unavailable,
          "CloudWatch Logs did not let the stretch be read: " + in_backticks(error.code), error.message};
}

Result<void> may_be_audited(const SourceProgress& progress, EventTime from, EventTime to) {
  if (from >= to || to - from > audit_max)
    return cannot("the stretch to audit is empty, or longer than an hour", "to");
  if (from < settled_before(progress))
    return cannot("what was collected before " + to_rfc3339(settled_before(progress)) +
                      " is settled: its events are not remembered any more",
                  "from");
  if (to > progress.high_water)
    return cannot("the log group is collected until " + to_rfc3339(progress.high_water) + " only", "to");
  return success();
}

// Takes a page into the report. Blocking.
Result<std::string> take_audited(const Origin& origin, std::string body, SeenSet& collected, SeenSet& given,
                                 std::map<EventTime, AuditReport::Minute>& minutes, AuditReport& report) {
  DEPUTY_TRY(auto page, aws::FilteredLogEvents::read(std::move(body)));
  const IdentityMaker maker{origin};
  for (const aws::FilteredLogEvent& event : page.events) {
    const Record record{.stream = event.stream,
                        .event_id = event.event_id,
                        .message = event.message,
                        .timestamp = EventTime{milliseconds{event.timestamp_ms}},
                        .ingested = EventTime{milliseconds{event.ingestion_ms}}};
    const RecordIdentity identity = maker.identity(record);
    if (!given.insert(identity)) continue;
    const EventTime begin = std::chrono::floor<std::chrono::minutes>(record.timestamp);
    AuditReport::Minute& minute = minutes[begin];
    minute.begin = begin;
    ++minute.found;
    ++report.found;
    if (collected.contains(identity)) {
      ++minute.collected;
      ++report.collected;
    } else if (report.missing.size() < missing_max) {
      report.missing.emplace_back(record.event_id);
    }
  }
  return std::move(page.next_token);
}

}  // namespace

// One at a time: each holds what was seen of its stretch in memory, twice.
Task<Result<AuditReport>> Collector::State::audit_alone(std::shared_ptr<Feed> feed, EventTime from,
                                                        EventTime to) {
  if (auditing)
    co_return Error{ErrorKind::overloaded, "another audit is under way: ask again when it is done"};
  auditing = true;
  auto report = co_await audit(std::move(feed), from, to);
  auditing = false;
  co_return report;
}

Task<Result<AuditReport>> Collector::State::audit(std::shared_ptr<Feed> feed, EventTime from, EventTime to) {
  CollectedRegion& place = *feed->scope->place;
  if (!place.lease || feed->stale)
    co_return Error{ErrorKind::conflict, "this process does not collect from that account and Region now"};
  const Lease lease = *place.lease;
  DEPUTY_CO_TRY(may_be_audited(feed->source.progress, from, to));
  // Copies, for the pool's threads: on the loop the source may be read anew meanwhile.
  const Origin origin = feed->source.origin;
  aws::FilterLogEventsRequest request{.group_arn = feed->source.group_arn,
                                      .start_ms = from.time_since_epoch().count(),
                                      .end_ms = to.time_since_epoch().count() - 1};
  DEPUTY_CO_TRY(SeenSet collected, co_await collected_in(feed, from, to));
  SeenSet given;
  AuditReport report;
  std::map<EventTime, AuditReport::Minute> minutes;
  do {
    DEPUTY_CO_TRY(auto answer, co_await ask_again(feed, lease, request));
    Result<std::string> token = Error{ErrorKind::overloaded, "too many pages are waiting to be read"};
    DEPUTY_CO_TRY(co_await around.reading.run(
        [&] { token = take_audited(origin, std::move(answer.body), collected, given, minutes, report); }));
    if (!token) co_return std::move(token).error();
    if (given.size() > events_max) co_return cannot("the stretch has too many events to audit at once", "to");
    request.next_token = std::move(token).value();
  } while (!request.next_token.empty());
  for (const auto& [begin, minute] : minutes) report.minutes.push_back(minute);
  co_return report;
}

// What was collected of a stretch.
Task<Result<SeenSet>> Collector::State::collected_in(std::shared_ptr<Feed> feed, EventTime from,
                                                     EventTime to) {
  const SourceId source = feed->source.id;
  Result<std::vector<RecordIdentity>> known =
      Error{ErrorKind::overloaded, "the log collector's disk is busy"};
  DEPUTY_CO_TRY(co_await around.reading.run([&] {
    const auto count = around.spool.count_seen(source, from, to);
    if (count && count.value() > events_max) {
      known = cannot("the stretch has too many events to audit at once", "to");
    } else {
      known = around.spool.seen(source, from, to);
    }
  }));
  if (!known) co_return std::move(known).error();
  SeenSet collected;
  collected.insert(known.value());
  co_return collected;
}

// One page of what AWS has, in the turn of the account's quota.
Task<Result<aws::FilterLogEventsAnswer>> Collector::State::ask_again(std::shared_ptr<Feed> feed, Lease lease,
                                                                     aws::FilterLogEventsRequest request) {
  CollectedRegion& place = *feed->scope->place;
  const Error changed{ErrorKind::conflict, "the connection or the lease changed"};
  co_await await_turn(place);
  if (stopping()) co_return Error{ErrorKind::overloaded, "the service is stopping"};
  auto session = co_await credentials(feed->scope);
  if (!still_ours(*feed, lease)) co_return changed;
  if (!session) co_return std::move(session).error();
  auto answer =
      co_await around.logs.filter_log_events(std::move(request), place.region, std::move(session).value());
  if (!still_ours(*feed, lease)) co_return changed;
  if (!answer.has_error()) co_return std::move(answer).value();
  if (answer.error().error_class == aws::AwsErrorClass::throttled) {
    place.filter.throttled(around.clock.steady_now());
    place.sending.throttled(around.clock.steady_now());
  }
  co_return from_aws(answer.error());
}

Task<Result<AuditReport>> Collector::audit(ConnectionId connection, Region region, std::string group,
                                           EventTime from, EventTime to) {
  for (auto feed = state_->feeds.lower_bound({connection.text(), ""});
       feed != state_->feeds.end() && feed->first.first == connection.text(); ++feed) {
    const Origin& origin = feed->second->source.origin;
    if (origin.region == region && origin.group == group)
      co_return co_await state_->audit_alone(feed->second, from, to);
  }
  co_return Error{ErrorKind::not_found, "no such log group is collected by this process"};
}

}  // namespace deputy::logs
