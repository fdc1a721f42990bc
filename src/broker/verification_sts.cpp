#include "broker/verification_sts.hpp"

namespace deputy::broker {

Task<aws::AwsResult<aws::AssumedRole>> VerificationSts::assume_role(aws::AssumeRoleRequest request,
                                                                    Region region,
                                                                    aws::Credentials credentials) {
  const auto wait = quota_.reserve_for_verification(region, clock_.steady_now());
  if (!wait)
    co_return aws::AwsError{.error_class = aws::AwsErrorClass::throttled,
                            .code = "QuotaExhausted",
                            .message = "verification's share of the quota is used up for the next seconds"};
  if (wait->count() > 0) co_await sleep_for(loop_, *wait, {});
  auto answer = co_await sts_.assume_role(std::move(request), region, std::move(credentials));
  if (!answer && answer.error().error_class == aws::AwsErrorClass::throttled)
    quota_.throttled(region, clock_.steady_now());
  co_return answer;
}

Task<aws::AwsResult<aws::CallerIdentity>> VerificationSts::get_caller_identity(Region region,
                                                                               aws::Credentials credentials) {
  co_return co_await sts_.get_caller_identity(std::move(region), std::move(credentials));
}

}  // namespace deputy::broker
