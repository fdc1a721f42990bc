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
  Request of_no_account = read;
  of_no_account.caller.account.clear();
  EXPECT_FALSE(decide({.identity = allow_all, .resource_account = ""}, of_no_account).allowed());
}

TEST(Authorize, ServicesAreJudgedByTheResourceAlone) {
  Request request = asking({});
  request.caller = {};
  request.caller.service = "ec2.amazonaws.com";
  EXPECT_TRUE(decide({.trust = trust(R"({"Service":"ec2.amazonaws.com"})")}, request).allowed());
  EXPECT_FALSE(decide({.trust = trust(R"({"Service":"ecs.amazonaws.com"})")}, request).allowed());
  EXPECT_FALSE(decide({.identity = allow_all}, request).allowed());
}

Request with_assertion_of(const std::string& provider, std::string_view action) {
  Request request = request_for(action, "arn:aws:iam::222222222222:role/customer");
  request.caller = {};
  request.caller.federated = provider;
  return request;
}
std::string trust_federated(const std::string& provider, const std::string& action) {
  return R"({"Effect":"Allow","Principal":{"Federated":")" + provider + R"("},"Action":")" + action + "\"}";
}

TEST(Authorize, AssertionsAreJudgedByTheTrustPolicyAlone) {
  const std::string saml = "arn:aws:iam::222222222222:saml-provider/corp",
                    with_saml = "sts:AssumeRoleWithSAML";
  const std::string web = "accounts.google.com", with_web = "sts:AssumeRoleWithWebIdentity";
  EXPECT_TRUE(
      decide({.trust = trust_federated(saml, with_saml)}, with_assertion_of(saml, with_saml)).allowed());
  EXPECT_TRUE(decide({.trust = trust_federated(web, with_web)}, with_assertion_of(web, with_web)).allowed());
  EXPECT_TRUE(
      decide({.trust = trust_federated(web, "sts:*")}, with_assertion_of(web, "sts:TagSession")).allowed());
  EXPECT_FALSE(
      decide({.trust = trust_federated(web, with_web)}, with_assertion_of(saml, with_web)).allowed());
  EXPECT_FALSE(
      decide({.trust = trust_federated(web, with_web)}, with_assertion_of(web, with_saml)).allowed());
  EXPECT_FALSE(decide({.identity = allow_all}, with_assertion_of(web, with_web)).allowed());
  EXPECT_FALSE(
      decide({.trust = trust_federated(web, "sts:*")}, with_assertion_of(web, "sts:AssumeRole")).allowed())
      << "AssumeRole takes AWS credentials";
}

TEST(Authorize, WhoSignsWithAwsCredentialsHasNoAssertion) {
  const std::string sts = R"({"Effect":"Allow","Principal":)" + role + R"(,"Action":"sts:*"})";
  Request request = asking({});
  EXPECT_TRUE(decide({.identity = allow_all, .trust = sts}, request).allowed());
  request.action = "sts:AssumeRoleWithWebIdentity";
  EXPECT_FALSE(decide({.identity = allow_all, .trust = sts}, request).allowed());
}

