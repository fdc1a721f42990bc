#include <gmock/gmock.h>

#include "policy/analyzer.hpp"
#include "policy/analyzer_test_shapes.hpp"

namespace deputy::policy {
namespace {

// What is open, and how it is told.

TEST(Analyzer, SeesThatNoIdIsAskedFor) {
  const std::string code = "external_id_not_required";
  expect_unsafe({
      {"nothing at all", bare(), code},
      {"a date next year",
       good() + "," + allow(R"({"DateGreaterThan":{"aws:CurrentTime":"2027-11-22T00:00:00Z"}})"), code},
      {"a date in seconds", good() + "," + allow(R"({"NumericGreaterThan":{"aws:EpochTime":"1826841600"}})"),
       code},
      {"a window of a second",
       good() + "," +
           allow(
               R"({"DateGreaterThan":{"aws:CurrentTime":"2027-01-01T00:00:00Z"},"DateLessThan":{"aws:CurrentTime":"2027-01-01T00:00:02Z"}})"),
       code},
      {"not this address", good() + "," + allow(R"({"NotIpAddress":{"aws:SourceIp":"0.0.0.0/1"}})"), code},
      {"one IPv6 address", good() + "," + allow(R"({"IpAddress":{"aws:SourceIp":"2001:db8::17/128"}})"),
       code},
      {"a gap between networks",
       good() + "," +
           allow(
               R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"NotIpAddress":{"aws:SourceIp":["10.0.0.0/10","10.192.0.0/10"]}})"),
       code},
      {"all of IPv4 excepted", good() + "," + allow(R"({"NotIpAddress":{"aws:SourceIp":"0.0.0.0/0"}})"),
       code},
      {"a session tag", good() + "," + allow(R"({"StringEquals":{"aws:RequestTag/team":"ops"}})"), code},
      {"a tag of the partner's", good() + "," + allow(R"({"StringLike":{"aws:PrincipalTag/team":"o?s*"}})"),
       code},
      {"an organization", good() + "," + allow(R"({"StringEquals":{"aws:PrincipalOrgID":"o-aa111bb222"}})"),
       code},
      {"the partner's account is no ID",
       good() + "," + allow(R"({"StringEquals":{"aws:PrincipalAccount":"111111111111"}})"), code},
      {"NotAction",
       good() + "," + statement("Allow", broker, "", R"("NotAction":["sts:TagSession","sts:Set*"])"), code},
      {"an action with wildcards", statement("Allow", broker, "", R"("Action":"sts:?ssume*ole")"), code},
      {"an action in other casing", statement("Allow", broker, "", R"("Action":"STS:assumerole")"), code},
      {"the whole account", statement("Allow", R"({"AWS":"111111111111"})", ""), code},
      {"only one session of the partner's",
       statement("Allow", R"({"AWS":"arn:aws:sts::111111111111:assumed-role/deputy-broker/probe"})", ""),
       code},
      {"ForAllValues is true on nothing", allow(R"({"ForAllValues:StringEquals":{"sts:ExternalId":"@ID"}})"),
       code},
      {"a negated ForAllValues", allow(R"({"ForAllValues:StringNotEquals":{"sts:ExternalId":"@OTHER"}})"),
       code},
      {"IfExists", allow(R"({"StringEqualsIfExists":{"STS:EXTERNALID":"@ID"}})"), code},
      {"ForAllValues and IfExists", allow(R"({"ForAllValues:StringLikeIfExists":{"sts:ExternalId":"@ID"}})"),
       code},
      {"present or absent", allow(R"({"Null":{"sts:ExternalId":["true","false"]}})"), code},
      {"a Deny with IfExists that misses absence",
       bare() + "," +
           deny(R"({"StringNotEquals":{"sts:ExternalId":"@ID"},"Null":{"sts:ExternalId":"false"}})"),
       code},
      {"a Deny but for one session name",
       bare() + "," + deny(R"({"StringNotEquals":{"sts:ExternalId":"@ID","sts:RoleSessionName":"probe"}})"),
       code},
      {"a Deny from one network only",
       bare() + "," +
           deny(
               R"({"StringNotEquals":{"sts:ExternalId":"@ID"},"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}})"),
       code},
      {"a Deny of another caller",
       bare() + "," +
           statement("Deny", R"({"AWS":"999999999999"})", R"({"StringNotEquals":{"sts:ExternalId":"@ID"}})"),
       code},
      {"a Deny of another action",
       bare() + "," +
           statement("Deny", R"("*")", R"({"StringNotEquals":{"sts:ExternalId":"@ID"}})",
                     R"("NotAction":"sts:Assume*")"),
       code},
      {"a Deny of a unique ID that may be anybody's",
       bare() + "," + statement("Deny", R"({"AWS":"AROAEXAMPLEEXAMPLE12"})", ""), code},
      {"a Deny of one session",
       bare() + "," +
           statement("Deny", R"({"AWS":"arn:aws:sts::111111111111:assumed-role/deputy-broker/any-session"})",
                     ""),
       code},
      {"Denies that leave a gap between them",
       bare() + "," +
           deny(
               R"({"Null":{"sts:ExternalId":"true"},"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}})") +
           "," +
           deny(
               R"({"StringNotEquals":{"sts:ExternalId":"@ID"},"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}})"),
       code},
      {"between two moments a second apart",
       good() + "," +
           allow(
               R"({"DateGreaterThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"},"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:01Z"}})"),
       code},
      {"between one and two",
       good() + "," +
           allow(
               R"({"NumericGreaterThan":{"aws:MultiFactorAuthAge":"1"},"NumericLessThan":{"aws:MultiFactorAuthAge":"2"}})"),
       code},
      {"other Base64 than the one that is denied",
       good() + "," + allow(R"({"Null":{"k:key":"false"}})") + "," +
           statement("Deny", R"("*")",
                     R"({"BinaryEquals":{"k:key":"AAAAAAAA"},"Null":{"sts:ExternalId":"true"}})"),
       code},
      {"a number", good() + "," + allow(R"({"NumericLessThan":{"aws:MultiFactorAuthAge":"-1"}})"), code},
      {"Base64", good() + "," + allow(R"({"BinaryEquals":{"k:key":"QUJD"}})"), code},
      {"an ARN", good() + "," + allow(R"({"ArnLike":{"aws:SourceArn":"arn:aws:s3:*:*:bucket/*x?"}})"), code},
      {"all values, any value",
       good() + "," +
           allow(
               R"({"ForAllValues:StringLike":{"aws:TagKeys":["a*","b"]},"ForAnyValue:StringEquals":{"aws:TagKeys":"b"}})"),
       code},
      {"two different tags",
       good() + "," +
           allow(
               R"({"ForAnyValue:StringEquals":{"aws:TagKeys":"a"},"ForAnyValue:StringLike":{"aws:TagKeys":"?b"},"ForAllValues:StringNotEquals":{"aws:TagKeys":"c"}})"),
       code},
      {"an empty tag beside another",
       good() + "," +
           allow(
               R"({"ForAnyValue:StringEquals":{"aws:TagKeys":""},"ForAnyValue:StringEqualsIgnoreCase":{"aws:TagKeys":"a"}})"),
       code},
  });
}

TEST(Analyzer, SeesThatOtherIdsAreAccepted) {
  const std::string code = "external_id_not_exact";
  expect_unsafe({
      {"any", allow(R"({"StringLike":{"sts:ExternalId":"*"}})"), code},
      {"two characters, of those that are not mentioned",
       good() + "," + allow(R"({"StringLike":{"sts:ExternalId":"??"}})") + "," +
           deny(
               R"({"StringNotEquals":{"sts:ExternalId":"@ID"},"StringLike":{"sts:ExternalId":["*0*","*1*","*2*","*3*","*4*","*5*","*6*","*7*","*8*","*9*","*a*","*b*","*c*","*d*","*e*","*f*","*-*"]}})"),
       code},
      {"present", allow(R"({"Null":{"sts:ExternalId":"false"}})"), code},
      {"a prefix", allow(R"({"StringLike":{"sts:ExternalId":"4f6c1b1e-*"}})"), code},
      {"a suffix", allow(R"({"StringLike":{"sts:ExternalId":"*9e42"}})"), code},
      {"an infix", allow(R"({"StringLike":{"sts:ExternalId":"*4c55*"}})"), code},
      {"one character", allow(R"({"StringLike":{"sts:ExternalId":"4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e4?"}})"),
       code},
      {"one character more", allow(R"({"StringLike":{"sts:ExternalId":"@ID*"}})"), code},
      {"casing", allow(R"({"StringEqualsIgnoreCase":{"sts:ExternalId":"@ID"}})"), code},
      {"another beside", allow(R"({"StringEquals":{"sts:ExternalId":["@ID","@OTHER"]}})"), code},
      {"another first", allow(R"({"StringEquals":{"sts:ExternalId":["a:b/c","@ID"]}})"), code},
      {"all but some",
       allow(R"({"StringNotEquals":{"sts:ExternalId":"@OTHER"},"Null":{"sts:ExternalId":"false"}})"), code},
      {"not like some",
       allow(R"({"StringNotLike":{"sts:ExternalId":"?????*"},"Null":{"sts:ExternalId":"false"}})"), code},
      {"for any value a pattern", allow(R"({"ForAnyValue:StringLike":{"sts:ExternalId":"4f6c*"}})"), code},
      {"its own variable", allow(R"({"StringEquals":{"sts:ExternalId":"${sts:ExternalId}"}})"), code},
      {"a tag of the caller's choice",
       allow(R"({"StringEquals":{"sts:ExternalId":"${aws:PrincipalTag/customer}"}})"), code},
      {"a tag within", allow(R"({"StringLike":{"sts:ExternalId":"4f6c-${aws:PrincipalTag/customer}-*"}})"),
       code},
      {"the session name", allow(R"({"StringEquals":{"sts:ExternalId":["@ID","${sts:RoleSessionName}"]}})"),
       code},
      {"a default", allow(R"({"StringEquals":{"sts:ExternalId":"${aws:PrincipalTag/x, 'any-thing'}"}})"),
       code},
      {"a variable with the account",
       allow(R"({"StringEquals":{"sts:ExternalId":"${aws:PrincipalAccount}"}})"), code},
      {"a Deny of a prefix", bare() + "," + deny(R"({"StringNotLike":{"sts:ExternalId":"4f6c1b1e*"}})"),
       code},
      {"a Deny without casing",
       bare() + "," + deny(R"({"StringNotEqualsIgnoreCase":{"sts:ExternalId":"@ID"}})"), code},
      {"a Deny of what is not in a variable",
       bare() + "," + deny(R"({"StringNotEquals":{"sts:ExternalId":"${aws:PrincipalTag/x}"}})") + "," +
           deny(R"({"Null":{"sts:ExternalId":"true"}})"),
       code},
      {"a Deny that a tag lifts",
       allow(R"({"StringLike":{"sts:ExternalId":"*"}})") + "," +
           deny(R"({"StringNotEquals":{"sts:ExternalId":"@ID"},"Null":{"aws:RequestTag/x":"true"}})"),
       code},
      {"a number", allow(R"({"NumericEquals":{"sts:ExternalId":"12"}})"), code},
      {"a date", allow(R"({"DateGreaterThan":{"sts:ExternalId":"2026-01-01"}})"), code},
      {"an ARN", allow(R"({"ArnLike":{"sts:ExternalId":"arn:aws:iam::1:role/*"}})"), code},
      {"old version, new wildcard",
       allow(R"({"StringLike":{"sts:ExternalId":"4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e4*"}})"), code},
      {"a statement for one session name",
       good() + "," +
           allow(R"({"StringLike":{"sts:ExternalId":"??"},"StringEquals":{"sts:RoleSessionName":"x.y"}})"),
       code},
  });
  const TrustAnalysis shortest =
      analyze(document_of(allow(R"({"StringLike":{"sts:ExternalId":"4f6c*"}})")), question());
  ASSERT_TRUE(shortest.witness.has_value());
  EXPECT_EQ(shortest.witness->find("sts:ExternalId")->values.front(), "4f6c");
}

TEST(Analyzer, SeesStrangers) {
  expect_unsafe({
      {"everyone", statement("Allow", R"("*")", exact), "everyone"},
      {"everyone in an organization",
       statement("Allow", R"("*")",
                 R"({"StringEquals":{"sts:ExternalId":"@ID","aws:PrincipalOrgID":"o-aa111bb222"}})"),
       "everyone"},
      {"everyone with an account like the partner's",
       statement(
           "Allow", R"("*")",
           R"({"StringLike":{"aws:PrincipalAccount":"11111111111?"},"StringEquals":{"sts:ExternalId":"@ID"}})"),
       "everyone"},
      {"everyone with an ARN in any account",
       statement(
           "Allow", R"({"AWS":"*"})",
           R"({"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/deputy-broker"},"StringEquals":{"sts:ExternalId":"@ID"}})"),
       "everyone"},
      {"everyone but one account",
       statement("Allow", R"("*")", exact) + "," +
           deny(R"({"StringEquals":{"aws:PrincipalAccount":"999999999999"}})"),
       "everyone"},
      {"everyone, and IfExists on the account",
       statement(
           "Allow", R"("*")",
           R"({"StringEquals":{"sts:ExternalId":"@ID"},"ArnNotEquals":{"aws:PrincipalArn":"@BROKER"}})"),
       "everyone"},
      {"everyone of one user name",
       statement("Allow", R"("*")", R"({"StringEquals":{"sts:ExternalId":"@ID","aws:username":"ann"}})"),
       "everyone"},
      {"another account",
       good() + "," + statement("Allow", R"({"AWS":"arn:aws:iam::999999999999:root"})", exact),
       "foreign_account"},
      {"a role of another account",
       good() + "," + statement("Allow", R"({"AWS":"arn:aws:iam::999999999999:role/x"})", exact),
       "foreign_account"},
      {"a user of another account",
       good() + "," + statement("Allow", R"({"AWS":"arn:aws:iam::999999999999:user/x"})", exact),
       "foreign_account"},
      {"a session of another account",
       good() + "," + statement("Allow", R"({"AWS":"arn:aws:sts::999999999999:assumed-role/x/y"})", ""),
       "foreign_account"},
      {"a session whose role is denied under a path that may not be its own",
       good() + "," + statement("Allow", R"({"AWS":"arn:aws:sts::111111111111:assumed-role/other/s1"})", "") +
           "," +
           statement(
               "Deny",
               R"({"AWS":["arn:aws:iam::111111111111:role/team/other","arn:aws:iam::111111111111:role/other"]})",
               ""),
       "partner_identity_without_id"},
      {"a federated user of another account",
       good() + "," + statement("Allow", R"({"AWS":"arn:aws:sts::999999999999:federated-user/x"})", ""),
       "foreign_account"},
      {"the partner's number in another partition",
       statement("Allow", R"({"AWS":"arn:aws-cn:iam::111111111111:role/deputy-broker"})", exact),
       "foreign_account"},
      {"another account for one role",
       good() + "," +
           statement("Allow", R"({"AWS":"999999999999"})",
                     R"({"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::999999999999:role/*/x"}})"),
       "foreign_account"},
      {"a unique ID without the ID",
       good() + "," + statement("Allow", R"({"AWS":"AROAEXAMPLEEXAMPLE12"})", ""), "unknown_identity_open"},
      {"a unique ID with a pattern",
       good() + "," +
           statement("Allow", R"({"AWS":"AIDAEXAMPLEEXAMPLE12"})",
                     R"({"StringLike":{"sts:ExternalId":"4f*"}})"),
       "unknown_identity_open"},
      {"a canonical user",
       good() + "," +
           statement(
               "Allow",
               R"({"CanonicalUser":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"})",
               exact),
       "canonical_user"},
  });
}

