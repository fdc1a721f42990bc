#include "verify/role_reader.hpp"

#include <utility>

namespace deputy::verify {
namespace {

// Notes what a call did not give: left open, or not to be read.
void note_missing(RolePolicies& policies, const aws::AwsError& error, std::string what) {
  if (may_pass_by_itself(error.error_class)) {
    if (!policies.left_open) policies.left_open = error;
  } else {
    policies.unread.push_back(std::move(what));
  }
}

std::optional<RolePolicy> read(std::string name, const std::string& encoded, policy::PolicyKind kind) {
  auto document = policy::decode_document(encoded);
  if (!document) return std::nullopt;
  auto policy = policy::Policy::read(document.value(), kind);
  if (!policy) return std::nullopt;
  return RolePolicy{std::move(name), std::move(document).value(), std::move(policy).value()};
}

void add(RolePolicies& policies, const std::string& name, const std::string& encoded) {
  if (auto policy = read(name, encoded, policy::PolicyKind::identity)) {
    policies.identity.push_back(*std::move(policy));
  } else {
    policies.unread.push_back("the policy " + in_backticks(name) + ", whose document is not understood");
  }
}

}  // namespace

Task<aws::AwsResult<aws::RoleDetails>> RoleReader::role() {
  return patience_.ask<aws::RoleDetails>(
      [this] { return iam_.get_role(std::string{role_.name()}, role_.partition(), session_); });
}

Task<RolePolicies> RoleReader::policies(std::optional<aws::RoleDetails> details) {
  RolePolicies policies;
  co_await read_inline(policies);
  if (!policies.left_open) co_await read_attached(policies);
  if (policies.left_open) co_return policies;
  if (!details) {
    policies.unread.emplace_back("whether the role has a permissions boundary");
  } else if (!details->permissions_boundary_arn.empty()) {
    co_await read_boundary(policies, details->permissions_boundary_arn);
  }
  co_return policies;
}

Task<void> RoleReader::read_inline(RolePolicies& policies) {
  const std::string role{role_.name()};
  const auto names = co_await patience_.ask<std::vector<std::string>>(
      [this, &role] { return iam_.list_role_policies(role, role_.partition(), session_); });
  if (!names) {
    note_missing(policies, names.error(), "the role's inline policies");
    co_return;
  }
  for (const std::string& name : names.value()) {
    const auto document = co_await patience_.ask<std::string>(
        [this, &role, &name] { return iam_.get_role_policy(role, name, role_.partition(), session_); });
    if (document) {
      add(policies, name, document.value());
    } else {
      note_missing(policies, document.error(), "the policy " + in_backticks(name));
      if (policies.left_open) co_return;
    }
  }
}

Task<void> RoleReader::read_attached(RolePolicies& policies) {
  const std::string role{role_.name()};
  const auto arns = co_await patience_.ask<std::vector<std::string>>(
      [this, &role] { return iam_.list_attached_role_policies(role, role_.partition(), session_); });
  if (!arns) {
    note_missing(policies, arns.error(), "the policies that are attached to the role");
    co_return;
  }
  for (const std::string& arn : arns.value()) {
    const auto document = co_await patience_.ask<std::string>(
        [this, &arn] { return iam_.get_managed_policy(arn, role_.partition(), session_); });
    if (document) {
      add(policies, arn, document.value());
    } else {
      note_missing(policies, document.error(), "the attached policy " + in_backticks(arn));
      if (policies.left_open) co_return;
    }
  }
}

Task<void> RoleReader::read_boundary(RolePolicies& policies, std::string arn) {
  const std::string what = "the permissions boundary " + in_backticks(arn);
  const auto document = co_await patience_.ask<std::string>(
      [this, &arn] { return iam_.get_managed_policy(arn, role_.partition(), session_); });
  if (!document) {
    note_missing(policies, document.error(), what);
    co_return;
  }
  policies.boundary = read(arn, document.value(), policy::PolicyKind::permissions_boundary);
  if (!policies.boundary) policies.unread.push_back(what + ", whose document is not understood");
}

}  // namespace deputy::verify
