#include "api/metrics.hpp"

#include <algorithm>
#include <map>
#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace deputy::api {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

const prometheus::Histogram::BucketBoundaries seconds_buckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                              0.05,   0.1,   0.25,   0.5,   1,    5};

// Errors that a request for credentials may get.
constexpr ErrorKind refusals[] = {ErrorKind::invalid_request,
                                  ErrorKind::unauthorized,
                                  ErrorKind::forbidden,
                                  ErrorKind::not_found,
                                  ErrorKind::connection_not_active,
                                  ErrorKind::connection_disconnected,
                                  ErrorKind::verification_expired,
                                  ErrorKind::role_denied,
                                  ErrorKind::internal,
                                  ErrorKind::upstream_throttled,
                                  ErrorKind::upstream_unavailable,
                                  ErrorKind::overloaded};

constexpr registry::ConnectionState states[] = {
    registry::ConnectionState::awaiting_role, registry::ConnectionState::verifying,
    registry::ConnectionState::active,        registry::ConnectionState::rejected,
    registry::ConnectionState::suspended,     registry::ConnectionState::in_review,
    registry::ConnectionState::disconnected};

// Families of numbers that other rooms count.
class Sheet {
 public:
  Sheet& family(MetricType type, const char* name, const char* help) {
    families_.push_back({name, help, type, {}});
    return *this;
  }
  Sheet& value(double number, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (families_.back().type == MetricType::Counter)
      metric.counter.value = number;
    else
      metric.gauge.value = number;
    families_.back().metric.push_back(std::move(metric));
    return *this;
  }
  Sheet& value(std::uint64_t number, Labels labels = {}) {
    return value(static_cast<double>(number), std::move(labels));
  }
  template <std::size_t Bounds>
  Sheet& histogram(const char* name, const char* help, const broker::Histogram<Bounds>& from) {
    family(MetricType::Histogram, name, help);
    ClientMetric metric;
    std::uint64_t counted = 0;
    for (std::size_t i = 0; i < Bounds; ++i) {
      counted += from.counts()[i];
      metric.histogram.bucket.push_back({counted, from.bounds()[i]});
    }
    counted += from.counts()[Bounds];
    metric.histogram.bucket.push_back({counted, std::numeric_limits<double>::infinity()});
    metric.histogram.sample_count = counted;
    metric.histogram.sample_sum = from.sum();
    families_.back().metric.push_back(std::move(metric));
    return *this;
  }
  Sheet& counter(const char* name, const char* help) { return family(MetricType::Counter, name, help); }
  Sheet& gauge(const char* name, const char* help) { return family(MetricType::Gauge, name, help); }

  void append_to(std::vector<MetricFamily>& all) && {
    for (MetricFamily& each : families_) all.push_back(std::move(each));
  }

 private:
  std::vector<MetricFamily> families_;
};

void add_credentials(Sheet& sheet, const broker::Broker::Counts& counts) {
  sheet.counter("deputy_credentials_lookups_total", "Requests for a session, by how it was found.")
      .value(counts.hits, {{"result", "hit"}})
      .value(counts.outage_hits, {{"result", "outage_hit"}})
      .value(counts.misses, {{"result", "miss"}})
      .value(counts.joins, {{"result", "join"}})
      .value(counts.remembered_denials, {{"result", "remembered_denial"}});
  sheet.counter("deputy_credentials_issued_total", "Hand-outs of credentials, by source.")
      .value(counts.issued_from_cache, {{"source", "cache"}})
      .value(counts.issued_from_sts, {{"source", "sts"}});
  sheet.counter("deputy_credentials_refused_total", "Requests for credentials that got an error, by code.");
  for (const ErrorKind kind : refusals) {
    const auto found = counts.refused.find(kind);
    sheet.value(found == counts.refused.end() ? 0 : found->second, {{"code", std::string{code_of(kind)}}});
  }
  sheet
      .counter("deputy_credentials_withheld_total",
               "Sessions thrown away since they were revoked on their way.")
      .value(counts.withheld);
  sheet.counter("deputy_credentials_revocations_total", "Acts that emptied a part of the cache.")
      .value(counts.revocations);
  sheet.counter("deputy_credentials_refreshes_total", "Sessions fetched anew ahead of their expiry.")
      .value(counts.refreshes);
  sheet.counter("deputy_credentials_refresh_failures_total", "Of these, those that failed.")
      .value(counts.refreshes_failed);
  sheet.counter("deputy_credentials_evictions_total", "Sessions that gave way to others in a full cache.")
      .value(counts.evictions);
  sheet.gauge("deputy_credentials_cached", "Sessions in the cache.").value(counts.entries);
  sheet.gauge("deputy_credentials_cached_max", "Sessions that the cache can hold.").value(counts.entries_max);
  sheet.gauge("deputy_credentials_under_way", "Requests for credentials that are being answered.")
      .value(counts.under_way);
  sheet.histogram("deputy_credentials_life_left_seconds", "What handed out credentials had left to live.",
                  counts.life_left);
}

