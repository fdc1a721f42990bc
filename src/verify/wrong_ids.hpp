#pragma once

#include <string>
#include <vector>

#include "core/identifiers.hpp"
#include "core/random.hpp"

namespace deputy::verify {

// An external ID that a role must deny, and in plain words how it differs from the right one.
struct WrongId {
  ExternalId id;
  std::string difference;  // `a random one`, for a message
};

// What no role that compares exactly accepts: a random UUID; `right` in the other case; with one character
// more, after it and before it; with its last character changed; with the same first eight characters; with
// the same last eight. In this order. None is one of `accepted` (`right` and, in a rotation, the second good
// ID), and none is ever another connection's: where they are not `right` bent, they are drawn. A variation
// that would be `right` itself (no letters: the other case) or longer than STS takes is left out; there is
// always the random one.
std::vector<WrongId> wrong_ids(const ExternalId& right, const std::vector<ExternalId>& accepted,
                               Random& random);

}  // namespace deputy::verify
