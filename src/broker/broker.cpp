#include "broker/broker.hpp"

#include <algorithm>
#include <spdlog/spdlog.h>
#include <unordered_set>

#include "broker/entitlement.hpp"
#include "broker/log_policy.hpp"
#include "broker/recorder.hpp"
#include "broker/sessions.hpp"
#include "broker/verification_sts.hpp"
#include "core/task_group.hpp"
#include "registry/session_name.hpp"

namespace deputy::broker {
namespace {

constexpr int attempts_max = 3;                         // when the connection changes under a request
constexpr std::size_t refusals_on_record_max = 10'000;  // that are remembered
constexpr std::chrono::milliseconds refusal_on_record_every = std::chrono::minutes{1};  // the same one again

// A request that is under way, from before it reads the connection until the credentials leave.
struct Pending {
  const CredentialRequest& request;
  bool revoked = false;

  bool has(const KeyId& key) const { return request.key->id == key || request.key->made_with == key; }
};

// The request begins anew; the caller never sees this.
Error connection_changed() {
  return Error{ErrorKind::conflict, "the connection changed meanwhile"};
}

// As the session name and the record say it.
std::string caller_name(const CredentialRequest& request) {
  if (request.key->workload) return request.key->workload->text();
  return std::string{request.for_logs ? registry::logs_caller : registry::admin_caller};
}

Error is_halted() {
  return Error{ErrorKind::internal, "Deputy issues no credentials at the moment; its operator has to look",
               "the database failed its integrity check"};
}

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
        quota({.rate = settings.sts_rate, .verification_share = settings.verification_share}, tally),
        sessions({loop, clock, random, sts, base, quota, tally}, settings),
        recorder(loop, clock, pool, registry, tally),
        for_verification(loop, clock, sts, quota) {}

  EventLoop& loop;
  const Clock& clock;
  Random& random;
  WorkPool& pool;
  registry::Registry& registry;
  BrokerSettings settings;
  Tally tally;
  StsQuota quota;
  Sessions sessions;
  Recorder recorder;
  VerificationSts for_verification;
  std::unordered_set<Pending*> pending;
  Remembered<bool> on_record{refusals_on_record_max, refusal_on_record_every};
  bool halted = false;
  std::function<void(const std::optional<ConnectionId>&)> on_revoked;
  // Stands for none: the log collector's requests have no key.
  const std::shared_ptr<const registry::Key> logs_key = std::make_shared<const registry::Key>(
      registry::Key{.id = KeyId::draw(random), .role = registry::KeyRole::admin, .created_at = clock.now()});
  TaskGroup group;

  Task<Result<IssuedCredentials>> issue(CredentialRequest request);
  Task<Result<IssuedCredentials>> issue_unchanged(const CredentialRequest& request);
  Task<Result<IssuedCredentials>> attempt(const CredentialRequest& request, const Pending& self);
  Task<Result<registry::IssuingView>> view_of(const CredentialRequest& request);
  Task<Result<IssuedCredentials>> hand_out(const CredentialRequest& request,
                                           const registry::IssuingView& view, const Order& order,
                                           Obtained obtained);
  Result<Order> order_for(const CredentialRequest& request, const registry::IssuingView& view,
                          Entitlement entitlement);

