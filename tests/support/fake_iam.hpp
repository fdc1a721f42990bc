#pragma once

#include "support/fake_sts.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aws/harmless_calls.hpp"
#include "aws/iam.hpp"

namespace deputy {

// One customer's IAM, as far as the role's own session may read it. Nothing may be read until a test says so:
// every call is AccessDenied. `trouble` answers instead where it has something to say. Use on one loop's
// thread.
class FakeIam final : public aws::Iam {
 public:
  struct Call {
    std::string action;  // `GetRole`, …
    std::string about;   // the role, the policy's name or ARN
    std::string access_key_id;
  };

  std::optional<aws::RoleDetails> role;
  std::optional<std::map<std::string, std::string>> inline_policies;  // name → document
  std::optional<std::vector<std::string>> attached;                   // ARNs
  std::map<std::string, std::string> managed;                         // ARN → document
  std::function<std::optional<aws::AwsError>(const Call&)> trouble;
  std::function<Task<void>()> before_answer;
  std::vector<Call> calls;

  Task<aws::AwsResult<aws::RoleDetails>> get_role(std::string role_name, Partition,
                                                  aws::Credentials credentials) override {
    if (auto error = co_await asked("GetRole", role_name, credentials)) co_return *std::move(error);
    if (!role) co_return FakeSts::denial();
    co_return *role;
  }
  Task<aws::AwsResult<std::vector<std::string>>> list_role_policies(std::string role_name, Partition,
                                                                    aws::Credentials credentials) override {
    if (auto error = co_await asked("ListRolePolicies", role_name, credentials)) co_return *std::move(error);
    if (!inline_policies) co_return FakeSts::denial();
    std::vector<std::string> names;
    for (const auto& [name, document] : *inline_policies) names.push_back(name);
    co_return names;
  }
  Task<aws::AwsResult<std::string>> get_role_policy(std::string, std::string policy_name, Partition,
                                                    aws::Credentials credentials) override {
    if (auto error = co_await asked("GetRolePolicy", policy_name, credentials)) co_return *std::move(error);
    if (!inline_policies || !inline_policies->contains(policy_name)) co_return FakeSts::denial();
    co_return inline_policies->at(policy_name);
  }
  Task<aws::AwsResult<std::vector<std::string>>> list_attached_role_policies(
      std::string role_name, Partition, aws::Credentials credentials) override {
    if (auto error = co_await asked("ListAttachedRolePolicies", role_name, credentials))
      co_return *std::move(error);
    if (!attached) co_return FakeSts::denial();
    co_return *attached;
  }
  Task<aws::AwsResult<std::string>> get_managed_policy(std::string policy_arn, Partition,
                                                       aws::Credentials credentials) override {
    if (auto error = co_await asked("GetPolicy", policy_arn, credentials)) co_return *std::move(error);
    if (!managed.contains(policy_arn)) co_return FakeSts::denial();
    co_return managed.at(policy_arn);
  }

 private:
  Task<std::optional<aws::AwsError>> asked(std::string action, std::string about,
                                           aws::Credentials credentials) {
    calls.push_back({std::move(action), std::move(about), credentials.access_key_id});
    const Call call = calls.back();
    if (before_answer) co_await before_answer();
    co_return trouble ? trouble(call) : std::nullopt;
  }
};

// Knows the actions that a test lists, and answers each as it says: nothing is a success.
class FakeHarmlessCalls final : public aws::HarmlessCalls {
 public:
  std::map<std::string, std::optional<aws::AwsError>> answers;
  std::vector<std::string> called;

  bool knows(std::string_view action) const override { return answers.contains(std::string{action}); }
  Task<aws::AwsResult<Answered>> call(std::string action, Region, aws::Credentials) override {
    called.push_back(action);
    if (const auto& error = answers.at(action)) co_return *error;
    co_return Answered{"fake-request"};
  }
};

}  // namespace deputy
