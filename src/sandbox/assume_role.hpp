#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/call.hpp"

// What the ways to a role's session have in common.
namespace deputy::sandbox {

// What is asked for, read and held against STS's limits.
struct SessionWish {
  explicit SessionWish(RoleArn role_) : role(std::move(role_)) {}
  RoleArn role;
  std::string session_name, source_identity, session_policy_text;
  std::shared_ptr<const policy::Policy> session_policy;
  std::vector<Tag> tags;
  long long duration_seconds = 3600;
};

// RoleArn, RoleSessionName, DurationSeconds and Policy.
Outcome<SessionWish> read_session_wish(const Parameters& parameters);
// `AccessDenied`, by whoever is not the one.
Fault access_denied(std::string_view caller, std::string_view action, const RoleArn& role);
// What the role or STS's packing does not bear.
std::optional<Fault> too_much(const SessionWish& wish, const Role& role);

// Draws a session, which is good from now on, and writes AssumedRoleUser, Credentials and what goes with
// them.
void open_session(World& world, const SessionWish& wish, const Role& role, XmlWriter& xml);

// With a web identity's token instead of a signature.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
Outcome<Reply> assume_role_with_web_identity(World& world, const Call& call, const Parameters& parameters);

}  // namespace deputy::sandbox
