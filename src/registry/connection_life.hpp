#pragma once

#include <array>
#include <chrono>

#include "registry/registry.hpp"

// The life of a connection as pure functions: each takes it as it was and returns it as it is after one
// event. The rules are in README.md; the registry finds the facts, these decide, the store keeps.
namespace deputy::registry {

// `connection_disconnected` for one that has ended: the only thing left is to read it.
Result<void> require_connected(const Connection& connection);

// A role ARN was given: back to `verifying`, under a new binding, unverified. `due` is when its verification
// may begin.
Connection with_role(Connection connection, const RoleArn& role_arn, Timestamp due);

// What was verified says nothing any more: nothing is issued until a verification has passed. The state
// stays.
Connection without_verification(Connection connection);

// A verification was asked for: a rejected connection is tried again, every other keeps its state.
Connection with_verification_requested(Connection connection, Timestamp due);

Connection disconnected(Connection connection);

Result<Connection> with_rotation(Connection connection, ExternalId next);
// `conflict` unless the next ID was seen to pass. The old one goes on as `previous` until `retire_by`.
Result<Connection> with_rotation_promoted(Connection connection, Timestamp now, Timestamp retire_by);
Result<Connection> with_rotation_cancelled(Connection connection);
Result<Connection> released(Connection connection);

// What a customer has yet to finish, in the order in which a page would rather go on with one.
inline constexpr std::array unfinished_states{ConnectionState::awaiting_role, ConnectionState::verifying,
                                              ConnectionState::rejected};

// What a finished verification means, with the facts that only the registry knows.
struct VerificationFacts {
  VerificationId id;
  VerificationReport report;
  std::optional<ExternalId> next_external_id_tried;  // the one that the run tried, in a rotation
  bool held_by_another_tenant = false;               // the account is, and accounts are exclusive
  bool require_proof = false;
  Timestamp now;
  Timestamp next_due;   // by the schedule
  Timestamp retry_due;  // after an inconclusive one
};
Connection with_verification_finished(Connection connection, const VerificationFacts& facts);

}  // namespace deputy::registry
