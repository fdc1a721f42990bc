#include "policy/analyzer.hpp"

#include <gmock/gmock.h>

#include "policy/analyzer_test_support.hpp"

namespace deputy::policy {
namespace {

// In these shapes @ID is the issued external ID, @NEXT that of a rotation, @OTHER another customer's, @BROKER
// the partner's principal.
std::string filled(std::string text) {
  const auto replace = [&](std::string_view word, std::string_view with) {
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + with.size()))
      text.replace(at, word.size(), with);
  };
  replace("@BROKER", "arn:aws:iam::111111111111:role/deputy-broker");
  replace("@ID", issued_id);
  replace("@NEXT", next_id);
  replace("@OTHER", foreign_id);
  return text;
}
std::string document_of(const std::string& statements, std::string_view version = "2012-10-17") {
  return filled("{\"Version\":\"" + std::string{version} + "\",\"Statement\":[" + statements + "]}");
}
std::string statement(std::string_view effect, const std::string& principal, const std::string& condition,
                      const std::string& action = R"("Action":"sts:AssumeRole")") {
  return "{\"Effect\":\"" + std::string{effect} + "\",\"Principal\":" + principal + "," + action +
         (condition.empty() ? "" : ",\"Condition\":" + condition) + "}";
}
const std::string broker = R"({"AWS":"@BROKER"})";
const std::string exact = R"({"StringEquals":{"sts:ExternalId":"@ID"}})";
std::string allow(const std::string& condition) {
  return statement("Allow", broker, condition);
}
std::string deny(const std::string& condition) {
  return statement("Deny", R"("*")", condition);
}
std::string good() {
  return allow(exact);
}
std::string bare() {
  return allow("");
}

struct Shape {
  std::string name, statements, code;  // the code of a finding that must be there; empty: any
};

void expect_all(const std::vector<Shape>& shapes, TrustVerdict verdict,
                const TrustQuestion& asked = question(), std::string_view version = "2012-10-17") {
  for (const Shape& shape : shapes) {
    SCOPED_TRACE(shape.name);
    const std::string document = document_of(shape.statements, version);
    const TrustAnalysis analysis = analyze(document, asked);
    EXPECT_EQ(to_text(analysis.verdict), to_text(verdict)) << codes_of(analysis);
    EXPECT_TRUE(shape.code.empty() || has_code(analysis, shape.code)) << codes_of(analysis);
    expect_sound(document, asked, analysis);
  }
}

// Those that can be shown have a witness.
void expect_unsafe(const std::vector<Shape>& shapes, const TrustQuestion& asked = question()) {
  expect_all(shapes, TrustVerdict::unsafe, asked);
  for (const Shape& shape : shapes) {
    const TrustAnalysis analysis = analyze(document_of(shape.statements), asked);
    EXPECT_EQ(analysis.witness.has_value(), shape.code != "undecided") << shape.name << "\n"
                                                                       << codes_of(analysis);
  }
}

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
       {"an assertion carries no external ID", good() + "," + statement("Allow", github, exact, web), ""},
       {"a provider that cannot ask so",
        good() + "," + statement("Allow", github, "", R"("Action":"sts:AssumeRole")"), ""}},
      TrustVerdict::safe);
}

