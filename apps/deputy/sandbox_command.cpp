#include "command.hpp"
#include "console/console.hpp"

#include <charconv>
#include <fmt/format.h>
#include <iostream>

#include "core/task_group.hpp"
#include "http/server.hpp"
#include "sandbox/sandbox.hpp"

namespace deputy::cli {
namespace {

Result<std::pair<std::string, std::uint16_t>> parse_listen(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  unsigned port = 65'536;
  const std::string digits = colon == std::string::npos ? "" : text.substr(colon + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (colon == std::string::npos || port > 65'535)
    return Error{ErrorKind::invalid_request,
                 in_backticks(text) + " is not an address and a port, such as `127.0.0.1:4566`"};
  return std::pair{text.substr(0, colon), static_cast<std::uint16_t>(port)};
}

Task<void> serve(http::AsioLoop& loop, http::Server& server, sandbox::Sandbox& sandbox,
                 std::stop_token stop) {
  while (co_await sleep_for(loop, std::chrono::hours{1}, stop)) {
  }
  sandbox.request_stop();
  co_await server.drain(std::chrono::seconds{2});
  loop.stop();
}

Result<void> seed_from(sandbox::Sandbox& sandbox, const std::string& file) {
  if (file.empty()) return success();
  constexpr std::size_t seed_bytes_max = 64 * 1024 * 1024;
  DEPUTY_TRY(const auto text, read_input(file, seed_bytes_max));
  DEPUTY_TRY(const auto seed, sandbox::read_seed(text));
  return sandbox.apply(seed);
}

int run_sandbox(const std::string& listen, const std::string& seed_file) {
  const auto address = parse_listen(listen);
  if (!address) return tell(address.error());
  SystemClock clock;
  SystemRandom random;
  http::AsioLoop loop;
  sandbox::Sandbox sandbox{clock, random, loop};
  if (const auto seeded = seed_from(sandbox, seed_file); !seeded) {
    tell(seeded.error());
    return wrong_use;
  }
  const console::Console console{sandbox, clock};
  http::ServerOptions options;
  options.address = address.value().first;
  options.port = address.value().second;
  options.body_bytes_max = sandbox::Sandbox::body_bytes_max;
  http::Server server{loop, options, console::with_console(sandbox, console)};
  if (const auto listening = server.listen(); !listening) return tell(listening.error());
  const std::string url = fmt::format("http://{}:{}", options.address, server.port());
  std::cout << fmt::format("sandbox listening on {0}\na stand-in for the AWS console at {0}/console/\n", url)
            << std::flush;
  std::stop_source stop;
  loop.on_stop_signal([&stop](int) { stop.request_stop(); });
  TaskGroup group;
  group.spawn(serve(loop, server, sandbox, stop.get_token()));
  loop.run();
  return done;
}

}  // namespace

void add_sandbox_command(CLI::App& program, Context& context) {
  auto* command = program.add_subcommand("sandbox", "A small strict AWS to try things against; not AWS");
  auto listen = std::make_shared<std::string>("127.0.0.1:4566");
  auto seed = std::make_shared<std::string>();
  command->add_option("--listen", *listen, "Address and port; port 0 lets the system choose")
      ->capture_default_str();
  command->add_option("--seed", *seed, "JSON file with the accounts to begin with; - is standard input");
  command->callback([&context, listen, seed] { context.status = run_sandbox(*listen, *seed); });
}

}  // namespace deputy::cli
