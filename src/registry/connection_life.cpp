#include "registry/connection_life.hpp"

#include "core/assert.hpp"

namespace deputy::registry {
namespace {

void void_verification(Connection& connection) {
  connection.verified_at.reset();
  connection.proof = Proof::none;
}

// The next ID counts only while every check passes with it; a rotation that retires is over once the old ID
// is seen denied.
void advance_rotation(Connection& connection, const VerificationFacts& facts, bool passed) {
  if (!connection.rotation) return;
  Rotation& rotation = *connection.rotation;
  if (rotation.state == RotationState::retiring) {
    if (passed && facts.report.previous_external_id_denied) connection.rotation.reset();
    return;
  }
  const bool works = passed && facts.report.next_external_id_works && rotation.next_external_id &&
                     facts.next_external_id_tried == rotation.next_external_id;
  rotation.state = works ? RotationState::verified : RotationState::awaiting_customer;
  rotation.verified_at = works ? std::optional{facts.now} : std::nullopt;
}

ConnectionState state_after_pass(ConnectionState state, bool held_by_another_tenant) {
  switch (state) {
    case ConnectionState::active:
    case ConnectionState::suspended:
      return ConnectionState::active;
    case ConnectionState::in_review:
      return ConnectionState::in_review;  // only the partner releases it
    default:
      return held_by_another_tenant ? ConnectionState::in_review : ConnectionState::active;
  }
}

ConnectionState state_after_failure(ConnectionState state) {
  const bool was_in_use = state == ConnectionState::active || state == ConnectionState::suspended;
  return was_in_use ? ConnectionState::suspended : ConnectionState::rejected;
}

// Who comes later with the account is told no more than a denial.
void claim_account(Connection& connection, Timestamp now) {
  if (!connection.account_claimed_at) connection.account_claimed_at = now;
}

void pass(Connection& connection, const VerificationFacts& facts) {
  DEPUTY_ASSERT(connection.role_arn.has_value());
  connection.state = state_after_pass(connection.state, facts.held_by_another_tenant);
  connection.proof = facts.report.proof;
  connection.verified_at = facts.now;
  if (!connection.account_id) connection.account_id = connection.role_arn->account();
  claim_account(connection, facts.now);
  if (connection.state == ConnectionState::active) connection.holds_account = true;
  connection.next_verification_at = facts.next_due;
}

void fail(Connection& connection, const VerificationFacts& facts) {
  connection.state = state_after_failure(connection.state);
  void_verification(connection);
  // A suspended connection is looked at again by itself; a rejected one waits for its customer.
  connection.next_verification_at =
      connection.state == ConnectionState::suspended ? std::optional{facts.next_due} : std::nullopt;
}

}  // namespace

Result<void> require_connected(const Connection& connection) {
  if (connection.state == ConnectionState::disconnected)
    return Error{ErrorKind::connection_disconnected,
                 "the connection was disconnected, which is final; create a new one"};
  return success();
}

Connection with_role(Connection connection, const RoleArn& role_arn, Timestamp due) {
  const bool same_account =
      connection.account_id || !connection.role_arn || connection.role_arn->account() == role_arn.account();
  if (!same_account) connection.account_claimed_at.reset();
  connection.role_arn = role_arn;
  connection.state = ConnectionState::verifying;
  ++connection.binding_version;
  connection.last_verification.reset();  // of another binding
  connection = without_verification(std::move(connection));
  connection.next_verification_at = due;
  return connection;
}

Connection without_verification(Connection connection) {
  void_verification(connection);
  if (connection.rotation && connection.rotation->state == RotationState::verified) {
    connection.rotation->state = RotationState::awaiting_customer;
    connection.rotation->verified_at.reset();
  }
  return connection;
}

Connection with_verification_requested(Connection connection, Timestamp due) {
  if (connection.state == ConnectionState::rejected) connection.state = ConnectionState::verifying;
  connection.next_verification_at = due;
  return connection;
}

Connection disconnected(Connection connection) {
  connection.state = ConnectionState::disconnected;
  connection.rotation.reset();
  connection.holds_account = false;
  connection.account_claimed_at.reset();
  ++connection.binding_version;
  void_verification(connection);
  connection.next_verification_at.reset();
  return connection;
}

Result<Connection> with_rotation(Connection connection, ExternalId next) {
  DEPUTY_TRY(require_connected(connection));
  if (connection.rotation)
    return Error{ErrorKind::conflict,
                 connection.rotation->state == RotationState::retiring
                     ? "the previous external ID is still retiring; rotate again when it is denied"
                     : "a rotation is under way; promote or cancel it first"};
  connection.rotation = Rotation{};
  connection.rotation->next_external_id = std::move(next);
  return connection;
}

Result<Connection> with_rotation_promoted(Connection connection, Timestamp now, Timestamp retire_by) {
  DEPUTY_TRY(require_connected(connection));
  if (!connection.rotation) return Error{ErrorKind::conflict, "no rotation is under way"};
  Rotation& rotation = *connection.rotation;
  if (rotation.state == RotationState::retiring)
    return Error{ErrorKind::conflict, "the rotation was promoted already"};
  if (rotation.state != RotationState::verified || !rotation.next_external_id || !rotation.verified_at)
    return Error{
        ErrorKind::conflict,
        "the next external ID has not been verified; add it to the role's trust policy beside the old one, "
        "then verify"};
  rotation.previous_external_id = std::move(connection.external_id);
  connection.external_id = *std::move(rotation.next_external_id);
  rotation.next_external_id.reset();
  rotation.state = RotationState::retiring;
  rotation.retire_by = retire_by;
  connection.verified_at = rotation.verified_at;  // what was verified is the binding that begins now
  rotation.verified_at.reset();
  ++connection.binding_version;
  connection.next_verification_at = now;
  return connection;
}

Result<Connection> with_rotation_cancelled(Connection connection) {
  DEPUTY_TRY(require_connected(connection));
  if (!connection.rotation) return Error{ErrorKind::conflict, "no rotation is under way"};
  if (connection.rotation->state == RotationState::retiring)
    return Error{ErrorKind::conflict, "the rotation was promoted; it cannot be cancelled any more"};
  connection.rotation.reset();
  return connection;
}

Result<Connection> released(Connection connection) {
  DEPUTY_TRY(require_connected(connection));
  if (connection.state != ConnectionState::in_review)
    return Error{ErrorKind::conflict, "only a connection that is in review can be released"};
  connection.state = ConnectionState::active;
  connection.holds_account = true;
  return connection;
}

Connection with_verification_finished(Connection connection, const VerificationFacts& facts) {
  DEPUTY_ASSERT(connection.state != ConnectionState::disconnected);
  auto outcome = facts.report.outcome;
  if (outcome == VerificationOutcome::passed && facts.require_proof && facts.report.proof != Proof::proved)
    outcome = VerificationOutcome::failed;
  connection.last_verification = LastVerification{facts.id, outcome, facts.now};
  if (facts.report.role_answered) claim_account(connection, facts.now);
  switch (outcome) {
    case VerificationOutcome::passed:
      pass(connection, facts);
      break;
    case VerificationOutcome::failed:
      fail(connection, facts);
      break;
    case VerificationOutcome::inconclusive:
      connection.next_verification_at = facts.retry_due;
      return connection;
  }
  advance_rotation(connection, facts, outcome == VerificationOutcome::passed);
  return connection;
}

}  // namespace deputy::registry