TEST(Analyzer, FindsWhatIsClosed) {
  expect_all(
      {
          {"plain", good(), ""},
          {"twice", good() + "," + good(), ""},
          {"one of two operators",
           allow(R"({"StringEquals":{"sts:ExternalId":"@ID"},"StringLike":{"sts:ExternalId":"4f6c*"}})"),
           "odd_operator"},
          {"two patterns that meet in one",
           allow(
               R"({"StringEqualsIgnoreCase":{"sts:ExternalId":"@ID"},"StringLike":{"sts:ExternalId":"@ID"}})"),
           "odd_operator"},
          {"upper case excluded",
           allow(R"({"StringEqualsIgnoreCase":{"sts:ExternalId":"@ID"}})") + "," +
               deny(R"({"StringLike":{"sts:ExternalId":["*A*","*B*","*C*","*D*","*E*","*F*"]}})"),
           "external_id_in_deny"},
          {"a set qualifier on a single value",
           allow(
               R"({"ForAllValues:StringEquals":{"sts:ExternalId":"@ID"},"Null":{"sts:ExternalId":"false"}})"),
           "odd_operator"},
          {"a pattern whose rest is denied",
           allow(R"({"StringLike":{"sts:ExternalId":"@ID*"}})") + "," +
               deny(R"({"StringLike":{"sts:ExternalId":"@ID?*"}})"),
           ""},
          {"both Denies",
           bare() + "," + deny(R"({"Null":{"sts:ExternalId":"true"}})") + "," +
               deny(R"({"StringNotLike":{"sts:ExternalId":"@ID"}})"),
           "external_id_in_deny"},
          {"a Deny with IfExists",
           bare() + "," + deny(R"({"StringNotEqualsIfExists":{"sts:ExternalId":"@ID"}})"),
           "external_id_in_deny"},
          {"a Deny by ForAnyValue, and presence",
           allow(R"({"Null":{"sts:ExternalId":"false"}})") + "," +
               deny(R"({"ForAnyValue:StringNotEquals":{"sts:ExternalId":"@ID"}})"),
           ""},
          {"a Deny by ForAllValues is true on nothing",
           bare() + "," + deny(R"({"ForAllValues:StringNotEquals":{"sts:ExternalId":"@ID"}})"), ""},
          {"Denies by address that leave no gap",
           bare() + "," +
               deny(
                   R"({"StringNotEquals":{"sts:ExternalId":"@ID"},"IpAddress":{"aws:SourceIp":["0.0.0.0/1","::/0"]}})") +
               "," +
               deny(
                   R"({"StringNotEquals":{"sts:ExternalId":"@ID"},"NotIpAddress":{"aws:SourceIp":["0.0.0.0/1","::/0"]}})"),
           "external_id_in_deny"},
          {"Denies by date that leave no gap",
           bare() + "," +
               deny(
                   R"({"StringNotEquals":{"sts:ExternalId":"@ID"},"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}})") +
               "," +
               deny(
                   R"({"StringNotEquals":{"sts:ExternalId":"@ID"},"DateGreaterThanEquals":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}})"),
           ""},
          {"a statement that nobody meets: two session names",
           good() + "," +
               allow(
                   R"({"StringEquals":{"sts:RoleSessionName":"a1"},"StringLike":{"sts:RoleSessionName":"b*"}})"),
           "extra_condition"},
          {"nobody: an address in no network",
           good() + "," +
               allow(
                   R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"NotIpAddress":{"aws:SourceIp":"10.0.0.0/7"}})"),
           ""},
          {"nobody: a date before and after",
           good() + "," +
               allow(
                   R"({"DateLessThan":{"aws:CurrentTime":"2026-01-01"},"DateGreaterThan":{"aws:CurrentTime":"2026-01-01"}})"),
           ""},
          {"nobody: a wildcard does not reach across a colon",
           good() + "," +
               allow(
                   R"({"ArnLike":{"aws:SourceArn":"arn:aws:iam:*:1:x"},"StringLike":{"aws:SourceArn":"arn:aws:iam::2:*"}})"),
           ""},
          {"nobody: a name that is too long",
           good() + "," +
               allow(
                   R"({"StringLike":{"sts:RoleSessionName":"?????????????????????????????????????????????????????????????????*"}})"),
           ""},
          {"nobody: a role session has no user name",
           good() + "," + allow(R"({"StringLike":{"aws:username":"*"}})"), ""},
          {"nobody: no key of that name", good() + "," + allow(R"({"StringLike":{"aws:ExternalId":"*"}})"),
           ""},
          {"nobody: a user's type",
           good() + "," + allow(R"({"StringNotEquals":{"aws:PrincipalType":"AssumedRole"}})"), ""},
          {"nobody: another role's ARN",
           good() + "," +
               allow(R"({"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/other"}})"),
           ""},
          {"nobody: a service", good() + "," + allow(R"({"Bool":{"aws:PrincipalIsAWSService":"true"}})"), ""},
          {"everyone, and the account is the partner's",
           statement("Allow", R"("*")",
                     R"({"StringEquals":{"sts:ExternalId":"@ID","aws:PrincipalAccount":"111111111111"}})"),
           ""},
          {"everyone, and the ARN is the principal's",
           statement(
               "Allow", R"({"AWS":"*"})",
               R"({"StringEquals":{"sts:ExternalId":"@ID"},"ArnEquals":{"aws:PrincipalArn":"@BROKER"}})"),
           ""},
          {"everyone of an account that is denied",
           good() + "," +
               statement("Allow", R"("*")", R"({"StringEquals":{"aws:PrincipalAccount":"999999999999"}})") +
               "," + statement("Deny", R"({"AWS":"999999999999"})", ""),
           ""},
          {"everyone, and others are denied",
           statement("Allow", R"("*")", exact) + "," +
               deny(R"({"StringNotEquals":{"aws:PrincipalArn":"@BROKER"}})"),
           ""},
          {"the account, and the ARN is the principal's",
           statement(
               "Allow", R"({"AWS":"111111111111"})",
               R"({"StringEquals":{"sts:ExternalId":"@ID"},"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/deputy-*"}})"),
           "partner_account"},
          {"a session principal",
           statement("Allow", R"({"AWS":"arn:aws:sts::111111111111:assumed-role/deputy-broker/probe"})",
                     exact),
           ""},
          {"another role with the ID",
           good() + "," + statement("Allow", R"({"AWS":"arn:aws:iam::111111111111:role/other"})", exact),
           "partner_identity"},
          {"the customer's own",
           good() + "," + statement("Allow", R"({"AWS":"arn:aws:iam::222222222222:role/admin"})", ""),
           "own_account"},
          {"a service", good() + "," + statement("Allow", R"({"Service":"lambda.amazonaws.com"})", ""),
           "service_principal"},
          {"a unique ID with the ID",
           good() + "," + statement("Allow", R"({"AWS":"AROAEXAMPLEEXAMPLE12"})", exact), "unknown_identity"},
          {"bare for tags",
           good() + "," +
               statement("Allow", broker, "", R"("Action":["sts:TagSession","sts:SetSourceIdentity"])"),
           ""},
          {"a variable that does not matter",
           allow(
               R"({"StringEquals":{"sts:ExternalId":"@ID"},"StringNotEquals":{"sts:RoleSessionName":"${aws:PrincipalTag/x}"}})"),
           "extra_condition"},
      },
      TrustVerdict::safe);
}

