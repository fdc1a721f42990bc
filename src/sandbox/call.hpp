#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/decision.hpp"
#include "sandbox/state.hpp"

namespace deputy::sandbox {

// Who signed a request: a user with a long-lived key, or a session of a role. Nobody (all empty) did when a
// web identity's token stands for a signature.
struct Caller {
  Account* account = nullptr;
  const User* user = nullptr;              // users only
  std::shared_ptr<const Session> session;  // sessions only, as is `role`
  std::shared_ptr<const Role> role;        // as it is seen at this moment
  std::string arn;
  std::string user_id;  // `AIDA…` or `AROA…:session`
};

// One request of a known caller.
struct Call {
  Caller caller;
  std::string service;
  std::string region;
  std::string operation;
  std::string remote_address;
  std::string user_agent;
  std::string request_id;
  std::chrono::milliseconds propagation{0};  // until a change of IAM made by this call is seen
  std::chrono::milliseconds visibility{0};   // until log events put by this call can be read
  bool short_page = false;  // FilterLogEvents gives a part of the page, or nothing, and a token
  bool refuse_token = false;
};

// The keys that every request carries: aws:PrincipalArn, aws:userid, aws:CurrentTime, aws:SourceIp, …
// aws:SecureTransport is `true`, since AWS's endpoints take nothing else, though the sandbox listens without
// TLS. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
std::vector<policy::ContextKey> global_context(const World& world, const Call& call);
// Of these, the ones that say nothing of the caller.
std::vector<policy::ContextKey> request_context(const World& world, const Call& call);
policy::Caller policy_caller(const Caller& caller);
// The identity policies, the permissions boundary and the session policy that bear on the caller.
policy::PolicySet policies_of(const Caller& caller);

// May the caller do this in its own account? nullopt: yes; otherwise the denial in AWS's words.
std::optional<Fault> denied(const World& world, const Call& call, std::string_view action,
                            std::string_view resource, std::vector<policy::ContextKey> context = {});

}  // namespace deputy::sandbox
