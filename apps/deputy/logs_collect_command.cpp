#include "config_option.hpp"
#include "logs_commands.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "app/log_collection.hpp"
#include "app/remote_log_access.hpp"
#include "aws/base_credentials.hpp"
#include "aws/curl_transport.hpp"
#include "aws/endpoints.hpp"
#include "core/task_group.hpp"
#include "http/asio_loop.hpp"

// The log collector alone: with the settings of `deputy serve`, and the credentials that one gives it.
namespace deputy::cli {
namespace {

constexpr std::chrono::seconds aws_timeout{30};  // a megabyte, from afar
constexpr std::chrono::seconds tell_every{60};

class LoneCollector {
 public:
  LoneCollector(app::Config::Logs config, ServerAccess access, const aws::Endpoints& endpoints)
      : config_(std::move(config)),
        api_transport_(loop_, {.unix_socket = access.unix_socket, .ca_file = access.ca_file}),
        caller_{loop_,      clock_,    random_,
                transport_, endpoints, {.attempts_max = 1, .attempt_timeout = aws_timeout}},
        logs_(aws::make_logs(caller_)),
        access_(loop_, clock_, app::ApiClient{api_transport_, access.url, access.key}),
        store_(app::make_log_store(config_, clock_)),
        collection_({loop_, clock_, random_, *logs_, transport_, access_, access_}, *store_, config_) {}

  int run() {
    int status = done;
    TaskGroup group;
    loop_.on_stop_signal([this](int) { stop_.request_stop(); });
    group.spawn(live(status));
    loop_.run();
    return status;
  }

 private:
  Task<void> live(int& status) {
    const auto reachable = co_await access_.active();
    if (!reachable) {
      status = tell(reachable.error());
    } else {
      spdlog::info("collecting logs of {} connections into {}", reachable.value().size(),
                   config_.directory.string());
      collection_.start();
      access_.watch(
          [this](const std::optional<ConnectionId>& connection) { collection_.revoked(connection); });
      while (co_await sleep_for(loop_, tell_every, stop_.get_token())) tell_standing();
      spdlog::info("stopping");
    }
    transport_.close();
    api_transport_.close();
    co_await access_.stop();
    co_await collection_.stop();
    tell_standing();
    loop_.stop();
  }

  // What an operator has instead of /metrics.
  void tell_standing() const {
    if (access_.trouble()) spdlog::warn("{} ({})", access_.trouble()->message, access_.trouble()->detail);
    const logs::Collector* const collector = collection_.collector();
    if (collector == nullptr) return;
    const logs::CollectorCounts counts = collector->counts();
    std::string statuses;
    for (const auto& [status, count] : counts.by_status)
      if (count > 0) statuses += fmt::format(" {} {}", count, logs::to_text(status));
    spdlog::info(
        "{} accounts and Regions;{} log groups; {} pages, {} events, {} bytes; {} s behind; {} failures; "
        "spool {} of {} bytes; sinks fed {}",
        counts.leases, statuses.empty() ? " no" : statuses, counts.pages, counts.events, counts.message_bytes,
        std::chrono::floor<std::chrono::seconds>(counts.lag_max).count(), counts.failed, counts.spool_bytes,
        counts.spool_bytes_max, collection_.is_feeding() ? "here" : "by another process");
    for (const logs::SinkStatus& each : collection_.sinks())
      spdlog::log(each.trouble ? spdlog::level::warn : spdlog::level::info,
                  "sink {}: {} records, {} bytes, {} failures{}", each.name, each.records, each.message_bytes,
                  each.failures, each.trouble ? "; stands still: " + each.trouble->message : "");
    for (const logs::DiscoveryView& each : collector->discoveries())
      if (each.last_error)
        spdlog::warn("{} in {}: {} {}", each.connection.text(), each.region.text(),
                     in_backticks(each.last_error->code), in_backticks(each.last_error->message));
  }

  const app::Config::Logs config_;
  http::AsioLoop loop_;
  SystemClock clock_;
  SystemRandom random_;
  std::stop_source stop_;
  aws::CurlTransport transport_{loop_};
  aws::CurlTransport api_transport_;
  aws::Caller caller_;
  std::unique_ptr<aws::Logs> logs_;
  app::RemoteLogAccess access_;
  std::unique_ptr<logstore::Store> store_;
  app::LogCollection collection_;
};

int collect(const std::string& config_file) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("deputy"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  auto config = load_checked_config(config_file);
  if (!config) return tell(config.error());
  auto access = server_access();
  if (!access) return tell(access.error());
  const auto endpoints = aws::Endpoints::configured(aws::process_environment());
  if (!endpoints) return tell(endpoints.error());
  LoneCollector collector{std::move(config.value().logs), std::move(access).value(), endpoints.value()};
  return collector.run();
}

}  // namespace

void add_logs_collect_command(CLI::App& group, Context& context) {
  auto* command = group.add_subcommand(
      "collect", "Collect logs in this process, with credentials of the server at DEPUTY_URL");
  auto file = add_config_option(*command);
  command->callback([&context, file] { context.status = collect(*file); });
}

}  // namespace deputy::cli
