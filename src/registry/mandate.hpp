#pragma once

#include <optional>
#include <string>
#include <utility>

#include "core/identifiers.hpp"
#include "journal/journal.hpp"

namespace deputy::registry {

using journal::Actor;

// Which connection is to be changed, and in whose name. What a customer changes on the page is changed only
// while the session is open and still about that very connection, which the registry looks at in the
// transaction of the change: another tab may have turned the session to another connection since the page was
// shown, and the partner may have ended it.
class Mandate {
 public:
  // In the actor's own name: the partner, or Deputy itself.
  Mandate(Actor actor, ConnectionId connection)
      : actor_(std::move(actor)), connection_(std::move(connection)) {}
  // In that of whoever holds the session, for the connection that the page showed.
  static Mandate of_customer(const ConnectSessionId& session, ConnectionId shown, std::string address) {
    Mandate mandate{Actor{"connect_session", session.text(), std::move(address)}, std::move(shown)};
    mandate.session_ = session;
    return mandate;
  }

  const Actor& actor() const { return actor_; }
  const ConnectionId& connection() const { return connection_; }
  const std::optional<ConnectSessionId>& session() const { return session_; }

 private:
  Actor actor_;
  ConnectionId connection_;
  std::optional<ConnectSessionId> session_;
};

}  // namespace deputy::registry
