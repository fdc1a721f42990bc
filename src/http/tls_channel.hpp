#pragma once

#include <memory>

#include "http/channel.hpp"

struct ssl_ctx_st;

namespace deputy::http {

// The server's side of TLS over a connection, as `context` says; null when the system has no memory for it.
std::unique_ptr<Channel> tls_channel(ssl_ctx_st& context, FileDescriptor connection);

}  // namespace deputy::http
