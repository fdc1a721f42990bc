#include <gtest/gtest.h>

#include "policy/policy_test_support.hpp"

namespace deputy::policy {
namespace {

const std::string allow_all = R"({"Effect":"Allow","Action":"*","Resource":"*"})";
const std::string allow_assume = R"({"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"})";
const std::string allow_s3 = R"({"Effect":"Allow","Action":"s3:*","Resource":"*"})";
const std::string deny_all = R"({"Effect":"Deny","Action":"*","Resource":"*"})";
const std::string role = R"({"AWS":"arn:aws:iam::111111111111:role/team/deputy-broker"})";
const std::string account = R"({"AWS":"111111111111"})";

// Puts the parts together; what is empty is absent.
struct Parts {
  std::string identity, boundary, session, trust;
  std::string resource_account = "222222222222";
};

Decision decide(const Parts& parts, const Request& request) {
  std::vector<Policy> kept;
  kept.reserve(4);
  PolicySet set;
  const auto keep = [&](const std::string& text, PolicyKind kind) {
    kept.push_back(identity_policy(text, kind));
    return &kept.back();
  };
  if (!parts.identity.empty()) set.identity.push_back(keep(parts.identity, PolicyKind::identity));
  if (!parts.boundary.empty())
    set.permissions_boundary = keep(parts.boundary, PolicyKind::permissions_boundary);
  if (!parts.session.empty()) set.session.push_back(keep(parts.session, PolicyKind::session));
  if (!parts.trust.empty()) set.resource = keep(parts.trust, PolicyKind::trust);
  set.resource_account = parts.resource_account;
  Decision decision = authorize(set, request);
  decision.policy = nullptr;  // they end here
  decision.statement = nullptr;
  return decision;
}

std::string trust(const std::string& principal) {
  return trust_statement("Allow", principal, "{}");
}
std::string distrust(const std::string& principal) {
  return trust_statement("Deny", principal, "{}");
}

Request as_root(Request request) {
  request.caller = {request.caller.account, "arn:aws:iam::" + request.caller.account + ":root", "", "", ""};
  return request;
}

TEST(Authorize, AcrossAccountsBothSidesMustAllow) {
  EXPECT_TRUE(decide({.identity = allow_assume, .trust = trust(role)}, asking({})).allowed());
  EXPECT_TRUE(decide({.identity = allow_assume, .trust = trust(account)}, asking({})).allowed());
  EXPECT_FALSE(decide({.trust = trust(role)}, asking({})).allowed());
  EXPECT_FALSE(decide({.identity = allow_s3, .trust = trust(role)}, asking({})).allowed());
  EXPECT_FALSE(decide({.identity = allow_assume}, asking({})).allowed());
  EXPECT_FALSE(
      decide({.identity = allow_assume, .trust = trust(R"({"AWS":"999999999999"})")}, asking({})).allowed());
}

TEST(Authorize, WithinAnAccountTheTrustPolicyMustStillAllow) {
  const std::string own = "111111111111";
  EXPECT_FALSE(decide({.identity = allow_all, .resource_account = own}, asking({})).allowed());
  EXPECT_TRUE(decide({.trust = trust(role), .resource_account = own}, asking({})).allowed());
  EXPECT_FALSE(decide({.trust = trust(account), .resource_account = own}, asking({})).allowed());
  EXPECT_TRUE(decide({.identity = allow_assume, .trust = trust(account), .resource_account = own}, asking({}))
                  .allowed());
  EXPECT_FALSE(decide({.trust = trust("\"*\""), .resource_account = own}, asking({})).allowed());
}

TEST(Authorize, TheStatementThatNamesTheRoleCountsWhereverItStands) {
  const std::string own = "111111111111";
  EXPECT_TRUE(
      decide({.trust = trust(account) + "," + trust(role), .resource_account = own}, asking({})).allowed());
}

TEST(Authorize, ExplicitDenyAnywhereWins) {
  const Parts good{.identity = allow_all, .boundary = allow_all, .session = allow_all, .trust = trust(role)};
  EXPECT_TRUE(decide(good, asking({})).allowed());
  for (std::string Parts::* part : {&Parts::identity, &Parts::boundary, &Parts::session}) {
    Parts denied = good;
    denied.*part += "," + deny_all;
    EXPECT_EQ(decide(denied, asking({})).verdict, Verdict::explicitly_denied);
  }
  Parts denied = good;
  denied.trust += "," + distrust(account);
  EXPECT_EQ(decide(denied, asking({})).verdict, Verdict::explicitly_denied);
}

TEST(Authorize, BoundaryAndSessionPoliciesOnlyNarrow) {
  const Request read = request_for("s3:GetObject", "arn:aws:s3:::b/x");
  const std::string own = "111111111111";
  EXPECT_TRUE(decide({.identity = allow_s3, .resource_account = own}, read).allowed());
  EXPECT_FALSE(
      decide({.identity = allow_s3, .boundary = allow_assume, .resource_account = own}, read).allowed());
  EXPECT_FALSE(
      decide({.identity = allow_s3, .session = allow_assume, .resource_account = own}, read).allowed());
  EXPECT_FALSE(decide({.boundary = allow_s3, .session = allow_s3, .resource_account = own}, read).allowed());
  EXPECT_TRUE(
      decide({.identity = allow_s3, .boundary = allow_all, .session = allow_s3, .resource_account = own},
             read)
          .allowed());
}

TEST(Authorize, SessionPoliciesBoundGrantsByTheResourceToo) {
  const std::string own = "111111111111";
  EXPECT_FALSE(
      decide({.session = allow_s3, .trust = trust(role), .resource_account = own}, asking({})).allowed());
  EXPECT_FALSE(
      decide({.boundary = allow_s3, .trust = trust(role), .resource_account = own}, asking({})).allowed());
}

TEST(Authorize, AnyOfSeveralSessionPoliciesSuffices) {
  const Policy first = identity_policy(allow_s3, PolicyKind::session),
               second = identity_policy(allow_assume, PolicyKind::session);
  const Policy identity = identity_policy(allow_all);
  PolicySet set;
  set.identity = {&identity};
  set.session = {&first, &second};
  set.resource_account = "111111111111";
  EXPECT_TRUE(authorize(set, request_for("s3:GetObject", "arn:aws:s3:::b/x")).allowed());
  EXPECT_FALSE(authorize(set, request_for("ec2:RunInstances", "*")).allowed());
}

TEST(Authorize, RootNeedsNoPolicyInItsOwnAccountOnly) {
  const Request read = as_root(request_for("s3:GetObject", "arn:aws:s3:::b/x"));
  EXPECT_TRUE(decide({.resource_account = "111111111111"}, read).allowed());
  EXPECT_FALSE(decide({.resource_account = "222222222222"}, read).allowed());
}

TEST(Authorize, RootCannotAssumeRoles) {
  EXPECT_FALSE(
      decide({.trust = trust(account), .resource_account = "111111111111"}, as_root(asking({}))).allowed());
  EXPECT_FALSE(decide({.trust = trust(account)}, as_root(asking({}))).allowed());
}

TEST(Authorize, AnUnknownOwnerIsAnotherAccount) {
  const Request read = request_for("s3:GetObject", "arn:aws:s3:::b/x");
  EXPECT_FALSE(decide({.identity = allow_all, .resource_account = ""}, read).allowed());
  Request nobody = read;
  nobody.caller = {};
  EXPECT_FALSE(decide({.identity = allow_all, .resource_account = ""}, nobody).allowed());
}

TEST(Authorize, ServicesAreJudgedByTheResourceAlone) {
  Request request = asking({});
  request.caller = {};
  request.caller.service = "ec2.amazonaws.com";
  EXPECT_TRUE(decide({.trust = trust(R"({"Service":"ec2.amazonaws.com"})")}, request).allowed());
  EXPECT_FALSE(decide({.trust = trust(R"({"Service":"ecs.amazonaws.com"})")}, request).allowed());
  EXPECT_FALSE(decide({.identity = allow_all}, request).allowed());
}

}  // namespace
}  // namespace deputy::policy
