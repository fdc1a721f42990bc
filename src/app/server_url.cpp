#include "app/server_url.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "core/ascii.hpp"

namespace deputy::app {
namespace {

constexpr std::string_view http = "http://";
constexpr std::string_view https = "https://";
constexpr std::string_view unix_scheme = "unix:";

bool begins_with(std::string_view text, std::string_view scheme) {
  return to_lower(text.substr(0, scheme.size())) == scheme;
}

// Between scheme and path: what libcurl takes for user, host and port.
std::string_view authority_of(std::string_view url) {
  const std::size_t begin = url.find("://") + 3;
  return url.substr(begin, std::min(url.find_first_of("/?#", begin), url.size()) - begin);
}

bool is_this_machine(std::string_view authority) {
  const std::size_t v6_end = authority.starts_with('[') ? authority.find(']') : 0;
  const std::string host{authority.substr(0, authority.find(':', v6_end))};
  in_addr v4{};
  return host == "localhost" || host == "[::1]" ||
         (::inet_pton(AF_INET, host.c_str(), &v4) == 1 && ntohl(v4.s_addr) >> 24U == IN_LOOPBACKNET);
}

}  // namespace

bool is_plain_http(std::string_view url) {
  return begins_with(url, http);
}

Result<ServerUrl> read_server_url(std::string_view text, bool http_allowed) {
  if (text.starts_with(unix_scheme)) {
    std::string path{text.substr(unix_scheme.size())};
    while (path.starts_with("//")) path.erase(0, 1);
    if (path.empty())
      return Error{ErrorKind::invalid_request,
                   "the server's URL names no socket: `unix:/run/deputy/deputy.sock`, for example"};
    return ServerUrl{.url = "http://localhost", .unix_socket = std::move(path)};
  }
  if (!begins_with(text, https) && !is_plain_http(text))
    return Error{ErrorKind::invalid_request,
                 "DEPUTY_URL or --url must say where the server is, such as `https://deputy.internal`"};
  const std::string_view authority = authority_of(text);
  if (authority.find('@') != std::string_view::npos)
    return Error{ErrorKind::invalid_request, "the server's URL holds a user or a password: take them out"};
  if (is_plain_http(text) && !is_this_machine(authority) && !http_allowed)
    return Error{
        ErrorKind::invalid_request,
        "the server's URL is http:// to another machine: whoever is on the way would read the key and "
        "the credentials; use https://, or the server's Unix socket (unix:PATH), or set "
        "DEPUTY_ALLOW_HTTP=1 if the network is your own"};
  ServerUrl read{.url = std::string{text}, .unix_socket = {}};
  while (read.url.ends_with('/')) read.url.pop_back();
  return read;
}

}  // namespace deputy::app