// A bucket's policy against a read of an object in it; what is empty is absent.
struct BucketParts {
  std::string bucket, identity, boundary, session;
  std::string owner = "111111111111";
};
Decision read_object(const BucketParts& parts, Caller caller = asking({}).caller) {
  std::vector<Policy> kept;
  kept.reserve(4);
  PolicySet set;
  const auto keep = [&](const std::string& text, PolicyKind kind) {
    kept.push_back(identity_policy(text, kind));
    return &kept.back();
  };
  if (!parts.bucket.empty()) set.resource = keep(parts.bucket, PolicyKind::resource);
  if (!parts.identity.empty()) set.identity = {keep(parts.identity, PolicyKind::identity)};
  if (!parts.boundary.empty())
    set.permissions_boundary = keep(parts.boundary, PolicyKind::permissions_boundary);
  if (!parts.session.empty()) set.session = {keep(parts.session, PolicyKind::session)};
  set.resource_account = parts.owner;
  Request request = request_for("s3:GetObject", "arn:aws:s3:::b/x");
  request.caller = std::move(caller);
  Decision decision = authorize(set, request);
  decision.policy = nullptr;
  decision.statement = nullptr;
  return decision;
}
std::string bucket(const std::string& effect, const std::string& principal) {
  return "{\"Effect\":\"" + effect + "\"," + principal + R"(,"Action":"s3:*","Resource":"arn:aws:s3:::b/*"})";
}
std::string open_to(const std::string& principal) {
  return bucket("Allow", "\"Principal\":" + principal);
}
const std::string session_itself = R"({"AWS":"arn:aws:sts::111111111111:assumed-role/deputy-broker/probe"})";
const Caller anna{"111111111111", "arn:aws:iam::111111111111:user/anna", "", "AIDAEXAMPLEEXAMPLE01", ""};
const std::string anna_itself = R"({"AWS":"arn:aws:iam::111111111111:user/anna"})";

TEST(AuthorizeResource, WithinTheAccountEitherSideSuffices) {
  EXPECT_TRUE(read_object({.identity = allow_s3}).allowed());
  EXPECT_TRUE(read_object({.bucket = open_to(role)}).allowed());
  EXPECT_TRUE(read_object({.bucket = open_to("\"*\"")}).allowed());
  EXPECT_FALSE(read_object({.bucket = open_to(account)}).allowed()) << "the account hands on the choice";
  EXPECT_FALSE(read_object({.bucket = open_to(R"({"AWS":"999999999999"})")}).allowed());
}

TEST(AuthorizeResource, AcrossAccountsBothMustAllow) {
  EXPECT_FALSE(read_object({.bucket = open_to(role), .owner = "222222222222"}).allowed());
  EXPECT_FALSE(read_object({.identity = allow_s3, .owner = "222222222222"}).allowed());
  EXPECT_TRUE(
      read_object({.bucket = open_to(account), .identity = allow_s3, .owner = "222222222222"}).allowed());
}

TEST(AuthorizeResource, BoundsLimitAllButWhatIsGrantedToTheCallerByItsOwnArn) {
  for (std::string BucketParts::* bound : {&BucketParts::boundary, &BucketParts::session}) {
    const auto bounded = [&](const std::string& principal, const Caller& caller) {
      BucketParts parts{.bucket = open_to(principal), .identity = allow_s3};
      parts.*bound = allow_assume;
      return read_object(parts, caller).allowed();
    };
    EXPECT_TRUE(bounded(session_itself, asking({}).caller));
    EXPECT_FALSE(bounded(role, asking({}).caller));
    EXPECT_FALSE(bounded(account, asking({}).caller));
    EXPECT_FALSE(bounded("\"*\"", asking({}).caller));
    EXPECT_TRUE(bounded(anna_itself, anna));
    EXPECT_TRUE(bounded(R"({"AWS":"AIDAEXAMPLEEXAMPLE01"})", anna));
  }
}

TEST(AuthorizeResource, ADenyInABoundHoldsAgainstADirectGrantToo) {
  EXPECT_FALSE(
      read_object({.bucket = open_to(session_itself), .session = allow_s3 + "," + deny_all}).allowed());
}

TEST(AuthorizeResource, ADirectGrantDoesNotReachAcrossAccounts) {
  EXPECT_FALSE(read_object({.bucket = open_to(session_itself),
                            .identity = allow_s3,
                            .session = allow_assume,
                            .owner = "222222222222"})
                   .allowed());
}

TEST(AuthorizeResource, AnonymousCallersComeInWhereEveryoneDoes) {
  EXPECT_TRUE(read_object({.bucket = open_to("\"*\"")}, {}).allowed());
  EXPECT_FALSE(read_object({.bucket = open_to(account)}, {}).allowed());
  EXPECT_FALSE(read_object({.identity = allow_all}, {}).allowed());
  EXPECT_FALSE(decide({.trust = trust("\"*\"")},
                      [] {
                        Request request = asking({});
                        request.caller = {};
                        return request;
                      }())
                   .allowed())
      << "AssumeRole is signed";
}

TEST(AuthorizeResource, CanonicalUserIdsNameTheAccount) {
  const std::string id(64, 'a'), principal = "{\"CanonicalUser\":\"" + id + "\"}";
  Caller known = asking({}).caller;
  known.canonical_user = id;
  const BucketParts across{.bucket = open_to(principal), .identity = allow_s3, .owner = "222222222222"};
  EXPECT_TRUE(read_object(across, known).allowed());
  EXPECT_FALSE(read_object(across).allowed()) << "nobody knows whose it is";
  known.canonical_user = std::string(64, 'b');
  EXPECT_FALSE(read_object(across, known).allowed());
}

// Who is spared by a Deny with this NotPrincipal.
bool spared(const std::string& not_principal, const Caller& caller, const std::string& boundary = {}) {
  const std::string policy = open_to("\"*\"") + "," + bucket("Deny", "\"NotPrincipal\":" + not_principal);
  return read_object({.bucket = policy, .boundary = boundary}, caller).verdict != Verdict::explicitly_denied;
}

TEST(NotPrincipal, SparesOnlyWhomItNamesWholly) {
  const Caller session = asking({}).caller;
  const std::string root = "\"arn:aws:iam::111111111111:root\"";
  const std::string role_arn = "\"arn:aws:iam::111111111111:role/team/deputy-broker\"";
  const std::string session_arn = "\"arn:aws:sts::111111111111:assumed-role/deputy-broker/probe\"";
  const std::string anna_arn = "\"arn:aws:iam::111111111111:user/anna\"";
  const auto aws = [](const std::string& list) { return "{\"AWS\":[" + list + "]}"; };
  EXPECT_TRUE(spared(aws(root + "," + role_arn + "," + session_arn), session));
  EXPECT_FALSE(spared(aws(root + "," + role_arn), session));
  EXPECT_FALSE(spared(aws(role_arn + "," + session_arn), session));
  EXPECT_FALSE(spared(aws(root), session));
  EXPECT_TRUE(spared(aws(root + "," + anna_arn), anna));
  EXPECT_FALSE(spared(aws(anna_arn), anna));
  EXPECT_FALSE(spared(aws(root), anna));
  EXPECT_TRUE(spared("\"*\"", anna));
  EXPECT_FALSE(spared(aws(anna_arn), {}));
  Caller service;
  service.service = "logging.s3.amazonaws.com";
  EXPECT_TRUE(spared(R"({"Service":"logging.s3.amazonaws.com"})", service));
  EXPECT_FALSE(spared(R"({"Service":"cloudtrail.amazonaws.com"})", service));
}

TEST(NotPrincipal, NeverSparesWhoHasAPermissionBoundary) {
  const std::string all_of_anna =
      R"({"AWS":["arn:aws:iam::111111111111:root","arn:aws:iam::111111111111:user/anna"]})";
  EXPECT_TRUE(spared(all_of_anna, anna));
  EXPECT_FALSE(spared(all_of_anna, anna, allow_all));
}

}  // namespace
}  // namespace deputy::policy
