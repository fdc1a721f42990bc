#include "policy/analyzer.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "policy/analyzer_test_shapes.hpp"

namespace deputy::policy {
namespace {

// Both parts must be in the value: its length is at least their sum.
std::string two_parts(const std::string& key, std::size_t first, std::size_t second) {
  const auto part = [&](char letter, std::size_t count) {
    return "{\"" + key + "\":\"*" + std::string(count, letter) + "*\"}";
  };
  return "{\"StringLike\":" + part('a', first) + ",\"StringLikeIfExists\":" + part('b', second) + "}";
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
          {"nobody: two parts that fit into no session name together",
           good() + "," + allow(two_parts("sts:RoleSessionName", 33, 32)), ""},
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
          {"everyone, and who is denied has an ID of nobody knows whom",
           statement(
               "Allow", R"({"AWS":"*"})",
               R"({"StringEquals":{"sts:ExternalId":"@ID"},"ArnEquals":{"aws:PrincipalArn":"@BROKER"}})") +
               "," +
               statement(
                   "Deny",
                   R"({"AWS":"AROAEXAMPLEEXAMPLE12","CanonicalUser":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"})",
                   "", R"("Action":"sts:AssumeRoleWithSAML")"),
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

// Accounts of other partitions have the same numbers and are other people's.
TEST(Analyzer, TellsPartitionsApart) {
  const auto with_root = [](std::string_view partition, std::string_view account,
                            const std::string& condition, std::string_view effect = "Allow") {
    return statement(effect, fmt::format(R"({{"AWS":"arn:{}:iam::{}:root"}})", partition, account),
                     condition);
  };
  expect_unsafe({
      {"the partner's number in China", good() + "," + with_root("aws-cn", "111111111111", exact),
       "foreign_account"},
      {"one's own number in China", good() + "," + with_root("aws-cn", "222222222222", ""),
       "foreign_account"},
      {"a Deny that binds nobody",
       bare() + "," +
           with_root("aws-cn", "111111111111", R"({"StringNotEquals":{"sts:ExternalId":"@ID"}})", "Deny"),
       "external_id_not_required"},
  });
  expect_all({{"the partner's by its ARN", with_root("aws", "111111111111", exact), "partner_account"},
              {"one's own by its ARN", good() + "," + with_root("aws", "222222222222", ""), "own_account"}},
             TrustVerdict::safe);
}

TEST(Analyzer, SaysWhyTheIssuedIdIsRefused) {
  const auto told = [](const std::string& statements) {
    const TrustAnalysis analysis = analyze(document_of(statements), question());
    EXPECT_EQ(analysis.verdict, TrustVerdict::denied);
    return analysis.findings.front().message;
  };
  EXPECT_THAT(
      told(allow(R"({"StringEquals":{"sts:ExternalId":"@ID","aws:PrincipalAccount":"333333333333"}})")),
      testing::HasSubstr("statement 1 asks for StringEquals `aws:PrincipalAccount` `333333333333`, and "
                         "the partner's is `111111111111`"));
  EXPECT_THAT(told(allow(R"({"StringEquals":{"aws:ExternalId":"@ID"}})")),
              testing::HasSubstr("`aws:ExternalId` `" + issued_id + "`, and no request has that key"));
  EXPECT_THAT(told(statement("Allow", R"({"AWS":"arn:aws:iam::111111111111:role/Deputy-Broker"})", exact)),
              testing::HasSubstr("no statement names it"));
  EXPECT_THAT(told(good() + "," + deny("")), testing::HasSubstr("a Deny refuses it"));
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
      {"a number that a variable brings",
       good() + "," + allow(R"({"NumericEquals":{"sts:ExternalId":"${aws:PrincipalTag/n}"}})"), "undecided"},
      {"a number of another key that a variable brings",
       good() + "," + allow(R"({"NumericEquals":{"k:n":"${aws:PrincipalTag/n}"}})"), "undecided"},
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

TEST(Analyzer, TriesWhatIsWrittenWhereLookingTakesTooLong) {
  std::string patterns;
  for (int i = 0; i < 3'000; ++i)
    patterns += (i == 0 ? "\"" : ",\"") + std::string{"*"} + std::to_string(i) + "*a*b*\"";
  const TrustAnalysis analysis =
      analyze(document_of(allow(R"({"StringLike":{"sts:ExternalId":[)" + patterns + "]}}")), question());
  EXPECT_EQ(analysis.verdict, TrustVerdict::unsafe);
  ASSERT_TRUE(analysis.witness.has_value());
  const ContextKey* id = analysis.witness->find("sts:ExternalId");
  ASSERT_NE(id, nullptr);
  EXPECT_THAT(id->values, testing::ElementsAre("0ab"));
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

// One character more of either and nobody would come in: a session name has at most 64.
TEST(Analyzer, FindsATextOfTheGreatestLength) {
  const TrustAnalysis analysis =
      analyze(document_of(allow(two_parts("sts:RoleSessionName", 32, 32))), question());
  EXPECT_EQ(analysis.verdict, TrustVerdict::unsafe) << codes_of(analysis);
  ASSERT_TRUE(analysis.witness.has_value());
  EXPECT_EQ(analysis.witness->find("sts:RoleSessionName")->values.front().size(), 64U);
}

}  // namespace
}  // namespace deputy::policy