TEST(Analyzer, SeesThePartnersOtherIdentities) {
  expect_unsafe({
      {"another role",
       good() + "," + statement("Allow", R"({"AWS":"arn:aws:iam::111111111111:role/other"})", ""),
       "partner_identity_without_id"},
      {"a user",
       good() + "," + statement("Allow", R"({"AWS":"arn:aws:iam::111111111111:user/team/ann"})", ""),
       "partner_identity_without_id"},
      {"another role with any ID",
       good() + "," +
           statement("Allow", R"({"AWS":"arn:aws:iam::111111111111:role/other"})",
                     R"({"StringLike":{"sts:ExternalId":"*"}})"),
       "partner_identity_wrong_id"},
      {"one role of the account by condition",
       good() + "," +
           statement("Allow", R"({"AWS":"111111111111"})",
                     R"({"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/ci-*"}})"),
       "partner_identity_without_id"},
      {"one user of the account by name",
       good() + "," +
           statement("Allow", R"({"AWS":"111111111111"})", R"({"StringEquals":{"aws:username":"ann"}})"),
       "partner_identity_without_id"},
      {"users of the account",
       good() + "," +
           statement("Allow", R"({"AWS":"111111111111"})",
                     R"({"StringEquals":{"aws:PrincipalType":"User"}})"),
       "partner_identity_without_id"},
      {"all but the principal",
       good() + "," +
           statement("Allow", R"({"AWS":"111111111111"})",
                     R"({"ArnNotEquals":{"aws:PrincipalArn":"@BROKER"}})"),
       "partner_identity_without_id"},
      {"a session of another role",
       good() + "," + statement("Allow", R"({"AWS":"arn:aws:sts::111111111111:assumed-role/other/x"})", ""),
       "partner_identity_without_id"},
  });
  TrustQuestion two_accounts = question();
  two_accounts.partner_accounts = {AccountId::parse("333333333333").value()};
  const std::string second = good() + "," + statement("Allow", R"({"AWS":"333333333333"})", exact);
  expect_all({{"the second account, with the ID", second, "partner_account"}}, TrustVerdict::safe,
             two_accounts);
  expect_unsafe({{"not the partner's", second, "foreign_account"}});
  expect_unsafe(
      {{"the second account, without", good() + "," + statement("Allow", R"({"AWS":"333333333333"})", ""),
        "partner_identity_without_id"}},
      two_accounts);
}