TEST(Analyzer, FindsWhatIsDenied) {
  expect_all(
      {
          {"another role", statement("Allow", R"({"AWS":"arn:aws:iam::111111111111:role/other"})", exact),
           "issued_id_refused"},
          {"the same name elsewhere",
           statement("Allow", R"({"AWS":"arn:aws:iam::111111111111:role/team/deputy-broker"})", exact),
           "issued_id_refused"},
          {"a deleted role", statement("Allow", R"({"AWS":"AROAEXAMPLEEXAMPLE12"})", exact),
           "unknown_identity"},
          {"a space", allow(R"({"StringEquals":{"sts:ExternalId":"@ID "}})"), "issued_id_refused"},
          {"a character of another script", allow(R"({"StringEquals":{"sts:ExternalId":"@ID\u00e9"}})"),
           "issued_id_refused"},
          {"a narrow no-break space", allow(R"({"StringEquals":{"sts:ExternalId":"\u202f@ID"}})"),
           "issued_id_refused"},
          {"a literal star", allow(R"({"StringEquals":{"sts:ExternalId":"*"}})"), "issued_id_refused"},
          {"an escaped star", allow(R"({"StringLike":{"sts:ExternalId":"${*}"}})"), "issued_id_refused"},
          {"denied by session name", good() + "," + deny(R"({"StringLike":{"sts:RoleSessionName":"*"}})"),
           "issued_id_refused"},
          {"denied wholly", good() + "," + deny(""), "issued_id_refused"},
          {"denied by account", good() + "," + statement("Deny", R"({"AWS":"111111111111"})", ""),
           "issued_id_refused"},
          {"two IDs at once",
           allow(R"({"StringEquals":{"sts:ExternalId":"@ID"},"StringLike":{"sts:ExternalId":"@OTHER"}})"),
           "issued_id_refused"},
          {"the wrong action", statement("Allow", broker, exact, R"("Action":"sts:TagSession")"),
           "issued_id_refused"},
          {"a user name",
           allow(R"({"StringEquals":{"sts:ExternalId":"@ID","sts:RoleSessionName":"${aws:username}"}})"),
           "issued_id_undecided"},
      },
      TrustVerdict::denied);
}

