#include <fmt/format.h>

#include "registry/connection_life.hpp"
#include "registry/external_id.hpp"
#include "registry/registry.hpp"
#include "registry/unit_of_work.hpp"

namespace deputy::registry {
namespace {

constexpr std::string_view noun = "connection";

// Draws external IDs until one was never issued. With 122 random bits a second draw means a broken generator,
// a third is refused.
Result<ExternalId> claim_new_external_id(Transaction& tx, Random& random, const ConnectionId& owner) {
  for (int draws = 0; draws < 3; ++draws) {
    ExternalId id = issue_external_id(random);
    const auto claimed = tx.claim_external_id(id, owner);
    if (claimed) return id;
    if (claimed.error().kind != ErrorKind::conflict) return claimed.error();
  }
  return Error{ErrorKind::internal, "no external ID could be issued", "the random generator repeats itself"};
}

// What no role of a customer's may be.
Result<void> check_role_is_a_customers(const RoleArn& role_arn, const Settings& settings) {
  if (settings.partner_accounts.contains(role_arn.account()))
    return Error{ErrorKind::role_arn_forbidden,
                 "the role is in an AWS account of our own; give the role in the customer's account"}
        .with_field("role_arn");
  if (role_arn.partition() != settings.partner_principal.partition())
    return Error{
        ErrorKind::role_arn_invalid,
        fmt::format("the role is in the partition `{}`, we are in `{}`; partitions do not trust each other",
                    to_text(role_arn.partition()), to_text(settings.partner_principal.partition()))}
        .with_field("role_arn");
  return success();
}

Result<void> check_account(const Connection& connection, const RoleArn& role_arn) {
  if (connection.account_id && *connection.account_id != role_arn.account())
    return Error{ErrorKind::account_mismatch,
                 fmt::format("this connection is for the AWS account {}; the role is in {}",
                             connection.account_id->text(), role_arn.account().text())}
        .with_field("role_arn");
  return success();
}

// The role's ARN is sealed, and the account is nobody's to read in a journal: an auditor compares the marks.
std::string role_in_journal(Transaction& tx, const RoleArn& role_arn) {
  return fmt::format(R"("role_arn_hash":"{}","account_hash":"{}")",
                     tx.journal_mark("role_arn", role_arn.text()),
                     tx.journal_mark("account", role_arn.account().text()));
}

journal::Entry done(const Mandate& by, Timestamp now, std::string act, const Connection& connection,
                    std::string detail = "{}") {
  return entry_of(by.actor(), now, std::move(act), connection.id.text(), connection.tenant_id.text(),
                  std::move(detail));
}

}  // namespace

Result<Created<Connection>> Registry::create_connection(const Actor& actor, NewConnection wanted,
                                                        std::optional<Idempotency> once) {
  if (wanted.account_id && settings_.partner_accounts.contains(*wanted.account_id))
    return Error{ErrorKind::role_arn_forbidden, "the AWS account is our own; give the customer's"}.with_field(
        "account_id");
  const Timestamp now = clock_.now();
  return in_write(store_, [&](Transaction& tx) -> Result<Created<Connection>> {
    const auto find = [&](const std::string& text) -> Result<Connection> {
      DEPUTY_TRY(const auto id, ConnectionId::parse(text));
      return required(tx.find_connection(id), noun);
    };
    const auto make = [&]() -> Result<std::pair<Connection, std::string>> {
      DEPUTY_TRY(required(tx.find_tenant(wanted.tenant_id), "tenant"));
      DEPUTY_TRY(auto made, new_connection(tx, actor, wanted, now));
      std::string id = made.id.text();
      return std::pair{std::move(made), std::move(id)};
    };
    return created_once<Connection>(tx, once, now, find, make);
  });
}

Result<Connection> Registry::new_connection(Transaction& tx, const Actor& actor, const NewConnection& wanted,
                                            Timestamp now) {
  DEPUTY_TRY(const auto integration,
             required(tx.find_integration(wanted.integration, std::nullopt), "integration"));
  const auto id = ConnectionId::draw(random_);
  DEPUTY_TRY(auto external_id, claim_new_external_id(tx, random_, id));
  Connection made{.id = id,
                  .tenant_id = wanted.tenant_id,
                  .integration = wanted.integration,
                  .integration_version = integration.version,
                  .account_id = wanted.account_id,
                  .external_id = std::move(external_id),
                  .rotation = std::nullopt,
                  .role_arn = std::nullopt,
                  .account_claimed_at = wanted.account_id ? std::optional{now} : std::nullopt,
                  .verified_at = std::nullopt,
                  .last_verification = std::nullopt,
                  .next_verification_at = std::nullopt,
                  .created_at = now,
                  .updated_at = now};
  DEPUTY_TRY(tx.insert(made));
  DEPUTY_TRY(tx.append(entry_of(actor, now, "connection.created", id.text(), made.tenant_id.text(),
                                fmt::format(R"({{"integration":"{}","integration_version":{}}})",
                                            made.integration.text(), made.integration_version))));
  return made;
}

Result<Connection> Registry::connection(const ConnectionId& id) {
  return in_read(store_, [&](Transaction& tx) { return required(tx.find_connection(id), noun); });
}

Result<Page<Connection>> Registry::connections(const ConnectionFilter& filter, const PageRequest& page) {
  return in_read(store_, [&](Transaction& tx) { return tx.list_connections(filter, page); });
}

Result<Connection> Registry::find_for(Transaction& tx, const Mandate& by, Timestamp now) {
  if (by.session()) {
    DEPUTY_TRY(const auto session, open_session(tx, *by.session(), now));
    if (session.connection_id != by.connection())
      return Error{ErrorKind::forbidden, "the connect session is about another connection"};
  }
  return required(tx.find_connection(by.connection()), noun);
}

Result<Connection> Registry::change_in(Transaction& tx, const Mandate& by, Timestamp now,
                                       const ConnectionChange& change) {
  DEPUTY_TRY(auto before, find_for(tx, by, now));
  DEPUTY_TRY(auto changed, change(tx, before, now));
  changed.connection.updated_at = now;
  DEPUTY_TRY(write_connection(tx, before, changed.connection, now));
  ++changed.connection.revision;
  DEPUTY_TRY(tx.append(changed.entry));
  return std::move(changed.connection);
}

Result<Connection> Registry::change_connection(const Mandate& by, const ConnectionChange& change) {
  const Timestamp now = clock_.now();
  auto changed = in_write(store_, [&](Transaction& tx) { return change_in(tx, by, now, change); });
  announce_events();
  return changed;
}

Result<void> Registry::disconnect(const Mandate& by) {
  const auto already = connection(by.connection());
  if (!already) return already.error();
  if (already.value().state == ConnectionState::disconnected) return success();
  DEPUTY_TRY(
      change_connection(by, [&](Transaction& tx, const Connection& before, Timestamp now) -> Result<Changed> {
        DEPUTY_TRY(close_running_verification(tx, before, now));
        return Changed{disconnected(before), done(by, now, "connection.disconnected", before)};
      }));
  return success();
}

Result<void> Registry::may_have_role(const ConnectionId& id, const RoleArn& role_arn) {
  DEPUTY_TRY(const auto before, connection(id));
  DEPUTY_TRY(require_connected(before));
  DEPUTY_TRY(check_role_is_a_customers(role_arn, settings_));
  return check_account(before, role_arn);
}

Result<Registry::Changed> Registry::role_given(Transaction& tx, const Mandate& by, const Connection& before,
                                               const RoleArn& role_arn, Timestamp now) {
  DEPUTY_TRY(require_connected(before));
  DEPUTY_TRY(check_role_is_a_customers(role_arn, settings_));
  DEPUTY_TRY(check_account(before, role_arn));
  DEPUTY_TRY(take_request(tx, before.tenant_id, requested_verification, now));
  DEPUTY_TRY(const auto last, last_started(tx, before, now));
  DEPUTY_TRY(close_running_verification(tx, before, now));
  const Timestamp due = last ? std::max(now, *last + settings_.verification_min_interval) : now;
  return Changed{
      with_role(before, role_arn, due),
      done(by, now, "connection.role_given", before, fmt::format("{{{}}}", role_in_journal(tx, role_arn)))};
}

// What was refused left nothing behind; that it was tried is a record of its own.
Result<Connection> Registry::with_refusal_on_record(const Mandate& by, const RoleArn& role_arn,
                                                    Result<Connection> result) {
  if (result || (result.error().kind != ErrorKind::role_arn_forbidden &&
                 result.error().kind != ErrorKind::account_mismatch))
    return result;
  DEPUTY_TRY(store_.write([&](Transaction& tx) {
    auto refusal = entry_of(
        by.actor(), clock_.now(), "connection.role_given", by.connection().text(), "",
        fmt::format(R"({{"code":"{}",{}}})", code_of(result.error().kind), role_in_journal(tx, role_arn)));
    refusal.outcome = journal::Outcome::refused;
    return tx.append(refusal);
  }));
  return result;
}

Result<Connection> Registry::set_role(const Mandate& by, const RoleArn& role_arn) {
  auto result = change_connection(by, [&](Transaction& tx, const Connection& before, Timestamp now) {
    return role_given(tx, by, before, role_arn, now);
  });
  return with_refusal_on_record(by, role_arn, std::move(result));
}

// Decided in the transaction of the change: of two clicks, both may have seen the connection without a role.
Result<Connection> Registry::submit_role(const Mandate& by, const RoleArn& role_arn) {
  const Timestamp now = clock_.now();
  auto result = in_write(store_, [&](Transaction& tx) -> Result<Connection> {
    DEPUTY_TRY(auto before, find_for(tx, by, now));
    if (before.role_arn != role_arn)
      return change_in(tx, by, now, [&](Transaction& in, const Connection& found, Timestamp at) {
        return role_given(in, by, found, role_arn, at);
      });
    DEPUTY_TRY(const bool queued, awaits_first_verification(tx, before, now));
    if (queued) return before;
    DEPUTY_TRY(request_in(tx, by, now));
    return required(tx.find_connection(by.connection()), noun);
  });
  announce_events();
  return with_refusal_on_record(by, role_arn, std::move(result));
}

Result<Connection> Registry::release(const Actor& actor, const ConnectionId& id) {
  const Mandate by{actor, id};
  return change_connection(by, [&](Transaction&, const Connection& before, Timestamp now) -> Result<Changed> {
    DEPUTY_TRY(auto after, released(before));
    return Changed{std::move(after), done(by, now, "connection.released", before)};
  });
}

Result<Registry::Changed> Registry::rotation_begun(Transaction& tx, const Mandate& by,
                                                   const Connection& before, Timestamp now) {
  DEPUTY_TRY(require_connected(before));
  DEPUTY_TRY(take_request(tx, before.tenant_id, requested_rotation, now));
  DEPUTY_TRY(auto next, claim_new_external_id(tx, random_, before.id));
  DEPUTY_TRY(auto after, with_rotation(before, std::move(next)));
  return Changed{std::move(after), done(by, now, "rotation.begun", before)};
}

Result<Connection> Registry::begin_rotation(const Mandate& by) {
  return change_connection(by, [&](Transaction& tx, const Connection& before, Timestamp now) {
    return rotation_begun(tx, by, before, now);
  });
}

Result<Created<Connection>> Registry::begin_rotation(const Actor& actor, const ConnectionId& id,
                                                     std::optional<Idempotency> once) {
  const Timestamp now = clock_.now();
  const Mandate by{actor, id};
  const auto begin = [&](Transaction& tx, const Connection& before, Timestamp) {
    return rotation_begun(tx, by, before, now);
  };
  return in_write(store_, [&](Transaction& tx) -> Result<Created<Connection>> {
    const auto find = [&](const std::string&) { return required(tx.find_connection(id), noun); };
    const auto make = [&]() -> Result<std::pair<Connection, std::string>> {
      DEPUTY_TRY(auto changed, change_in(tx, by, now, begin));
      return std::pair{std::move(changed), id.text()};
    };
    return created_once<Connection>(tx, once, now, find, make);
  });
}

Result<Connection> Registry::promote_rotation(const Mandate& by) {
  return change_connection(
      by, [&](Transaction& tx, const Connection& before, Timestamp now) -> Result<Changed> {
        DEPUTY_TRY(auto after, with_rotation_promoted(before, now, now + settings_.retire_after));
        DEPUTY_TRY(close_running_verification(tx, before, now));
        return Changed{std::move(after), done(by, now, "rotation.promoted", before)};
      });
}

Result<Connection> Registry::cancel_rotation(const Mandate& by) {
  return change_connection(by, [&](Transaction&, const Connection& before, Timestamp now) -> Result<Changed> {
    DEPUTY_TRY(auto after, with_rotation_cancelled(before));
    return Changed{std::move(after), done(by, now, "rotation.cancelled", before)};
  });
}

}  // namespace deputy::registry
