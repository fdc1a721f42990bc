#include "connect/site.hpp"

#include "connect/site_state.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "api/external_id_guard.hpp"
#include "api/link_base.hpp"
#include "api/problem.hpp"

// The way of a request to its page: who holds which session, which page it is, whether a form is ours.
namespace deputy::connect {
namespace {

constexpr double visits_burst = 240;  // a page that renews itself asks once a second
constexpr double visits_per_second = 4;
constexpr double failures_burst = 20;
constexpr double failures_per_second = 1.0 / 3;
// Each act is in the journal, which a form in a loop must not fill.
constexpr double acts_burst = 60;
constexpr double acts_per_second = 1.0 / 5;
constexpr double refusals_burst = 5;
constexpr double refusals_per_second = 1.0 / 60;
constexpr std::size_t form_bytes_max = 16 * 1024;
constexpr std::size_t form_fields_max = 20;
constexpr std::chrono::seconds busy_retry{5};

constexpr std::string_view prefix = "/connect/";

using Work = Task<Result<Page>> (Site::State::*)(Visit&);
struct Route {
  std::string_view method;
  std::string_view name;  // behind the session
  std::string_view pattern;
  Work work;
};

http::Response bare(int status) {
  http::Response response;
  response.status = status;
  return response;
}

http::Response wrong_method(http::Response response, std::string_view allowed) {
  response.status = 405;
  response.headers.add("Allow", std::string{allowed});
  return response;
}

// What every answer carries: nothing is kept, framed, sniffed, found by search engines or told to others.
void protect(http::Response& response, std::string_view request_id) {
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, std::string_view>>{
           {"Content-Security-Policy", content_security_policy},
           {"Referrer-Policy", "no-referrer"},
           {"X-Content-Type-Options", "nosniff"},
           {"X-Frame-Options", "DENY"},
           {"X-Robots-Tag", "noindex, nofollow, noarchive"},
           {"Cross-Origin-Opener-Policy", "same-origin"},
           {"Cross-Origin-Resource-Policy", "same-origin"},
           {"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"}})
    response.headers.set(name, std::string{value});
  if (!response.headers.find("Cache-Control")) response.headers.set("Cache-Control", "no-store");
  response.headers.set("X-Request-Id", std::string{request_id});
}

std::map<std::string, std::string> first_of_each(std::string_view text) {
  std::map<std::string, std::string> values;
  const auto pairs = http::parse_form(text);
  if (!pairs) return values;
  for (const auto& [name, value] : *pairs) values.try_emplace(name, value);
  return values;
}

// A form with broken escapes, a name twice or too many of them is none of ours.
std::optional<std::map<std::string, std::string>> read_form(std::string_view text) {
  const auto pairs = http::parse_form(text);
  if (!pairs || pairs->size() > form_fields_max) return std::nullopt;
  std::map<std::string, std::string> values;
  for (const auto& [name, value] : *pairs)
    if (!values.try_emplace(name, value).second) return std::nullopt;
  return values;
}

bool is_form(const http::Headers& headers) {
  constexpr std::string_view form = "application/x-www-form-urlencoded";
  const auto type = headers.find("Content-Type");
  return type && headers.count("Content-Type") == 1 &&
         http::equal_without_case(type->substr(0, type->find_first_of("; ")), form);
}

bool only_reads(std::string_view method) {
  return method == "GET" || method == "HEAD";
}

}  // namespace

Site::State::State(SiteParts parts_, SiteSettings settings_)
    : parts(std::move(parts_)),
      settings(std::move(settings_)),
      screens(settings.brand),
      visits(visits_burst, visits_per_second),
      failures(failures_burst, failures_per_second),
      acts(acts_burst, acts_per_second),
      refusals(refusals_burst, refusals_per_second) {}

Site::Site(SiteParts parts, SiteSettings settings)
    : state_(std::make_unique<State>(std::move(parts), std::move(settings))) {}
Site::~Site() = default;

Task<http::Response> Site::handle(http::Request request) {
  const auto began = state_->parts.clock.steady_now();
  const std::string method = request.method;
  const std::string request_id = request.request_id;
  std::string_view pattern = "unknown";
  http::Response response = co_await state_->answer(std::move(request), pattern);
  protect(response, request_id);
  if (state_->parts.count)
    state_->parts.count(only_reads(method) || method == "POST" ? std::string_view{method} : "other", pattern,
                        response.status, state_->parts.clock.steady_now() - began);
  co_return response;
}

