#include "registry/grant_rules.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>

#include "policy/policy.hpp"
#include "registry/text_rules.hpp"

namespace deputy::registry {
namespace {

constexpr std::size_t grants_max = 100;
constexpr std::size_t tenants_of_grant_max = 1'000;
constexpr std::size_t session_policy_characters_max = 2'048;

Error wrong(std::string field, std::string what) {
  return Error{ErrorKind::invalid_request, std::move(what)}.with_field(std::move(field));
}

bool is_taken_in_a_policy(std::uint32_t c) {
  return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0xff);
}

std::string field_of(std::size_t grant, std::string_view member) {
  return fmt::format("grants[{}].{}", grant, member);
}

Error force_different_policies(std::size_t one, std::size_t other) {
  return wrong(field_of(other, "session_policy"),
               fmt::format("grants[{}] and grants[{}] force different session policies where both cover a "
                           "connection; give them one policy, or integrations or tenants that do not overlap",
                           one, other));
}

// Two of the grants that force different policies on what both may cover; grants of one tenant are found by
// that tenant, so that long lists of tenants are gone through once.
Result<void> check_forced_policies(const std::vector<Grant>& grants) {
  std::unordered_map<std::string, std::vector<std::size_t>> by_tenant;
  std::vector<std::size_t> of_all, forcing;
  const auto check = [&](const std::vector<std::size_t>& earlier, std::size_t i) -> Result<void> {
    for (const std::size_t each : earlier) {
      const auto &one = grants[each].integration, &other = grants[i].integration;
      if (grants[each].session_policy != grants[i].session_policy && (!one || !other || *one == *other))
        return force_different_policies(each, i);
    }
    return success();
  };
  for (std::size_t i = 0; i < grants.size(); ++i) {
    const Grant& grant = grants[i];
    if (!grant.session_policy || (grant.tenants && grant.tenants->empty())) continue;
    DEPUTY_TRY(check(grant.tenants ? of_all : forcing, i));
    if (grant.tenants) {
      for (const TenantId& tenant : *grant.tenants) {
        auto& known = by_tenant[tenant.text()];
        DEPUTY_TRY(check(known, i));
        known.push_back(i);
      }
    } else {
      of_all.push_back(i);
    }
    forcing.push_back(i);
  }
  return success();
}

Result<void> check_grant(const Grant& grant, std::size_t index) {
  if (grant.tenants && grant.tenants->size() > tenants_of_grant_max)
    return wrong(field_of(index, "tenants"), "a grant names 1,000 tenants at most");
  if (!grant.session_policy) return success();
  return check_session_policy(*grant.session_policy, field_of(index, "session_policy"));
}

}  // namespace

Result<void> check_session_policy(std::string_view text, std::string field) {
  std::size_t characters = 0;
  for (std::string_view rest = text; !rest.empty(); ++characters) {
    const auto next = first_code_point(rest);
    if (!next || !is_taken_in_a_policy(next->value))
      return wrong(std::move(field), "a session policy has a character that AWS does not take");
    rest.remove_prefix(next->bytes);
  }
  if (characters > session_policy_characters_max)
    return wrong(std::move(field), "a session policy has at most 2048 characters");
  const auto policy = policy::Policy::read(text, policy::PolicyKind::session);
  if (!policy) return Error{policy.error()}.with_field(std::move(field));
  return success();
}

Result<void> check_grants(const std::vector<Grant>& grants) {
  if (grants.size() > grants_max) return wrong("grants", "a workload has 100 grants at most");
  for (std::size_t i = 0; i < grants.size(); ++i) {
    DEPUTY_TRY(check_grant(grants[i], i));
  }
  return check_forced_policies(grants);
}

}  // namespace deputy::registry
