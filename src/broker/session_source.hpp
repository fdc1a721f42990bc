#pragma once

#include <memory>
#include <string>

#include "aws/base_credentials.hpp"
#include "aws/sts.hpp"
#include "broker/broker.hpp"
#include "broker/call_quota.hpp"
#include "broker/credential_cache.hpp"
#include "broker/sts_quota.hpp"

namespace deputy::broker {

// One AssumeRole to be made for a connection.
struct SessionOrder {
  aws::AssumeRoleRequest request;
  Region region;
  ConnectionId connection;
  bool region_by_caller = false;      // another than the one that is configured
  std::string policy_forced_by = {};  // for people: the grant whose session policy it is; else empty
};

// Everything that makes one session differ from another, unambiguous: each part carries its length. `caller`
// is the workload's name, or the key's identifier for an admin.
std::string session_key(const registry::Connection& connection, const std::string& caller,
                        const SessionOrder& order);

// Gets sessions from STS: within the quota, with the partner's own credentials, and only such as are what was
// asked for. What may pass by itself is tried again after a pause with full jitter, within bounds of time and
// number. Errors: `role_denied`, `upstream_throttled`, `upstream_unavailable`, `invalid_request`,
// and `forbidden` where a grant forces a policy that AWS does not take; none carries AWS's text in its
// message. On one loop's thread; references outlive it.
class SessionSource {
 public:
  struct Surroundings {
    EventLoop& loop;
    const Clock& clock;
    Random& random;
    aws::Sts& sts;
    aws::CredentialsProvider& base;
    StsQuota& quota;
    Tally& tally;
  };
  SessionSource(Surroundings around, const BrokerSettings& settings);

  Task<Result<std::shared_ptr<const Session>>> get(SessionOrder order, std::stop_token stop);

 private:
  struct Answer {
    Result<std::shared_ptr<const Session>> session;
    bool may_pass = false;  // by itself: worth another try
  };
  Result<std::chrono::milliseconds> reserve(const SessionOrder& order);
  Task<Answer> ask(SessionOrder order, std::stop_token stop);
  Answer failed(const SessionOrder& order, const aws::AwsError& error);
  Result<std::shared_ptr<const Session>> checked(const SessionOrder& order, aws::AssumedRole answer);

  Surroundings around_;
  const std::chrono::seconds life_min_;
  const int attempts_max_;
  // Of the Region's quota a part for each connection, in all Regions together: one broken or noisy customer
  // does not starve the others.
  CallQuota connection_quota_;
};

// The message of the error for a session that is not of the role that was asked for: that goes on record.
inline constexpr std::string_view other_session_message =
    "AWS STS answered with a session of another role; it was thrown away";

// The message of the error for a request that STS does not take, for no reason that the caller could mend.
inline constexpr std::string_view not_taken_message =
    "AWS STS does not take the request; Deputy's operator has to look";

// Does this error say that STS gives no session at the moment, so that one it gave before may serve on?
bool is_outage(const Error& error);

// Did STS say no to this very request? Asking the same again at once would be a call for nothing.
bool is_refusal(const Error& error);

}  // namespace deputy::broker