TEST(Analyzer, InvalidCarriesTheReasonAndAPlainPolicy) {
  for (const std::string document : {"", "{", "%zz", "[]", R"({"Version":"2012-10-17"})"}) {
    const TrustAnalysis analysis = analyze(document, question());
    EXPECT_EQ(analysis.verdict, TrustVerdict::invalid);
    EXPECT_TRUE(has_code(analysis, "policy_invalid"));
    EXPECT_EQ(analyze(analysis.mend, question()).verdict, TrustVerdict::safe);
  }
  const Policy identity = identity_policy(R"({"Effect":"Allow","Action":"*","Resource":"*"})");
  EXPECT_EQ(analyze(identity, question()).verdict, TrustVerdict::invalid);
}

TEST(Analyzer, KnowsARotation) {
  TrustQuestion both = question();
  both.issued.push_back(id_of(next_id));
  const std::string two = allow(R"({"StringEquals":{"sts:ExternalId":["@ID","@NEXT"]}})");
  expect_all(
      {{"both listed", two, ""},
       {"a statement each", good() + "," + allow(R"({"StringEquals":{"sts:ExternalId":"@NEXT"}})"), ""}},
      TrustVerdict::safe, both);
  expect_all({{"only the old one", good(), "issued_id_refused"}}, TrustVerdict::denied, both);
  expect_unsafe({{"the next one, not yet issued", two, "external_id_not_exact"}});

  TrustQuestion tolerant = question();
  tolerant.tolerated = {id_of(next_id)};
  expect_all({{"listed", two, "tolerated_id"}, {"not listed", good(), ""}}, TrustVerdict::safe, tolerant);
  expect_all({{"only the tolerated one", allow(R"({"StringEquals":{"sts:ExternalId":"@NEXT"}})"),
               "issued_id_refused"}},
             TrustVerdict::denied, tolerant);
  expect_unsafe({{"and a third", allow(R"({"StringEquals":{"sts:ExternalId":["@ID","@NEXT","@OTHER"]}})"),
                  "external_id_not_exact"}},
                tolerant);
  const TrustAnalysis mended =
      analyze(document_of(allow(R"({"StringLike":{"sts:ExternalId":["@ID*","@NEXT"]}})")), tolerant);
  EXPECT_THAT(mended.mend, testing::HasSubstr(next_id)) << "the customer listed it, so it stays";
}

TEST(Analyzer, TakesAllForeignWhileTheRolesAccountIsNotKnown) {
  TrustQuestion unknown = question();
  unknown.role_account.reset();
  const std::string own = good() + "," + statement("Allow", R"({"AWS":"222222222222"})", "");
  expect_all({{"known", own, "own_account"}}, TrustVerdict::safe);
  expect_unsafe({{"unknown", own, "foreign_account"}}, unknown);
}

TEST(Analyzer, ReadsVariablesAsTheirVersionDoes) {
  const std::string variable = allow(R"({"StringEquals":{"sts:ExternalId":"${aws:PrincipalTag/x}"}})");
  expect_all({{"a text in the old version", variable, "old_version"}}, TrustVerdict::denied, question(),
             "2008-10-17");
  expect_unsafe({{"a variable in the new one", variable, "external_id_not_exact"}});
}

// The `possible` pass: what the engine cannot decide it does not accept, and may be accepted all the same.
TEST(Analyzer, TakesTheUndecidableForOpen) {
  expect_unsafe({
      {"a value that is no number in an Allow",
       good() + "," + allow(R"({"NumericLessThan":{"k:n":"5"},"NumericGreaterThanEquals":{"k:n":"5"}})"),
       "undecided"},
      {"an empty text that is there or is not",
       good() + "," + allow(R"({"Null":{"aws:PrincipalTag/x":"true"}})") + "," +
           deny(R"({"Null":{"aws:PrincipalTag/x":"true"}})"),
       "undecided"},
      {"addresses compared as texts as well",
       good() + "," +
           allow(R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"StringLike":{"aws:SourceIp":"10.*.7.9"}})"),
       "undecided"},
      {"values that disagree",
       good() + "," + allow(R"({"StringEquals":{"k:x":"a"},"StringNotEquals":{"k:x":"a"}})"), "undecided"},
      {"a Deny of a canonical user who may be somebody else",
       bare() + "," +
           statement(
               "Deny",
               R"({"CanonicalUser":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"})", ""),
       "undecided"},
      {"two variables that may be anything",
       good() + "," +
           allow(
               R"({"StringEquals":{"aws:PrincipalTag/a":"x${aws:PrincipalTag/b}","aws:PrincipalTag/b":"x${aws:PrincipalTag/a}"}})"),
       "undecided"},
  });
}

