#include "broker/broker.hpp"

#include <algorithm>
#include <coroutine>
#include <spdlog/spdlog.h>
#include <unordered_map>
#include <unordered_set>

#include "broker/credential_cache.hpp"
#include "broker/entitlement.hpp"
#include "broker/session_source.hpp"
#include "core/task_group.hpp"
#include "registry/session_name.hpp"

namespace deputy::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using SessionPointer = std::shared_ptr<const Session>;

constexpr int attempts_max = 3;                             // when the connection changes under a request
constexpr std::chrono::minutes refresh_jitter_max{5};       // so that not all sessions are refreshed at once
constexpr std::chrono::seconds refresh_retry{10};           // a failed early refresh is not tried on each hit
constexpr std::size_t remembered_max = 10'000;              // denials, and refusals on record
constexpr std::chrono::minutes refusal_on_record_every{1};  // the same one again

// A fetch from STS that several requests may wait for.
struct Flight {
  Owners owners;
  bool revoked = false;
  std::optional<Result<SessionPointer>> outcome;
  std::vector<std::coroutine_handle<>> waiting;
};

// co_await: until the flight has its outcome.
struct Landing {
  Flight& flight;
  bool await_ready() const noexcept { return flight.outcome.has_value(); }
  void await_suspend(std::coroutine_handle<> waiter) { flight.waiting.push_back(waiter); }
  void await_resume() const noexcept {}
};

// A request that is under way, from before it reads the connection until the credentials leave.
struct Pending {
  Owners owners;
  bool revoked = false;
};

// What to ask of STS, and under which key to keep the answer.
struct Order {
  std::string key;
  Owners owners;
  SessionOrder session;
};

// The request begins anew; the caller never sees this.
Error connection_changed() {
  return Error{ErrorKind::conflict, "the connection changed meanwhile"};
}

Error is_halted() {
  return Error{ErrorKind::internal, "Deputy issues no credentials at the moment; its operator has to look",
               "the database failed its integrity check"};
}

struct Obtained {
  SessionPointer session;
  registry::IssuanceSource source = registry::IssuanceSource::sts;
};

// Texts that are remembered for a while, at most so many: when there are too many, all are forgotten.
class Remembered {
 public:
  bool holds(const std::string& text, steady_clock::time_point now) {
    const auto found = until_.find(text);
    if (found == until_.end()) return false;
    if (now < found->second.until) return true;
    until_.erase(found);
    return false;
  }
  void add(std::string text, steady_clock::time_point until, std::string owner) {
    if (until_.size() >= remembered_max) until_.clear();
    until_.insert_or_assign(std::move(text), Memory{until, std::move(owner)});
  }
  void forget_owner(const std::string& owner) {
    std::erase_if(until_, [&](const auto& entry) { return entry.second.owner == owner; });
  }

 private:
  struct Memory {
    steady_clock::time_point until;
    std::string owner;
  };
  std::unordered_map<std::string, Memory> until_;
};

}  // namespace

struct Broker::State {
  State(EventLoop& loop_, const Clock& clock_, Random& random_, WorkPool& pool_,
        registry::Registry& registry_, aws::Sts& sts, aws::CredentialsProvider& base,
        BrokerSettings settings_)
      : loop(loop_),
        clock(clock_),
        random(random_),
        pool(pool_),
        registry(registry_),
        settings(std::move(settings_)),
        source(loop, clock, sts, base, settings),
        cache(settings.cache_entries_max) {}

  EventLoop& loop;
  const Clock& clock;
  Random& random;
  WorkPool& pool;
  registry::Registry& registry;
  BrokerSettings settings;
  SessionSource source;
  CredentialCache cache;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights;
  std::unordered_set<Pending*> pending;
  Remembered denied;
  Remembered on_record;
  Counts counts;
  bool halted = false;
  TaskGroup group;

  Task<Result<IssuedCredentials>> issue(CredentialRequest request);
  Task<Result<IssuedCredentials>> attempt(const CredentialRequest& request, const Pending& self);
  Task<Result<IssuedCredentials>> hand_out(const CredentialRequest& request,
                                           const registry::IssuingView& view, const Order& order,
                                           Obtained obtained);
  Order order_for(const CredentialRequest& request, const registry::IssuingView& view,
                  Entitlement entitlement);

