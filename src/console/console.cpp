#include "console/console.hpp"

#include "console/assets.hpp"
#include "console/desk.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace deputy::console {
namespace {

constexpr std::string_view security_policy =
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'";

http::Response secured(http::Response response) {
  response.headers.set("Content-Security-Policy", std::string{security_policy});
  response.headers.set("X-Content-Type-Options", "nosniff");
  // With `no-referrer`, browsers would send forms with `Origin: null`.
  response.headers.set("Referrer-Policy", "same-origin");
  response.headers.set("Cache-Control", "no-store");
  return response;
}

// `127.0.0.1:4566`, `localhost`, `[::1]:80`
bool is_name_of_this_machine(std::string_view host) {
  if (host.starts_with("[::1]")) return host.size() == 5 || host[5] == ':';
  host = host.substr(0, host.find(':'));
  return host == "localhost" || host == "127.0.0.1";
}

// A page elsewhere may neither press buttons here nor, by rebinding a name of its own, look.
std::optional<http::Response> foreign(const http::Request& request) {
  const auto host = request.headers.find("host");
  if (!host || !is_name_of_this_machine(*host))
    return problem_page(421, "Not under this name",
                        "The stand-in answers on this machine alone: use 127.0.0.1 or localhost.");
  if (request.method == "GET" || request.method == "HEAD") return std::nullopt;
  const auto origin = request.headers.find("origin");
  if (request.headers.count("origin") != 1 || *origin != fmt::format("http://{}", *host))
    return problem_page(403, "Not from here", "The form did not come from a page of this stand-in.");
  return std::nullopt;
}

Fields read_fields(std::string_view text) {
  return http::parse_form(text).value_or(Fields{});
}

}  // namespace

bool is_for_console(const http::Request& request) {
  const bool below = request.path == address || request.path.starts_with(fmt::format("{}/", address));
  return below && !request.headers.find("authorization");
}

http::Handler with_console(sandbox::Sandbox& sandbox, const Console& console) {
  return [&sandbox, &console](http::Request request) {
    return is_for_console(request) ? console.handle(std::move(request)) : sandbox.handle(std::move(request));
  };
}

Task<http::Response> Console::handle(http::Request request) const {
  if (auto refused = foreign(request)) co_return secured(*std::move(refused));
  if (auto asset = find_asset(request.path)) co_return secured(*std::move(asset));
  const bool posts = request.method == "POST";
  if (!posts && request.method != "GET" && request.method != "HEAD")
    co_return secured(problem_page(405, "No such method", "The stand-in knows GET and POST."));
  Desk desk{sandbox_, clock_, request.remote_address, read_fields(posts ? request.body : request.query)};
  co_return secured(posts ? co_await desk.act(request.path) : co_await desk.show(request.path));
}

}  // namespace deputy::console
