// The engine decides as the executable specification does: on scenes that the bytes choose, and, where the
// input is a trust policy itself, on requests made of what it speaks of. A Deny more never widens, and order
// never matters.
#include "policy_spec/comparison.hpp"
#include "policy_spec/requests.hpp"
#include "trust_policies.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include "core/assert.hpp"

namespace deputy {
namespace {

using policy::Policy;
using policy::PolicyKind;
using policy_spec::Choices;

constexpr std::size_t requests_each = 8;

void hold_to_specification(const policy_spec::Scene& scene) {
  policy_spec::Tally tally;
  const auto found = policy_spec::difference(scene, tally);
  if (!found) return;
  std::fprintf(stderr, "%s\n", found->c_str());
  std::abort();
}

void judge_trust_policy(const std::string& text, Choices& choices) {
  const auto policy = Policy::read(text, PolicyKind::trust);
  if (!policy) return;
  const policy::TrustQuestion question = fuzz::question();
  const policy_spec::RequestMaker maker{policy.value(), question};
  const auto denying = Policy::read(policy_spec::random_trust_policy(choices), PolicyKind::trust);
  const auto narrowed =
      Policy::read(denying ? fuzz::with_denies(policy.value(), denying.value()) : text, PolicyKind::trust);
  const auto turned = Policy::read(fuzz::reversed(policy.value()), PolicyKind::trust);
  DEPUTY_ASSERT(turned.has_value());
  policy_spec::Scene scene{{{policy_spec::Kind::trust, text}}, "222222222222", {}};
  for (std::size_t i = 0; i < requests_each; ++i) {
    const policy::Request request = maker.any(choices);
    scene.requests.push_back(policy_spec::to_json(request));
    const policy::Decision decision = policy::evaluate(policy.value(), request);
    DEPUTY_ASSERT(policy::evaluate(turned.value(), request).verdict == decision.verdict);
    DEPUTY_ASSERT(!narrowed || decision.allowed() || !policy::evaluate(narrowed.value(), request).allowed());
    DEPUTY_ASSERT(!policy::explain(decision, request).empty());
  }
  hold_to_specification(scene);
}

}  // namespace
}  // namespace deputy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace deputy;
  if (size > 0 && data[0] == '{') {
    Choices choices{std::uint64_t{size}};
    judge_trust_policy({reinterpret_cast<const char*>(data), size}, choices);
  } else {
    Choices choices{std::span{data, size}};
    hold_to_specification(policy_spec::random_scene(choices, requests_each));
  }
  return 0;
}