void add_journal(Sheet& sheet, const broker::Broker::Counts& counts) {
  sheet.histogram("deputy_journal_write_seconds",
                  "Time until a transaction that records issuances was durable.", counts.journal_seconds);
  sheet.histogram("deputy_journal_write_records", "Issuances that shared such a transaction.",
                  counts.journal_records);
  sheet.gauge("deputy_journal_records_waiting", "Issuances whose record waits for a transaction.")
      .value(counts.records_waiting);
}

void add_sts(Sheet& sheet, const broker::Broker::Counts& counts) {
  sheet.histogram("deputy_sts_call_seconds", "Time that AssumeRole took, for issuing.", counts.sts_seconds);
  sheet.counter("deputy_sts_errors_total", "AssumeRole calls for issuing that failed, by code.");
  for (const auto& [code, count] : counts.sts_errors_by_code) sheet.value(count, {{"code", code}});
  const auto expires_at = counts.base_expires_at.value_or(Timestamp{});
  sheet
      .gauge("deputy_base_credentials_expire_at_seconds",
             "When the partner's own credentials expire, as seconds since 1970; 0: they do not, or none were "
             "used.")
      .value(std::chrono::duration<double>(expires_at.time_since_epoch()).count());
  sheet.counter("deputy_sts_quota_calls_total", "AssumeRole calls that the quota let go, by purpose.")
      .value(counts.quota_calls, {{"by", "issuing"}})
      .value(counts.quota_calls_of_verification, {{"by", "verification"}});
  sheet.counter("deputy_sts_quota_waits_total", "Calls that had to wait, by whose quota.")
      .value(counts.share_waits, {{"by", "connection"}})
      .value(counts.quota_waits, {{"by", "region"}});
  sheet
      .counter("deputy_sts_quota_refusals_total",
               "Calls that would have had to wait for too long, by whose quota.")
      .value(counts.share_refusals, {{"by", "connection"}})
      .value(counts.quota_refusals, {{"by", "region"}});
  sheet.counter("deputy_sts_quota_cuts_total", "How often a throttle halved a Region's rate.")
      .value(counts.quota_cuts);
  sheet.gauge("deputy_sts_quota_rate", "Calls a second in the Region that is held back most.")
      .value(counts.quota_rate);
  sheet.gauge("deputy_sts_quota_rate_max", "Calls a second where nothing is held back: credentials.sts_rate.")
      .value(counts.quota_rate_max);
}

void add_standing(Sheet& sheet, const Metrics::Standing& standing) {
  const auto& verifications = standing.verifications;
  sheet.counter("deputy_verifications_total", "Verifications that ended, by outcome.")
      .value(verifications.passed.load(), {{"outcome", "passed"}})
      .value(verifications.failed.load(), {{"outcome", "failed"}})
      .value(verifications.inconclusive.load(), {{"outcome", "inconclusive"}})
      .value(verifications.dropped.load(), {{"outcome", "dropped"}});
  sheet.gauge("deputy_connections", "Connections, by state; up to half a minute old.");
  for (const auto state : states) {
    const auto found = standing.survey.connections.find(state);
    sheet.value(found == standing.survey.connections.end() ? 0 : std::uint64_t{found->second},
                {{"state", std::string{registry::to_text(state)}}});
  }
  sheet.gauge("deputy_journal_entries", "Entries in the journal; up to half a minute old.")
      .value(static_cast<double>(standing.survey.journal_entries));
  sheet.gauge("deputy_ready", "Whether the service takes requests: 0 while it stops and after a finding.")
      .value(standing.ready ? 1.0 : 0.0);
  sheet.gauge("deputy_build_info", "1; the version is the label.")
      .value(1.0, {{"version", std::string{standing.version}}});
}