std::string Site::State::base_url() const {
  auto base = api::link_base(settings.public_url, parts.listen_url);
  return base ? std::move(base).value() : std::string{};
}

Task<http::Response> Site::State::answer(http::Request request, std::string_view& pattern) {
  if (const Asset* asset = screens.assets().find(request.path)) {
    pattern = "/connect/assets/{asset}";
    if (!only_reads(request.method)) co_return wrong_method(bare(405), "GET, HEAD");
    http::Response response = bare(200);
    response.headers.add("Content-Type", std::string{asset->content_type});
    response.headers.add("Cache-Control", std::string{asset_cache_control});
    response.body = asset->body;
    co_return response;
  }
  const std::string_view path =
      std::string_view{request.path}.substr(std::min(prefix.size(), request.path.size()));
  const std::size_t slash = path.find('/');
  auto id = ConnectSessionId::parse(path.substr(0, slash));
  // Over plain http to another machine no link is made, and no session is kept.
  if (!id || base_url().empty()) co_return trouble(Trouble::link_invalid, request);
  const std::string_view name = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  constexpr std::string_view opening = "open/";
  if (name.starts_with(opening)) {
    pattern = "/connect/{session}/open/{secret}";
    // Nowhere but here and in the request, which is wiped.
    SecretString secret{name.substr(opening.size())};
    co_return co_await open(std::move(request), std::move(id).value(), std::move(secret));
  }
  std::string page{name};
  co_return co_await visit(std::move(request), std::move(id).value(), std::move(page), pattern);
}

Task<Result<registry::ConnectView>> Site::State::look_up(const http::Request& request,
                                                         const ConnectSessionId& id,
                                                         const SecretString& secret,
                                                         std::optional<http::Response>& refused) {
  auto view = co_await run([&] { return registry().connect_view(id, secret); });
  if (view.has_error()) {
    if (view.error().kind == ErrorKind::overloaded) {
      refused = trouble(Trouble::unavailable, request, std::nullopt, busy_retry);
    } else if (view.error().kind != ErrorKind::not_found) {
      parts.log_failure(request.request_id, view.error());
      refused = trouble(Trouble::internal, request);
    } else if (!failures.take(id.text(), parts.clock.steady_now())) {
      refused = trouble(Trouble::too_many_requests, request, std::nullopt, std::chrono::minutes{1});
    } else {
      refused = trouble(Trouble::link_invalid, request);
    }
    co_return view;
  }
  const registry::ConnectSession& session = view.value().session;
  if (session.ended_at) {
    refused = trouble(Trouble::session_ended, request);
  } else if (!session.is_open(now())) {
    refused = trouble(Trouble::session_expired, request);
  } else if (!visits.take(id.text(), parts.clock.steady_now())) {
    refused = trouble(Trouble::too_many_requests, request, id, std::chrono::minutes{1});
  }
  co_return view;
}

// Consumes nothing, since mail scanners open links too; the first opening is on record, and settles which
// connection the session is about. From here on the secret is in the cookie alone.
Task<http::Response> Site::State::open(http::Request request, ConnectSessionId id, SecretString secret) {
  if (!may_be_secret(secret.reveal()) || !only_reads(request.method))
    co_return trouble(Trouble::link_invalid, request);
  std::optional<http::Response> refused;
  auto view = co_await look_up(request, id, secret, refused);
  if (refused) co_return *std::move(refused);
  if (!view.value().session.opened_at || !view.value().session.connection_id) {
    const registry::Actor actor{"connect_session", id.text(), request.remote_address};
    const auto noted = co_await run([&] { return registry().note_opening(actor, id); });
    if (noted.has_error()) {
      parts.log_failure(request.request_id, noted.error());
      co_return trouble(Trouble::unavailable, request, std::nullopt, busy_retry);
    }
  }
  http::Response response = bare(303);
  const auto life = std::chrono::ceil<std::chrono::seconds>(view.value().session.expires_at - now());
  response.headers.add("Set-Cookie", set_cookie(id, secret, life, is_https()));
  response.headers.add("Location", std::string{prefix} + id.text());
  co_return response;
}

