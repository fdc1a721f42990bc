// The listener alone, with a handler that does nothing: what bench/listener.py measures against nginx. Prints
// its port, and serves until it is told to stop. Usage: listener_host BODY_BYTES [CERTIFICATE KEY]
#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/task_group.hpp"
#include "http/server.hpp"

namespace {

using namespace deputy;

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
  http::Server server{loop, options, [bytes](http::Request) -> Task<http::Response> {
                        http::Response response;
                        response.headers.add("Content-Type", "application/json");
                        response.body.assign(bytes, 'x');
                        co_return response;
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
