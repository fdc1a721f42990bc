#pragma once

#include "aws/sts.hpp"
#include "broker/sts_quota.hpp"
#include "core/clock.hpp"
#include "core/event_loop.hpp"

namespace deputy::broker {

// STS within verification's share of the quota (Broker::sts_for_verification). On one loop's thread;
// references outlive it.
class VerificationSts final : public aws::Sts {
 public:
  VerificationSts(EventLoop& loop, const Clock& clock, aws::Sts& sts, StsQuota& quota)
      : loop_(loop), clock_(clock), sts_(sts), quota_(quota) {}

  Task<aws::AwsResult<aws::AssumedRole>> assume_role(aws::AssumeRoleRequest request, Region region,
                                                     aws::Credentials credentials) override;
  // Not among the calls that AWS counts together with AssumeRole: it needs no turn.
  Task<aws::AwsResult<aws::CallerIdentity>> get_caller_identity(Region region,
                                                                aws::Credentials credentials) override;

 private:
  EventLoop& loop_;
  const Clock& clock_;
  aws::Sts& sts_;
  StsQuota& quota_;
};

}  // namespace deputy::broker
