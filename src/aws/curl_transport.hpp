#pragma once

#include <memory>
#include <string>

#include "aws/transport.hpp"
#include "core/event_loop.hpp"

namespace deputy::aws {

// HTTP over libcurl's multi interface, driven by the event loop: connections are pooled and kept alive,
// hundreds of requests are in flight without a thread each. HTTPS_PROXY, NO_PROXY, AWS_CA_BUNDLE,
// SSL_CERT_FILE mean what they mean elsewhere; loopback addresses are never asked through a proxy. TLS 1.2 at
// least, always verified. HTTP/1.1. When a kept connection turns out to be dead before it answered a byte,
// libcurl opens another one and sends again, as every HTTP client does. All calls on the loop's thread, which
// must outlive the tasks of `send`; the transport itself need not. The destructor fails what is still in
// flight.
class CurlTransport final : public Transport {
 public:
  struct Options {
    std::size_t connections_max = 512;                 // open at once; what goes beyond waits for one
    std::size_t response_bytes_max = 8 * 1024 * 1024;  // of the body; the header may have 64 KiB
    std::string unix_socket;  // a path: every request goes there, whatever host its URL names
    std::string ca_file;      // PEM; empty: AWS_CA_BUNDLE, SSL_CERT_FILE, or the system's
  };
  CurlTransport(EventLoop& loop, Options options);
  explicit CurlTransport(EventLoop& loop) : CurlTransport(loop, Options{}) {}
  ~CurlTransport() override;
  CurlTransport(const CurlTransport&) = delete;
  CurlTransport& operator=(const CurlTransport&) = delete;

  Task<Result<HttpResponse>> send(HttpRequest request) override;

  // Fails everything in flight and everything that comes later, with `upstream_unavailable`: for shutdown.
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace deputy::aws
