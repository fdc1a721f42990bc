#pragma once

#include <chrono>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "core/task.hpp"

namespace deputy::aws {

// A request that goes out. `url` is absolute, http or https, its path and query already percent-encoded as
// they are to be sent.
struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds timeout{30'000};  // the whole exchange
  bool direct = false;                        // never through a proxy: for addresses of this machine
  std::size_t response_bytes_max = std::numeric_limits<std::size_t>::max();  // or the transport's, if less
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;

  std::optional<std::string_view> header(std::string_view lower_case_name) const;
};

// Why no complete answer came: `Timeout`, `ConnectionFailed`, `ConnectionCut`, `TlsFailed`,
// `ResponseTooLarge`, `Closed` (by us). It is the word before the colon of the Error's detail, so that it
// needs no member of its own in every room's Error.
Error transport_error(std::string_view code, std::string_view what);
// `Unavailable` for an Error that transport_error did not make.
std::string transport_error_code(const Error& error);

// Sends one request and reads its answer whole. No retries, no redirects. Any status is a success here; an
// Error means that no complete answer came
// (`upstream_unavailable`: refused, reset, timed out, TLS, answer over the size limit). Implementations:
// CurlTransport; FakeTransport in tests.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual Task<Result<HttpResponse>> send(HttpRequest request) = 0;
};

}  // namespace deputy::aws
