#include "app/demo/partner_site.hpp"

#include "html/html.hpp"

#include <boost/json/object.hpp>
#include <fmt/format.h>
#include <map>

namespace deputy::app {
namespace {

constexpr std::string_view accounts_path = "/aws-accounts";
constexpr std::string_view more_path = "/more-permissions";
constexpr std::string_view style_path = "/style.css";
constexpr std::string_view style =
    R"css(:root { color-scheme: light dark; --ground: #f4f7f6; --paper: #fff; --ink: #16211e; --faint: #55635f; --line: #d3dcd9; --brand: #0f6b5c; }
@media (prefers-color-scheme: dark) { :root { --ground: #101615; --paper: #18201e; --ink: #e4ecea; --faint: #a3b1ad; --line: #2f3b38; --brand: #6cc7b5; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
header { padding: .9rem 1.25rem; border-bottom: 1px solid var(--line); background: var(--paper); color: var(--brand); font-weight: 700; }
main { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { margin: 0 0 .5rem; font-size: 1.6rem; }
p { color: var(--faint); }
.table { overflow-x: auto; margin-top: 1.5rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--paper); }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .65rem .9rem; text-align: left; border-bottom: 1px solid var(--line); }
tbody tr:last-child td { border-bottom: 0; }
th { color: var(--faint); font-weight: 600; }
.yours td { font-weight: 700; }
button { padding: .6rem 1.1rem; border: 1px solid var(--brand); border-radius: .5rem; background: var(--paper); color: var(--brand); font: inherit; font-weight: 600; cursor: pointer; }
:focus-visible { outline: 3px solid var(--brand); outline-offset: 2px; }
.table + p { margin-top: 2rem; }
.yours td:first-child { box-shadow: inset 4px 0 var(--brand); }
)css";

http::Response answer(int status, std::string_view type, std::string body) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  response.headers.add("Content-Type", std::string{type} + "; charset=utf-8");
  response.headers.add(
      "Content-Security-Policy",
      "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("Referrer-Policy", "same-origin");
  response.headers.add("Cache-Control", "no-store");
  return response;
}

std::string in_words(std::string_view state) {
  if (state == "active") return "Connected";
  if (state == "awaiting_role") return "Waiting for the role";
  if (state == "verifying") return "Being checked";
  if (state == "in_review") return "We are looking into it";
  if (state == "disconnected") return "Disconnected";
  return "Needs your attention";
}

std::string text_of(const boost::json::value& object, std::string_view member) {
  const auto* value = object.as_object().if_contains(member);
  return value && value->is_string() ? std::string{value->as_string()} : std::string{};
}

}  // namespace

PartnerSite::PartnerSite(http::AsioLoop& loop)
    : server_(std::make_unique<http::Server>(loop, http::ServerOptions{}, [this](http::Request request) {
        return handle(std::move(request));
      })) {}

Result<void> PartnerSite::listen() {
  return server_->listen();
}

std::string PartnerSite::url() const {
  return fmt::format("http://127.0.0.1:{}{}", server_->port(), accounts_path);
}

Task<void> PartnerSite::stop() {
  return server_->drain(std::chrono::seconds{1});
}

// Only under this machine's own address, and forms only from here: no page elsewhere may press the button,
// nor look by rebinding a name of its own.
Task<http::Response> PartnerSite::handle(http::Request request) {
  const std::string own = fmt::format("127.0.0.1:{}", server_->port());
  if (request.headers.find("host") != own) co_return answer(421, "text/plain", "Not under this name.\n");
  if (request.method == "POST" && request.path == more_path) {
    if (request.headers.find("origin") != "http://" + own)
      co_return answer(403, "text/plain", "The form did not come from here.\n");
    if (!co_await ask_for_more()) co_return answer(502, "text/plain", "Deputy did not take it.\n");
    http::Response response = answer(303, "text/plain", "");
    response.headers.add("Location", std::string{accounts_path});
    co_return response;
  }
  if (request.method != "GET" && request.method != "HEAD")
    co_return answer(405, "text/plain", "There is no such form.\n");
  if (request.path == style_path) co_return answer(200, "text/css", std::string{style});
  if (request.path != accounts_path) co_return answer(404, "text/plain", "Not here.\n");
  std::string customer;
  if (const auto asked = http::parse_form(request.query))
    for (const auto& [name, value] : *asked)
      if (name == "customer") customer = value;
  co_return answer(200, "text/html", co_await accounts_page(std::move(customer)));
}

Task<boost::json::array> PartnerSite::list(std::string path) {
  if (!api_) co_return boost::json::array{};
  auto answered = co_await api_->call("GET", std::move(path));
  if (!answered || !answered.value().ok()) co_return boost::json::array{};
  co_return std::move(answered.value().body.at("items").as_array());
}

// A newer version of the integration. The same once more is none.
Task<bool> PartnerSite::ask_for_more() {
  const std::string path = "/v1/integrations/log-reader";
  if (!api_) co_return false;
  auto now = co_await api_->call("GET", path);
  if (!now || !now.value().ok()) co_return false;
  boost::json::object wanted = now.value().body.as_object();
  for (const char* member : {"name", "version", "created_at"}) wanted.erase(member);
  auto& reasons = wanted["reasons"].as_object();
  if (reasons.contains("ListMetrics")) co_return true;
  reasons["ListMetrics"] = "to draw your metrics beside your logs";
  wanted["policy"]
      .at("Statement")
      .as_array()
      .push_back({{"Sid", "ListMetrics"},
                  {"Effect", "Allow"},
                  {"Action", "cloudwatch:ListMetrics"},
                  {"Resource", "*"}});
  const auto put = co_await api_->call("PUT", path, std::move(wanted));
  co_return put&& put.value().ok();
}

Task<std::string> PartnerSite::accounts_page(std::string customer) {
  const auto connections = co_await list("/v1/connections?limit=200");
  std::map<std::string, std::string> names;
  for (const auto& tenant : co_await list("/v1/tenants?limit=200"))
    names[text_of(tenant, "id")] = text_of(tenant, "name");
  Html html;
  html.open("html", {{"lang", "en"}}).open("head");
  html.lone("meta", {{"charset", "utf-8"}});
  html.lone("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  html.element("title", "AWS accounts – Log Loader");
  html.lone("link", {{"rel", "stylesheet"}, {"href", style_path}});
  html.close().open("body").element("header", "Log Loader").open("main");
  html.element("h1", "AWS accounts");
  html.element(
      "p",
      "This is the site of the demo's partner. It asks Deputy's API how the accounts of its customers "
      "stand; the connect page leads back to it.");
  begin_table(html, "AWS accounts", {"Customer", "AWS account", "State", "Permissions"});
  for (const auto& connection : connections) {
    const std::string tenant = text_of(connection, "tenant_id"), account = text_of(connection, "account_id");
    html.open("tr", {{"class", tenant == customer ? "yours" : "another"}});
    html.element("td", names[tenant]).element("td", account.empty() ? "–" : account);
    html.element("td", in_words(text_of(connection, "state")));
    html.element("td", fmt::format("Version {}", connection.at("integration_version").to_number<int>()))
        .close();
  }
  end_table(html);
  html.element(
      "p",
      "The product learns something new, and needs one more permission for it. Who is connected is asked "
      "on the connect page, and decides.");
  html.open("form", {{"method", "post"}, {"action", more_path}});
  html.element("button", "Ask for one more permission").close();
  html.close().close().close();
  co_return "<!doctype html>\n" + html.take();
}

}  // namespace deputy::app
