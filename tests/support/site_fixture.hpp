#pragma once

#include "connect/site.hpp"
#include "support/manual_loop.hpp"
#include "support/registry_fixture.hpp"

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace deputy {

// A browser, as far as the site can tell: it keeps cookies, and sends what a browser sends.
struct Browser {
  std::map<std::string, std::string> cookies;

  std::string cookie_header() const {
    std::string header;
    for (const auto& [name, value] : cookies) header += (header.empty() ? "" : "; ") + name + "=" + value;
    return header;
  }
  void keep(const http::Response& response) {
    for (const auto& [name, value] : response.headers) {
      if (!http::equal_without_case(name, "Set-Cookie")) continue;
      const std::size_t equals = value.find('=');
      cookies[value.substr(0, equals)] = value.substr(equals + 1, value.find(';') - equals - 1);
    }
  }
};

// The site over a real registry. Requests are handed to its handler; nothing is verified but by `finish`.
class SiteFixture : public RegistryFixture {
 protected:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  SiteFixture() { open_site("https://deputy.example"); }

  void open_site(const std::string& public_url) { open_site(public_url, registry()); }
  void open_site(const std::string& public_url, registry::Registry& over) {
    site = std::make_unique<connect::Site>(
        connect::SiteParts{.loop = loop,
                           .pool = pool,
                           .registry = over,
                           .clock = clock(),
                           .signer = signer,
                           .revoke = [this](const ConnectionId& id) { revoked.push_back(id); },
                           .wake_verification = [this] { ++wakes; },
                           .progress =
                               [this](const VerificationId& id) {
                                 const auto found = progress.find(id);
                                 return found == progress.end() ? std::nullopt : std::optional{found->second};
                               },
                           .listen_url = {},
                           .log_failure = [this](const std::string&,
                                                 const Error& error) { failures.push_back(error.message); }},
        connect::SiteSettings{.brand = connect::make_brand("Loglux", std::nullopt, std::nullopt).value(),
                              .public_url = public_url,
                              .template_url = std::nullopt,
                              .console_url = {},
                              .region = Region::parse("eu-central-1").value()});
  }

  struct Link {
    ConnectSessionId id;
    std::string secret;
    std::string path() const { return "/connect/" + id.text(); }
    std::string opening() const { return path() + "/open/" + secret; }
  };
  Link make_link(const registry::Tenant& tenant, std::optional<std::string> return_url = std::nullopt) {
    auto made = registry()
                    .create_connect_session(actor(),
                                            {.tenant_id = tenant.id,
                                             .integration = integration_name(),
                                             .connection_id = std::nullopt,
                                             .return_url = std::move(return_url),
                                             .expires_in = std::nullopt},
                                            std::nullopt)
                    .value()
                    .value;
    return {made.session.id, std::string{made.secret->reveal()}};
  }

  http::Response send(http::Request request) {
    return loop.run(site->handle(as_received(std::move(request))));
  }
  static http::Request as_received(http::Request request) {
    request.request_id = "req_test";
    request.remote_address = "192.0.2.9";
    const std::size_t question = request.path.find('?');
    if (question != std::string::npos) {
      request.query = request.path.substr(question + 1);
      request.path.resize(question);
    }
    request.target = request.path;
    return request;
  }
  http::Response get(Browser& browser, const std::string& path) {
    http::Request request;
    request.method = "GET";
    request.path = path;
    if (!browser.cookies.empty()) request.headers.add("Cookie", browser.cookie_header());
    auto response = send(std::move(request));
    browser.keep(response);
    return response;
  }
  http::Response post(Browser& browser, const std::string& path, const std::string& form,
                      const Fields& headers = {{"Sec-Fetch-Site", "same-origin"}, {"Origin", "null"}}) {
    return send(form_of(browser, path, form, headers));
  }
  static http::Request form_of(const Browser& browser, const std::string& path, const std::string& form,
                               const Fields& headers) {
    http::Request request;
    request.method = "POST";
    request.path = path;
    request.body = form;
    request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    for (const auto& [name, value] : headers) request.headers.set(name, value);
    if (!browser.cookies.empty()) request.headers.add("Cookie", browser.cookie_header());
    return request;
  }
  // As a page of that session sends it that was loaded just now.
  http::Response submit(Browser& browser, const Link& link, const std::string& page,
                        const std::string& fields,
                        const Fields& headers = {{"Sec-Fetch-Site", "same-origin"}, {"Origin", "null"}}) {
    const std::string own =
        page == "/choose" || page == "/again" ? "csrf=" + token(browser, link) : hidden_fields(browser, link);
    return post(browser, link.path() + page, own + (fields.empty() ? "" : "&" + fields), headers);
  }
  // Two clicks on one button: both requests have looked the session up before either writes. The pool has one
  // thread and works in turn, so each step of one comes before the next step of the other. `between` is done
  // after the first one's write and before the second one's.
  std::array<http::Response, 2> submit_twice_at_once(Browser& browser, const Link& link,
                                                     const std::string& page, const std::string& fields,
                                                     const std::function<void()>& between = {}) {
    const http::Request click =
        as_received(form_of(browser, link.path() + page, hidden_fields(browser, link) + "&" + fields,
                            {{"Sec-Fetch-Site", "same-origin"}, {"Origin", "null"}}));
    std::array<http::Response, 2> answers;
    loop.run(both(click, between, answers));
    return answers;
  }
  // What the forms of the connection that the session shows carry unseen.
  std::string hidden_fields(Browser& browser, const Link& link) {
    const std::string page = get(browser, link.path() + "/role").body;
    return "csrf=" + hidden_field(page, "csrf") + "&connection=" + hidden_field(page, "connection");
  }
  std::string token(Browser& browser, const Link& link) {
    return hidden_field(get(browser, link.path() + "/role").body, "csrf");
  }
  static std::string hidden_field(const std::string& page, const std::string& name) {
    const std::string mark = "name=\"" + name + "\" value=\"";
    const std::size_t at = page.find(mark);
    if (at == std::string::npos) return "";
    const std::size_t begin = at + mark.size();
    return page.substr(begin, page.find('"', begin) - begin);
  }
  static std::string location(const http::Response& response) {
    return std::string{response.headers.find("Location").value_or("")};
  }

  registry::Connection connection_of(const Link& link) {
    return *registry().connect_view(link.id, SecretString{link.secret}).value().connection;
  }
  // Ends what is due as the service would.
  void finish(registry::VerificationOutcome outcome, std::vector<registry::Check> checks = {}) {
    const auto tasks = registry().claim_due(100, std::chrono::minutes{10}).value();
    for (const auto& task : tasks) {
      registry::VerificationReport report;
      report.outcome = outcome;
      report.proof =
          outcome == registry::VerificationOutcome::passed ? registry::Proof::probed : registry::Proof::none;
      report.checks = checks;
      ASSERT_TRUE(registry().finish_verification(task, report));
    }
  }
  void connect_account(Browser& browser, const Link& link, const std::string& account) {
    const auto given =
        submit(browser, link, "/role", "role_arn=arn%3Aaws%3Aiam%3A%3A" + account + "%3Arole%2Freader");
    ASSERT_EQ(given.status, 303) << given.body;
    finish(registry::VerificationOutcome::passed);
  }

  static Task<void> keep(Task<http::Response> answer, http::Response& kept) {
    kept = co_await std::move(answer);
  }
  Task<void> both(const http::Request& click, const std::function<void()>& between,
                  std::array<http::Response, 2>& answers) {
    TaskGroup group;
    group.spawn(keep(site->handle(click), answers[0]));
    const auto to_pool = [&] { EXPECT_TRUE(pool.try_post(between)); };
    if (between) EXPECT_TRUE(pool.try_post([&] { loop.post(to_pool); }));
    group.spawn(keep(site->handle(click), answers[1]));
    co_await group.join();
  }

  ManualLoop loop{clock()};
  WorkPool pool{{.threads = 1}};
  verify::ReportSigner signer{SecretString{std::string(32, 's')}};
  std::map<VerificationId, verify::Progress> progress;
  std::vector<ConnectionId> revoked;
  std::vector<std::string> failures;
  int wakes = 0;
  std::unique_ptr<connect::Site> site;
};

}  // namespace deputy
