#include "isolation/tenants.hpp"
#include "support/loop_runner.hpp"
#include "support/scripted_role.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <thread>

#include "api/api.hpp"
#include "http/server.hpp"
#include "http/socket_client.hpp"

// Two thousand tenants at once, over sockets: clients on threads of their own ask for credentials with hits,
// misses, joins, refreshes and evictions, while connections are rotated, disconnected and given other roles
// and the clock moves on. Nobody ever gets what was made for another, nor what was revoked before they asked;
// and nothing that was cached or on its way when it was revoked leaves after the revocation returned.
namespace deputy::isolation {
namespace {

constexpr std::size_t tenant_count = 2'000;
constexpr std::size_t often_asked = 24;     // tenants of whom half of the requests are
constexpr std::size_t clients = 4;          // threads
constexpr std::size_t lines = 8;            // connections of each, all with a request on its way
constexpr std::size_t rounds = 60;          // of each client: one request on each line
constexpr std::size_t cache_entries = 300;  // fewer than are asked for

// The cheap generator of one client; the test's course need not be the same twice.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 1) {}
  std::size_t roll(std::size_t bound) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::size_t>(state_ % bound);
  }

 private:
  std::uint64_t state_;
};

class Isolation : public RegistryFixture {
 public:
  ~Isolation() override {
    thread.run(stop());
    thread.call([this] {
      server.reset();
      api.reset();
      broker.reset();
      sts.reset();
    });
  }

 protected:
  Isolation() {
    EXPECT_TRUE(store().write([this](registry::Transaction& tx) { return insert_tenants(tx); }));
    admin = key(registry::KeyRole::admin, std::nullopt);
    using enum registry::GrantOption;
    const registry::Grant everything{.may = {session_name, duration}};
    for (const char* name : {"collector", "reporter"}) {
      const auto workload = WorkloadName::parse(name).value();
      EXPECT_TRUE(registry().put_workload(actor(), {workload, {everything}}));
      workload_keys.push_back(key(registry::KeyRole::workload, workload));
    }
    thread.call([this] { start(); });
  }

  void start() {
    sts = std::make_unique<TellingSts>(thread.loop(), clock());
    broker = std::make_unique<broker::Broker>(
        thread.loop(), clock(), random(), pool, registry(), *sts, base,
        broker::BrokerSettings{.region = Region::parse("eu-central-1").value(),
                               .cache_entries_max = cache_entries,
                               .sts_rate = 1e6});
    api = std::make_unique<api::Api>(api::Parts{.loop = thread.loop(),
                                                .pool = pool,
                                                .registry = registry(),
                                                .broker = *broker,
                                                .clock = clock(),
                                                .wake_verification = [] {},
                                                .log_failure = nullptr},
                                     api::Settings{.version = "test",
                                                   .public_url = "",
                                                   .template_url = std::nullopt,
                                                   .region = Region::parse("eu-central-1").value()});
    server =
        std::make_unique<http::Server>(thread.loop(), http::ServerOptions{},
                                       [this](http::Request request) { return watched(std::move(request)); });
    ASSERT_TRUE(server->listen());
    port = server->port();
  }
  Task<void> stop() {
    co_await server->drain(std::chrono::seconds{10});
    co_await broker->stop();
  }

  std::string key(registry::KeyRole role, std::optional<WorkloadName> workload,
                  std::optional<ConnectionId> connection = std::nullopt) {
    registry::NewKey wanted{
        .role = role, .workload = std::move(workload), .connection_id = std::move(connection)};
    return std::string{
        registry().create_key(actor(), wanted, std::nullopt).value().value.secret.value().reveal()};
  }

