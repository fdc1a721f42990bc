#include "api/metrics.hpp"

#include "support/api_fixture.hpp"
#include "support/source_folder.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <set>
#include <sstream>

namespace deputy::api {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string file(const std::string& path) {
  std::ifstream stream{in_source_folder(path)};
  EXPECT_TRUE(stream) << path;
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

// Every `deputy_…` name in a text; a histogram's series stand for the histogram.
std::set<std::string> names_in(const std::string& text) {
  std::set<std::string> names;
  for (std::size_t at = text.find("deputy_"); at != std::string::npos; at = text.find("deputy_", at + 1)) {
    const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", at);
    std::string name = text.substr(at, end - at);
    for (const std::string_view part : {"_bucket", "_sum", "_count"})
      if (name.ends_with(part)) name.resize(name.size() - part.size());
    names.insert(name);
  }
  return names;
}

class MetricsApi : public ApiFixture {
 protected:
  std::string metrics() { return call("GET", "/metrics", "").text; }
  std::string exposed() {
    metrics();  // a request, so that requests have been counted
    return metrics();
  }
};

TEST_F(MetricsApi, AreAllDocumentedAndNoOthersAre) {
  std::set<std::string> documented;
  std::stringstream lines{file("docs/metrics.md")};
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("| `deputy_")) documented.merge(names_in(line.substr(0, line.find('|', 2))));
  EXPECT_EQ(names_in(exposed()), documented);
}

TEST_F(MetricsApi, TheDashboardAndTheAlertsAskForNoOthers) {
  const auto exist = names_in(exposed());
  const std::string dashboard = file("packaging/grafana/deputy.json");
  boost::json::error_code broken;
  const auto read = boost::json::parse(dashboard, broken);
  ASSERT_FALSE(broken) << broken.message();
  std::set<std::string> asked;
  for (const auto& panel : read.at("panels").as_array())
    if (const auto* targets = panel.as_object().if_contains("targets"))
      for (const auto& target : targets->as_array())
        asked.merge(names_in(std::string{target.at("expr").as_string()}));
  EXPECT_GT(asked.size(), 20U);
  EXPECT_EQ(asked, exist);  // nothing is watched by nobody
  for (const std::string& name : names_in(file("packaging/prometheus/alerts.yml")))
    EXPECT_TRUE(exist.contains(name)) << name;
}

// An alert on a code that is counted as `other` would never ring.
TEST_F(MetricsApi, TheAlertsAskForCodesThatAreCounted) {
  const std::string alerts = file("packaging/prometheus/alerts.yml");
  const broker::Tally counted;
  std::size_t codes = 0;
  const std::string begin = "deputy_sts_errors_total{code=~\"";
  for (auto at = alerts.find(begin); at != std::string::npos; at = alerts.find(begin, at + 1)) {
    const auto from = at + begin.size();
    std::stringstream list{alerts.substr(from, alerts.find('"', from) - from)};
    for (std::string code; std::getline(list, code, '|'); ++codes)
      EXPECT_TRUE(counted.sts_errors_by_code.contains(code)) << code;
  }
  EXPECT_GT(codes, 10U);
}

// Whatever way STS is out, the alert on it has the code.
TEST_F(MetricsApi, EveryCodeOfAnUnreachableStsRingsTheAlert) {
  const std::string alerts = file("packaging/prometheus/alerts.yml");
  const auto begin = alerts.find("alert: DeputyStsCallsFail");
  ASSERT_NE(begin, std::string::npos);
  const std::string alert = alerts.substr(begin, alerts.find("alert:", begin + 1) - begin);
  for (const char* code :
       {"Timeout", "ConnectionFailed", "ConnectionCut", "TlsFailed", "ResponseTooLarge", "Unavailable",
        "MalformedResponse", "InternalFailure", "InternalError", "ServiceUnavailable",
        "ServiceUnavailableException", "RequestTimeout", "RequestTimeoutException"})
    EXPECT_THAT(alert, testing::ContainsRegex("[\"|]" + std::string{code} + "[\"|]")) << code;
}

TEST_F(MetricsApi, TellWhatHappened) {
  const auto acme = make_tenant("Acme", "a-1");
  const auto connection = make_active_connection(acme);
  make_workload("collector", R"([{"integration":"*","tenants":"*","may":["tags"]}])");
  const auto key = make_key(registry::KeyRole::workload, WorkloadName::parse("collector").value());
  const std::string path = "/v1/connections/" + connection + "/credentials";
  EXPECT_EQ(call("POST", path, key).status, 200);
  EXPECT_EQ(call("POST", path, key).status, 200);
  EXPECT_EQ(call("POST", path, key, R"({"region":"us-east-1"})").status, 403);
  sts.on_assume_role = [](const auto&) -> aws::AwsResult<aws::AssumedRole> { return FakeSts::denial(); };
  EXPECT_EQ(call("POST", path, key, R"({"tags":{"a":"1"}})").status, 409);
  const std::string text = metrics();
  for (const char* line :
       {"deputy_credentials_lookups_total{result=\"hit\"} 1",
        "deputy_credentials_lookups_total{result=\"miss\"} 2",
        "deputy_credentials_issued_total{source=\"cache\"} 1",
        "deputy_credentials_issued_total{source=\"sts\"} 1",
        "deputy_credentials_refused_total{code=\"forbidden\"} 1",
        "deputy_credentials_refused_total{code=\"role_denied\"} 1", "deputy_credentials_cached 1",
        "deputy_credentials_life_left_seconds_bucket{le=\"2700\"} 0",
        "deputy_credentials_life_left_seconds_bucket{le=\"3600\"} 2",
        "deputy_credentials_life_left_seconds_sum 7200", "deputy_sts_call_seconds_count 2",
        "deputy_sts_errors_total{code=\"AccessDenied\"} 1", "deputy_sts_quota_calls_total{by=\"issuing\"} 2",
        "deputy_sts_quota_rate 100", "deputy_verifications_total{outcome=\"passed\"} 1",
        "deputy_connections{state=\"active\"} 1", "deputy_connections{state=\"suspended\"} 0",
        "deputy_ready 1", "deputy_build_info{version=\"test\"} 1"})
    EXPECT_THAT(text, HasSubstr(std::string{line} + "\n"));
  EXPECT_THAT(text, Not(HasSubstr("deputy_journal_entries 0")));
  for (const std::string& secret :
       {connection, acme, std::string{"collector"}, std::string{customer_account}})
    EXPECT_THAT(text, Not(HasSubstr(secret)));
}

TEST_F(MetricsApi, TellHowWebhooksStand) {
  EXPECT_THAT(metrics(), HasSubstr("deputy_webhook_events_waiting 0\n"));
  registry::WebhookCounts counts;
  counts.refused = 3;
  counts.expired = 1;
  registry::Survey survey;
  survey.webhook_events = 5;
  survey.oldest_webhook_event = clock.now() - std::chrono::seconds{90};
  const auto broker_counts = broker.counts();
  const std::string text = Metrics{}.text({.broker = broker_counts,
                                           .verifications = registry.verification_counts(),
                                           .webhooks = counts,
                                           .survey = survey,
                                           .now = clock.now(),
                                           .version = "test"});
  for (const char* line : {"deputy_webhook_attempts_total{outcome=\"taken\"} 0",
                           "deputy_webhook_attempts_total{outcome=\"refused\"} 3",
                           "deputy_webhook_events_lost_total{why=\"expired\"} 1",
                           "deputy_webhook_events_waiting 5", "deputy_webhook_events_oldest_age_seconds 90"})
    EXPECT_THAT(text, HasSubstr(std::string{line} + "\n"));
}

// Whoever asks for them in a loop makes the database count once.
TEST_F(MetricsApi, CountRowsSeldom) {
  metrics();
  make_active_connection(make_tenant("Acme"));
  EXPECT_THAT(metrics(), HasSubstr("deputy_connections{state=\"active\"} 0\n"));
  clock.advance(Metrics::survey_every);
  EXPECT_THAT(metrics(), HasSubstr("deputy_connections{state=\"active\"} 1\n"));
  api.be_unready("stopping");
  EXPECT_THAT(metrics(), HasSubstr("deputy_ready 0\n"));
}

}  // namespace
}  // namespace deputy::api
