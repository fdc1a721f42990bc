#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "aws/caller.hpp"

namespace deputy::aws {

// Calls that try whether an action is allowed and do nothing else: they read a list of names at most, one
// item where the service takes a limit, and what they read is dropped unseen. Only actions without a resource
// of their own, in a small table (harmless_calls.cpp); whatever is not in it is not tried.
class HarmlessCalls {
 public:
  struct Answered {
    std::string request_id;
  };

  virtual ~HarmlessCalls() = default;
  // Exact, without regard to case: `logs:DescribeLogGroups`.
  virtual bool knows(std::string_view action) const = 0;
  // REQUIRES: knows(action). A denial is `access_denied`.
  virtual Task<AwsResult<Answered>> call(std::string action, Region region, Credentials credentials) = 0;
};

// Over the wire.
std::unique_ptr<HarmlessCalls> make_harmless_calls(const Caller& caller);

}  // namespace deputy::aws
