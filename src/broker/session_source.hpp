#pragma once

#include <memory>
#include <string>

#include "aws/base_credentials.hpp"
#include "aws/sts.hpp"
#include "broker/broker.hpp"
#include "broker/call_quota.hpp"
#include "broker/credential_cache.hpp"

namespace deputy::broker {

// One AssumeRole to be made for a connection.
struct SessionOrder {
  aws::AssumeRoleRequest request;
  Region region;
  ConnectionId connection;
};

// Everything that makes one session differ from another, unambiguous: each part carries its length. `caller`
// is the workload's name, or the key's identifier for an admin.
std::string session_key(const registry::Connection& connection, const std::string& caller,
                        const SessionOrder& order);

// Gets sessions from STS: within the quota, with the partner's own credentials, and only such as are what was
// asked for. Errors: `role_denied`, `upstream_throttled`, `upstream_unavailable`, `invalid_request`; none
// carries AWS's text in its message. On one loop's thread; references outlive it.
class SessionSource {
 public:
  SessionSource(EventLoop& loop, const Clock& clock, aws::Sts& sts, aws::CredentialsProvider& base,
                const BrokerSettings& settings);

  Task<Result<std::shared_ptr<const Session>>> get(SessionOrder order, std::stop_token stop);

 private:
  std::optional<std::chrono::milliseconds> reserve(const SessionOrder& order);
  Result<std::shared_ptr<const Session>> checked(const SessionOrder& order, aws::AssumedRole answer) const;

  EventLoop& loop_;
  const Clock& clock_;
  aws::Sts& sts_;
  aws::CredentialsProvider& base_;
  const std::chrono::seconds life_min_;
  // A quota of the partner account's in each Region, and of it a part for each connection: one broken or
  // noisy customer does not starve the others.
  CallQuota region_quota_;
  CallQuota connection_quota_;
};

// The message of the error for a session that is not of the role that was asked for: that goes on record.
inline constexpr std::string_view other_session_message =
    "AWS STS answered with a session of another role; it was thrown away";

// Does this error say that STS cannot be reached at the moment, rather than that it refused?
bool is_outage(const Error& error);

}  // namespace deputy::broker
