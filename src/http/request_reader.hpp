#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "http/message.hpp"

namespace deputy::http {

// Reads HTTP/1.1 and 1.0 requests, one after the other, out of a connection's bytes; knows no sockets. It
// refuses whatever two programs could read differently, since that is how requests are smuggled: both
// lengths, two Hosts, folded lines, bare line feeds, odd targets. RFC 9112 (sections 2.2, 3.2, 5.2, 6.3), RFC
// 9110 (section 10.1.1).
//
// Use: receive into `space()`, tell how much with `received`, then `advance` until it says `needs_more`. One
// thread. Holds at most header_bytes_max (or 16 KiB) of input besides the body of one request. Buffers are
// kept for the next request; what was read from them is wiped.
class RequestReader {
 public:
  struct Limits {
    std::size_t header_bytes_max;
    std::size_t body_bytes_max;
  };
  enum class Progress {
    needs_more,
    wants_continue,  // a `100 Continue` is due now, then advance again
    complete,        // `take` the request
    refused,         // see `refusal`; nothing more can be read from this connection
  };

  explicit RequestReader(Limits limits);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  std::span<char> space();
  void received(std::size_t bytes);
  Progress advance();

  // The status that says why: 400, 413, 417, 431, 501, 505.
  int refusal() const;
  // REQUIRES: `advance` said `complete`. Lacks remote_address and request_id.
  Request take();
  // Whether the client lets the connection be used after the request that was taken last.
  bool keep_alive() const;

  // Gives the buffer back while nothing is in it: for a connection that may stay idle for long.
  void rest();

  // Whether nothing of a next request is here yet.
  bool between_requests() const;
  bool in_body() const;
  // Of the request that is being read: what of its body is here.
  std::size_t body_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deputy::http
