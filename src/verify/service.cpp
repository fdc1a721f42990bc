#include "verify/service.hpp"

#include <algorithm>
#include <spdlog/spdlog.h>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/task_group.hpp"
#include "registry/session_name.hpp"

namespace deputy::verify {
namespace {

using registry::RotationState;
using registry::VerificationTask;
using std::chrono::milliseconds;

constexpr milliseconds store_retry{500};  // after a failed look into the store; doubles
constexpr milliseconds store_retry_max = std::chrono::seconds{30};
constexpr milliseconds pause_min{50};  // between looks, however much is said to be due

void log_store_error(std::string_view doing, const Error& error) {
  spdlog::error("verification: {} failed: {} {}", doing, error.message, error.detail);
}

}  // namespace

struct Service::State {
  State(EventLoop& loop_, const Clock& clock_, WorkPool& pool_, registry::Registry& registry_,
        Verifier& verifier_, ServiceSettings settings_, Changed changed_)
      : loop(loop_),
        clock(clock_),
        pool(pool_),
        registry(registry_),
        verifier(verifier_),
        settings(std::move(settings_)),
        changed(std::move(changed_)) {}

  EventLoop& loop;
  const Clock& clock;
  WorkPool& pool;
  registry::Registry& registry;
  Verifier& verifier;
  ServiceSettings settings;
  Changed changed;

  TaskGroup group;
  std::size_t in_flight = 0;
  bool woken = false;
  std::stop_source nap;  // ends the sleep between two looks
  std::unordered_map<VerificationId, Progress> running;

  bool stopping() const { return group.stop_token().stop_requested(); }
  void wake() {
    woken = true;
    nap.request_stop();
  }

  Task<void> serve();
  Task<bool> recover();
  Task<void> look();
  Task<milliseconds> until_next_look();
  Task<void> rest(milliseconds delay);
  Task<void> verify(VerificationTask task);
  Task<void> finish(VerificationTask task, registry::VerificationReport report);
  Target target_of(const VerificationTask& task) const;
};

Task<void> Service::State::serve() {
  if (!co_await recover()) co_return;
  while (!stopping()) {
    woken = false;
    co_await look();
    if (stopping()) break;
    co_await rest(co_await until_next_look());
  }
}

Task<bool> Service::State::recover() {
  for (milliseconds wait = store_retry; !stopping(); wait = std::min(wait * 2, store_retry_max)) {
    auto done = co_await run_on(pool, loop, [&book = registry] { return book.recover_verifications(); });
    if (done) co_return true;
    log_store_error("taking up what a restart interrupted", done.error());
    co_await sleep_for(loop, wait, group.stop_token());
  }
  co_return false;
}

// Starts what is due, as far as there is room.
Task<void> Service::State::look() {
  while (in_flight < settings.in_flight_max && !stopping()) {
    const std::size_t room = settings.in_flight_max - in_flight;
    auto due = co_await run_on(
        pool, loop, [&book = registry, room, lease = settings.lease] { return book.claim_due(room, lease); });
    if (!due) {
      log_store_error("claiming what is due", due.error());
      co_await sleep_for(loop, store_retry, group.stop_token());
      co_return;
    }
    if (due.value().empty()) co_return;
    for (VerificationTask& task : due.value()) {
      ++in_flight;
      group.spawn(verify(std::move(task)));
    }
  }
}

Task<milliseconds> Service::State::until_next_look() {
  // With no room left, the end of a run wakes us.
  if (in_flight >= settings.in_flight_max) co_return settings.poll;
  auto earliest = co_await run_on(pool, loop, [&book = registry] { return book.earliest_due(); });
  if (!earliest) {
    log_store_error("asking when the next is due", earliest.error());
    co_return std::min(store_retry_max, settings.poll);
  }
  if (!earliest.value()) co_return settings.poll;
  const auto left = std::chrono::ceil<milliseconds>(*earliest.value() - clock.now());
  co_return std::clamp(left, std::min(pause_min, settings.poll), settings.poll);
}

// Until then, or until somebody wakes us: also somebody who did so since the last look began.
Task<void> Service::State::rest(milliseconds delay) {
  if (woken || stopping()) co_return;
  nap = std::stop_source{};
  co_await sleep_for(loop, delay, nap.get_token());
}

Target Service::State::target_of(const VerificationTask& task) const {
  const auto& accounts = registry.settings().partner_accounts;
  Target target{.role_arn = task.binding.role_arn,
                .external_id = task.binding.external_id,
                .region = settings.region,
                .session_name = registry::production_session_name(task.binding.connection_id, "verify"),
                .require_proof = task.integration.require_proof,
                .conceal = task.conceal,
                .partner = Partner{task.binding.partner_principal, {accounts.begin(), accounts.end()}},
                .needs = task.integration.policy};
  if (task.integration.trust_form == registry::TrustForm::account_with_principal_arn)
    target.only_principal = task.binding.partner_principal;
  if (task.rotation) {
    target.next_external_id = task.rotation->next_external_id;
    if (task.rotation->state == RotationState::retiring) {
      target.previous_external_id = task.rotation->previous_external_id;
      target.previous_must_be_denied = task.rotation->retire_by && clock.now() >= *task.rotation->retire_by;
    }
  }
  return target;
}

Task<void> Service::State::verify(VerificationTask task) {
  const VerificationId id = task.verification.id;
  running.insert_or_assign(id, Progress{});
  auto report =
      co_await verifier.run(target_of(task), group.stop_token(),
                            [this, id](const Progress& so_far) { running.insert_or_assign(id, so_far); });
  co_await finish(std::move(task), std::move(report));
  running.erase(id);
  --in_flight;
  wake();
}

// The outcome must not get lost to a database that is busy for a moment. When it stays so, the lease runs out
// and the verification is done again.
Task<void> Service::State::finish(VerificationTask task, registry::VerificationReport report) {
  const auto give_up = clock.steady_now() + settings.lease / 2;
  for (milliseconds wait = store_retry;; wait = std::min(wait * 2, store_retry_max)) {
    auto connection = co_await run_on(
        pool, loop, [&book = registry, &task, &report] { return book.finish_verification(task, report); });
    if (connection) {
      changed(connection.value());
      co_return;
    }
    log_store_error("writing an outcome", connection.error());
    const bool passing =
        connection.error().kind == ErrorKind::overloaded || connection.error().kind == ErrorKind::internal;
    if (!passing || clock.steady_now() >= give_up) co_return;
    if (!co_await sleep_for(loop, wait, group.stop_token())) co_return;
  }
}

Service::Service(EventLoop& loop, const Clock& clock, WorkPool& pool, registry::Registry& registry,
                 Verifier& verifier, ServiceSettings settings, Changed changed)
    : state_(std::make_unique<State>(loop, clock, pool, registry, verifier, std::move(settings),
                                     std::move(changed))) {}

Service::~Service() = default;

void Service::start() {
  state_->group.spawn(state_->serve());
}
void Service::wake() {
  state_->wake();
}

std::optional<Progress> Service::progress(const VerificationId& id) const {
  const auto found = state_->running.find(id);
  return found == state_->running.end() ? std::nullopt : std::optional{found->second};
}

Task<void> Service::stop() {
  state_->group.request_stop();
  state_->nap.request_stop();
  co_await state_->group.join();
}

}  // namespace deputy::verify
