#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "registry/connection_life.hpp"
#include "registry/registry.hpp"
#include "registry/unit_of_work.hpp"

namespace deputy::registry {
namespace {

constexpr std::string_view noun = "connect session";
constexpr std::chrono::seconds life_default = std::chrono::minutes{30};
constexpr std::chrono::seconds life_min{1};
constexpr std::chrono::seconds life_max = std::chrono::days{7};
constexpr std::size_t secret_length = 52;  // base32: 260 random bits

constexpr std::array connected_states{ConnectionState::awaiting_role, ConnectionState::verifying,
                                      ConnectionState::active,        ConnectionState::rejected,
                                      ConnectionState::suspended,     ConnectionState::in_review};
constexpr std::array ended_states{ConnectionState::disconnected};
// What is not active yet; the last of it waits for the partner alone.
constexpr std::array pending_states{ConnectionState::awaiting_role, ConnectionState::verifying,
                                    ConnectionState::rejected, ConnectionState::in_review};

Result<void> check_life(const NewConnectSession& wanted) {
  if (wanted.expires_in && (*wanted.expires_in < life_min || *wanted.expires_in > life_max))
    return Error{ErrorKind::invalid_request,
                 fmt::format("`expires_in` is 1 to {} seconds (7 days)", life_max.count())}
        .with_field("expires_in");
  return success();
}

// Found only when it is the session's tenant's and integration's: all others do not exist for it.
Result<Connection> connection_within(Transaction& tx, const ConnectionId& id, const TenantId& tenant,
                                     const IntegrationName& integration) {
  DEPUTY_TRY(auto connection, required(tx.find_connection(id), "connection"));
  if (connection.tenant_id != tenant || connection.integration != integration)
    return Error{ErrorKind::not_found, "no such connection"};
  return connection;
}

std::string detail_of(const ConnectSession& session) {
  const std::string connection =
      session.connection_id ? '"' + session.connection_id->text() + '"' : std::string{"null"};
  return fmt::format(R"({{"integration":"{}","connection":{},"expires_at":"{}"}})",
                     session.integration.text(), connection, to_rfc3339(session.expires_at));
}

journal::Entry integration_updated(const Actor& actor, Timestamp now, const Connection& after) {
  return entry_of(actor, now, "connection.integration_updated", after.id.text(), after.tenant_id.text(),
                  fmt::format(R"({{"integration_version":{}}})", after.integration_version));
}

}  // namespace

Result<Connection> Registry::with_newest_permissions(Transaction& tx, const Actor& actor,
                                                     Connection connection, Timestamp now) {
  if (connection.state != ConnectionState::awaiting_role || connection.role_arn) return connection;
  DEPUTY_TRY(const auto newest,
             required(tx.find_integration(connection.integration, std::nullopt), "integration"));
  if (newest.version == connection.integration_version) return connection;
  return change_in(tx, {actor, connection.id}, now,
                   [&](Transaction&, const Connection& before, Timestamp) -> Result<Changed> {
                     Connection after = before;
                     after.integration_version = newest.version;
                     auto entry = integration_updated(actor, now, after);
                     return Changed{std::move(after), std::move(entry)};
                   });
}

Result<std::optional<Connection>> Registry::pending_connection(Transaction& tx, const TenantId& tenant,
                                                               const IntegrationName& integration,
                                                               std::span<const ConnectionState> states) {
  for (const ConnectionState state : states) {
    DEPUTY_TRY(auto found, tx.connections_of(tenant, integration, std::array{state}, 1));
    if (!found.empty()) return std::optional{std::move(found.front())};
  }
  return std::optional<Connection>{};
}

Result<Created<CreatedConnectSession>> Registry::create_connect_session(const Actor& actor,
                                                                        NewConnectSession wanted,
                                                                        std::optional<Idempotency> once) {
  DEPUTY_TRY(check_life(wanted));
  if (wanted.return_url) {
    DEPUTY_TRY(wanted.return_url, allowed_return_url(*wanted.return_url, settings_.return_urls));
  }
  const Timestamp now = clock_.now();
  const auto connection_for = [&](Transaction& tx) -> Result<std::optional<ConnectionId>> {
    if (wanted.connection_id) {
      DEPUTY_TRY(const auto connection,
                 connection_within(tx, *wanted.connection_id, wanted.tenant_id, wanted.integration));
      DEPUTY_TRY(require_connected(connection));
      DEPUTY_TRY(with_newest_permissions(tx, actor, connection, now));
      return std::optional{connection.id};
    }
    DEPUTY_TRY(const auto pending,
               pending_connection(tx, wanted.tenant_id, wanted.integration, pending_states));
    if (pending) {
      DEPUTY_TRY(with_newest_permissions(tx, actor, *pending, now));
      return std::optional{pending->id};
    }
    DEPUTY_TRY(const auto any, tx.connections_of(wanted.tenant_id, wanted.integration, connected_states, 1));
    if (!any.empty()) return std::optional<ConnectionId>{};
    DEPUTY_TRY(const auto made,
               new_connection(tx, actor, {wanted.tenant_id, wanted.integration, std::nullopt}, now));
    return std::optional{made.id};
  };
  return in_write(store_, [&](Transaction& tx) -> Result<Created<CreatedConnectSession>> {
    const auto find = [&](const std::string& text) -> Result<CreatedConnectSession> {
      DEPUTY_TRY(const auto id, ConnectSessionId::parse(text));
      DEPUTY_TRY(auto session, required(tx.find_connect_session(id), noun));
      return CreatedConnectSession{std::move(session), std::nullopt};
    };
    const auto make = [&]() -> Result<std::pair<CreatedConnectSession, std::string>> {
      DEPUTY_TRY(required(tx.find_tenant(wanted.tenant_id), "tenant"));
      DEPUTY_TRY(required(tx.find_integration(wanted.integration, std::nullopt), "integration"));
      DEPUTY_TRY(auto connection, connection_for(tx));
      ConnectSession session{.id = ConnectSessionId::draw(random_),
                             .tenant_id = wanted.tenant_id,
                             .integration = wanted.integration,
                             .connection_id = std::move(connection),
                             .return_url = wanted.return_url,
                             .created_at = now,
                             .expires_at = now + wanted.expires_in.value_or(life_default),
                             .ended_at = std::nullopt};
      std::string text = random_base32(random_, secret_length);
      SecretString secret = SecretString::take(text);
      DEPUTY_TRY(tx.insert(session, secret));
      DEPUTY_TRY(tx.append(entry_of(actor, now, "connect_session.created", session.id.text(),
                                    session.tenant_id.text(), detail_of(session))));
      std::string id = session.id.text();
      return std::pair{CreatedConnectSession{std::move(session), std::move(secret)}, std::move(id)};
    };
    return created_once<CreatedConnectSession>(tx, once, now, find, make);
  });
}

Result<ConnectSession> Registry::connect_session(const ConnectSessionId& id) {
  return in_read(store_, [&](Transaction& tx) { return required(tx.find_connect_session(id), noun); });
}

Result<Page<ConnectSession>> Registry::connect_sessions(const std::optional<TenantId>& tenant,
                                                        const PageRequest& page) {
  return in_read(store_, [&](Transaction& tx) { return tx.list_connect_sessions(tenant, page); });
}

Result<void> Registry::end_connect_session(const Actor& actor, const ConnectSessionId& id) {
  const Timestamp now = clock_.now();
  return in_write(store_, [&](Transaction& tx) -> Result<void> {
    DEPUTY_TRY(auto session, required(tx.find_connect_session(id), noun));
    if (session.ended_at) return success();
    session.ended_at = now;
    DEPUTY_TRY(tx.update(session));
    return tx.append(
        entry_of(actor, now, "connect_session.ended", id.text(), session.tenant_id.text(), "{}"));
  });
}

Result<void> Registry::note_opening(const Actor& actor, const ConnectSessionId& id) {
  const Timestamp now = clock_.now();
  return in_write(store_, [&](Transaction& tx) -> Result<void> {
    DEPUTY_TRY(auto session, required(tx.find_connect_session(id), noun));
    const bool first = !session.opened_at, open_ended = !session.connection_id;
    if (!first && !open_ended) return success();
    DEPUTY_TRY(auto shown, shown_connection(tx, session));
    session.connection_id = shown.id;
    if (first) {
      session.opened_at = now;
      DEPUTY_TRY(with_newest_permissions(tx, actor, std::move(shown), now));
    }
    DEPUTY_TRY(tx.update(session));
    return tx.append(entry_of(actor, now, first ? "connect_session.opened" : "connect_session.turned",
                              id.text(), session.tenant_id.text(), open_ended ? detail_of(session) : "{}"));
  });
}

Result<std::size_t> Registry::forget_old_connect_sessions(std::size_t limit) {
  static_assert(connect_sessions_kept > life_max);
  const Timestamp made_before = clock_.now() - connect_sessions_kept;
  return in_write(store_,
                  [&](Transaction& tx) { return tx.forget_connect_sessions_before(made_before, limit); });
}

Result<ConnectView> Registry::connect_view(const ConnectSessionId& id, const SecretString& secret) {
  return in_read(store_, [&](Transaction& tx) -> Result<ConnectView> {
    DEPUTY_TRY(auto session, required(tx.find_connect_session(id, secret), noun));
    DEPUTY_TRY(auto tenant, required(tx.find_tenant(session.tenant_id), "tenant"));
    DEPUTY_TRY(auto newest, required(tx.find_integration(session.integration, std::nullopt), "integration"));
    ConnectView view{.session = std::move(session),
                     .tenant = std::move(tenant),
                     .integration = newest,
                     .newest = newest,
                     .connection = std::nullopt,
                     .verification = std::nullopt};
    DEPUTY_TRY(view.connection, shown_connection(tx, view.session));
    const Connection& connection = *view.connection;
    DEPUTY_TRY(
        view.integration,
        required(tx.find_integration(connection.integration, connection.integration_version), "integration"));
    DEPUTY_TRY(auto runs, tx.list_verifications(connection.id, {.limit = 1, .after = {}}));
    if (!runs.items.empty()) view.verification = std::move(runs.items.front());
    return view;
  });
}

Result<std::vector<Connection>> Registry::connections_beside(const Connection& shown, std::size_t limit) {
  return in_read(store_, [&](Transaction& tx) -> Result<std::vector<Connection>> {
    DEPUTY_TRY(auto found,
               tx.connections_of(shown.tenant_id, shown.integration, connected_states, limit + 1));
    std::erase_if(found, [&](const Connection& each) { return each.id == shown.id; });
    if (found.size() > limit) found.pop_back();
    return found;
  });
}

Result<Connection> Registry::shown_connection(Transaction& tx, const ConnectSession& session) {
  if (session.connection_id)
    return connection_within(tx, *session.connection_id, session.tenant_id, session.integration);
  for (const std::span<const ConnectionState> states :
       {std::span<const ConnectionState>{connected_states}, std::span<const ConnectionState>{ended_states}}) {
    DEPUTY_TRY(auto newest, tx.connections_of(session.tenant_id, session.integration, states, 1));
    if (!newest.empty()) return std::move(newest.front());
  }
  return Error{ErrorKind::not_found, "no such connection"};
}

Result<ConnectSession> Registry::open_session(Transaction& tx, const ConnectSessionId& id, Timestamp now) {
  DEPUTY_TRY(auto session, required(tx.find_connect_session(id), noun));
  if (!session.is_open(now)) return Error{ErrorKind::forbidden, "the connect session is over"};
  return session;
}

Result<Connection> Registry::choose_connection(const Actor& actor, const ConnectSessionId& id,
                                               const ConnectionId& connection_id) {
  const Timestamp now = clock_.now();
  return in_write(store_, [&](Transaction& tx) -> Result<Connection> {
    DEPUTY_TRY(auto session, open_session(tx, id, now));
    DEPUTY_TRY(auto connection, connection_within(tx, connection_id, session.tenant_id, session.integration));
    DEPUTY_TRY(connection, with_newest_permissions(tx, actor, std::move(connection), now));
    session.connection_id = connection.id;
    DEPUTY_TRY(tx.update(session));
    DEPUTY_TRY(tx.append(entry_of(actor, now, "connect_session.turned", id.text(), session.tenant_id.text(),
                                  detail_of(session))));
    return connection;
  });
}

Result<Connection> Registry::connect_another(const Actor& actor, const ConnectSessionId& id) {
  const Timestamp now = clock_.now();
  return in_write(store_, [&](Transaction& tx) -> Result<Connection> {
    DEPUTY_TRY(auto session, open_session(tx, id, now));
    DEPUTY_TRY(auto connection,
               pending_connection(tx, session.tenant_id, session.integration, unfinished_states));
    if (connection) {
      DEPUTY_TRY(connection, with_newest_permissions(tx, actor, *std::move(connection), now));
    } else {
      DEPUTY_TRY(take_request(tx, session.tenant_id, requested_connection, now));
      DEPUTY_TRY(connection,
                 new_connection(tx, actor, {session.tenant_id, session.integration, std::nullopt}, now));
    }
    session.connection_id = connection->id;
    DEPUTY_TRY(tx.update(session));
    DEPUTY_TRY(tx.append(entry_of(actor, now, "connect_session.turned", id.text(), session.tenant_id.text(),
                                  detail_of(session))));
    return *std::move(connection);
  });
}

Result<Connection> Registry::adopt_integration(const Mandate& by, int version) {
  return change_connection(
      by, [&](Transaction& tx, const Connection& before, Timestamp now) -> Result<Changed> {
        DEPUTY_TRY(require_connected(before));
        DEPUTY_TRY(const auto newest,
                   required(tx.find_integration(before.integration, std::nullopt), "integration"));
        if (newest.version != version || version == before.integration_version)
          return Error{ErrorKind::conflict, "that is not a newer version of the integration's permissions"};
        DEPUTY_TRY(take_request(tx, before.tenant_id, requested_verification, now));
        // What runs compares with the permissions of before.
        DEPUTY_TRY(const auto last, last_started(tx, before, now));
        DEPUTY_TRY(close_running_verification(tx, before, now));
        Connection after = before;
        after.integration_version = newest.version;
        if (after.role_arn) {
          const Timestamp due = last ? std::max(now, *last + settings_.verification_min_interval) : now;
          after = with_verification_requested(std::move(after), due);
        }
        auto entry = integration_updated(by.actor(), now, after);
        return Changed{std::move(after), std::move(entry)};
      });
}

}  // namespace deputy::registry
