#pragma once

#include "logs/sinks/sink_runner.hpp"
#include "logstore/store.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_sts.hpp"
#include "support/manual_loop.hpp"
#include "support/openapi_check.hpp"
#include "support/scripted_role.hpp"
#include "support/temporary_folder.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/api.hpp"
#include "api/openapi.hpp"
#include "api/router.hpp"
#include "storage/sqlite_store.hpp"

namespace deputy {

// An answer of the API, with its body read where it is JSON.
struct ApiAnswer {
  int status = 0;
  http::Headers headers;
  std::string text;
  boost::json::value body;

  std::string code() const { return string("code"); }
  std::string string(std::string_view member) const {
    const auto* object = body.if_object();
    const auto* value = object == nullptr ? nullptr : object->if_contains(member);
    return value != nullptr && value->is_string() ? std::string{value->get_string().c_str()} : std::string{};
  }
};

// The whole API in one process: a real registry on SQLite in a directory of its own, a real broker, an STS
// that the test scripts, a clock that stands still. No listener: requests are handed to the handler.
class ApiFixture : public testing::Test {
 public:
  ~ApiFixture() override { loop.run(broker.stop()); }

 protected:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  static constexpr std::string_view partner_account = "999988887777";
  static constexpr std::string_view customer_account = "111122223333";

  ApiFixture() {
    admin = make_key(registry::KeyRole::admin);
    sts.on_assume_role = [this](const FakeSts::AssumeRoleCall& call) -> aws::AwsResult<aws::AssumedRole> {
      return FakeSts::session(call.request, clock.now() + call.request.duration,
                              static_cast<int>(sts.assume_role_calls.size()));
    };
  }

  ApiAnswer send(http::Request request) {
    request.request_id = "req_test";
    request.remote_address = request.peer_user_id ? "unix" : "192.0.2.7";
    if (request.target.empty())
      request.target = request.path + (request.query.empty() ? "" : "?" + request.query);
    const api::Match match = api::find_route(api::routes(), request.method, request.path);
    const std::string method = request.method;
    http::Response response = loop.run(api.handle(std::move(request)));
    ApiAnswer answer{response.status, std::move(response.headers), std::move(response.body), {}};
    boost::json::error_code broken;
    answer.body = boost::json::parse(answer.text, broken);
    if (broken) answer.body = nullptr;
    if (match.route != nullptr && method != "HEAD") hold_against_document(*match.route, answer);
    return answer;
  }

  // Every answer is one that openapi.json tells of: its status, its type, its body.
  static void hold_against_document(const api::Route& route, const ApiAnswer& answer) {
    static const OpenapiCheck check{boost::json::parse(api::openapi_document())};
    std::string method{route.method};
    for (char& c : method) c = static_cast<char>(c | 0x20);
    const auto& answers =
        check.document().at("paths").at(route.pattern).at(method).at("responses").as_object();
    const auto* told = answers.if_contains(std::to_string(answer.status));
    if (told == nullptr && answer.status >= 400) told = &answers.at("default");
    ASSERT_NE(told, nullptr) << route.method << " " << route.pattern << " answered " << answer.status;
    const auto* content = check.resolved(*told).as_object().if_contains("content");
    ASSERT_EQ(content == nullptr, answer.text.empty()) << route.pattern;
    if (content == nullptr) return;
    const std::string type{answer.headers.find("Content-Type").value_or("")};
    const auto* typed = content->as_object().if_contains(type.substr(0, type.find(';')));
    ASSERT_NE(typed, nullptr) << route.pattern << " answered " << type;
    if (!type.starts_with("application/json") && !type.starts_with("application/problem")) return;
    for (const std::string& problem : check.problems(answer.body, typed->at("schema")))
      ADD_FAILURE() << route.method << " " << route.pattern << ": " << problem << " in " << answer.text;
  }

  // `path` may carry a query. A body is sent as application/json unless the header fields say otherwise.
  ApiAnswer call(std::string method, std::string_view path, const std::string& key, std::string body = {},
                 const Headers& headers = {}) {
    http::Request request;
    request.method = std::move(method);
    request.path = path.substr(0, path.find('?'));
    if (request.path.size() < path.size()) request.query = path.substr(request.path.size() + 1);
    if (!key.empty()) request.headers.add("Authorization", "Bearer " + key);
    for (const auto& [name, value] : headers) request.headers.add(name, value);
    if (!body.empty() && request.headers.count("Content-Type") == 0)
      request.headers.add("Content-Type", "application/json");
    request.body = std::move(body);
    return send(std::move(request));
  }
  // As a process of that user on the machine does over the Unix socket.
  ApiAnswer call_as_user(std::uint32_t user, std::string method, std::string_view path,
                         const std::string& authorization = {}) {
    http::Request request;
    request.method = std::move(method);
    request.path = path;
    request.peer_user_id = user;
    if (!authorization.empty()) request.headers.add("Authorization", authorization);
    return send(std::move(request));
  }
  ApiAnswer get(std::string_view path) { return call("GET", path, admin); }
  ApiAnswer post(std::string_view path, std::string body = {}) {
    return call("POST", path, admin, std::move(body));
  }
  ApiAnswer put(std::string_view path, std::string body) { return call("PUT", path, admin, std::move(body)); }

  // The secret of a new key.
  std::string make_key(registry::KeyRole role, std::optional<WorkloadName> workload = std::nullopt,
                       std::optional<std::chrono::seconds> expires_in = std::nullopt,
                       std::optional<ConnectionId> connection = std::nullopt) {
    auto made = registry.create_key(registry::Actor::command("test"),
                                    {.role = role,
                                     .workload = std::move(workload),
                                     .connection_id = std::move(connection),
                                     .expires_in = expires_in},
                                    std::nullopt);
    if (made.has_error()) {
      ADD_FAILURE() << made.error().message;
      return {};
    }
    return std::string{made.value().value.secret->reveal()};
  }

