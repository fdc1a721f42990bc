#pragma once

#include "connect/brand.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/work_pool.hpp"
#include "http/message.hpp"
#include "registry/registry.hpp"
#include "verify/progress.hpp"
#include "verify/signed_report.hpp"

namespace deputy::connect {

struct SiteSettings {
  Brand brand;
  std::string public_url;  // without a trailing slash; empty when not configured
  std::optional<std::string> template_url;
  std::string console_url;  // of the sandbox's stand-in; empty: AWS's own console
  Region region;
};

// What the site stands on. All references outlive it.
struct SiteParts {
  EventLoop& loop;
  WorkPool& pool;
  registry::Registry& registry;
  const Clock& clock;
  const verify::ReportSigner& signer;
  std::function<void(const ConnectionId&)> revoke;  // broker::Broker::revoke
  std::function<void()> wake_verification;
  std::function<std::optional<verify::Progress>(const VerificationId&)> progress;
  std::function<std::string()> listen_url;
  std::function<void(const std::string& request_id, const Error& error)> log_failure;
  // A request was answered: method, the route's pattern, status, time. For metrics.
  std::function<void(std::string_view, std::string_view, int, std::chrono::steady_clock::duration)> count =
      {};
};

// Everything below /connect: the sessions' cookies, the pages and their forms. On the loop's thread; what
// blocks runs on the pool. Outlives the tasks of its requests.
//
// A page sees one session, and through it one tenant and one integration: no address names a connection.
// Whoever holds no secret of a session gets one answer, whether the session exists or not.
class Site {
 public:
  Site(SiteParts parts, SiteSettings settings);
  ~Site();
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  static bool is_below(std::string_view path) { return path == "/connect" || path.starts_with("/connect/"); }

  // An http::Handler. Never fails: every error is a page.
  Task<http::Response> handle(http::Request request);

  struct State;  // site_state.hpp

 private:
  std::unique_ptr<State> state_;
};

}  // namespace deputy::connect