  Task<Result<Obtained>> obtain(Order order);
  std::shared_ptr<Flight> take_off(const Order& order);
  Task<void> fly(Order order, std::shared_ptr<Flight> flight);
  void refresh_ahead(CredentialCache::Entry& entry, const Order& order);
  void keep(const Order& order, SessionPointer session);

  template <class Matches>
  void revoke_where(Matches matches);
  void put_on_record(const CredentialRequest& request, const std::optional<TenantId>& tenant,
                     const Error& error);
  Task<void> write_record(journal::Entry entry);
};

// Again from the start when the connection changed meanwhile: what was read then says nothing any more.
Task<Result<IssuedCredentials>> Broker::State::issue(CredentialRequest request) {
  DEPUTY_CO_TRY(check_options(request.options));
  for (int i = 0; i < attempts_max; ++i) {
    if (halted) co_return is_halted();
    Pending self{.owners = {request.connection_id, request.key.workload}};
    pending.insert(&self);
    auto issued = co_await attempt(request, self);
    pending.erase(&self);
    if (self.revoked && (issued || is_outage(issued.error()))) continue;
    if (!issued && issued.error().kind == ErrorKind::conflict) continue;
    co_return issued;
  }
  co_return Error{ErrorKind::overloaded, "the connection keeps changing; try again shortly"}.with_retry_after(
      std::chrono::seconds{1});
}

Task<Result<IssuedCredentials>> Broker::State::attempt(const CredentialRequest& request,
                                                       const Pending& self) {
  if (auto allowed = check_key(request); !allowed) {
    put_on_record(request, std::nullopt, allowed.error());
    co_return std::move(allowed).error();
  }
  auto read = co_await run_on(
      pool, loop, [&book = registry, id = request.connection_id, workload = request.key.workload] {
        return book.issuing_view(id, workload);
      });
  if (!read) {
    if (read.error().kind != ErrorKind::not_found) co_return std::move(read).error();
    put_on_record(request, std::nullopt, read.error());
    co_return no_such_connection(request.connection_id);
  }
  const registry::IssuingView view = std::move(read).value();
  auto entitlement = entitle(request, view);
  auto usable = entitlement ? check_state(view.connection, clock.now(), settings.verification_max_age)
                            : Result<void>{entitlement.error()};
  if (!usable) {
    put_on_record(request, view.connection.tenant_id, usable.error());
    co_return std::move(usable).error();
  }
  if (self.revoked) co_return connection_changed();
  const Order order = order_for(request, view, std::move(entitlement).value());
  if (order.session.region.partition() != order.session.request.role_arn.partition())
    co_return Error{ErrorKind::invalid_request, "the Region " + in_backticks(order.session.region.text()) +
                                                    " is in another partition than the role"}
        .with_field("region");
  auto obtained = co_await obtain(order);
  if (!obtained) {
    put_on_record(request, view.connection.tenant_id, obtained.error());
    co_return std::move(obtained).error();
  }
  if (self.revoked) co_return connection_changed();
  co_return co_await hand_out(request, view, order, std::move(obtained).value());
}

// The record is durable before the credentials leave; writing it fails when the connection is no longer what
// `view` says.
Task<Result<IssuedCredentials>> Broker::State::hand_out(const CredentialRequest& request,
                                                        const registry::IssuingView& view, const Order& order,
                                                        Obtained obtained) {
  const Session& session = *obtained.session;
  const registry::Issuance issuance{.id = IssuanceId::draw(random),
                                    .connection_id = view.connection.id,
                                    .tenant_id = view.connection.tenant_id,
                                    .workload = request.key.workload
                                                    ? request.key.workload->text()
                                                    : std::string{registry::to_text(request.key.role)},
                                    .reason = request.options.reason,
                                    .session_name = order.session.request.session_name.text(),
                                    .access_key_id = session.credentials.access_key_id,
                                    .issued_at = clock.now(),
                                    .expires_at = session.expires_at,
                                    .source = obtained.source};
  auto recorded = co_await run_on(pool, loop, [&book = registry, actor = request.actor, issuance, view] {
    return book.record_issuance(actor, issuance, view);
  });
  if (!recorded) {
    if (recorded.error().kind == ErrorKind::not_found) co_return no_such_connection(view.connection.id);
    co_return std::move(recorded).error();
  }
  co_return IssuedCredentials{.credentials = session.credentials,
                              .account_id = order.session.request.role_arn.account(),
                              .region = order.session.region,
                              .session_name = issuance.session_name,
                              .issuance = issuance};
}