  Result<void> insert_tenants(registry::Transaction& tx) {
    for (std::size_t i = 0; i < tenants.size(); ++i) {
      const std::string account = std::to_string(300'000'000'000 + i);
      DEPUTY_TRY(const auto connection, insert_active(tx, account));
      tenants[i].connection = connection.id.text();
      tenants[i].account = account;
      tenant_of.emplace(tenants[i].connection, i);
      tenants.note(connection.external_id.text(), i, 0);
    }
    return success();
  }

  static std::string request(const std::string& method, const std::string& path, const std::string& key,
                             const std::string& body = {}) {
    return method + " " + path + " HTTP/1.1\r\nHost: deputy\r\nAuthorization: Bearer " + key +
           (body.empty() ? "" : "\r\nContent-Type: application/json") +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  Task<http::Response> watched(http::Request request);
  void leaves(const std::string& method, const std::string& path, const http::Response& response);
  // With the loop's thread: what is revoked, and from when on.
  void revoke(std::size_t tenant);
  void revoke_reporter();

  struct Asked {
    std::size_t tenant = 0;
    std::size_t workload = 0;
    std::string suffix;
    int generation = 0;  // as confirmed before the request went out
    bool ended = false;
  };
  void client(std::uint64_t seed);
  Asked ask(http::SocketClient& line, Dice& dice);
  void judge(const Asked& asked, const http::SocketClient::Reply& reply);
  void judge_credentials(const Asked& asked, const std::string& body);
  void revoke_all_the_time();
  void rotate(std::size_t which);
  void revoke_alone(std::size_t which);
  void end(std::size_t which, http::SocketClient& line, bool by_new_role);

  Tenants tenants{tenant_count};
  std::map<std::string, std::size_t, std::less<>> tenant_of;  // by connection; written before the start
  Tenants::Leaving reporter;
  std::string admin;
  std::vector<std::string> workload_keys;
  FakeBaseCredentials base;
  WorkPool pool{{.threads = 4}};
  LoopThread thread;
  std::unique_ptr<TellingSts> sts;
  std::unique_ptr<broker::Broker> broker;
  std::unique_ptr<api::Api> api;
  std::unique_ptr<http::Server> server;
  std::uint16_t port = 0;

  std::atomic<bool> clients_done = false;
  std::atomic<int> issued = 0, refused = 0, unavailable = 0, rotated = 0, ended = 0;
};

Isolation::Asked Isolation::ask(http::SocketClient& line, Dice& dice) {
  Asked asked;
  asked.tenant = dice.roll(2) == 0 ? dice.roll(often_asked) : dice.roll(tenants.size());
  asked.workload = dice.roll(workload_keys.size());
  Tenants::Tenant& tenant = tenants[asked.tenant];
  asked.generation = tenant.generation;
  asked.ended = tenant.ended;
  const std::string& key = workload_keys[asked.workload];
  if (dice.roll(3) == 0) {
    asked.suffix = "job-" + std::to_string(dice.roll(2));
    line.send(request("POST", "/v1/connections/" + tenant.connection + "/credentials", key,
                      R"({"session_name":")" + asked.suffix + R"("})"));
  } else {
    line.send(request("GET", "/v1/credentials/" + tenant.connection, key));
  }
  return asked;
}

void Isolation::judge(const Asked& asked, const http::SocketClient::Reply& reply) {
  if (reply.status == 200) {
    ++issued;
    EXPECT_FALSE(asked.ended) << "credentials after the end was confirmed";
    judge_credentials(asked, reply.body);
    return;
  }
  // Whatever is refused names nobody else and holds nothing.
  EXPECT_EQ(reply.body.find("ASIA"), std::string::npos) << reply.body;
  EXPECT_TRUE(reply.status == 409 || reply.status == 503) << reply.status << " " << reply.body;
  if (reply.status == 409) {
    EXPECT_TRUE(tenants[asked.tenant].ended || reply.body.find("connection_") != std::string::npos);
    ++refused;
  } else {
    ++unavailable;
  }
}

void Isolation::judge_credentials(const Asked& asked, const std::string& body) {
  boost::json::error_code broken;
  const auto read = boost::json::parse(body, broken);
  ASSERT_FALSE(broken) << body;
  const bool container = asked.suffix.empty();
  const auto text = [&](const char* in_container, const char* in_api) {
    return std::string{read.at(container ? in_container : in_api).as_string()};
  };
  const std::string token = text("Token", "session_token");
  const std::string secret = text("SecretAccessKey", "secret_access_key");
  Tenants::Tenant& tenant = tenants[asked.tenant];
  const auto first = token.find('/');
  const auto second = token.find('/', first + 1);
  ASSERT_NE(second, std::string::npos) << token;
  EXPECT_EQ(token.substr(0, first), tenant.account);
  EXPECT_EQ(secret.substr(0, secret.find('/')), tenant.account);
  EXPECT_EQ(text("AccountId", "account_id"), tenant.account);
  const std::string id = text("AccessKeyId", "access_key_id");
  EXPECT_EQ(id.substr(8), secret.substr(secret.find('/') + 1)) << "two sessions' parts in one";
  const auto whose = tenants.whose(token.substr(first + 1, second - first - 1));
  ASSERT_TRUE(whose.has_value()) << token;
  EXPECT_EQ(whose->first, asked.tenant);
  EXPECT_GE(whose->second, asked.generation) << "an external ID that was replaced before";
  const std::string name = tenant.connection + "@" + (asked.workload == 0 ? "collector" : "reporter") +
                           (asked.suffix.empty() ? "" : "." + asked.suffix);
  EXPECT_EQ(token.substr(second + 1), name);
}

void Isolation::client(std::uint64_t seed) {
  Dice dice{seed};
  std::vector<http::SocketClient> open;
  for (std::size_t i = 0; i < lines; ++i) open.emplace_back(port);
  for (std::size_t round = 0; round < rounds; ++round) {
    std::vector<Asked> asked;
    for (http::SocketClient& line : open) asked.push_back(ask(line, dice));
    for (std::size_t i = 0; i < lines; ++i) judge(asked[i], open[i].receive_response());
  }
}

// A new external ID, as after a rotation is promoted: written, then the broker is told, then it counts.
void Isolation::rotate(std::size_t which) {
  const auto id = registry::issue_external_id(random());
  const auto connection = ConnectionId::parse(tenants[which].connection).value();
  const int next = tenants[which].generation + 1;
  tenants.note(id.text(), which, next);
  ASSERT_TRUE(store().write([&](registry::Transaction& tx) -> Result<void> {
    DEPUTY_TRY(auto stored, tx.find_connection(connection));
    DEPUTY_TRY(tx.claim_external_id(id, connection));
    stored->external_id = id;
    ++stored->binding_version;
    return tx.update(*stored);
  }));
  thread.call([&] { revoke(which); });
  tenants[which].generation = next;
  ++rotated;
}

// Nothing about the connection changed but the broker is told to forget it, as after a verification: there is
// no new key in the cache that would hide what was not forgotten.
void Isolation::revoke_alone(std::size_t which) {
  thread.call([&] { revoke(which); });
}

void Isolation::revoke(std::size_t tenant) {
  broker->revoke(ConnectionId::parse(tenants[tenant].connection).value());
  tenants[tenant].leaving.revoked_at = sts->calls;
}

void Isolation::revoke_reporter() {
  broker->revoke(WorkloadName::parse("reporter").value());
  reporter.revoked_at = sts->calls;
}

// The last moment at which the broker could have kept credentials back.
Task<http::Response> Isolation::watched(http::Request request) {
  const std::string method = request.method, path = request.path;
  auto response = co_await api->handle(std::move(request));
  leaves(method, path, response);
  co_return response;
}

void Isolation::leaves(const std::string& method, const std::string& path, const http::Response& response) {
  const auto named = path.find("con_");
  if (response.status >= 300 || named == std::string::npos) return;
  const auto found = tenant_of.find(path.substr(named, path.find('/', named) - named));
  ASSERT_NE(found, tenant_of.end()) << path;
  Tenants::Leaving& leaving = tenants[found->second].leaving;
  if (method == "DELETE" || method == "PUT") {
    leaving.ended = true;
    return;
  }
  constexpr std::string_view before_number = "ASIAFAKE";
  const auto at = response.body.find(before_number);
  ASSERT_NE(at, std::string::npos) << response.body;
  const auto call =
      std::stoull(response.body.substr(at + before_number.size(), 16)) - TellingSts::first_number;
  EXPECT_FALSE(leaving.ended) << "credentials left after the end was confirmed";
  EXPECT_GT(call, leaving.revoked_at) << "credentials left after they were revoked";
  if (response.body.find("@reporter") != std::string::npos)
    EXPECT_GT(call, reporter.revoked_at) << "credentials left after their workload's were revoked";
}

// Over the API: from the answer on, nothing is issued.
void Isolation::end(std::size_t which, http::SocketClient& line, bool by_new_role) {
  const std::string path = "/v1/connections/" + tenants[which].connection;
  if (by_new_role) {
    line.send(request("PUT", path + "/role", admin,
                      R"({"role_arn":"arn:aws:iam::)" + tenants[which].account + R"(:role/other"})"));
    EXPECT_EQ(line.receive_response().status, 202);
  } else {
    line.send(request("DELETE", path, admin));
    EXPECT_EQ(line.receive_response().status, 204);
  }
  tenants[which].ended = true;
  ++ended;
}

void Isolation::revoke_all_the_time() {
  Dice dice{999};
  http::SocketClient line{port};
  for (std::size_t turn = 0; !clients_done; ++turn) {
    const std::size_t some = dice.roll(often_asked);
    if (!tenants[some].ended) rotate(some);
    const std::size_t other = turn % 8 == 0 ? dice.roll(often_asked) : dice.roll(tenants.size());
    // Half of those who are asked for often stay to the end.
    if (!tenants[other].ended && (other >= often_asked || other % 2 == 0))
      end(other, line, dice.roll(2) == 0);
    revoke_alone(dice.roll(often_asked));
    if (turn % 16 == 15) thread.call([&] { revoke_reporter(); });
    if (clock().now() < Timestamp{std::chrono::sys_days{std::chrono::year{2026} / 1 / 3}})
      clock().advance(std::chrono::minutes{dice.roll(9)});
    std::this_thread::yield();
  }
}

TEST_F(Isolation, NobodyEverGetsAnothersCredentialsNorRevokedOnes) {
  std::thread revoker{[this] { revoke_all_the_time(); }};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < clients; ++i) threads.emplace_back([this, i] { client(i + 1); });
  for (std::thread& each : threads) each.join();
  clients_done = true;
  revoker.join();

  broker::Broker::Counts counts;
  thread.call([&] { counts = broker->counts(); });
  EXPECT_EQ(issued + refused + unavailable, static_cast<int>(clients * lines * rounds));
  EXPECT_GT(issued, static_cast<int>(clients * lines * rounds / 2));
  EXPECT_GT(rotated, 10);
  EXPECT_GT(ended, 10);
  // All of it happened.
  EXPECT_GT(counts.hits, 0U);
  EXPECT_GT(counts.misses, 0U);
  EXPECT_GT(counts.joins, 0U);
  EXPECT_GT(counts.refreshes, 0U);
  EXPECT_GT(counts.evictions, 0U);
  EXPECT_GT(counts.revocations, 0U);
  std::uint64_t writes = 0;
  for (const auto count : counts.journal_records.counts()) writes += count;
  EXPECT_GT(counts.journal_records.sum(), static_cast<double>(writes)) << "no two records shared a write";
  std::printf(
      "issued %d, refused %d, unavailable %d; hits %zu, misses %zu, joins %zu, refreshes %zu, evictions %zu, "
      "revocations %zu, withheld %zu; rotated %d, ended %d\n",
      issued.load(), refused.load(), unavailable.load(), std::size_t{counts.hits}, std::size_t{counts.misses},
      std::size_t{counts.joins}, std::size_t{counts.refreshes}, std::size_t{counts.evictions},
      std::size_t{counts.revocations}, std::size_t{counts.withheld}, rotated.load(), ended.load());
}

}  // namespace
}  // namespace deputy::isolation