void add_webhooks(Sheet& sheet, const Metrics::Standing& standing) {
  const auto& [taken, refused, unanswered, expired, dropped] = standing.webhooks;
  sheet.counter("deputy_webhook_attempts_total", "Attempts to deliver an event, by what came of them.")
      .value(taken.load(), {{"outcome", "taken"}})
      .value(refused.load(), {{"outcome", "refused"}})
      .value(unanswered.load(), {{"outcome", "unanswered"}});
  sheet.counter("deputy_webhook_events_lost_total", "Events that were given up, by why.")
      .value(expired.load(), {{"why", "expired"}})
      .value(dropped.load(), {{"why", "dropped"}});
  sheet.gauge("deputy_webhook_events_waiting", "Events that wait to be taken; up to half a minute old.")
      .value(std::uint64_t{standing.survey.webhook_events});
  const auto& oldest = standing.survey.oldest_webhook_event;
  const auto age = oldest ? std::max(standing.now - *oldest, Timestamp::duration{}) : Timestamp::duration{};
  sheet.gauge("deputy_webhook_events_oldest_age_seconds", "Age of the oldest of them; 0 without any.")
      .value(std::chrono::duration<double>(age).count());
}

void add_lanes(Sheet& sheet, const http::ServerCounts& listener) {
  sheet.gauge("deputy_http_requests_in_flight", "Requests with their handlers, by lane.");
  for (const auto& lane : listener.lanes)
    sheet.value(std::uint64_t{lane.in_flight}, {{"lane", std::string{lane.lane}}});
  sheet.gauge("deputy_http_requests_in_flight_max", "As many as a lane may have.");
  for (const auto& lane : listener.lanes)
    sheet.value(std::uint64_t{lane.in_flight_max}, {{"lane", std::string{lane.lane}}});
  sheet.counter("deputy_http_requests_refused_total",
                "Requests that the listener turned away, by lane and why.");
  for (const auto& lane : listener.lanes) {
    sheet.value(lane.refused_full, {{"lane", std::string{lane.lane}}, {"why", "full"}});
    sheet.value(lane.refused_client, {{"lane", std::string{lane.lane}}, {"why", "client"}});
  }
}

void add_logs(Sheet& sheet, const logs::CollectorCounts& logs) {
  using logs::SourceStatus;
  sheet.gauge("deputy_logs_sources", "Log groups, by how collecting them stands.");
  for (const SourceStatus status : {SourceStatus::active, SourceStatus::not_found, SourceStatus::denied,
                                    SourceStatus::infrequent_access}) {
    const auto count = logs.by_status.find(status);
    sheet.value(count == logs.by_status.end() ? std::uint64_t{0} : count->second,
                {{"status", std::string{logs::to_text(status)}}});
  }
  sheet.gauge("deputy_logs_leases", "Accounts and Regions that this process collects from.")
      .value(logs.leases);
  sheet
      .gauge("deputy_logs_lag_seconds",
             "Time of events that is not read yet, of the log group furthest behind.")
      .value(std::chrono::duration<double>(logs.lag_max).count());
  sheet.counter("deputy_logs_events_total", "Events collected.").value(logs.events);
  sheet.counter("deputy_logs_message_bytes_total", "Bytes of their messages.").value(logs.message_bytes);
  sheet.counter("deputy_logs_duplicates_total", "Events read again, and dropped.").value(logs.duplicates);
  sheet.counter("deputy_logs_pages_total", "Pages of events, by whether they had anything new.")
      .value(logs.pages - logs.empty_pages, {{"new", "yes"}})
      .value(logs.empty_pages, {{"new", "no"}});
  sheet.counter("deputy_logs_rescans_total", "Stretches of time that were read again.").value(logs.rescans);
  sheet.counter("deputy_logs_rescan_events_total", "Events that only reading again found.")
      .value(logs.rescan_events);
  sheet.counter("deputy_logs_failures_total", "Steps that failed, by whether AWS throttled them.")
      .value(logs.failed - logs.throttled, {{"throttled", "no"}})
      .value(logs.throttled, {{"throttled", "yes"}});
  sheet.counter("deputy_logs_leases_lost_total", "Leases that another process may have taken.")
      .value(logs.leases_lost);
  sheet.gauge("deputy_logs_spool_bytes", "Bytes in the spool.").value(logs.spool_bytes);
  sheet.gauge("deputy_logs_spool_bytes_max", "Bytes at which nothing more is fetched.")
      .value(logs.spool_bytes_max);
}

