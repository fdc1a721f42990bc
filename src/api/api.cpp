#include "api/api.hpp"

#include <unordered_map>

#include "api/authentication.hpp"
#include "api/authorization.hpp"
#include "api/content.hpp"
#include "api/creation_pace.hpp"
#include "api/external_id_guard.hpp"
#include "api/json_fields.hpp"
#include "api/lanes.hpp"
#include "api/metrics.hpp"
#include "api/problem.hpp"
#include "api/services.hpp"
#include "api/turns.hpp"

namespace deputy::api {
namespace {

// Methods that change nothing; a refused one needs no entry in the journal.
bool only_reads(std::string_view method) {
  return method == "GET" || method == "HEAD";
}

Error no_such_route(const Match& match) {
  if (match.allow.empty()) return Error{ErrorKind::not_found, "no such path"};
  return Error{ErrorKind::method_not_allowed, "this path knows the methods " + match.allow};
}

Result<json::Value> read_body(const http::Request& request, const Route& route) {
  json::Value empty;
  empty.kind = json::Kind::object;
  if (request.body.empty()) {
    if (route.body == BodyRule::required)
      return Error{ErrorKind::invalid_request, "a body is needed: a JSON object"};
    return empty;
  }
  if (route.body == BodyRule::none) return Error{ErrorKind::invalid_request, "this request takes no body"};
  DEPUTY_TRY(require_json_content(request.headers));
  DEPUTY_TRY(auto body, json::read(request.body));
  DEPUTY_TRY(Fields::open(body, route.fields));
  return body;
}

registry::Actor actor_of(const Call& call) {
  const http::Request& request = call.request;
  if (!call.key) return {"system", "", request.remote_address};
  if (call.by_user) return {"user", std::to_string(*request.peer_user_id), request.remote_address};
  return {"key", call.key->id.text(), request.remote_address};
}

// Everything that is checked before a handler runs and needs nothing that blocks.
Result<void> pass_gates(Call& call) {
  const Route& route = *call.route;
  DEPUTY_TRY(refuse_external_id(call.request, route.opaque));
  if (call.by_user && !route.narrowed_keys)
    return Error{ErrorKind::forbidden,
                 "a workload that is known by its user may find connections and have credentials; for this, "
                 "send a key"};
  if (call.key) {
    DEPUTY_TRY(authorize(route, *call.key, call.parameters));
  }
  if (!route.produces.empty() && !accepts(call.request.headers, route.produces))
    return Error{ErrorKind::not_acceptable, "the answer is " + std::string{route.produces}};
  DEPUTY_TRY(call.query, Query::parse(call.request.query, route.query));
  DEPUTY_TRY(call.body, read_body(call.request, route));
  return success();
}

http::Response to_response(Reply reply, std::string_view request_id) {
  const bool empty = reply.body.empty();
  http::Response response =
      plain_response(reply.status, empty ? "" : reply.content_type, std::move(reply.body), request_id);
  if (!reply.location.empty()) response.headers.add("Location", std::move(reply.location));
  if (reply.replayed) response.headers.add("Idempotency-Replayed", "true");
  for (auto& [name, value] : reply.headers) response.headers.add(std::move(name), std::move(value));
  return response;
}

// Attempts that an auditor wants to know of: to set an external ID, or to do what the key is not for.
bool belongs_on_record(const Error& error, const Call& call) {
  if (!call.key) return false;
  if (error.kind == ErrorKind::external_id_not_settable) return true;
  return error.kind == ErrorKind::forbidden &&
         (!only_reads(call.request.method) || call.route->container_protocol);
}

journal::Entry refusal_entry(const Error& error, const Call& call, Timestamp now) {
  journal::Entry entry;
  entry.at = now;
  entry.actor = call.actor;
  entry.act = "request.refused";
  entry.outcome = journal::Outcome::refused;
  entry.detail = R"({"code":")" + std::string{code_of(error.kind)} + R"(","route":")" +
                 std::string{call.route->method} + " " + std::string{call.route->pattern} + R"("})";
  return entry;
}

// Says once a minute of each refusal that it is news, so that one client in a loop cannot fill the journal.
class RecentRefusals {
 public:
  bool is_news(const journal::Entry& entry, std::chrono::steady_clock::time_point now) {
    constexpr std::chrono::minutes quiet_for{1};
    constexpr std::size_t remembered_max = 10'000;
    const std::string text = entry.actor.id + entry.detail;
    const auto found = until_.find(text);
    if (found != until_.end() && now < found->second) return false;
    if (until_.size() >= remembered_max) until_.clear();
    until_.insert_or_assign(text, now + quiet_for);
    return true;
  }

 private:
  std::unordered_map<std::string, std::chrono::steady_clock::time_point> until_;
};

std::string asking_client(const http::Request& request) {
  if (request.peer_user_id) return "user " + std::to_string(*request.peer_user_id);
  return client_at(request.remote_address);
}

// What is still to be known of a request when it was given away.
struct Asked {
  std::string request_id;
  bool by_sdk;  // of the container-credentials endpoint, be the path right or wrong
};

Asked asked_by(const http::Request& request) {
  constexpr std::string_view container_path = "/v1/credentials";
  const bool by_sdk = request.path == container_path || (request.path.starts_with(container_path) &&
                                                         request.path[container_path.size()] == '/');
  return {request.request_id, by_sdk};
}

}  // namespace

namespace {

// As many as there are threads for it; each may take seconds.
constexpr Turns::Limits searches_at_a_time{.at_once_max = 2, .waiting_max = 256, .waiting_of_client_max = 4};

}  // namespace

