#include "command.hpp"
#include "config_option.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "app/service.hpp"
#include "core/task_group.hpp"

namespace deputy::cli {
namespace {

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

Task<void> serve(http::AsioLoop& loop, app::Service& service, std::string address, std::stop_token stop,
                 int& status) {
  const auto started = co_await service.start();
  if (!started) {
    status = tell(started.error());
    if (status == wrong_use) status = found_something;
  } else {
    spdlog::info("listening on {}:{}", address, service.port());
    if (!is_loopback(address))
      spdlog::warn(
          "{} is no loopback address, and this version serves no TLS: keys and credentials can be read "
          "on the way unless a proxy on this machine ends TLS",
          address);
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
  http::AsioLoop loop;
  std::stop_source stop;
  loop.on_stop_signal([&stop](int) { stop.request_stop(); });
  const auto environment = aws::process_environment();
  const std::string address = config.value().server.listen.address;
  auto endpoints = aws::Endpoints::configured(environment);
  if (!endpoints) return tell(endpoints.error());
  app::Service service{loop, std::move(config).value(), {environment, std::move(endpoints).value(), nullptr}};
  int status = done;
  TaskGroup group;
  group.spawn(serve(loop, service, address, stop.get_token(), status));
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