// By kind, of which there are few; several of one kind are added up.
void add_log_sinks(Sheet& sheet, const Metrics::Standing& standing) {
  struct Sum {
    std::uint64_t still = 0, behind = 0, records = 0, failures = 0, refused = 0;
  };
  std::map<std::string, Sum> kinds;
  for (const logs::SinkStatus& each : standing.log_sinks) {
    Sum& sum = kinds[each.name.substr(0, each.name.find(':'))];
    sum.still += each.trouble ? 1 : 0;
    sum.behind += standing.log_sequence - std::min(standing.log_sequence, each.sequence);
    sum.records += each.records;
    sum.failures += each.failures;
    sum.refused += each.refused;
  }
  const auto each_kind = [&](Sheet& family, std::uint64_t Sum::* number) {
    for (const auto& [kind, sum] : kinds) family.value(sum.*number, {{"sink", kind}});
  };
  each_kind(sheet.gauge("deputy_logs_sinks_standing_still", "Sinks whose last delivery failed, by kind."),
            &Sum::still);
  each_kind(sheet.gauge("deputy_logs_sink_pages_behind", "Pages of the spool that a sink has not taken yet."),
            &Sum::behind);
  each_kind(sheet.counter("deputy_logs_sink_records_total", "Records that a sink took."), &Sum::records);
  each_kind(sheet.counter("deputy_logs_sink_failures_total", "Deliveries that failed and were tried again."),
            &Sum::failures);
  each_kind(sheet.counter("deputy_logs_sink_refused_total", "Records that a receiver refused for good."),
            &Sum::refused);
  sheet
      .gauge("deputy_logs_store_waiting_bytes",
             "Bytes of records that wait, durable, for a day's file that is locked.")
      .value(standing.log_store.waiting_bytes);
  sheet
      .counter("deputy_logs_store_set_aside_total",
               "Files of the searchable store that were damaged and set aside.")
      .value(standing.log_store.set_aside);
  sheet
      .counter("deputy_logs_store_out_of_range_total",
               "Records that the searchable store did not keep: past retention, or days ahead.")
      .value(standing.log_store.out_of_range);
}

