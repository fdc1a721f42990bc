#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "registry/model.hpp"

namespace deputy::verify {

// How far a run is, for people who watch it. Of a run that conceals it tells only that it waits for AWS, as
// it would of a role that does not exist. What the role's own policies say is told by the finished
// verification alone.
struct Progress {
  std::vector<registry::Check> settled;  // those found out so far, in their order
  bool waiting_for_aws = false;          // denied so far: IAM may not have the role everywhere yet
  std::optional<Timestamp> waiting_until;
};
using Watch = std::function<void(const Progress&)>;

}  // namespace deputy::verify