Order Broker::State::order_for(const CredentialRequest& request, const registry::IssuingView& view,
                               Entitlement entitlement) {
  const registry::Connection& connection = view.connection;
  const CredentialOptions& options = request.options;
  // Opaque: nothing of a tenant's own text.
  const std::string who = request.key.workload ? request.key.workload->text() : "admin";
  Order order{.owners = {connection.id, request.key.workload},
              .session = {.request = {.role_arn = *connection.role_arn,
                                      .session_name = registry::production_session_name(
                                          connection.id, who, options.session_name.value_or("")),
                                      .external_id = connection.external_id,
                                      .duration = options.duration.value_or(settings.default_duration),
                                      .session_policy = std::move(entitlement.session_policy),
                                      .tags = options.tags,
                                      .source_identity = options.source_identity},
                          .region = options.region.value_or(settings.region),
                          .connection = connection.id}};
  order.key = session_key(connection, request.key.workload ? who : request.key.id.text(), order.session);
  return order;
}

Task<Result<Obtained>> Broker::State::obtain(Order order) {
  if (auto* entry = cache.find(order.key); entry && entry->session->life_left(clock) >= settings.life_min) {
    ++counts.hits;
    Obtained hit{entry->session, registry::IssuanceSource::cache};
    refresh_ahead(*entry, order);
    co_return hit;
  }
  if (denied.holds(order.key, clock.steady_now()))
    co_return Error{ErrorKind::role_denied, "AWS denied the role a moment ago; verify the connection again"};
  const auto flying = flights.find(order.key);
  const bool joined = flying != flights.end();
  ++(joined ? counts.joins : counts.misses);
  const std::shared_ptr<Flight> flight = joined ? flying->second : take_off(order);
  co_await Landing{*flight};
  if (*flight->outcome)
    co_return Obtained{flight->outcome->value(),
                       joined ? registry::IssuanceSource::cache : registry::IssuanceSource::sts};
  const Error& error = flight->outcome->error();
  // While STS cannot be reached, what is still good serves on below the floor.
  if (is_outage(error))
    if (auto* entry = cache.find(order.key);
        entry && entry->session->life_left(clock) >= settings.outage_life_min)
      co_return Obtained{entry->session, registry::IssuanceSource::cache};
  co_return error;
}

std::shared_ptr<Flight> Broker::State::take_off(const Order& order) {
  auto flight = std::make_shared<Flight>(Flight{.owners = order.owners});
  flights.emplace(order.key, flight);
  group.spawn(fly(order, flight));
  return flight;
}

Task<void> Broker::State::fly(Order order, std::shared_ptr<Flight> flight) {
  auto outcome = co_await source.get(order.session, group.stop_token());
  if (const auto mine = flights.find(order.key); mine != flights.end() && mine->second == flight)
    flights.erase(mine);
  if (!outcome) ++counts.sts_errors;
  if (!flight->revoked) {
    if (outcome) {
      keep(order, outcome.value());
    } else if (outcome.error().kind == ErrorKind::role_denied) {
      denied.add(order.key, clock.steady_now() + settings.denied_memory, order.owners.connection.text());
    }
  }
  flight->outcome.emplace(std::move(outcome));
  for (const auto waiter : std::exchange(flight->waiting, {})) loop.post([waiter] { waiter.resume(); });
}

