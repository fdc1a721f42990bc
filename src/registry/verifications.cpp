#include <algorithm>
#include <fmt/format.h>

#include "core/assert.hpp"
#include "registry/connection_life.hpp"
#include "registry/registry.hpp"
#include "registry/unit_of_work.hpp"

namespace deputy::registry {
namespace {

constexpr std::chrono::seconds retry_first{5};
constexpr std::chrono::seconds retry_max{60};

VerificationTask task_for(Verification verification, const Connection& connection, Integration integration,
                          bool conceal) {
  Binding binding{connection.id, verification.role_arn, connection.external_id,
                  verification.partner_principal, verification.binding_version};
  return {std::move(verification), std::move(binding),  std::move(integration),
          connection.tenant_id,    connection.rotation, conceal};
}

bool same_binding(const Connection& connection, const VerificationTask& task, const Settings& settings) {
  return connection.state != ConnectionState::disconnected &&
         connection.binding_version == task.binding.version && connection.role_arn == task.binding.role_arn &&
         connection.external_id == task.binding.external_id &&
         settings.partner_principal == task.binding.partner_principal;
}

bool is_in_use(const Connection& connection) {
  return connection.state == ConnectionState::active || connection.state == ConnectionState::suspended;
}

std::string finished_detail(const Verification& verification, ConnectionState before, ConnectionState after,
                            const std::string& concealed_failure) {
  const std::string concealed =
      concealed_failure.empty() ? "" : fmt::format(R"(,"concealed_failure":"{}")", concealed_failure);
  return fmt::format(R"({{"verification":"{}","outcome":"{}","state_before":"{}","state":"{}"{}}})",
                     verification.id.text(), to_text(*verification.outcome), to_text(before), to_text(after),
                     concealed);
}

std::optional<ExternalId> next_of(const std::optional<Rotation>& rotation) {
  return rotation ? rotation->next_external_id : std::nullopt;
}

}  // namespace

Result<void> Registry::take_request(Transaction& tx, const TenantId& tenant, std::string_view what,
                                    Timestamp now) {
  DEPUTY_TRY(const auto count, tx.count_requested(tenant, what, now - std::chrono::hours{1}));
  if (count >= settings_.verifications_per_tenant_per_hour)
    return Error{ErrorKind::rate_limited,
                 fmt::format("this tenant had its {} {}s of one hour; try again later", count, what)}
        .with_retry_after(std::chrono::minutes{10});
  return tx.note_requested(tenant, what, now);
}

// What began ahead of now began by a clock that was set back since: nobody waits until it has gone round.
Result<std::optional<Timestamp>> Registry::last_started(Transaction& tx, const Connection& connection,
                                                        Timestamp now) {
  constexpr std::size_t looked_through = 10;
  DEPUTY_TRY(const auto newest, tx.list_verifications(connection.id, {.limit = looked_through, .after = {}}));
  const auto last =
      std::ranges::find_if(newest.items, [now](const Verification& run) { return run.started_at <= now; });
  if (last == newest.items.end()) return std::optional<Timestamp>{};
  return std::optional{last->started_at};
}

Result<bool> Registry::awaits_first_verification(Transaction& tx, const Connection& connection,
                                                 Timestamp now) {
  const auto& due = connection.next_verification_at;
  if (!due || *due > now + settings_.verification_min_interval) return false;
  DEPUTY_TRY(const auto newest, tx.list_verifications(connection.id, {.limit = 1, .after = {}}));
  return newest.items.empty() || newest.items.front().binding_version != connection.binding_version ||
         newest.items.front().integration_version != connection.integration_version;
}

Result<void> Registry::close_running_verification(Transaction& tx, const Connection& connection,
                                                  Timestamp now) {
  DEPUTY_TRY(auto running, tx.running_verification(connection.id));
  if (!running) return success();
  running->done = true;
  running->finished_at = now;
  return tx.update(*running);
}

Verification Registry::new_verification(const Connection& connection, Timestamp now) {
  DEPUTY_ASSERT(connection.role_arn.has_value());
  return Verification{.id = VerificationId::draw(random_),
                      .connection_id = connection.id,
                      .role_arn = *connection.role_arn,
                      .partner_principal = settings_.partner_principal,
                      .binding_version = connection.binding_version,
                      .integration_version = connection.integration_version,
                      .outcome = std::nullopt,
                      .started_at = now,
                      .finished_at = std::nullopt,
                      .checks = {}};
}

Result<Verification> Registry::request_verification(const Mandate& by) {
  const Timestamp now = clock_.now();
  return in_write(store_, [&](Transaction& tx) { return request_in(tx, by, now); });
}

Result<Created<Verification>> Registry::request_verification(const Actor& actor, const ConnectionId& id,
                                                             std::optional<Idempotency> once) {
  const Timestamp now = clock_.now();
  return in_write(store_, [&](Transaction& tx) -> Result<Created<Verification>> {
    const auto find = [&](const std::string& text) -> Result<Verification> {
      DEPUTY_TRY(const auto verification_id, VerificationId::parse(text));
      return required(tx.find_verification(id, verification_id), "verification");
    };
    const auto make = [&]() -> Result<std::pair<Verification, std::string>> {
      DEPUTY_TRY(auto requested, request_in(tx, {actor, id}, now));
      std::string text = requested.id.text();
      return std::pair{std::move(requested), std::move(text)};
    };
    return created_once<Verification>(tx, once, now, find, make);
  });
}

Result<Verification> Registry::request_in(Transaction& tx, const Mandate& by, Timestamp now) {
  DEPUTY_TRY(auto connection, find_for(tx, by, now));
  DEPUTY_TRY(require_connected(connection));
  if (!connection.role_arn)
    return Error{ErrorKind::conflict, "the connection has no role yet; give its ARN first"};
  DEPUTY_TRY(auto running, tx.running_verification(connection.id));
  if (running) return *std::move(running);
  DEPUTY_TRY(const auto last, last_started(tx, connection, now));
  if (last && now - *last < settings_.verification_min_interval) {
    const auto wait =
        std::chrono::ceil<std::chrono::seconds>(*last + settings_.verification_min_interval - now);
    return Error{ErrorKind::rate_limited,
                 fmt::format("this connection was verified just now; wait {} s", wait.count())}
        .with_retry_after(wait);
  }
  DEPUTY_TRY(take_request(tx, connection.tenant_id, requested_verification, now));
  Verification verification = new_verification(connection, now);
  DEPUTY_TRY(tx.insert(verification));
  const Connection before = connection;
  connection = with_verification_requested(std::move(connection), now);
  connection.updated_at = now;
  DEPUTY_TRY(write_connection(tx, before, connection, now));
  DEPUTY_TRY(tx.append(entry_of(by.actor(), now, "verification.requested", connection.id.text(),
                                connection.tenant_id.text(),
                                fmt::format(R"({{"verification":"{}"}})", verification.id.text()))));
  return verification;
}

Result<Verification> Registry::verification(const ConnectionId& connection, const VerificationId& id) {
  return in_read(store_, [&](Transaction& tx) -> Result<Verification> {
    DEPUTY_TRY(required(tx.find_connection(connection), "connection"));
    return required(tx.find_verification(connection, id), "verification");
  });
}

Result<Page<Verification>> Registry::verifications(const ConnectionId& connection, const PageRequest& page) {
  return in_read(store_, [&](Transaction& tx) -> Result<Page<Verification>> {
    DEPUTY_TRY(required(tx.find_connection(connection), "connection"));
    return tx.list_verifications(connection, page);
  });
}

Result<bool> Registry::claimed_by_another_tenant(Transaction& tx, const Connection& connection) {
  if (settings_.account_policy == AccountPolicy::shared || !connection.role_arn) return false;
  DEPUTY_TRY(const auto first, tx.first_to_claim(connection.role_arn->account()));
  return first && first->tenant_id != connection.tenant_id;
}

Result<bool> Registry::held_by_another_tenant(Transaction& tx, const Connection& connection) {
  if (settings_.account_policy == AccountPolicy::shared || !connection.role_arn) return false;
  constexpr std::size_t looked_at_max = 1'000;
  DEPUTY_TRY(const auto others, tx.connections_holding(connection.role_arn->account(), looked_at_max));
  return others.size() >= looked_at_max || std::ranges::any_of(others, [&](const Connection& other) {
           return other.tenant_id != connection.tenant_id;
         });
}

Result<std::optional<VerificationTask>> Registry::claim(Transaction& tx, Connection connection, Timestamp now,
                                                        std::chrono::milliseconds lease) {
  const RoleArn& principal = settings_.partner_principal;
  const Connection before = connection;
  DEPUTY_TRY(const bool for_us, is_last_verified_for(tx, connection, principal));
  if (!for_us) connection = without_verification(std::move(connection));
  const bool to_verify = connection.role_arn && connection.state != ConnectionState::disconnected;
  connection.next_verification_at = to_verify ? std::optional{now + lease} : std::nullopt;
  connection.updated_at = now;
  DEPUTY_TRY(write_connection(tx, before, connection, now));
  if (!to_verify) return std::optional<VerificationTask>{};
  DEPUTY_TRY(auto running, tx.running_verification(connection.id));
  if (running &&
      (running->binding_version != connection.binding_version || running->partner_principal != principal)) {
    DEPUTY_TRY(close_running_verification(tx, connection, now));
    running.reset();
  }
  if (!running) {
    running = new_verification(connection, now);
    DEPUTY_TRY(tx.insert(*running));
  }
  DEPUTY_TRY(
      auto integration,
      required(tx.find_integration(connection.integration, connection.integration_version), "integration"));
  DEPUTY_TRY(const bool held, held_by_another_tenant(tx, connection));
  DEPUTY_TRY(const bool claimed, claimed_by_another_tenant(tx, connection));
  const bool conceal = (held || claimed) && !is_in_use(connection);
  return std::optional{task_for(*std::move(running), connection, std::move(integration), conceal)};
}

Result<std::vector<VerificationTask>> Registry::claim_due(std::size_t limit,
                                                          std::chrono::milliseconds lease) {
  const Timestamp now = clock_.now();
  return in_write(store_, [&](Transaction& tx) -> Result<std::vector<VerificationTask>> {
    DEPUTY_TRY(auto due, tx.due_connections(now, limit));
    std::vector<VerificationTask> tasks;
    for (Connection& connection : due) {
      DEPUTY_TRY(auto task, claim(tx, std::move(connection), now, lease));
      if (task) tasks.push_back(*std::move(task));
    }
    return tasks;
  });
}

Result<std::optional<Timestamp>> Registry::earliest_due() {
  return in_read(store_, [](Transaction& tx) { return tx.earliest_due(); });
}

// Who waits for a first verification is tried again soon, and the longer AWS has no answer, the later.
Result<Timestamp> Registry::due_after_unclear(Transaction& tx, const Connection& connection, Timestamp now) {
  std::chrono::seconds wait = retry_max;
  if (connection.state == ConnectionState::verifying) {
    wait = retry_first;
    DEPUTY_TRY(const auto runs, tx.list_verifications(connection.id, {.limit = 6, .after = {}}));
    for (const Verification& run : runs.items) {
      const bool of_this = run.binding_version == connection.binding_version;
      if (of_this && run.outcome == VerificationOutcome::inconclusive) wait = std::min(2 * wait, retry_max);
    }
  }
  return now + wait + full_jitter(random_, wait);
}

Result<VerificationFacts> Registry::facts_of(Transaction& tx, const Connection& connection,
                                             const VerificationTask& task, VerificationReport report,
                                             Timestamp now) {
  DEPUTY_TRY(const bool held, held_by_another_tenant(tx, connection));
  DEPUTY_TRY(const bool claimed, claimed_by_another_tenant(tx, connection));
  // The account became another tenant's while the run went on: what it found was not concealed, so nobody
  // hears it, whatever it was: also a pass tells what the role's policies name. The next run conceals.
  if ((held || claimed) && !is_in_use(connection) && !task.conceal) {
    report = VerificationReport{.role_answered = report.role_answered, .retry_at = now};
  }
  Timestamp retry_due = report.retry_at.value_or(now);
  if (report.outcome == VerificationOutcome::inconclusive && !report.retry_at) {
    DEPUTY_TRY(retry_due, due_after_unclear(tx, connection, now));
  }
  const auto interval = settings_.verification_interval;
  return VerificationFacts{.id = task.verification.id,
                           .report = std::move(report),
                           .next_external_id_tried = next_of(task.rotation),
                           .held_by_another_tenant = held,
                           .require_proof = task.integration.require_proof,
                           .now = now,
                           .next_due = now + interval - full_jitter(random_, interval / 4),
                           .retry_due = retry_due};
}

Result<Connection> Registry::finish_verification(const VerificationTask& task, VerificationReport report) {
  const Timestamp now = clock_.now();
  std::optional<VerificationOutcome> outcome;
  bool dropped = false;
  auto finished = in_write(store_, [&](Transaction& tx) -> Result<Connection> {
    DEPUTY_TRY(auto before, required(tx.find_connection(task.binding.connection_id), "connection"));
    DEPUTY_TRY(auto verification,
               required(tx.find_verification(before.id, task.verification.id), "verification"));
    outcome.reset();
    dropped = false;
    if (verification.done) return before;
    verification.done = true;
    verification.finished_at = now;
    if (!same_binding(before, task, settings_)) {
      dropped = true;
      DEPUTY_TRY(tx.update(verification));
      DEPUTY_TRY(tx.append(entry_of(Actor::scheduler(), now, "verification.dropped", before.id.text(),
                                    before.tenant_id.text(),
                                    fmt::format(R"({{"verification":"{}"}})", verification.id.text()))));
      return before;
    }
    DEPUTY_TRY(const auto facts, facts_of(tx, before, task, report, now));
    Connection after = with_verification_finished(before, facts);
    after.updated_at = now;
    verification.outcome = outcome = after.last_verification->outcome;
    verification.proof = *outcome == VerificationOutcome::passed ? after.proof : Proof::none;
    verification.checks = facts.report.checks;
    DEPUTY_TRY(tx.update(verification));
    DEPUTY_TRY(write_connection(tx, before, after, now));
    ++after.revision;
    auto entry =
        entry_of(Actor::scheduler(), now, "verification.finished", after.id.text(), after.tenant_id.text(),
                 finished_detail(verification, before.state, after.state, facts.report.concealed_failure));
    if (*verification.outcome != VerificationOutcome::passed) entry.outcome = journal::Outcome::failed;
    DEPUTY_TRY(tx.append(entry));
    return after;
  });
  announce_events();
  if (finished && outcome) verification_counts_.count(*outcome);
  if (finished && dropped) ++verification_counts_.dropped;
  return finished;
}

Result<Survey> Registry::survey() {
  return in_read(store_, [](Transaction& tx) -> Result<Survey> {
    Survey survey;
    DEPUTY_TRY(survey.connections, tx.count_connections());
    DEPUTY_TRY(const auto head, tx.journal_head());
    survey.journal_entries = head ? head->sequence : 0;
    DEPUTY_TRY(survey.webhook_events, tx.count_webhook_events());
    DEPUTY_TRY(const auto oldest, tx.oldest_webhook_event());
    if (oldest) survey.oldest_webhook_event = oldest->created_at;
    return survey;
  });
}

Result<void> Registry::recover_verifications() {
  const Timestamp now = clock_.now();
  constexpr std::size_t interrupted_max = 10'000;
  return in_write(store_, [&](Transaction& tx) -> Result<void> {
    DEPUTY_TRY(const auto running, tx.running_verifications(interrupted_max));
    for (const Verification& verification : running) {
      DEPUTY_TRY(auto connection, required(tx.find_connection(verification.connection_id), "connection"));
      if (connection.state == ConnectionState::disconnected) continue;
      const Connection before = connection;
      connection.next_verification_at = now;
      connection.updated_at = now;
      DEPUTY_TRY(write_connection(tx, before, connection, now));
    }
    return success();
  });
}

}  // namespace deputy::registry