void add_listener(Sheet& sheet, const http::ServerCounts& listener) {
  const http::Tally& tally = listener.tally;
  sheet.counter("deputy_http_connections_accepted_total", "Connections accepted, by listener.")
      .value(tally.accepted_by_tcp, {{"listener", "tcp"}})
      .value(tally.accepted_by_unix, {{"listener", "unix"}});
  sheet.gauge("deputy_http_connections", "Connections that are open.")
      .value(std::uint64_t{listener.connections});
  sheet.gauge("deputy_http_connections_max", "As many as may be open.")
      .value(std::uint64_t{listener.connections_max});
  sheet
      .counter("deputy_http_connections_ended_total",
               "Connections that the listener ended by itself, by why.")
      .value(tally.connections_refused, {{"why", "too_many"}})
      .value(tally.idle_evicted, {{"why", "made_room"}})
      .value(tally.idle_closed, {{"why", "idle"}})
      .value(tally.too_slow, {{"why", "too_slow"}})
      .value(tally.not_reading, {{"why", "not_reading"}});
  sheet.counter("deputy_http_accept_failures_total", "Pauses for want of descriptors or memory.")
      .value(tally.accept_failures);
  sheet.counter("deputy_tls_handshakes_total", "TLS handshakes that ended, by how.")
      .value(tally.handshakes_done - tally.handshakes_resumed, {{"outcome", "full"}})
      .value(tally.handshakes_resumed, {{"outcome", "resumed"}})
      .value(tally.handshakes_failed, {{"outcome", "failed"}})
      .value(tally.handshakes_refused, {{"outcome", "refused"}});
  sheet
      .counter("deputy_tls_certificate_reloads_total",
               "Readings of the certificate while running, by outcome.")
      .value(tally.certificate_reloads, {{"outcome", "used"}})
      .value(tally.certificate_reload_failures, {{"outcome", "refused"}});
  sheet
      .gauge("deputy_tls_certificate_expires_seconds",
             "When the certificate in use expires, in Unix time; 0 without TLS.")
      .value(static_cast<double>(listener.certificate_expires));
  add_lanes(sheet, listener);
}

}  // namespace

struct Metrics::State {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter()
          .Name("deputy_http_requests_total")
          .Help("Requests answered, by route, method and status.")
          .Register(registry);
  prometheus::Family<prometheus::Histogram>& seconds = prometheus::BuildHistogram()
                                                           .Name("deputy_http_request_seconds")
                                                           .Help("Time to answer a request, by route.")
                                                           .Register(registry);
  // The series of each route.
  struct Series {
    struct OfAnswer {
      std::string method;
      int status;
      prometheus::Counter* requests;
    };
    prometheus::Histogram* seconds;
    std::vector<OfAnswer> counters;
  };
  std::map<std::string, Series, std::less<>> by_route;
  registry::Survey survey;
  std::optional<std::chrono::steady_clock::time_point> surveyed_at;
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

// Finding a series by its labels copies and hashes all of them: each is looked for once.
void Metrics::count_request(std::string_view method, std::string_view route, int status,
                            std::chrono::steady_clock::duration took) {
  auto found = state_->by_route.find(route);
  if (found == state_->by_route.end()) {
    auto& histogram = state_->seconds.Add({{"route", std::string{route}}}, seconds_buckets);
    found = state_->by_route.emplace(std::string{route}, State::Series{&histogram, {}}).first;
  }
  auto& counters = found->second.counters;
  auto counter = std::ranges::find_if(
      counters, [&](const auto& each) { return each.status == status && each.method == method; });
  if (counter == counters.end()) {
    auto& made = state_->requests.Add(
        {{"route", std::string{route}}, {"method", std::string{method}}, {"status", std::to_string(status)}});
    counter = counters.insert(counter, {std::string{method}, status, &made});
  }
  counter->requests->Increment();
  found->second.seconds->Observe(std::chrono::duration<double>(took).count());
}

std::string Metrics::text(const Standing& standing) const {
  std::vector<MetricFamily> all = state_->registry.Collect();
  Sheet sheet;
  add_credentials(sheet, standing.broker);
  add_journal(sheet, standing.broker);
  add_sts(sheet, standing.broker);
  add_webhooks(sheet, standing);
  add_standing(sheet, standing);
  if (standing.listener != nullptr) add_listener(sheet, *standing.listener);
  add_log_sinks(sheet, standing);
  add_logs(sheet, standing.logs != nullptr ? *standing.logs : logs::CollectorCounts{});
  std::move(sheet).append_to(all);
  return prometheus::TextSerializer{}.Serialize(all);
}

bool Metrics::is_survey_due(std::chrono::steady_clock::time_point now) {
  if (state_->surveyed_at && now - *state_->surveyed_at < survey_every) return false;
  state_->surveyed_at = now;
  return true;
}
void Metrics::set_survey(registry::Survey survey) {
  state_->survey = std::move(survey);
}
const registry::Survey& Metrics::survey() const {
  return state_->survey;
}

}  // namespace deputy::api
