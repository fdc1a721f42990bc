// The listener alone, with a handler that does nothing: what bench/listener.py measures against nginx. Prints
// its port, and serves until it is told to stop. With LISTENER_HOP set, each request goes to another thread
// and back: what a second loop would cost. Usage: listener_host BODY_BYTES [CERTIFICATE KEY]
#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/task_group.hpp"
#include "core/work_pool.hpp"
#include "http/server.hpp"

namespace {

using namespace deputy;

Task<http::Response> answer(std::size_t bytes) {
  http::Response response;
  response.headers.add("Content-Type", "application/json");
  response.body.assign(bytes, 'x');
  co_return response;
}

Task<http::Response> hop_and_answer(WorkPool& pool, http::AsioLoop& loop, std::size_t bytes) {
  (void)co_await run_on(pool, loop, []() -> Result<void> { return success(); });
  co_return co_await answer(bytes);
}

Task<void> stop(http::AsioLoop& loop, http::Server& server) {
  co_await server.drain(std::chrono::seconds{1});
  loop.stop();
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t bytes = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 0;
  http::AsioLoop loop;
  http::ServerOptions options;
  options.connections_max = 20'000;
  if (argc > 3) options.tls = http::CertificateFiles{argv[2], argv[3]};
  WorkPool pool{{.threads = 1}};
  const bool hops = std::getenv("LISTENER_HOP") != nullptr;  // NOLINT(concurrency-mt-unsafe): at the start
  http::Server server{loop, options, [&, hops, bytes](http::Request) {
                        return hops ? hop_and_answer(pool, loop, bytes) : answer(bytes);
                      }};
  if (const auto listening = server.listen(); !listening) {
    std::fprintf(stderr, "%s\n", listening.error().message.c_str());
    return 1;
  }
  TaskGroup group;
  loop.on_stop_signal([&](int) { group.spawn(stop(loop, server)); });
  std::printf("%u\n", server.port());
  std::fflush(stdout);
  loop.run();
}
