#pragma once

#include <memory>

#include "aws/transport.hpp"
#include "core/event_loop.hpp"

namespace deputy::aws {

// HTTP over libcurl's multi interface, driven by the event loop: connections are pooled and kept alive,
// hundreds of requests are in flight without a thread each. HTTPS_PROXY, NO_PROXY, AWS_CA_BUNDLE,
// SSL_CERT_FILE mean what they mean elsewhere. TLS 1.2 at least, always verified. All calls on the loop's
// thread. The destructor fails what is still in flight.
class CurlTransport final : public Transport {
 public:
  struct Options {
    std::size_t connections_max = 512;
    std::size_t response_bytes_max = 8 * 1024 * 1024;
  };
  CurlTransport(EventLoop& loop, Options options);
  explicit CurlTransport(EventLoop& loop) : CurlTransport(loop, Options{}) {}
  ~CurlTransport() override;

  Task<Result<HttpResponse>> send(HttpRequest request) override;

  // Fails everything in flight and everything that comes later, with `upstream_unavailable`: for shutdown.
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace deputy::aws
