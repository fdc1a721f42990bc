#include "app/service.hpp"

#include "connect/site.hpp"
#include "webhooks/delivery.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "api/api.hpp"
#include "api/lanes.hpp"
#include "app/broker_log_access.hpp"
#include "app/integrity_watch.hpp"
#include "app/log_collection.hpp"
#include "app/partner_face.hpp"
#include "app/partner_identity.hpp"
#include "app/session_sweep.hpp"
#include "app/version.hpp"
#include "aws/curl_transport.hpp"
#include "aws/harmless_calls.hpp"
#include "aws/iam.hpp"
#include "aws/logs.hpp"
#include "broker/broker.hpp"
#include "core/task_group.hpp"
#include "core/work_pool.hpp"
#include "http/server.hpp"
#include "storage/sqlite_store.hpp"
#include "verify/service.hpp"
#include "verify/signed_report.hpp"

namespace deputy::app {
namespace {

constexpr std::size_t database_threads = 4;  // for issuing, verification and probes
constexpr std::size_t desk_threads = 2;      // for all other requests
constexpr std::chrono::seconds drain_grace{10};
constexpr std::chrono::days webhook_events_kept{3};
constexpr std::chrono::seconds logs_timeout{30};  // a megabyte, from afar

// Where STS is called: as configured, else as the SDKs are told, else in the home Region of the partner's
// partition.
Result<Region> region_of(const Config& config, const aws::Environment& environment) {
  if (config.aws.region) return *config.aws.region;
  DEPUTY_TRY(auto configured, aws::configured_region(environment));
  if (configured) return *std::move(configured);
  const Partition partition =
      config.aws.partner_principal ? config.aws.partner_principal->partition() : Partition::aws;
  Region home = aws::iam_signing_region(partition);
  spdlog::warn("no AWS Region is configured (`aws.region` or AWS_REGION): calling STS in {}", home.text());
  return home;
}

registry::Settings registry_settings(const Config& config, RoleArn principal) {
  return {.partner_principal = std::move(principal),
          .partner_accounts = config.aws.partner_accounts,
          .account_policy = config.registry.account_policy,
          .verification_interval = config.verification.interval,
          .verification_max_age = config.verification.max_age,
          .verification_min_interval = config.verification.min_interval,
          .verifications_per_tenant_per_hour = config.verification.per_tenant_per_hour,
          .retire_after = config.rotation.retire_after,
          .return_urls = config.connect.return_urls,
          .webhook_events_kept = config.webhooks.url
                                     ? std::optional<std::chrono::milliseconds>{webhook_events_kept}
                                     : std::nullopt,
          .on_webhook_event = {}};
}

broker::BrokerSettings broker_settings(const Config& config, const Region& region) {
  broker::BrokerSettings settings{.region = region};
  settings.sts_rate = config.credentials.sts_rate;
  settings.verification_share = config.verification.sts_share;
  settings.cache_entries_max = config.credentials.cache_entries;
  settings.verification_max_age = config.verification.max_age;
  return settings;
}

verify::VerifierSettings verifier_settings(const Config& config) {
  verify::VerifierSettings settings;
  settings.propagation_window = config.verification.propagation_window;
  settings.sts_rate = config.verification.sts_share * config.credentials.sts_rate;
  settings.excess = config.verification.excess;
  return settings;
}

void log_failure(const std::string& request_id, const Error& error) {
  spdlog::error("{} {}: {} ({})", request_id, code_of(error.kind), error.message, error.detail);
}

std::string url_of(const Config::Server& server, std::uint16_t port) {
  const std::string& address = server.listen.address;
  const bool bracketed = address.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", server.tls_cert_file.empty() ? "http" : "https", bracketed ? "[" : "",
                     address, bracketed ? "]" : "", port);
}

http::ServerOptions server_options(const Config& config) {
  http::ServerOptions options;
  options.address = config.server.listen.address;
  options.port = config.server.listen.port;
  options.unix_socket = config.server.unix_socket;
  if (!config.server.tls_cert_file.empty())
    options.tls = http::CertificateFiles{config.server.tls_cert_file, config.server.tls_key_file};
  options.connections_max = config.server.connections_max;
  options.lanes = api::lanes();
  options.lane_of = api::lane_of;
  options.error_response = api::listener_error;
  return options;
}

}  // namespace

Result<storage::MasterKey> load_master_key(const Config& config) {
  if (config.security.master_key) return storage::MasterKey::parse(config.security.master_key->reveal());
  if (config.security.master_key_file) return storage::MasterKey::load(*config.security.master_key_file);
  return Error{
      ErrorKind::invalid_request,
      "no master key is configured; set `security.master_key_file`, or run `deputy init`, which makes one"};
}

// Everything that runs, in the order in which it depends on each other: destroyed from the last to the first.
struct Service::Rooms {
  SystemClock clock;
  SystemRandom random;
  WorkPool pool{{.threads = database_threads}};
  WorkPool desk{{.threads = desk_threads}};
  WorkPool long_reads{{.threads = 1}};
  aws::CurlTransport transport;
  aws::Caller caller;
  // Does not try again by itself: whoever calls STS counts every try against the quota.
  aws::Caller sts_caller;
  std::unique_ptr<aws::Sts> sts;
  std::unique_ptr<aws::Iam> iam;
  std::unique_ptr<aws::HarmlessCalls> harmless_calls;
  std::unique_ptr<aws::CredentialsProvider> own_base;  // where the surroundings give none
  aws::CredentialsProvider* base = nullptr;
  std::unique_ptr<registry::Store> store;
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<broker::Broker> broker;
  std::unique_ptr<verify::Verifier> verifier;
  std::unique_ptr<verify::Service> verification;
  std::unique_ptr<verify::ReportSigner> signer;
  std::unique_ptr<webhooks::Delivery> delivery;  // where webhooks are configured
  std::unique_ptr<api::Api> api;
  std::unique_ptr<connect::Site> site;
  std::unique_ptr<http::Server> server;
  std::unique_ptr<IntegrityWatch> integrity;
  std::unique_ptr<SessionSweep> session_sweep;
  // Of its own: hundreds of calls for logs that are answered late take no connection from issuing. OTLP sinks
  // use it too.
  aws::CurlTransport logs_transport;
  aws::Caller logs_caller;
  std::unique_ptr<aws::Logs> logs;
  // What this process or another one (`deputy logs collect`) collects can be searched here.
  std::unique_ptr<logstore::Store> log_store;
  std::unique_ptr<WorkPool> search_pool;
  std::unique_ptr<BrokerLogAccess> log_access;
  std::unique_ptr<LogCollection> log_collection;

