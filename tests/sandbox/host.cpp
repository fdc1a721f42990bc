#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <utility>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "core/task_group.hpp"
#include "http/asio_loop.hpp"
#include "http/server.hpp"
#include "sandbox/sandbox.hpp"

// deputy_sandbox_host SEED-FILE: a sandbox on a free port of 127.0.0.1, for tests that drive it with real
// clients. Prints the port on a line of its own, and runs until SIGTERM or SIGINT, or until standard input (a
// pipe) ends: it never outlives the test that started it.
namespace {

deputy::Task<void> stop(deputy::http::Server& server, deputy::sandbox::Sandbox& sandbox,
                        deputy::http::AsioLoop& loop) {
  sandbox.request_stop();
  co_await server.drain(std::chrono::seconds{1});
  loop.stop();
}

deputy::Result<deputy::sandbox::Seed> seed_of(const char* file) {
  std::ifstream stream{file, std::ios::binary};
  if (!stream) return deputy::Error{deputy::ErrorKind::invalid_request, "cannot open the seed file"};
  const std::string text{std::istreambuf_iterator<char>{stream}, {}};
  return deputy::sandbox::read_seed(text);
}

int fail(const deputy::Error& error) {
  std::cerr << "deputy_sandbox_host: " << error.message << '\n';
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: deputy_sandbox_host SEED-FILE\n";
    return 2;
  }
  deputy::SystemClock clock;
  deputy::SystemRandom random;
  deputy::http::AsioLoop loop;
  deputy::sandbox::Sandbox sandbox{clock, random, loop};
  const auto seed = seed_of(argv[1]);
  if (!seed) return fail(seed.error());
  if (const auto applied = sandbox.apply(seed.value()); !applied) return fail(applied.error());

  deputy::http::Server server{
      loop, {}, [&](deputy::http::Request request) { return sandbox.handle(std::move(request)); }};
  if (const auto listening = server.listen(); !listening) return fail(listening.error());
  deputy::TaskGroup tasks;
  bool stopping = false;
  const auto begin_to_stop = [&] {
    if (!std::exchange(stopping, true)) tasks.spawn(stop(server, sandbox, loop));
  };
  loop.on_stop_signal([&](int) { begin_to_stop(); });
  loop.watch(0, {.read = true, .write = false}, [&](deputy::EventLoop::Interest) {
    char byte = 0;
    if (read(0, &byte, 1) > 0) return;
    loop.unwatch(0);
    begin_to_stop();
  });
  std::cout << server.port() << std::endl;
  loop.run();
  return 0;
}