namespace {

#define DEPUTY_PAGE(method, name, work)                          \
  Route {                                                        \
    method, name, "/connect/{session}/" name, &Site::State::work \
  }

constexpr std::array pages{
    Route{"GET", "", "/connect/{session}", &Site::State::home},
    DEPUTY_PAGE("GET", "ask", ask),
    DEPUTY_PAGE("GET", "create", create),
    DEPUTY_PAGE("GET", "template", download_template),
    DEPUTY_PAGE("GET", "role", role),
    DEPUTY_PAGE("POST", "role", give_role),
    DEPUTY_PAGE("POST", "role/check", judge_role),
    DEPUTY_PAGE("GET", "checks", checks),
    DEPUTY_PAGE("POST", "verify", verify_again),
    DEPUTY_PAGE("GET", "connected", connected),
    DEPUTY_PAGE("GET", "report", report),
    DEPUTY_PAGE("GET", "rotate", rotate),
    DEPUTY_PAGE("POST", "rotate", begin_rotation),
    DEPUTY_PAGE("POST", "rotate/promote", promote_rotation),
    DEPUTY_PAGE("POST", "rotate/cancel", cancel_rotation),
    DEPUTY_PAGE("GET", "update", update),
    DEPUTY_PAGE("POST", "update", adopt_update),
    DEPUTY_PAGE("GET", "disconnect", disconnect),
    DEPUTY_PAGE("POST", "disconnect", confirm_disconnect),
    DEPUTY_PAGE("POST", "again", connect_another),
    DEPUTY_PAGE("POST", "choose", choose_connection),
};

#undef DEPUTY_PAGE

const Route* find_page(std::string_view method, std::string_view name) {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  const auto found = std::ranges::find_if(
      pages, [&](const Route& route) { return route.method == wanted && route.name == name; });
  return found == pages.end() ? nullptr : &*found;
}

// What may be done at a page's address; empty where there is no page.
std::string methods_of(std::string_view name) {
  std::string methods;
  for (const Route& route : pages)
    if (route.name == name)
      methods +=
          (methods.empty() ? "" : ", ") + std::string{route.method == "GET" ? "GET, HEAD" : route.method};
  return methods;
}

bool acts_by(const Route& page) {
  return page.method == "POST" && page.name != "role/check";
}

// Leads to another connection and changes nothing about the one that is shown. Every other form is about the
// one that its page showed and says which; and where that is disconnected, everything else shows that it is
// over.
bool turns_away(const Route& page) {
  return page.name == "again" || page.name == "choose";
}

}  // namespace

Task<http::Response> Site::State::visit(http::Request request, ConnectSessionId id, std::string name,
                                        std::string_view& pattern) {
  const Route* page = find_page(request.method, name);
  if (page != nullptr) pattern = page->pattern;
  auto secret = secret_in_cookies(request.headers, id, is_https());
  if (!secret) co_return trouble(Trouble::link_invalid, request);
  std::optional<http::Response> refused;
  auto view = co_await look_up(request, id, *secret, refused);
  if (refused) co_return *std::move(refused);
  if (page == nullptr) {
    const std::string methods = methods_of(name);
    auto nothing = trouble(Trouble::not_found, request, id);
    co_return methods.empty() ? std::move(nothing) : wrong_method(std::move(nothing), methods);
  }
  if (acts_by(*page) && !acts.take(id.text(), parts.clock.steady_now()))
    co_return trouble(Trouble::too_many_requests, request, id, std::chrono::minutes{1});
  std::string csrf = csrf_token(*secret, id);
  auto mandate = registry::Mandate::of_customer(id, view.value().connection->id, request.remote_address);
  Visit visit{.request = std::move(request),
              .id = id,
              .secret = *std::move(secret),
              .csrf = std::move(csrf),
              .mandate = std::move(mandate),
              .view = std::move(view).value()};
  visit.query = first_of_each(visit.request.query);
  if (auto wrong = co_await refuse_form(visit)) co_return *std::move(wrong);
  if (page->method == "POST" && !turns_away(*page) &&
      visit.form_value("connection") != visit.mandate.connection().text())
    co_return page_response(visit, {.status = 303, .location = with_notice("", "moved")});
  const bool over = visit.connection().state == registry::ConnectionState::disconnected;
  if (over && !turns_away(*page) && page->method == "POST") co_return page_response(visit, {.status = 303});
  auto made =
      over && !turns_away(*page) ? co_await disconnected_page(visit) : co_await (this->*page->work)(visit);
  if (made.has_error()) co_return trouble(made.error(), visit);
  co_return page_response(visit, std::move(made).value());
}