  Rooms(http::AsioLoop& loop, const aws::Endpoints& endpoints)
      : transport(loop),
        caller{loop, clock, random, transport, endpoints, {}},
        sts_caller{loop, clock, random, transport, endpoints, {.attempts_max = 1}},
        sts(aws::make_sts(sts_caller)),
        iam(aws::make_iam(caller)),
        harmless_calls(aws::make_harmless_calls(caller)),
        logs_transport(loop),
        // Every try counts against the customer's quota, so the collector decides on it.
        logs_caller{loop,           clock,     random,
                    logs_transport, endpoints, {.attempts_max = 1, .attempt_timeout = logs_timeout}},
        logs(aws::make_logs(logs_caller)) {}

  void furnish(http::AsioLoop& loop, const Config& config, const Region& region, RoleArn principal);
  void furnish_site(http::AsioLoop& loop, const Config& config, const Region& region, connect::Brand brand);
  void furnish_logs(http::AsioLoop& loop, const Config::Logs& config);
  std::function<std::string()> listen_url(const Config& config);
  Task<void> interrupt(EventLoop& loop);
};

// What a start waits for ends. In a turn of its own, since that goes on in here.
Task<void> Service::Rooms::interrupt(EventLoop& loop) {
  co_await resume_on(loop);
  transport.close();
  co_await base->stop();
}

void Service::Rooms::furnish(http::AsioLoop& loop, const Config& config, const Region& region,
                             RoleArn principal) {
  auto settings = registry_settings(config, std::move(principal));
  settings.on_webhook_event = [this] {
    if (delivery) delivery->wake();
  };
  registry = std::make_unique<registry::Registry>(*store, clock, random, std::move(settings));
  broker = std::make_unique<broker::Broker>(loop, clock, random, pool, *registry, *sts, *base,
                                            broker_settings(config, region));
  verifier = std::make_unique<verify::Verifier>(
      loop, clock, random, verify::Services{broker->sts_for_verification(), *iam, *harmless_calls}, *base,
      verifier_settings(config));
  verify::ServiceSettings verification_settings{.region = region};
  verification_settings.lease = config.verification.propagation_window + std::chrono::minutes{10};
  verification =
      std::make_unique<verify::Service>(loop, clock, pool, *registry, *verifier, verification_settings,
                                        [this](const registry::Connection& connection) {
                                          if (connection.state != registry::ConnectionState::active) {
                                            broker->revoke(connection.id);
                                          } else if (log_collection) {
                                            log_collection->wake();
                                          }
                                        });
  furnish_logs(loop, config.logs);
  api::Parts parts{
      .loop = loop,
      .pool = desk,
      .registry = *registry,
      .broker = *broker,
      .clock = clock,
      .wake_verification = [this] { verification->wake(); },
      .listen_url = listen_url(config),
      .log_failure = log_failure,
      .issuing_pool = &pool,
      .listener_counts = [this] { return server->counts(); },
      .log_store = search_pool ? log_store.get() : nullptr,
      .search_pool = search_pool.get(),
      .log_collector = [this] { return log_collection ? log_collection->collector() : nullptr; },
      .log_spool = [this] { return log_collection ? log_collection->spool() : nullptr; },
      .log_sinks =
          [this] { return log_collection ? log_collection->sinks() : std::vector<logs::SinkStatus>{}; },
      .progress = [this](const VerificationId& id) { return verification->progress(id); }};
  api::Settings api_settings{
      .version = std::string{version},
      .public_url = config.server.public_url.value_or(""),
      .template_url = config.connect.template_url,
      .console_url = config.connect.console_url,
      .region = region,
      .users = config.server.unix_socket_users,
      .report_key = {
          .id = signer->key_id(), .public_key = signer->public_key(), .pem = signer->public_key_pem()}};
  api = std::make_unique<api::Api>(std::move(parts), std::move(api_settings));
  server = std::make_unique<http::Server>(loop, server_options(config), [this](http::Request request) {
    return connect::Site::is_below(request.path) ? site->handle(std::move(request))
                                                 : api->handle(std::move(request));
  });
  session_sweep = std::make_unique<SessionSweep>(loop, desk, *registry, SessionSweep::Settings{});
  integrity = std::make_unique<IntegrityWatch>(
      loop, clock, long_reads, *store, *registry, IntegrityWatch::Settings{}, [this](const Error&) {
        broker->halt();
        api->be_unready("the database failed its integrity check; the service's operator has to look");
      });
}

void Service::Rooms::furnish_logs(http::AsioLoop& loop, const Config::Logs& config) {
  const auto is_search = [](const LogSinkSpec& sink) { return sink.kind == LogSinkSpec::Kind::search; };
  const bool searchable = std::ranges::any_of(config.sinks, is_search);
  if (searchable || config.collect) log_store = make_log_store(config, clock);
  if (searchable) search_pool = std::make_unique<WorkPool>(WorkPool::Options{.threads = 2});
  if (!config.collect) return;
  log_access = std::make_unique<BrokerLogAccess>(loop, desk, *registry, *broker);
  log_collection = std::make_unique<LogCollection>(
      LogCollection::Surroundings{loop, clock, random, *logs, logs_transport, *log_access, *log_access},
      *log_store, config);
  broker->on_revoked(
      [this](const std::optional<ConnectionId>& connection) { log_collection->revoked(connection); });
}

std::function<std::string()> Service::Rooms::listen_url(const Config& config) {
  return [this, settings = config.server] { return url_of(settings, server->port()); };
}

void Service::Rooms::furnish_site(http::AsioLoop& loop, const Config& config, const Region& region,
                                  connect::Brand brand) {
  connect::SiteParts parts{
      .loop = loop,
      .pool = desk,
      .registry = *registry,
      .clock = clock,
      .signer = *signer,
      .revoke = [this](const ConnectionId& id) { broker->revoke(id); },
      .wake_verification = [this] { verification->wake(); },
      .progress = [this](const VerificationId& id) { return verification->progress(id); },
      .listen_url = listen_url(config),
      .log_failure = log_failure,
      .count =
          [this](std::string_view method, std::string_view route, int status,
                 std::chrono::steady_clock::duration took) {
            api->count_request(method, route, status, took);
          }};
  connect::SiteSettings settings{.brand = std::move(brand),
                                 .public_url = config.server.public_url.value_or(""),
                                 .template_url = config.connect.template_url,
                                 .console_url = config.connect.console_url,
                                 .region = region};
  site = std::make_unique<connect::Site>(std::move(parts), std::move(settings));
}

Service::Service(http::AsioLoop& loop, Config config, Surroundings surroundings)
    : loop_(loop), config_(std::move(config)), surroundings_(std::move(surroundings)) {}

Service::~Service() = default;

Task<Result<void>> Service::start(std::stop_token stop) {
  DEPUTY_CO_TRY(const auto key, load_master_key(config_));
  DEPUTY_CO_TRY(const auto region, region_of(config_, surroundings_.environment));
  auto rooms = std::make_unique<Rooms>(loop_, surroundings_.endpoints);
  rooms->base = surroundings_.base_credentials.get();
  if (rooms->base == nullptr) {
    rooms->own_base = aws::default_credentials({.loop = loop_,
                                                .clock = rooms->clock,
                                                .random = rooms->random,
                                                .transport = rooms->transport,
                                                .endpoints = surroundings_.endpoints,
                                                .environment = surroundings_.environment,
                                                .region = config_.aws.region});
    rooms->base = rooms->own_base.get();
  }
  TaskGroup interruption;
  std::optional<std::stop_callback<std::function<void()>>> on_stop;
  on_stop.emplace(stop, [&, this] { interruption.spawn(rooms->interrupt(loop_)); });
  auto opened = co_await open(*rooms, key, region);
  on_stop.reset();
  co_await interruption.join();
  if (!opened) {
    rooms->transport.close();
    co_await rooms->base->stop();
    co_return std::move(opened).error();
  }
  rooms_ = std::move(rooms);
  rooms_->verification->start();
  if (rooms_->delivery) rooms_->delivery->start();
  rooms_->integrity->start();
  rooms_->session_sweep->start();
  if (rooms_->log_collection) rooms_->log_collection->start();
  co_return success();
}

Task<Result<void>> Service::open(Rooms& rooms, const storage::MasterKey& key, const Region& region) {
  const storage::SqliteOptions database{.file = config_.storage.sqlite_file, .exclusive = true};
  DEPUTY_CO_TRY(rooms.store, storage::open_sqlite(database, key));
  DEPUTY_CO_TRY(auto principal,
                co_await find_partner_principal(config_, region, *rooms.sts, *rooms.iam, *rooms.base));
  DEPUTY_CO_TRY(auto brand, load_brand(config_));
  DEPUTY_CO_TRY(auto webhook_settings, load_webhooks(config_));
  rooms.signer = std::make_unique<verify::ReportSigner>(key.derive("reports"));
  rooms.furnish(loop_, config_, region, std::move(principal));
  rooms.furnish_site(loop_, config_, region, std::move(brand));
  if (webhook_settings)
    rooms.delivery =
        std::make_unique<webhooks::Delivery>(loop_, rooms.clock, rooms.random, rooms.desk, *rooms.registry,
                                             rooms.transport, *std::move(webhook_settings));
  co_return rooms.server->listen();
}

std::uint16_t Service::port() const {
  return rooms_->server->port();
}

void Service::reload() {
  if (rooms_) rooms_->server->reload_certificate();
}

Task<void> Service::stop() {
  if (!rooms_) co_return;
  rooms_->api->be_unready("the service is stopping");
  co_await rooms_->server->drain(drain_grace);
  rooms_->transport.close();  // what still waits for AWS ends now, inconclusive
  rooms_->logs_transport.close();
  co_await rooms_->base->stop();
  while (rooms_->server->requests_in_flight() > 0)
    co_await sleep_for(loop_, std::chrono::milliseconds{10}, {});
  if (rooms_->log_collection) co_await rooms_->log_collection->stop();
  co_await rooms_->integrity->stop();
  co_await rooms_->session_sweep->stop();
  co_await rooms_->verification->stop();
  if (rooms_->delivery) co_await rooms_->delivery->stop();
  co_await rooms_->broker->stop();
  rooms_.reset();
}

Task<Result<journal::Checkpoint>> Service::check_integrity() {
  registry::Store& store = *rooms_->store;
  auto check = [&store] { return store.check_integrity(std::nullopt); };
  co_return co_await run_on(rooms_->pool, loop_, check);
}

}  // namespace deputy::app