TEST(Analyzer, SeesFederatedPathsThatAreNotPinned) {
  const std::string github =
      R"({"Federated":"arn:aws:iam::222222222222:oidc-provider/token.actions.githubusercontent.com"})";
  const std::string saml = R"({"Federated":"arn:aws:iam::222222222222:saml-provider/okta"})";
  const std::string web = R"("Action":"sts:AssumeRoleWithWebIdentity")",
                    with_saml = R"("Action":"sts:AssumeRoleWithSAML")";
  const auto by_github = [&](const std::string& condition) {
    return good() + "," + statement("Allow", github, condition, web);
  };
  const std::string code = "federated_subject_not_pinned";
  expect_unsafe({
      {"nobody in particular", by_github(""), code},
      {"the audience only",
       by_github(R"({"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}})"),
       code},
      {"any branch",
       by_github(R"({"StringLike":{"token.actions.githubusercontent.com:sub":"repo:acme/app:*"}})"), code},
      {"another provider's subject", by_github(R"({"StringEquals":{"accounts.google.com:sub":"12345"}})"),
       code},
      {"IfExists",
       by_github(
           R"({"StringEqualsIfExists":{"token.actions.githubusercontent.com:sub":"repo:acme/app:ref:refs/heads/main"}})"),
       code},
      {"all but one",
       by_github(
           R"({"StringNotEquals":{"token.actions.githubusercontent.com:sub":"repo:mallory/app:ref:refs/heads/main"}})"),
       code},
      {"a variable",
       by_github(R"({"StringEquals":{"token.actions.githubusercontent.com:sub":"${aws:userid, 'x'}"}})"),
       code},
      {"SAML by its audience",
       good() + "," +
           statement("Allow", saml, R"({"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml"}})",
                     with_saml),
       code},
      {"everyone by assertion", good() + "," + statement("Allow", R"("*")", "", web), code},
      {"whoever does not sign",
       by_github(
           R"({"StringNotLike":{"aws:PrincipalAccount":"????????????"},"Null":{"aws:PrincipalAccount":"false"}})"),
       code},
      {"all actions", good() + "," + statement("Allow", github, "", R"("Action":"sts:*")"), code},
  });
  const std::string pinned =
      R"({"StringEquals":{"token.actions.githubusercontent.com:sub":["repo:acme/app:ref:refs/heads/main","repo:acme/app:environment:prod"]}})";
  expect_all(
      {{"pinned", by_github(pinned), "federated_subject"},
       {"pinned in a Deny",
        by_github("") + "," +
            statement(
                "Deny", github,
                R"({"StringNotEquals":{"token.actions.githubusercontent.com:sub":"repo:acme/app:ref:refs/heads/main"}})",
                R"("Action":"*")"),
        "federated_subject"},
       {"pinned by a pattern without wildcards",
        by_github(
            R"({"StringLike":{"token.actions.githubusercontent.com:sub":"repo:acme/app:ref:refs/heads/main"}})"),
        "federated_subject"},
       {"SAML, pinned",
        good() + "," +
            statement("Allow", saml,
                      R"({"StringEquals":{"saml:sub":"_cbb88bf52c2510eabe00c1642d4643f41430fe25e3"}})",
                      with_saml),
        "federated_subject"},
       {"a subject of Facebook's",
        good() + "," +
            statement("Allow", R"({"Federated":"graph.facebook.com"})",
                      R"({"StringEquals":{"graph.facebook.com:id":"1234"}})", web),
        "federated_subject"},
       {"a subject of Amazon's",
        good() + "," +
            statement("Allow", R"({"Federated":"www.amazon.com"})",
                      R"({"StringEquals":{"www.amazon.com:user_id":"amzn1.account.X"}})", web),
        "federated_subject"},
       {"an assertion carries no external ID", good() + "," + statement("Allow", github, exact, web), ""},
       {"a provider that cannot ask so",
        good() + "," + statement("Allow", github, "", R"("Action":"sts:AssumeRole")"), ""}},
      TrustVerdict::safe);
}

}  // namespace
}  // namespace deputy::policy
