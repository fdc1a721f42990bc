#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/authentication.hpp"
#include "broker/broker.hpp"
#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/work_pool.hpp"
#include "http/counts.hpp"
#include "http/message.hpp"
#include "registry/registry.hpp"
#include "verify/progress.hpp"

namespace deputy::logstore {
class Store;
}
namespace deputy::logs {
class Collector;
class Spool;
struct SinkStatus;
}  // namespace deputy::logs

namespace deputy::api {

// The public key of signed reports (verify::ReportSigner).
struct ReportKey {
  std::string id;
  std::string public_key;  // base64
  std::string pem;
};

struct Settings {
  std::string version;     // of the program
  std::string public_url;  // without a trailing slash; empty when not configured
  // connect.template_url: an HTTPS URL of S3 under which the templates are; `{connection}` in it stands for
  // the connection's identifier.
  std::optional<std::string> template_url;
  std::string console_url{};  // connect.console_url; empty: AWS's own console
  Region region;              // aws.region: where launch links lead by default
  WorkloadUsers users = {};   // server.unix_socket_users
  ReportKey report_key = {};
};

// What the API stands on. All references outlive the Api.
struct Parts {
  EventLoop& loop;
  WorkPool& pool;
  registry::Registry& registry;
  broker::Broker& broker;
  const Clock& clock;
  std::function<void()> wake_verification;  // verify::Service::wake
  // Where Deputy listens, `http://127.0.0.1:8180`: for links, where no public_url is configured. May be
  // empty.
  std::function<std::string()> listen_url = {};
  // Told of every answer with a status of 500 and above, with what is for the operator alone.
  std::function<void(const std::string& request_id, const Error& error)> log_failure;
  // Threads that only issuing and probes use, so that they do not wait behind lists; empty: `pool`.
  WorkPool* issuing_pool = nullptr;
  std::function<http::ServerCounts()> listener_counts = {};  // for /metrics; empty without a listener
  logstore::Store* log_store = nullptr;  // collected logs; null: they are not kept searchable
  // Of a tenant's connections, as many as the search of a key is bounded to that may see only some of them.
  std::size_t search_connections_max = 20'000;
  WorkPool* search_pool = nullptr;  // where logs are searched, so that nothing else waits; null: `pool`
  // nullptr while logs are not collected here; empty: never.
  std::function<logs::Collector*()> log_collector = {};
  std::function<logs::Spool*()> log_spool = {};
  std::function<std::vector<logs::SinkStatus>()> log_sinks = {};  // of those that this process feeds
  // How far a verification is that runs here; empty: that is not told.
  std::function<std::optional<verify::Progress>(const VerificationId&)> progress = {};
};

// What the listener answers by itself (400, 408, 413, 429, …): http::ServerOptions::error_response. A problem
// document with a `message` besides, so that it reads as an answer of the container-credentials endpoint too.
http::Response listener_error(int status, std::string_view request_id);

// The HTTP API: authentication, refusal of external IDs, strict reading, handlers,
// problem documents. On the loop's thread; what blocks runs on the pool. Outlives the tasks of its requests.
class Api {
 public:
  Api(Parts parts, Settings settings);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  // An http::Handler. Never fails: every error is an answer.
  Task<http::Response> handle(http::Request request);

  // A request that another room answered, for the metrics. `route` is a pattern, of which there are few.
  void count_request(std::string_view method, std::string_view route, int status,
                     std::chrono::steady_clock::duration took);

  // From now on /readyz answers 503, so that a balancer sends no more; everything else goes on. `why` is
  // public.
  void be_unready(std::string why) { unready_ = std::move(why); }

 private:
  struct State;
  std::optional<std::string> unready_;
  std::unique_ptr<State> state_;
};

}  // namespace deputy::api
