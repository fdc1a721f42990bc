#pragma once

#include "policy_spec/choices.hpp"
#include "policy_spec/spec.hpp"

#include <string>
#include <vector>

namespace deputy::policy_spec {

struct Document {
  Kind kind = Kind::identity;
  std::string text;
};

// Some policies that bear on some requests, all as JSON. Small worlds, so that things meet often, and biased
// to where others get IAM wrong: odd spellings, absent and empty values, other types, variables, old
// versions. Now and then a document is one that IAM does not take.
struct Scene {
  std::vector<Document> documents;  // at most one boundary, and one of a trust or a resource policy
  std::string resource_owner;       // may be empty
  std::vector<std::string> requests;
};
Scene random_scene(Choices& choices, std::size_t requests);

// One trust policy that is likely, but not sure, to be about external IDs.
std::string random_trust_policy(Choices& choices);

}  // namespace deputy::policy_spec