// The first ones, and then one a minute: one browser in a loop cannot fill the journal.
Task<void> Site::State::put_on_record(const Visit& visit, const Error& refusal) {
  if (!refusals.take(visit.id.text(), parts.clock.steady_now())) co_return;
  journal::Entry entry;
  entry.actor = visit.mandate.actor();
  entry.act = "request.refused";
  entry.tenant = visit.view.tenant.id.text();
  entry.outcome = journal::Outcome::refused;
  entry.detail = fmt::format(R"({{"code":"{}","route":"connect"}})", code_of(refusal.kind));
  const auto noted = co_await run([&] { return registry().note(entry); });
  if (noted.has_error()) parts.log_failure(visit.request.request_id, noted.error());
}

// No request can set an external ID, forms and queries included; who tries that is on record, as in the API.
Task<std::optional<http::Response>> Site::State::refuse_form(Visit& visit) {
  auto guarded = api::refuse_external_id(visit.request, {});
  if (guarded.has_error()) {
    co_await put_on_record(visit, guarded.error());
    co_return api::problem_response(guarded.error(), visit.request.request_id);
  }
  if (only_reads(visit.request.method)) co_return std::nullopt;
  const auto stale = [&] { return trouble(Trouble::form_stale, visit.request, visit.id); };
  if (visit.request.body.size() > form_bytes_max || !is_form(visit.request.headers)) co_return stale();
  if (!may_be_ours(visit.request.headers, origin_of(base_url()))) co_return stale();
  auto form = read_form(visit.request.body);
  if (!form) co_return stale();
  visit.form = *std::move(form);
  if (!equal_in_constant_time(visit.form_value("csrf"), visit.csrf)) co_return stale();
  co_return std::nullopt;
}

http::Response Site::State::page_response(const Visit& visit, Page page) const {
  http::Response response = bare(page.status);
  if (page.status == 303) {
    response.headers.add("Location", std::string{prefix} + visit.id.text() + page.location);
    return response;
  }
  response.headers.add("Content-Type", std::move(page.content_type));
  if (!page.file_name.empty())
    response.headers.add("Content-Disposition", "attachment; filename=\"" + page.file_name + "\"");
  response.body = std::move(page.body);
  return response;
}

http::Response Site::State::trouble(Trouble what, const http::Request& request,
                                    const std::optional<ConnectSessionId>& session,
                                    std::optional<std::chrono::seconds> retry_after) const {
  TroubleView view{.trouble = what,
                   .session = session ? std::optional{session->text()} : std::nullopt,
                   .retry_after = retry_after,
                   .request_id = request.request_id};
  http::Response response = bare(status_of(what));
  response.headers.add("Content-Type", "text/html; charset=utf-8");
  if (retry_after) response.headers.add("Retry-After", std::to_string(retry_after->count()));
  response.body = screens.render(view);
  return response;
}

http::Response Site::State::trouble(const Error& error, const Visit& visit) const {
  switch (error.kind) {
    case ErrorKind::not_found:
      return trouble(Trouble::not_found, visit.request, visit.id);
    case ErrorKind::rate_limited:
      return trouble(Trouble::too_many_requests, visit.request, visit.id, error.retry_after);
    case ErrorKind::overloaded:
      return trouble(Trouble::unavailable, visit.request, visit.id, error.retry_after);
    // It changed under the page: the session's first page shows how it is now.
    case ErrorKind::forbidden:
      return page_response(visit, {.status = 303, .location = with_notice("", "moved")});
    case ErrorKind::conflict:
    case ErrorKind::connection_disconnected:
      return page_response(visit, {.status = 303, .location = with_notice("", "changed")});
    default:
      parts.log_failure(visit.request.request_id, error);
      return trouble(Trouble::internal, visit.request, visit.id);
  }
}

}  // namespace deputy::connect
