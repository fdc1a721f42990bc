#include "api/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace deputy::api {
namespace {

const prometheus::Histogram::BucketBoundaries seconds_buckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                              0.05,   0.1,   0.25,   0.5,   1,    5};

// Brings a counter that somebody else keeps up to date.
void follow(prometheus::Counter& counter, std::uint64_t now) {
  const double behind = static_cast<double>(now) - counter.Value();
  if (behind > 0) counter.Increment(behind);
}

prometheus::Family<prometheus::Counter>& counters(prometheus::Registry& registry, const char* name,
                                                  const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

}  // namespace

struct Metrics::State {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      counters(registry, "deputy_http_requests_total", "Requests answered, by route, method and status.");
  prometheus::Family<prometheus::Histogram>& seconds = prometheus::BuildHistogram()
                                                           .Name("deputy_http_request_seconds")
                                                           .Help("Time to answer a request, by route.")
                                                           .Register(registry);
  prometheus::Family<prometheus::Counter>& lookups =
      counters(registry, "deputy_credentials_lookups_total",
               "Requests for credentials, by what the cache did: hit, miss, join.");
  prometheus::Counter& hits = lookups.Add({{"result", "hit"}});
  prometheus::Counter& misses = lookups.Add({{"result", "miss"}});
  prometheus::Counter& joins = lookups.Add({{"result", "join"}});
  prometheus::Counter& sts_errors =
      counters(registry, "deputy_sts_errors_total", "AssumeRole calls for credentials that failed.").Add({});
  prometheus::Gauge& entries = prometheus::BuildGauge()
                                   .Name("deputy_credentials_cached")
                                   .Help("Entries in the credential cache.")
                                   .Register(registry)
                                   .Add({});
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Metrics::count_request(std::string_view method, std::string_view route, int status,
                            std::chrono::steady_clock::duration took) {
  state_->requests
      .Add({{"route", std::string{route}},
            {"method", std::string{method}},
            {"status", std::to_string(status)}})
      .Increment();
  state_->seconds.Add({{"route", std::string{route}}}, seconds_buckets)
      .Observe(std::chrono::duration<double>(took).count());
}

std::string Metrics::text(const broker::Broker::Counts& broker) {
  follow(state_->hits, broker.hits);
  follow(state_->misses, broker.misses);
  follow(state_->joins, broker.joins);
  follow(state_->sts_errors, broker.sts_errors);
  state_->entries.Set(static_cast<double>(broker.entries));
  return prometheus::TextSerializer{}.Serialize(state_->registry.Collect());
}

}  // namespace deputy::api
