#pragma once

#include "connect/request_rate.hpp"
#include "connect/screens.hpp"
#include "connect/site.hpp"
#include "connect/visit.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Private to the site: what its pages are given and what they give back.
namespace deputy::connect {

// One request of a browser that holds an open session.
struct Visit {
  http::Request request;
  ConnectSessionId id;
  SecretString secret;
  std::string csrf;
  // All that the visitor may change, and the only name in which a page changes it.
  registry::Mandate mandate;
  registry::ConnectView view;
  std::map<std::string, std::string> query;  // the first of each name
  std::map<std::string, std::string> form;

  const registry::Connection& connection() const { return *view.connection; }
  std::string form_value(const std::string& name) const {
    const auto found = form.find(name);
    return found == form.end() ? std::string{} : found->second;
  }
  std::optional<std::string> query_value(const std::string& name) const {
    const auto found = query.find(name);
    return found == query.end() ? std::nullopt : std::optional{found->second};
  }
};

struct Page {
  int status = 200;
  std::string body = {};
  std::string content_type = "text/html; charset=utf-8";
  std::string location = {};   // with 303: the rest of the address behind the session's
  std::string file_name = {};  // to be downloaded under
};

struct Site::State {
  State(SiteParts parts_, SiteSettings settings_);

  SiteParts parts;
  SiteSettings settings;
  Screens screens;
  RequestRate visits;    // of one session
  RequestRate failures;  // attempts with a wrong secret at one session
  RequestRate acts;      // forms of one session that may change something
  RequestRate refusals;  // of one session, that are put on record

  registry::Registry& registry() const { return parts.registry; }
  template <class Work>
  auto run(Work work) const {
    return run_on(parts.pool, parts.loop, std::move(work));
  }
  Timestamp now() const { return parts.clock.now(); }

  std::string base_url() const;
  bool is_https() const { return base_url().starts_with("https://"); }

  Task<http::Response> answer(http::Request request, std::string_view& pattern);
  Task<http::Response> open(http::Request request, ConnectSessionId id, SecretString secret);
  Task<http::Response> visit(http::Request request, ConnectSessionId id, std::string name,
                             std::string_view& pattern);
  // The session as its holder sees it; else the page that says why not.
  Task<Result<registry::ConnectView>> look_up(const http::Request& request, const ConnectSessionId& id,
                                              const SecretString& secret,
                                              std::optional<http::Response>& refused);
  Task<std::optional<http::Response>> refuse_form(Visit& visit);
  Task<void> put_on_record(const Visit& visit, const Error& refusal);

  http::Response page_response(const Visit& visit, Page page) const;
  http::Response trouble(Trouble trouble, const http::Request& request,
                         const std::optional<ConnectSessionId>& session = std::nullopt,
                         std::optional<std::chrono::seconds> retry_after = std::nullopt) const;
  http::Response trouble(const Error& error, const Visit& visit) const;

  // The pages; each is one coroutine.
  Task<Result<Page>> home(Visit& visit);
  Task<Result<Page>> ask(Visit& visit);
  Task<Result<Page>> create(Visit& visit);
  Task<Result<Page>> download_template(Visit& visit);
  Task<Result<Page>> role(Visit& visit);
  Task<Result<Page>> give_role(Visit& visit);
  Task<Result<Page>> judge_role(Visit& visit);
  Task<Result<Page>> checks(Visit& visit);
  Task<Result<Page>> verify_again(Visit& visit);
  Task<Result<Page>> connected(Visit& visit);
  Task<Result<Page>> report(Visit& visit);
  Task<Result<Page>> rotate(Visit& visit);
  Task<Result<Page>> begin_rotation(Visit& visit);
  Task<Result<Page>> promote_rotation(Visit& visit);
  Task<Result<Page>> cancel_rotation(Visit& visit);
  Task<Result<Page>> update(Visit& visit);
  Task<Result<Page>> adopt_update(Visit& visit);
  Task<Result<Page>> disconnect(Visit& visit);
  Task<Result<Page>> confirm_disconnect(Visit& visit);
  Task<Result<Page>> connect_another(Visit& visit);
  Task<Result<Page>> choose_connection(Visit& visit);

  // `looking`: the role is not there yet and is looked for again as soon as that may be, so the page goes on
  // asking; `notice` is what was found so far.
  Task<Result<Page>> checks_page(Visit& visit, std::optional<std::string> notice, bool looking);
  // To a page that says why nothing was done; the error itself, where that is nothing for the customer.
  Result<Page> refused(std::string_view page, const Error& error) const;
  Page role_page(const Visit& visit, std::optional<std::string> error,
                 std::optional<std::string> account_error) const;
  Task<Result<Page>> disconnected_page(Visit& visit);
  Page disconnect_page(const Visit& visit, std::optional<std::string> error) const;
  Task<Result<void>> refresh(Visit& visit);

  Frame frame(const Visit& visit) const;
  Ask ask_of(const Visit& visit) const;
  // The Condition that the role's trust policy should have now, to paste.
  std::string condition_now(const Visit& visit) const;
};

// An error's message as a sentence for people.
std::string sentence(const Error& error);
// Errors that a page says beside the form; others are a page of their own.
bool is_for_the_form(const Error& error);
// The furthest step that the connection's state reaches.
Step reachable_step(registry::ConnectionState state);
// A page's address with a notice, which is a code: the page words it, and knows no others.
std::string with_notice(std::string_view page, std::string_view code);
std::optional<std::string> notice_of(const Visit& visit);
// The account that a page speaks of: bound, or else the role's.
std::optional<std::string> account_of(const registry::Connection& connection);
// Has the customer still to finish this one before another can be begun?
bool is_unfinished(registry::ConnectionState state);
// Where the session begins for a connection in this state.
std::string_view first_page(registry::ConnectionState state);
// Is this what the rotation that is under way now waits for? A run stays the last one when one is begun or
// cancelled, so it may have been another.
bool is_awaited(const registry::Check& check, const std::optional<registry::Rotation>& rotation);
// Every check of a run, those that have not begun as `waiting`; what they give to paste is what fits the
// connection's rotation and `condition_now`.
std::vector<CheckView> check_views(const registry::Verification& verification,
                                   const std::optional<registry::Rotation>& rotation,
                                   const std::string& condition);
std::vector<CheckView> check_views(const verify::Progress& progress,
                                   const std::optional<registry::Rotation>& rotation,
                                   const std::string& condition);
// The ARN that a role of this fixed name has in the account.
std::optional<RoleArn> derived_role(const RoleArn& partner_principal, const AccountId& account,
                                    const std::optional<std::string>& role_name);

}  // namespace deputy::connect
