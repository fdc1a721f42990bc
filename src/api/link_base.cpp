#include "api/link_base.hpp"

#include <algorithm>

#include "core/ascii.hpp"

namespace deputy::api {

bool is_this_machine(std::string_view host) {
  const std::string lower = to_lower(host);
  std::string_view name = lower;
  name = name.starts_with('[') ? name.substr(0, name.find(']') + 1) : name.substr(0, name.find(':'));
  if (name == "localhost" || name == "[::1]") return true;
  const bool numbers = std::ranges::all_of(name, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
  return numbers && name.starts_with("127.") && std::ranges::count(name, '.') == 3;
}

Result<std::string> link_base(const std::string& public_url, const std::function<std::string()>& listen_url) {
  const std::string base = public_url.empty() && listen_url ? listen_url() : public_url;
  constexpr std::string_view https = "https://", http = "http://";
  if (base.starts_with(https)) return base;
  const std::string_view rest = base.starts_with(http) ? std::string_view{base}.substr(http.size()) : "";
  if (is_this_machine(rest.substr(0, rest.find('/')))) return base;
  return Error{ErrorKind::conflict,
               "no link can be made: set `server.public_url` to the https address under which your customers "
               "reach Deputy; http is for this machine alone"};
}

}  // namespace deputy::api