struct Api::State {
  Metrics metrics;
  CreationPace creations;
  Turns searches;
  Services services;
  RecentRefusals refusals;
  // For keys that are not in memory; of issuing's apart, so that those never wait behind the desk's work.
  Turns issuing_lookups, desk_lookups;

  State(Parts parts, Settings settings, const std::optional<std::string>& unready)
      : searches{parts.loop, searches_at_a_time},
        services{std::move(parts), std::move(settings), metrics, creations, searches, unready},
        issuing_lookups{services.parts.loop, {}},
        desk_lookups{services.parts.loop, {}} {}

  using KeyPointer = std::shared_ptr<const registry::Key>;
  Task<Result<KeyPointer>> authenticate(const http::Request& request, const Route& route);
  Task<Result<KeyPointer>> look_up(const http::Request& request, const SecretString& secret);
  Task<Result<Reply>> answer(Call& call);
  Task<void> put_on_record(const Error& error, const Call& call);
  http::Response refuse(const Error& error, const Match& match, const Asked& asked) const;
};

Task<Result<Api::State::KeyPointer>> Api::State::authenticate(const http::Request& request,
                                                              const Route& route) {
  const KeyForm form = route.container_protocol ? KeyForm::bearer_or_bare : KeyForm::bearer;
  DEPUTY_CO_TRY(const auto secret, presented_key(request.headers, form));
  if (!registry::is_key_secret(secret.reveal()))
    co_return Error{ErrorKind::unauthorized, "a valid key is needed"};
  if (auto known = services.registry().known_key(secret)) co_return known;
  if (services.registry().knows_secret(secret)) co_return co_await look_up(request, secret);
  // Until it is found nobody vouches for it: whoever makes keys up waits behind their own, by where they come
  // from, and never fills the queue of those who have one.
  Turns& turns = is_issuing(request) ? issuing_lookups : desk_lookups;
  if (!co_await turns.enter(asking_client(request)))
    co_return Error{ErrorKind::rate_limited, "too many keys of this address wait to be looked up"}
        .with_retry_after(std::chrono::seconds{1});
  const Turns::Leaving leaving{turns};
  if (auto found = services.registry().known_key(secret)) co_return found;  // by another request, meanwhile
  co_return co_await look_up(request, secret);
}

Task<Result<Api::State::KeyPointer>> Api::State::look_up(const http::Request& request,
                                                         const SecretString& secret) {
  const auto ask = [&] { return services.registry().authenticate(secret); };
  if (is_issuing(request)) co_return co_await services.run_ahead(ask);
  co_return co_await services.run(ask);
}

Task<Result<Reply>> Api::State::answer(Call& call) {
  if (auto user = key_of_user(call.request, services.settings.users); user && !call.route->access.everyone) {
    call.key = std::make_shared<const registry::Key>(*std::move(user));
    call.by_user = true;
  } else if (!call.route->access.everyone) {
    DEPUTY_CO_TRY(auto key, co_await authenticate(call.request, *call.route));
    call.key = std::move(key);
  }
  call.actor = actor_of(call);
  auto passed = pass_gates(call);
  if (passed.has_error()) {
    co_await put_on_record(passed.error(), call);
    co_return std::move(passed.error());
  }
  co_return co_await call.route->handler(services, std::move(call));
}

Task<void> Api::State::put_on_record(const Error& error, const Call& call) {
  if (!belongs_on_record(error, call)) co_return;
  const auto entry = refusal_entry(error, call, services.parts.clock.now());
  if (!refusals.is_news(entry, services.parts.clock.steady_now())) co_return;
  const auto noted = co_await services.run([&] { return services.registry().note(entry); });
  if (noted.has_error() && services.parts.log_failure)
    services.parts.log_failure(call.request.request_id, noted.error());
}

http::Response Api::State::refuse(const Error& error, const Match& match, const Asked& asked) const {
  http::Response response = asked.by_sdk ? container_problem_response(error, asked.request_id)
                                         : problem_response(error, asked.request_id);
  if (error.kind == ErrorKind::method_not_allowed) response.headers.add("Allow", match.allow);
  if (response.status >= 500 && services.parts.log_failure)
    services.parts.log_failure(asked.request_id, error);
  return response;
}

Api::Api(Parts parts, Settings settings)
    : state_(std::make_unique<State>(std::move(parts), std::move(settings), unready_)) {}
Api::~Api() = default;

void Api::count_request(std::string_view method, std::string_view route, int status,
                        std::chrono::steady_clock::duration took) {
  state_->metrics.count_request(method, route, status, took);
}

Task<http::Response> Api::handle(http::Request request) {
  const auto began = state_->services.parts.clock.steady_now();
  const Asked asked = asked_by(request);
  Match match = find_route(routes(), request.method, request.path);
  Result<Reply> reply = no_such_route(match);
  if (match.route == nullptr) {
    auto refused = refuse_external_id(request, {});
    if (refused.has_error()) reply = std::move(refused.error());
  } else {
    Call call{.request = std::move(request), .route = match.route, .parameters = match.parameters};
    reply = co_await state_->answer(call);
  }
  http::Response response = reply ? to_response(std::move(reply).value(), asked.request_id)
                                  : state_->refuse(reply.error(), match, asked);
  const bool known = match.route != nullptr;
  state_->metrics.count_request(known ? match.route->method : "other",
                                known ? match.route->pattern : "unknown", response.status,
                                state_->services.parts.clock.steady_now() - began);
  co_return response;
}

}  // namespace deputy::api