  template <class Matches>
  void mark_revoked(Matches matches);
  void put_on_record(const CredentialRequest& request, const std::optional<TenantId>& tenant,
                     const Error& error);
  Task<void> write_record(journal::Entry entry);
};

Task<Result<IssuedCredentials>> Broker::State::issue(CredentialRequest request) {
  auto issued = co_await issue_unchanged(request);
  if (!issued) {
    ++tally.refused[issued.error().kind];
  } else {
    const bool cached = issued.value().issuance.source == registry::IssuanceSource::cache;
    ++(cached ? tally.issued_from_cache : tally.issued_from_sts);
    tally.life_left.observe(issued.value().issuance.expires_at - clock.now());
  }
  co_return issued;
}

// Again from the start when the connection changed meanwhile: what was read then says nothing any more.
Task<Result<IssuedCredentials>> Broker::State::issue_unchanged(const CredentialRequest& request) {
  DEPUTY_CO_TRY(check_options(request.options));
  for (int i = 0; i < attempts_max; ++i) {
    if (halted) co_return is_halted();
    Pending self{request};
    pending.insert(&self);
    auto issued = co_await attempt(request, self);
    pending.erase(&self);
    if (self.revoked && issued) ++tally.withheld;
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
  auto read = co_await view_of(request);
  if (!read) {
    if (read.error().kind != ErrorKind::not_found) co_return std::move(read).error();
    put_on_record(request, std::nullopt, read.error());
    co_return no_such_connection(request.connection_id);
  }
  const registry::IssuingView view = std::move(read).value();
  auto entitlement = entitle(request, view);
  auto usable = entitlement ? check_state(*view.connection, clock.now(), settings.verification_max_age)
                            : Result<void>{entitlement.error()};
  if (!usable) {
    put_on_record(request, view.connection->tenant_id, usable.error());
    co_return std::move(usable).error();
  }
  if (self.revoked) co_return connection_changed();
  DEPUTY_CO_TRY(const Order order, order_for(request, view, std::move(entitlement).value()));
  if (order.session.region.partition() != order.session.request.role_arn.partition())
    co_return Error{ErrorKind::invalid_request, "the Region " + in_backticks(order.session.region.text()) +
                                                    " is in another partition than the role"}
        .with_field("region");
  auto obtained = co_await sessions.obtain(order);
  if (!obtained) {
    put_on_record(request, view.connection->tenant_id, obtained.error());
    co_return std::move(obtained).error();
  }
  if (self.revoked) co_return connection_changed();
  co_return co_await hand_out(request, view, order, std::move(obtained).value());
}

// From memory, where what a write touched is dropped before the write's caller is told; else from the
// database.
Task<Result<registry::IssuingView>> Broker::State::view_of(const CredentialRequest& request) {
  if (auto known = registry.known_view(request.connection_id, request.key->workload))
    co_return *std::move(known);
  co_return co_await run_on(pool, loop,
                            [&book = registry, id = request.connection_id, workload = request.key->workload] {
                              return book.issuing_view(id, workload);
                            });
}

// The record is durable before the credentials leave; writing it fails when the connection is no longer what
// `view` says.
Task<Result<IssuedCredentials>> Broker::State::hand_out(const CredentialRequest& request,
                                                        const registry::IssuingView& view, const Order& order,
                                                        Obtained obtained) {
  const Session& session = *obtained.session;
  registry::IssuanceRecord record{request.actor,
                                  {.id = IssuanceId::draw(random),
                                   .connection_id = view.connection->id,
                                   .tenant_id = view.connection->tenant_id,
                                   .workload = caller_name(request),
                                   .reason = request.options.reason,
                                   .session_name = order.session.request.session_name.text(),
                                   .access_key_id = session.credentials.access_key_id,
                                   .issued_at = clock.now(),
                                   .expires_at = session.expires_at,
                                   .source = obtained.source},
                                  view};
  auto recorded = co_await recorder.record(record);
  if (!recorded) {
    if (recorded.error().kind == ErrorKind::not_found) co_return no_such_connection(view.connection->id);
    co_return std::move(recorded).error();
  }
  co_return IssuedCredentials{.credentials = {obtained.session, &session.credentials},
                              .account_id = order.session.request.role_arn.account(),
                              .region = order.session.region,
                              .issuance = std::move(record.issuance)};
}

Result<Order> Broker::State::order_for(const CredentialRequest& request, const registry::IssuingView& view,
                                       Entitlement entitlement) {
  const registry::Connection& connection = *view.connection;
  const CredentialOptions& options = request.options;
  // Opaque: nothing of a tenant's own text.
  const std::string who = caller_name(request);
  DEPUTY_TRY(auto session_name,
             registry::production_session_name(connection.id, who, options.session_name.value_or("")));
  Order order{.key = {},
              .owners = {connection.id, request.key->workload},
              .session = {.request = {.role_arn = *connection.role_arn,
                                      .session_name = std::move(session_name),
                                      .external_id = connection.external_id,
                                      .duration = options.duration.value_or(settings.default_duration),
                                      .session_policy = std::move(entitlement.session_policy),
                                      .tags = options.tags,
                                      .source_identity = options.source_identity},
                          .region = options.region.value_or(settings.region),
                          .connection = connection.id,
                          .region_by_caller = options.region && *options.region != settings.region,
                          .policy_forced_by = std::move(entitlement.forced_by)}};
  // An identifier of a key is no name that a caller may have, nor are the reserved ones.
  const bool named = request.key->workload || request.for_logs;
  order.key = session_key(connection, named ? who : request.key->id.text(), order.session);
  return order;
}

template <class Matches>
void Broker::State::mark_revoked(Matches matches) {
  ++tally.revocations;
  for (Pending* each : pending)
    if (matches(*each)) each->revoked = true;
}

// A refusal that matters, at most once a minute each: a caller in a loop must not fill the journal.
void Broker::State::put_on_record(const CredentialRequest& request, const std::optional<TenantId>& tenant,
                                  const Error& error) {
  if (error.kind == ErrorKind::upstream_throttled || error.kind == ErrorKind::overloaded ||
      error.kind == ErrorKind::invalid_request)
    return;
  if (error.kind == ErrorKind::upstream_unavailable && error.message != other_session_message) return;
  const std::string code{code_of(error.kind)};
  const bool named = request.key->workload || request.for_logs;
  const std::string caller = named ? caller_name(request) : request.key->id.text();
  // Identifiers that may be made up do not make entries of their own.
  const bool known = tenant && error.kind != ErrorKind::not_found;
  const std::string again = caller + " " + code + (known ? " " + request.connection_id.text() : "");
  if (on_record.find(again, clock.steady_now()) != nullptr) return;
  on_record.add(again, caller, true, clock.steady_now());
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

Task<Result<IssuedCredentials>> Broker::issue_for_logs(ConnectionId connection, Region region) {
  CredentialRequest request{
      .actor = {"system", std::string{registry::logs_caller}, ""},
      .key = state_->logs_key,
      .connection_id = std::move(connection),
      .options = {.session_policy = std::string{log_collecting_policy}, .region = std::move(region)},
      .for_logs = true};
  co_return co_await state_->issue(std::move(request));
}

void Broker::on_revoked(std::function<void(const std::optional<ConnectionId>&)> revoked) {
  state_->on_revoked = std::move(revoked);
}

void Broker::revoke(const ConnectionId& connection) {
  state_->sessions.forget(connection);
  if (state_->on_revoked) state_->on_revoked(connection);
  state_->mark_revoked([&](const Pending& each) { return each.request.connection_id == connection; });
}

void Broker::revoke(const WorkloadName& workload) {
  state_->sessions.forget(workload);
  state_->mark_revoked([&](const Pending& each) { return each.request.key->workload == workload; });
}

void Broker::revoke(const KeyId& key) {
  state_->mark_revoked([&](const Pending& each) { return each.has(key); });
}

void Broker::halt() {
  state_->halted = true;
  state_->sessions.forget_all();
  if (state_->on_revoked) state_->on_revoked(std::nullopt);
  state_->mark_revoked([](const Pending&) { return true; });
}

aws::Sts& Broker::sts_for_verification() {
  return state_->for_verification;
}

Broker::Counts Broker::counts() const {
  Counts counts;
  static_cast<Tally&>(counts) = state_->tally;
  counts.entries = state_->sessions.size();
  counts.entries_max = state_->settings.cache_entries_max;
  counts.under_way = state_->pending.size();
  counts.records_waiting = state_->recorder.waiting();
  counts.quota_rate = state_->quota.lowest_rate(state_->clock.steady_now());
  counts.quota_rate_max = state_->quota.full_rate();
  return counts;
}

Task<void> Broker::stop() {
  co_await state_->sessions.stop();
  co_await state_->recorder.stop();
  state_->group.request_stop();
  co_await state_->group.join();
}

}  // namespace deputy::broker