  std::string make_tenant(std::string_view name, std::string_view reference = {}) {
    boost::json::object body{{"name", name}};
    if (!reference.empty()) body["reference"] = reference;
    return post("/v1/tenants", boost::json::serialize(body)).string("id");
  }
  std::string make_integration(std::string_view name = "log-reader") {
    const auto answer = put("/v1/integrations/" + std::string{name}, std::string{integration_body});
    EXPECT_LT(answer.status, 300) << answer.text;
    return std::string{name};
  }
  // A connection in `awaiting_role`; makes the integration `log-reader` where it is missing.
  ApiAnswer make_connection(const std::string& tenant) {
    make_integration();
    return post("/v1/connections", R"({"tenant_id":")" + tenant + R"(","integration":"log-reader"})");
  }
  static std::string role_arn(std::string_view account = customer_account, std::string_view name = "reader") {
    return "arn:aws:iam::" + std::string{account} + ":role/" + std::string{name};
  }
  // A connection that was verified; its identifier.
  std::string make_active_connection(const std::string& tenant, std::string_view account = customer_account) {
    const std::string id = make_connection(tenant).string("id");
    EXPECT_EQ(put("/v1/connections/" + id + "/role", R"({"role_arn":")" + role_arn(account) + "\"}").status,
              202);
    finish_verifications(registry::VerificationOutcome::passed);
    return id;
  }
  // Ends every verification that is due, with this outcome, as the service would.
  void finish_verifications(registry::VerificationOutcome outcome, bool next_external_id_works = false) {
    auto tasks = registry.claim_due(100, std::chrono::minutes{10});
    ASSERT_FALSE(tasks.has_error()) << tasks.error().message;
    for (const registry::VerificationTask& task : tasks.value()) {
      registry::VerificationReport report;
      report.outcome = outcome;
      report.proof = registry::Proof::probed;
      report.account_id = task.binding.role_arn.account();
      report.next_external_id_works = next_external_id_works;
      report.checks.push_back({.name = "role_assumable",
                               .result = outcome == registry::VerificationOutcome::passed
                                             ? registry::CheckResult::passed
                                             : registry::CheckResult::failed,
                               .message = "scripted by the test",
                               .mend = std::nullopt,
                               .evidence = registry::Evidence{"", "fake-request", clock.now()}});
      report.checks.push_back({.name = "trust_policy",
                               .result = registry::CheckResult::skipped,
                               .message = "not run by the test",
                               .mend = std::nullopt,
                               .evidence = std::nullopt});
      ASSERT_FALSE(registry.finish_verification(task, std::move(report)).has_error());
    }
  }
  void make_workload(const std::string& name, const std::string& grants) {
    EXPECT_LT(put("/v1/workloads/" + name, R"({"grants":)" + grants + "}").status, 300);
  }

  static constexpr std::string_view integration_body = R"({"description":"Reads log events",
      "policy":{"Version":"2012-10-17","Statement":[{"Sid":"ReadLogs","Effect":"Allow",
                "Action":["logs:FilterLogEvents","logs:DescribeLogGroups"],"Resource":"*"}]},
      "reasons":{"ReadLogs":"to show your log events"}})";

  FakeClock clock;
  ManualLoop loop{clock};
  SystemRandom random;
  FakeSts sts;
  FakeBaseCredentials base;
  TemporaryFolder folder;
  storage::MasterKey master_key = storage::MasterKey::draw(random);
  std::unique_ptr<registry::Store> store =
      storage::open_sqlite({.file = folder.path() / "deputy.db", .create = true}, master_key).value();
  registry::Registry registry{
      *store, clock, random,
      registry::Settings{
          .partner_principal =
              RoleArn::parse("arn:aws:iam::" + std::string{partner_account} + ":role/deputy").value(),
          .partner_accounts = {AccountId::parse(partner_account).value()}}};
  WorkPool pool{{.threads = 1}};
  broker::Broker broker{loop,     clock, random, pool,
                        registry, sts,   base,   {.region = Region::parse("eu-central-1").value()}};
  logstore::Store log_store{{.directory = folder.path() / "logs"}, clock};
  logs::Collector* log_collector = nullptr;  // for a test that collects
  logs::Spool* log_spool = nullptr;
  std::vector<logs::SinkStatus> log_sinks;
  int wakes = 0;
  std::vector<std::string> failures;                    // logged
  std::map<VerificationId, verify::Progress> progress;  // of verifications that run
  api::Api api{
      {.loop = loop,
       .pool = pool,
       .registry = registry,
       .broker = broker,
       .clock = clock,
       .wake_verification = [this] { ++wakes; },
       .log_failure = [this](const std::string&,
                             const Error& error) { failures.push_back(error.message + error.detail); },
       .listener_counts = [] { return http::ServerCounts{.lanes = {{.lane = "issuing"}}}; },
       .log_store = &log_store,
       .search_connections_max = 3,
       .log_collector = [this] { return log_collector; },
       .log_spool = [this] { return log_spool; },
       .log_sinks = [this] { return log_sinks; },
       .progress = [this](const VerificationId& id) -> std::optional<verify::Progress> {
         const auto found = progress.find(id);
         return found == progress.end() ? std::nullopt : std::optional{found->second};
       }},
      {.version = "test",
       .public_url = "https://deputy.example",
       .template_url = std::nullopt,
       .region = Region::parse("eu-central-1").value(),
       .users = {{4242, WorkloadName::parse("collector").value()}}}};
  std::string admin;  // the secret of an admin's key
};

}  // namespace deputy