void Broker::State::keep(const Order& order, SessionPointer session) {
  const auto life = session->life_left(clock);
  const auto ahead =
      std::max(life / 5, milliseconds{settings.life_min}) + full_jitter(random, refresh_jitter_max);
  const Timestamp refresh_at = session->expires_at - std::min(ahead, life);
  cache.put(
      {.key = order.key, .owners = order.owners, .session = std::move(session), .refresh_at = refresh_at});
}

// Beside the hit that is served from the cache; a failure leaves what is there.
void Broker::State::refresh_ahead(CredentialCache::Entry& entry, const Order& order) {
  const auto now = clock.steady_now();
  if (clock.now() < entry.refresh_at || now < entry.next_refresh_attempt) return;
  if (flights.contains(order.key) || denied.holds(order.key, now)) return;
  entry.next_refresh_attempt = now + refresh_retry + full_jitter(random, refresh_retry);
  take_off(order);
}

template <class Matches>
void Broker::State::revoke_where(Matches matches) {
  for (Pending* each : pending)
    if (matches(each->owners)) each->revoked = true;
  std::erase_if(flights, [&](const auto& entry) {
    if (!matches(entry.second->owners)) return false;
    entry.second->revoked = true;
    return true;
  });
}

// A refusal that matters, at most once a minute each: a caller in a loop must not fill the journal.
void Broker::State::put_on_record(const CredentialRequest& request, const std::optional<TenantId>& tenant,
                                  const Error& error) {
  if (error.kind == ErrorKind::upstream_throttled || error.kind == ErrorKind::overloaded ||
      error.kind == ErrorKind::invalid_request)
    return;
  if (error.kind == ErrorKind::upstream_unavailable && error.message != other_session_message) return;
  const std::string code{code_of(error.kind)};
  const std::string caller = request.key.workload ? request.key.workload->text() : request.key.id.text();
  // Identifiers that may be made up do not make entries of their own.
  const bool known = tenant && error.kind != ErrorKind::not_found;
  const std::string again = caller + " " + code + (known ? " " + request.connection_id.text() : "");
  if (on_record.holds(again, clock.steady_now())) return;
  on_record.add(again, clock.steady_now() + refusal_on_record_every, caller);
  // Codes and names need no escaping.
  std::string detail = R"({"code":")" + code + R"(","caller":")" + caller + "\"";
  if (error.message == other_session_message) detail += R"(,"finding":"session of another role")";
  group.spawn(write_record({.at = clock.now(),
                            .actor = request.actor,
                            .act = "credentials.refused",
                            .subject = request.connection_id.text(),
                            .tenant = tenant ? tenant->text() : "",
                            .outcome = journal::Outcome::refused,
                            .detail = detail + "}"}));
}

Task<void> Broker::State::write_record(journal::Entry entry) {
  auto noted = co_await run_on(pool, loop, [&book = registry, entry] { return book.note(entry); });
  if (!noted) spdlog::warn("a refusal could not be put on record: {}", noted.error().message);
}

Broker::Broker(EventLoop& loop, const Clock& clock, Random& random, WorkPool& pool,
               registry::Registry& registry, aws::Sts& sts, aws::CredentialsProvider& base,
               BrokerSettings settings)
    : state_(std::make_unique<State>(loop, clock, random, pool, registry, sts, base, std::move(settings))) {}

Broker::~Broker() = default;

Task<Result<IssuedCredentials>> Broker::issue(CredentialRequest request) {
  return state_->issue(std::move(request));
}

void Broker::revoke(const ConnectionId& connection) {
  state_->cache.forget(connection);
  state_->denied.forget_owner(connection.text());
  state_->revoke_where([&](const Owners& owners) { return owners.connection == connection; });
}

void Broker::revoke(const WorkloadName& workload) {
  state_->cache.forget(workload);
  state_->revoke_where([&](const Owners& owners) { return owners.workload == workload; });
}

void Broker::halt() {
  state_->halted = true;
  state_->cache.forget_all();
  state_->revoke_where([](const Owners&) { return true; });
}

Broker::Counts Broker::counts() const {
  Counts counts = state_->counts;
  counts.entries = state_->cache.size();
  return counts;
}

Task<void> Broker::stop() {
  state_->group.request_stop();
  co_await state_->group.join();
}

}  // namespace deputy::broker
