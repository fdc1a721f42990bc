#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace deputy::app {

// Where a Deputy is, as its commands are told (DEPUTY_URL, --url). Pure, thread-safe.
struct ServerUrl {
  std::string url;  // http or https, without a slash at its end
  std::string
      unix_socket;  // the path of `unix:PATH`; `url` is then of no host. Empty: the URL's host is asked
};

// A key is sent there, so it is https; or http to this machine (`localhost`, 127.0.0.0/8, [::1], written out:
// a name could mean another machine), or to any where `http_allowed`, because the network is one's own.
// Errors
// (`invalid_request`) say what to do and do not repeat the URL, which may hold a password.
Result<ServerUrl> read_server_url(std::string_view text, bool http_allowed);

// Whether the URL is of plain http. Such a request never goes through a proxy.
bool is_plain_http(std::string_view url);

}  // namespace deputy::app