// Without a bound a policy like this one takes years.
TEST(Analyzer, GivesUpOnWhatIsTooInvolvedAndSaysUnsafe) {
  std::string ones(40, '?');
  const std::string statements = allow(R"({"StringLike":{"sts:ExternalId":"*a)" + ones + R"("}})") + "," +
                                 deny(R"({"StringLike":{"sts:ExternalId":"*a?)" + ones.substr(1) + R"("}})");
  expect_unsafe({{"patterns with many states", statements, "undecided"}});

  // Which keys are there is a puzzle without a solution: four pigeons, three holes.
  std::string pigeons = good() + "," + bare();
  const auto key = [](int pigeon, int hole) { return "k:" + std::to_string(pigeon) + std::to_string(hole); };
  constexpr int holes = 7;
  for (int pigeon = 0; pigeon <= holes; ++pigeon) {
    std::string absent;
    for (int hole = 0; hole < holes; ++hole)
      absent += (hole == 0 ? "\"" : ",\"") + key(pigeon, hole) + "\":\"true\"";
    pigeons += "," + deny("{\"Null\":{" + absent + "}}");
  }
  for (int hole = 0; hole < holes; ++hole) {
    for (int a = 0; a <= holes; ++a) {
      for (int b = a + 1; b <= holes; ++b)
        pigeons +=
            "," + deny(R"({"Null":{")" + key(a, hole) + R"(":"false",")" + key(b, hole) + R"(":"false"}})");
    }
  }
  expect_unsafe({{"a puzzle", pigeons, "undecided"}});
}

TEST(Analyzer, TellsNoMoreThanFits) {
  std::string accounts;
  for (int i = 0; i < 200; ++i)
    accounts += (i == 0 ? "\"" : ",\"") + std::to_string(300'000'000'000 + i) + "\"";
  const TrustAnalysis analysis = analyze(
      document_of(good() + "," + statement("Allow", R"({"AWS":[)" + accounts + "]}", exact)), question());
  EXPECT_EQ(analysis.verdict, TrustVerdict::unsafe);
  EXPECT_EQ(analysis.findings.size(), 64U);
}

TEST(AnalyzerMend, KeepsWhatIsNotAtFault) {
  const std::string document = document_of(
      R"({"Sid":"Partner","Effect":"Allow","Principal":{"AWS":["@BROKER","arn:aws:iam::222222222222:root","999999999999"],"Service":"ec2.amazonaws.com"},)"
      R"("Action":["sts:AssumeRole","sts:SetSourceIdentity"],"Condition":{"StringLike":{"sts:ExternalId":"4f*"},"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}},)" +
      deny(R"({"Bool":{"aws:SecureTransport":"false"}})"));
  const TrustAnalysis analysis = analyze(document, question());
  EXPECT_EQ(analysis.mend, R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Partner",
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::111111111111:role/deputy-broker"
      },
      "Action": [
        "sts:AssumeRole",
        "sts:SetSourceIdentity"
      ],
      "Condition": {
        "StringEquals": {
          "sts:ExternalId": "4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42"
        },
        "IpAddress": {
          "aws:SourceIp": "198.51.100.0/24"
        }
      }
    },
    {
      "Effect": "Allow",
      "Principal": {
        "AWS": "222222222222",
        "Service": "ec2.amazonaws.com"
      },
      "Action": [
        "sts:AssumeRole",
        "sts:SetSourceIdentity"
      ],
      "Condition": {
        "StringLike": {
          "sts:ExternalId": "4f*"
        },
        "IpAddress": {
          "aws:SourceIp": "198.51.100.0/24"
        }
      }
    },
    {
      "Effect": "Deny",
      "Principal": {
        "AWS": "*"
      },
      "Action": "sts:AssumeRole",
      "Condition": {
        "Bool": {
          "aws:SecureTransport": "false"
        }
      }
    }
  ]
}
)");
}

TEST(AnalyzerMend, IsPlainWhereEditingDoesNotHelp) {
  const TrustAnalysis analysis = analyze(document_of(deny("")), question());
  EXPECT_EQ(analysis.verdict, TrustVerdict::denied);
  EXPECT_EQ(analysis.mend, R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::111111111111:role/deputy-broker"
      },
      "Action": [
        "sts:AssumeRole",
        "sts:TagSession"
      ],
      "Condition": {
        "StringEquals": {
          "sts:ExternalId": "4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42"
        }
      }
    }
  ]
}
)");
}

}  // namespace
}  // namespace deputy::policy
