#include "command.hpp"
#include "config_option.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include "app/service.hpp"
#include "core/task_group.hpp"

namespace deputy::cli {
namespace {

// Each connection is a descriptor, and so is each call to AWS. The limit that the system begins with is often
// far below what it allows.
void raise_descriptor_limit(std::size_t connections_max) {
  constexpr rlim_t besides = 1'536;  // calls to AWS, as many for logs, the database, files
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < connections_max + besides)
    spdlog::warn(
        "the limit of open files is {}: fewer than `server.connections_max` = {} connections can be open; "
        "raise "
        "it (LimitNOFILE=, ulimit -n)",
        limit.rlim_cur, connections_max);
}

void tell_where(const app::Config::Server& server, std::uint16_t port) {
  const bool has_tls = !server.tls_cert_file.empty();
  spdlog::info("listening on {}:{}{}", server.listen.address, port, has_tls ? ", TLS" : "");
  if (!server.unix_socket.empty()) spdlog::info("listening on {}", server.unix_socket.string());
  if (const auto exposed = exposure_of(server)) spdlog::warn("{}", *exposed);
}

Task<void> serve(http::AsioLoop& loop, app::Service& service, app::Config::Server server,
                 std::stop_token stop, int& status) {
  const auto started = co_await service.start(stop);
  if (!started && stop.stop_requested()) {
    spdlog::info("stopped before it listened");
  } else if (!started) {
    status = tell(started.error());
    if (status == wrong_use) status = found_something;
  } else {
    tell_where(server, service.port());
    while (co_await sleep_for(loop, std::chrono::hours{1}, stop)) {
    }
    spdlog::info("stopping");
    co_await service.stop();
  }
  loop.stop();
}

int run_service(const std::string& config_file) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("deputy"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  auto config = load_checked_config(config_file);
  if (!config) return tell(config.error());
  raise_descriptor_limit(config.value().server.connections_max);
  http::AsioLoop loop;
  std::stop_source stop;
  loop.on_stop_signal([&stop](int) { stop.request_stop(); });
  const auto environment = aws::process_environment();
  const app::Config::Server server = config.value().server;
  auto endpoints = aws::Endpoints::configured(environment);
  if (!endpoints) return tell(endpoints.error());
  app::Service service{loop, std::move(config).value(), {environment, std::move(endpoints).value(), nullptr}};
  int status = done;
  TaskGroup group;
  loop.on_reload_signal([&service] { service.reload(); });
  group.spawn(serve(loop, service, server, stop.get_token(), status));
  loop.run();
  return status;
}

}  // namespace

void add_serve_command(CLI::App& program, Context& context) {
  auto* command = program.add_subcommand("serve", "The service");
  auto file = add_config_option(*command);
  command->callback([&context, file] { context.status = run_service(*file); });
}

}  // namespace deputy::cli
