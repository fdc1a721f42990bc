#include "policy/decision.hpp"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/policy_test_support.hpp"

namespace deputy::policy {
namespace {

using testing::HasSubstr;

// Whether a statement of effect Allow with this Condition lets a request with these keys through.
bool passes(const std::string& condition, std::vector<ContextKey> context,
            std::string_view version = "2012-10-17") {
  const Policy policy = trusting(condition, version);
  return evaluate(policy, asking(std::move(context))).allowed();
}
// The same in a Deny beside a bare Allow.
bool denies(const std::string& condition, std::vector<ContextKey> context) {
  return evaluate(refusing(condition), asking(std::move(context))).verdict == Verdict::explicitly_denied;
}
std::vector<ContextKey> key(std::string value) {
  return {{"k:x", {std::move(value)}}};
}
std::vector<ContextKey> keys(std::vector<std::string> values) {
  return {{"k:x", std::move(values)}};
}
std::string one(std::string_view condition_operator, std::string_view value) {
  return "{\"" + std::string{condition_operator} + "\":{\"k:x\":" + std::string{value} + "}}";
}

TEST(Deciding, IsDenialByDefault) {
  const Decision decision = evaluate(trusting(one("StringEquals", "\"a\"")), asking({}));
  EXPECT_EQ(decision.verdict, Verdict::implicitly_denied);
  EXPECT_EQ(decision.statement, nullptr);
}

TEST(Deciding, ExplicitDenyWinsWhereverItStands) {
  const std::string allow = allow_statement("{}"), deny = deny_statement("{}");
  for (const std::string& list : {allow + "," + deny, deny + "," + allow}) {
    EXPECT_EQ(evaluate(policy_of(list), asking({})).verdict, Verdict::explicitly_denied);
  }
}

TEST(Conditions, KeyNamesIgnoreCaseAndValuesDoNot) {
  EXPECT_TRUE(passes(R"({"StringEquals":{"STS:externalID":"a"}})", {{"sts:ExternalId", {"a"}}}));
  EXPECT_FALSE(passes(R"({"StringEquals":{"sts:ExternalId":"a"}})", {{"sts:ExternalId", {"A"}}}));
  EXPECT_TRUE(passes(R"({"StringEqualsIgnoreCase":{"sts:ExternalId":"a"}})", {{"sts:ExternalId", {"A"}}}));
  EXPECT_FALSE(
      passes(R"({"StringNotEqualsIgnoreCase":{"sts:ExternalId":"a"}})", {{"sts:ExternalId", {"A"}}}));
}

TEST(Conditions, AreAndedAndValuesOred) {
  const std::string two = R"({"StringEquals":{"k:x":["a","b"],"k:y":"c"},"StringLike":{"k:x":"b*"}})";
  EXPECT_TRUE(passes(two, {{"k:x", {"b"}}, {"k:y", {"c"}}}));
  EXPECT_FALSE(passes(two, {{"k:x", {"a"}}, {"k:y", {"c"}}}));
  EXPECT_FALSE(passes(two, {{"k:x", {"b"}}, {"k:y", {"d"}}}));
  EXPECT_FALSE(passes(two, {{"k:x", {"b"}}}));
}

TEST(Conditions, NegatedOperatorsNorTheirValues) {
  EXPECT_TRUE(passes(one("StringNotEquals", R"(["a","b"])"), key("c")));
  EXPECT_FALSE(passes(one("StringNotEquals", R"(["a","b"])"), key("b")));
  EXPECT_FALSE(passes(one("StringNotLike", R"(["a*","b"])"), key("ab")));
}

TEST(Conditions, AbsentKeysAreFalseButForNegatedAndIfExists) {
  EXPECT_FALSE(passes(one("StringEquals", "\"a\""), {}));
  EXPECT_FALSE(passes(one("StringLike", "\"*\""), {}));
  EXPECT_FALSE(passes(one("NumericLessThan", "\"1\""), {}));
  EXPECT_FALSE(passes(one("IpAddress", "\"0.0.0.0/0\""), {}));
  EXPECT_FALSE(passes(one("Bool", "\"false\""), {}));
  for (const std::string_view name :
       {"StringNotEquals", "StringNotLike", "StringEqualsIfExists", "StringLikeIfExists",
        "StringNotEqualsIfExists", "StringNotEqualsIgnoreCase"}) {
    EXPECT_TRUE(passes(one(name, "\"a\""), {})) << name;
  }
  EXPECT_TRUE(passes(one("NumericNotEquals", "\"1\""), {}));
  EXPECT_TRUE(passes(one("DateNotEquals", "\"2026-01-01\""), {}));
  EXPECT_TRUE(passes(one("NotIpAddress", "\"10.0.0.0/8\""), {}));
  EXPECT_TRUE(passes(one("ArnNotLike", "\"arn:aws:iam::*:role/x\""), {}));
  EXPECT_TRUE(passes(one("BoolIfExists", "\"true\""), {}));
  EXPECT_TRUE(passes(one("StringEquals", "\"a\""), keys({"a"})));
  EXPECT_FALSE(passes(one("StringEquals", "\"a\""), keys({}))) << "no values is absent";
}

TEST(Conditions, IfExistsStillComparesWhatIsThere) {
  EXPECT_FALSE(passes(one("StringEqualsIfExists", "\"a\""), key("b")));
  EXPECT_TRUE(passes(one("StringEqualsIfExists", "\"a\""), key("a")));
  EXPECT_TRUE(denies(one("StringNotEqualsIfExists", "\"a\""), {}));
}

TEST(Conditions, NullTestsForAbsence) {
  EXPECT_TRUE(passes(one("Null", "\"true\""), {}));
  EXPECT_FALSE(passes(one("Null", "\"true\""), key("a")));
  EXPECT_FALSE(passes(one("Null", "\"false\""), {}));
  EXPECT_TRUE(passes(one("Null", "false"), key("a")));
  EXPECT_TRUE(passes(one("Null", "[\"true\",\"false\"]"), {}));
}

TEST(Conditions, NullCannotTellWhetherAnEmptyStringIsAbsent) {
  for (const std::string_view value : {"true", "false"}) {
    EXPECT_FALSE(passes(one("Null", value), key(""))) << value;
    EXPECT_TRUE(denies(one("Null", value), key(""))) << value;
  }
  EXPECT_TRUE(passes(one("Null", "[true,false]"), key("")));
}

TEST(Conditions, ForAllValuesIsTrueOnNothing) {
  const std::string condition = one("ForAllValues:StringEquals", R"(["a","b"])");
  EXPECT_TRUE(passes(condition, {}));
  EXPECT_TRUE(passes(condition, keys({})));
  EXPECT_TRUE(passes(condition, keys({""}))) << "an empty string is the empty set";
  EXPECT_TRUE(passes(condition, keys({"a", "b", "a"})));
  EXPECT_FALSE(passes(condition, keys({"a", "c"})));
  EXPECT_FALSE(passes(condition, keys({"a", ""}))) << "a value beside others";
  EXPECT_FALSE(passes(one("ForAllValues:StringNotEquals", "\"a\""), keys({"b", "a"})));
  EXPECT_TRUE(passes(one("ForAllValues:StringNotEquals", "\"a\""), keys({"b", "c"})));
}

TEST(Conditions, ForAnyValueIsFalseOnNothing) {
  const std::string condition = one("ForAnyValue:StringEquals", R"(["a","b"])");
  EXPECT_FALSE(passes(condition, {}));
  EXPECT_FALSE(passes(condition, keys({""})));
  EXPECT_TRUE(passes(condition, keys({"x", "b"})));
  EXPECT_FALSE(passes(condition, keys({"x", "y"})));
  EXPECT_FALSE(passes(one("ForAnyValue:StringEqualsIfExists", "\"a\""), {}));
  EXPECT_FALSE(passes(one("ForAnyValue:StringNotEquals", "\"a\""), {}))
      << "negated, and still false on nothing";
  EXPECT_TRUE(passes(one("ForAnyValue:StringNotEquals", "\"a\""), keys({"a", "b"})));
  EXPECT_FALSE(passes(one("ForAnyValue:StringNotEquals", "\"a\""), keys({"a", "a"})));
}

TEST(Conditions, SeveralValuesUnderAPlainOperatorErrToTheStrictSide) {
  const std::string condition = one("StringEquals", "\"a\"");
  EXPECT_FALSE(passes(condition, keys({"a", "b"})));
  EXPECT_TRUE(denies(condition, keys({"a", "b"})));
  EXPECT_FALSE(denies(condition, keys({"c", "b"})));
  EXPECT_TRUE(passes(condition, keys({"a", "a"})));
}

TEST(Conditions, StringEqualsTakesWildcardsLiterally) {
  EXPECT_FALSE(passes(one("StringEquals", "\"*\""), key("a")));
  EXPECT_TRUE(passes(one("StringEquals", "\"*\""), key("*")));
  EXPECT_TRUE(passes(one("StringLike", "\"a?c*\""), key("abcdef")));
  EXPECT_FALSE(passes(one("StringLike", "\"a?c*\""), key("ac")));
}

TEST(Conditions, StarCrossesNewlinesAndSlashes) {
  EXPECT_TRUE(passes(one("StringLike", "\"a*z\""), key("a\n/\r\nz")));
  EXPECT_TRUE(passes(one("StringLike", "\"a?z\""), key("a\nz")));
  EXPECT_TRUE(passes(one("StringLike", "\"*\""), key("")));
}

TEST(Conditions, NumbersCompareExactly) {
  EXPECT_TRUE(passes(one("NumericEquals", "\"10\""), key("10.0")));
  EXPECT_TRUE(passes(one("NumericEquals", "10"), key("+010")));
  EXPECT_TRUE(passes(one("NumericEquals", "\"0\""), key("-0")));
  EXPECT_FALSE(passes(one("NumericEquals", "\"900719925474099267\""), key("900719925474099266")));
  EXPECT_TRUE(passes(one("NumericLessThan", "\"0\""), key("-0.5")));
  EXPECT_TRUE(passes(one("NumericLessThan", "\"-1\""), key("-2")));
  EXPECT_FALSE(passes(one("NumericLessThan", "\"9\""), key("10")));
  EXPECT_TRUE(passes(one("NumericGreaterThan", "\"1.25\""), key("1.3")));
  EXPECT_TRUE(passes(one("NumericGreaterThanEquals", "\"5\""), key("5")));
  EXPECT_TRUE(passes(one("NumericLessThanEquals", "\"5\""), key("5")));
  EXPECT_TRUE(passes(one("NumericNotEquals", "\"5\""), key("6")));
}

TEST(Conditions, BrokenRequestValuesNeverGrantAndAlwaysDeny) {
  struct Case {
    std::string_view condition_operator, value;
    std::string given;
  };
  const std::vector<Case> cases{
      {"NumericEquals", "\"10\"", "10abc"},        {"NumericNotEquals", "\"10\"", "10abc"},
      {"NumericLessThan", "\"10\"", ""},           {"DateLessThan", "\"2026-01-01\"", "yesterday"},
      {"DateNotEquals", "\"2026-01-01\"", ""},     {"IpAddress", "\"0.0.0.0/0\"", "1.2.3"},
      {"NotIpAddress", "\"10.0.0.0/8\"", "x"},     {"Bool", "\"true\"", "True"},
      {"ArnNotLike", "\"arn:aws:iam::*:*\"", "x"}, {"BinaryEquals", "\"QQ==\"", "Q"}};
  for (const Case& broken : cases) {
    const std::string condition = one(broken.condition_operator, broken.value);
    EXPECT_FALSE(passes(condition, key(broken.given))) << condition;
    EXPECT_TRUE(denies(condition, key(broken.given))) << condition;
  }
}

TEST(Conditions, DatesCompareAcrossForms) {
  EXPECT_TRUE(passes(one("DateEquals", "\"2026-01-31T10:00:00Z\""), key("2026-01-31T11:00:00+01:00")));
  EXPECT_TRUE(passes(one("DateEquals", "\"1769853600\""), key("2026-01-31T10:00:00Z")));
  EXPECT_TRUE(passes(one("DateEquals", "1769853600"), key("2026-01-31T10:00Z")));
  EXPECT_TRUE(passes(one("DateLessThan", "\"2026-01-31T10:00:00.5Z\""), key("1769853600")));
  EXPECT_TRUE(passes(one("DateGreaterThan", "\"2026-01-31\""), key("2026-01-31T00:00:01Z")));
  EXPECT_TRUE(passes(one("DateGreaterThanEquals", "\"2026-01\""), key("2026-01-01T00:00:00Z")));
  EXPECT_FALSE(passes(one("DateLessThanEquals", "\"2026-01-31\""), key("2026-01-31T00:00:01Z")));
  EXPECT_TRUE(passes(one("DateNotEquals", "\"2026-01-31\""), key("2026-02-01T00:00:00Z")));
}

TEST(Conditions, AddressesMatchByPrefix) {
  EXPECT_TRUE(passes(one("IpAddress", "\"0.0.0.0/0\""), key("203.0.113.7")));
  EXPECT_TRUE(passes(one("IpAddress", "\"198.51.100.0/25\""), key("198.51.100.127")));
  EXPECT_FALSE(passes(one("IpAddress", "\"198.51.100.0/25\""), key("198.51.100.128")));
  EXPECT_TRUE(passes(one("IpAddress", "\"198.51.100.7\""), key("198.51.100.7")));
  EXPECT_TRUE(passes(one("IpAddress", "\"198.51.100.77/24\""), key("198.51.100.1")))
      << "host bits do not count";
  EXPECT_TRUE(passes(one("IpAddress", "\"2001:db8::1\""), key("2001:0DB8:0:0:0:0:0:1")));
  EXPECT_TRUE(passes(one("IpAddress", "\"2001:db8::/33\""), key("2001:db8:7fff::")));
  EXPECT_FALSE(passes(one("IpAddress", "\"2001:db8::/33\""), key("2001:db8:8000::")));
  EXPECT_TRUE(passes(one("IpAddress", "\"::/0\""), key("2001:db8::1")));
  EXPECT_FALSE(passes(one("IpAddress", "\"0.0.0.0/0\""), key("2001:db8::1"))) << "families are apart";
  EXPECT_FALSE(passes(one("IpAddress", "\"::/0\""), key("203.0.113.7")));
  EXPECT_TRUE(passes(one("IpAddress", "\"203.0.113.0/24\""), key("::ffff:203.0.113.7")));
  EXPECT_FALSE(passes(one("NotIpAddress", "\"203.0.113.0/24\""), key("203.0.113.7")));
  EXPECT_TRUE(passes(one("NotIpAddress", "\"203.0.113.0/24\""), key("203.0.114.7")));
}

TEST(Conditions, ArnsMatchBySegment) {
  for (const std::string_view name : {"ArnLike", "ArnEquals"}) {
    EXPECT_TRUE(
        passes(one(name, "\"arn:aws:iam::111111111111:role/*\""), key("arn:aws:iam::111111111111:role/a/b")));
    EXPECT_FALSE(passes(one(name, "\"arn:aws:*:::role/x\""), key("arn:aws:iam::111111111111:role/x")))
        << name;
  }
  EXPECT_FALSE(passes(one("ArnLike", "\"arn:*:*:*:*:role/x\""), key("arn:aws:iam::1:policy/role/x")));
  EXPECT_FALSE(passes(one("ArnNotEquals", "\"arn:aws:iam::*:role/x\""), key("arn:aws:iam::1:role/x")));
  EXPECT_TRUE(passes(one("ArnLike", "\"arn:aws:logs:*:*:*:x\""), key("arn:aws:logs:r:1:log-group:g:x")));
}

TEST(Conditions, BoolAndBinary) {
  EXPECT_TRUE(passes(one("Bool", "true"), key("true")));
  EXPECT_FALSE(passes(one("Bool", "\"true\""), key("false")));
  EXPECT_TRUE(passes(one("BinaryEquals", "\"QmluYXJ5\""), key("QmluYXJ5")));
  EXPECT_FALSE(passes(one("BinaryEquals", "\"QmluYXJ5\""), key("QmluYXJ6")));
}

TEST(Variables, TakeTheRequestsValueLiterally) {
  const std::string condition = one("StringLike", "\"home/${aws:username}/*\"");
  const auto asked = [](std::string value, std::string user) {
    return std::vector<ContextKey>{{"k:x", {std::move(value)}}, {"AWS:UserName", {std::move(user)}}};
  };
  EXPECT_TRUE(passes(condition, asked("home/ann/x", "ann")));
  EXPECT_FALSE(passes(condition, asked("home/bob/x", "ann")));
  EXPECT_FALSE(passes(condition, asked("home/bob/x", "*"))) << "a value is never a wildcard";
  EXPECT_TRUE(passes(condition, asked("home/*/x", "*")));
}

TEST(Variables, WorkUnderVersion2012Alone) {
  const auto asked = std::vector<ContextKey>{{"k:x", {"ann"}}, {"aws:username", {"ann"}}};
  EXPECT_TRUE(passes(one("StringEquals", "\"${aws:username}\""), asked));
  EXPECT_FALSE(passes(one("StringEquals", "\"${aws:username}\""), asked, "2008-10-17"));
  EXPECT_TRUE(passes(one("StringEquals", "\"${aws:username}\""), key("${aws:username}"), "2008-10-17"));
  EXPECT_TRUE(passes(one("StringLike", "\"${*}\""), key("${abc}"), "2008-10-17"));
}

TEST(Variables, EscapesAreLiteralCharacters) {
  EXPECT_TRUE(passes(one("StringLike", "\"a${*}b${?}c${$}\""), key("a*b?c$")));
  EXPECT_FALSE(passes(one("StringLike", "\"a${*}b\""), key("axb")));
  EXPECT_TRUE(passes(one("StringEquals", "\"${*}\""), key("*")));
}

TEST(Variables, DefaultsStandInForAbsentKeysAlone) {
  const std::string condition = one("StringEquals", "\"${aws:PrincipalTag/team, 'none'}\"");
  EXPECT_TRUE(passes(condition, key("none")));
  EXPECT_FALSE(passes(condition, {{"k:x", {"none"}}, {"aws:PrincipalTag/team", {"red"}}}));
  EXPECT_TRUE(passes(condition, {{"k:x", {"red"}}, {"aws:PrincipalTag/team", {"red"}}}));
  EXPECT_FALSE(passes(one("StringLike", "\"${aws:PrincipalTag/team, '*'}\""), key("x")));
}

TEST(Variables, UnresolvedMatchNothing) {
  EXPECT_FALSE(passes(one("StringEquals", "\"${aws:username}\""), key("")));
  EXPECT_FALSE(passes(one("StringLike", "\"*${aws:username}*\""), key("x")));
  EXPECT_FALSE(passes(one("StringEquals", "\"${k:y}\""), {{"k:x", {"a"}}, {"k:y", {"a", "b"}}}));
}

TEST(Variables, MayBeEmptyAndStandTogether) {
  const auto asked = [](std::string value, std::string variable) {
    return std::vector<ContextKey>{{"k:x", {std::move(value)}}, {"k:y", {std::move(variable)}}};
  };
  EXPECT_TRUE(passes(one("StringEquals", "\"${k:y}${k:y}b\""), asked("aab", "a")));
  EXPECT_TRUE(passes(one("StringEquals", "\"${k:y}${k:y}\""), asked("", "")));
  EXPECT_FALSE(passes(one("StringEquals", "\"${k:y}\""), asked("aa", "a")));
  EXPECT_FALSE(passes(one("StringEquals", "\"${k:y}\""), asked("a", "aa")));
  EXPECT_TRUE(passes(one("StringLike", "\"*${k:y}*${k:y}\""), asked("xabyab", "ab")));
  EXPECT_FALSE(passes(one("StringLike", "\"*${k:y}*${k:y}\""), asked("xab", "ab")));
  EXPECT_TRUE(passes(one("ArnLike", "\"arn:aws:iam::${k:y}:*\""), asked("arn:aws:iam::1:role/x", "1")));
  EXPECT_FALSE(passes(one("ArnLike", "\"arn:aws:iam:${k:y}\""), asked("arn:aws:iam::1:role/x", ":1")));
}

TEST(Variables, TooLongForANumberMatchesNothing) {
  const std::string zeros(100, '0');
  EXPECT_FALSE(passes(one("NumericEquals", "\"${k:y}\""), {{"k:x", {"0"}}, {"k:y", {zeros}}}));
  EXPECT_TRUE(passes(one("NumericNotEquals", "\"${k:y}\""), {{"k:x", {"0"}}, {"k:y", {zeros}}}));
}

TEST(Variables, WorkForEveryOperator) {
  const auto asked = [](std::string value, std::string variable) {
    return std::vector<ContextKey>{{"k:x", {std::move(value)}}, {"k:y", {std::move(variable)}}};
  };
  EXPECT_TRUE(passes(one("NumericLessThan", "\"${k:y}\""), asked("9", "10")));
  EXPECT_TRUE(passes(one("DateEquals", "\"${k:y}\""), asked("2026-01-01T00:00:00Z", "1767225600")));
  EXPECT_TRUE(passes(one("IpAddress", "\"${k:y}/24\""), asked("10.0.0.9", "10.0.0.1")));
  EXPECT_TRUE(
      passes(one("ArnEquals", "\"${k:y}\""), asked("arn:aws:iam::1:role/x", "arn:aws:iam::1:role/x")));
  EXPECT_TRUE(passes(one("StringEqualsIgnoreCase", "\"${k:y}\""), asked("A", "a")));
  EXPECT_TRUE(passes(one("Bool", "\"${k:y}\""), asked("true", "true")));
  EXPECT_FALSE(passes(one("NumericLessThan", "\"${k:y}\""), asked("9", "ten")));
}

TEST(Actions, IgnoreCaseAndKnowWildcards) {
  const auto allows = [](std::string_view action, std::string_view asked) {
    const Policy policy = identity_policy("{\"Effect\":\"Allow\",\"Action\":\"" + std::string{action} +
                                          "\",\"Resource\":\"*\"}");
    return evaluate(policy, request_for(asked, "*")).allowed();
  };
  EXPECT_TRUE(allows("s3:getobject", "S3:GetObject"));
  EXPECT_TRUE(allows("s3:Get*", "s3:GetObject"));
  EXPECT_TRUE(allows("*", "s3:GetObject"));
  EXPECT_FALSE(allows("s3:Get", "s3:GetObject"));
  EXPECT_FALSE(allows("s3:Put?bject", "s3:GetObject"));
}

TEST(Actions, NotActionCoversTheRest) {
  const Policy policy =
      identity_policy(R"({"Effect":"Allow","NotAction":["iam:*","sts:AssumeRole"],"Resource":"*"})");
  EXPECT_TRUE(evaluate(policy, request_for("s3:GetObject", "*")).allowed());
  EXPECT_FALSE(evaluate(policy, request_for("iam:GetRole", "*")).allowed());
  EXPECT_FALSE(evaluate(policy, request_for("STS:assumerole", "*")).allowed());
}

TEST(Resources, MatchBySegment) {
  const auto allows = [](std::string_view resource, std::string_view asked) {
    const Policy policy = identity_policy("{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"" +
                                          std::string{resource} + "\"}");
    return evaluate(policy, request_for("s3:GetObject", asked)).allowed();
  };
  EXPECT_TRUE(allows("arn:aws:s3:::b/*", "arn:aws:s3:::b/x/y"));
  EXPECT_FALSE(allows("arn:aws:s3:::b/*", "arn:aws:s3:::B/x"));
  EXPECT_FALSE(allows("arn:aws:s3:::*", "*")) << "an action without a resource needs `*`";
  EXPECT_TRUE(allows("*", "*"));
  EXPECT_FALSE(allows("arn:aws:s3:::${aws:username}/*", "arn:aws:s3:::b/x"));
}

TEST(Resources, NotResourceCoversTheRest) {
  const Policy policy =
      identity_policy(R"({"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::secret/*"})");
  EXPECT_TRUE(evaluate(policy, request_for("s3:GetObject", "arn:aws:s3:::open/x")).allowed());
  EXPECT_FALSE(evaluate(policy, request_for("s3:GetObject", "arn:aws:s3:::secret/x")).allowed());
}

TEST(Principals, NameCallersByAccountArnOrUniqueId) {
  const auto trusts = [](const std::string& principal) {
    return evaluate(trusting_principal("{\"AWS\":\"" + principal + "\"}"), asking({})).allowed();
  };
  EXPECT_TRUE(trusts("111111111111"));
  EXPECT_TRUE(trusts("arn:aws:iam::111111111111:root"));
  EXPECT_TRUE(trusts("arn:aws:iam::111111111111:role/team/deputy-broker")) << "a session is its role";
  EXPECT_TRUE(trusts("arn:aws:sts::111111111111:assumed-role/deputy-broker/probe"));
  EXPECT_TRUE(trusts("AROAEXAMPLEEXAMPLE01"));
  EXPECT_TRUE(trusts("*"));
  EXPECT_FALSE(trusts("999999999999"));
  EXPECT_FALSE(trusts("arn:aws:iam::111111111111:role/deputy-broker")) << "another path is another role";
  EXPECT_FALSE(trusts("arn:aws:sts::111111111111:assumed-role/deputy-broker/other"));
  EXPECT_FALSE(trusts("AROAEXAMPLEEXAMPLE0")) << "a prefix of the ID";
  EXPECT_FALSE(trusts("arn:aws:iam::111111111111:user/deputy-broker"));
}

TEST(Principals, ServicesAreApartFromAccounts) {
  const Policy policy = trusting_principal(R"({"Service":"ec2.amazonaws.com"})");
  Request request = asking({});
  EXPECT_FALSE(evaluate(policy, request).allowed());
  request.caller = {};
  request.caller.service = "ec2.amazonaws.com";
  EXPECT_TRUE(evaluate(policy, request).allowed());
  EXPECT_FALSE(evaluate(trusting_principal(R"({"AWS":"111111111111"})"), request).allowed());
}

TEST(Principals, ProvidersOfIdentitiesAreApartFromAccounts) {
  const std::string provider = "arn:aws:iam::222222222222:oidc-provider/token.example.com";
  const Policy policy = trusting_principal("{\"Federated\":\"" + provider + "\"}");
  Request request = asking({});
  EXPECT_FALSE(evaluate(policy, request).allowed());
  request.caller = {};
  request.caller.federated = provider;
  EXPECT_TRUE(evaluate(policy, request).allowed());
  EXPECT_FALSE(evaluate(trusting_principal(R"({"AWS":"222222222222"})"), request).allowed());
  EXPECT_FALSE(evaluate(trusting_principal("{\"Federated\":\"" + provider + "/x\"}"), request).allowed());
}

TEST(Principals, SessionsOfGetFederationTokenAreNamedByTheirOwnArnAndTheirUser) {
  Request request = asking({});
  request.caller = {"111111111111", "arn:aws:sts::111111111111:federated-user/anna",
                    "arn:aws:iam::111111111111:user/maker", "111111111111:anna", ""};
  const auto trusts = [&](const std::string& name) {
    return evaluate(trusting_principal("{\"AWS\":\"" + name + "\"}"), request).allowed();
  };
  EXPECT_TRUE(trusts("arn:aws:sts::111111111111:federated-user/anna"));
  EXPECT_TRUE(trusts("arn:aws:iam::111111111111:user/maker"));
  EXPECT_FALSE(trusts("arn:aws:sts::111111111111:federated-user/bert"));
  add_principal_keys(request);
  EXPECT_EQ(request.find("aws:PrincipalArn")->values.at(0), "arn:aws:sts::111111111111:federated-user/anna");
  EXPECT_EQ(request.find("aws:PrincipalType")->values.at(0), "FederatedUser");
}

TEST(Principals, UnknowableOnesNeverGrantAndAlwaysDeny) {
  const std::string id(64, 'a');
  EXPECT_FALSE(evaluate(trusting_principal("{\"CanonicalUser\":\"" + id + "\"}"), asking({})).allowed());
  const Policy denying =
      policy_of(allow_statement("{}") +
                ",{\"Effect\":\"Deny\",\"Action\":\"sts:AssumeRole\",\"Principal\":{\"CanonicalUser\":\"" +
                id + "\"}}");
  EXPECT_EQ(evaluate(denying, asking({})).verdict, Verdict::explicitly_denied);
}

TEST(Glob, HostilePatternsStayFast) {
  std::string pattern;
  for (int i = 0; i < 2'000; ++i) pattern += "*a";
  pattern += "*b";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(glob_matches(pattern, std::string(20'000, 'a')));
  EXPECT_LT(std::chrono::steady_clock::now() - start,
            std::chrono::seconds{5});  // backtracking would never end
}

TEST(Glob, QuestionMarkIsOneCharacterNotOneByte) {
  EXPECT_TRUE(glob_matches("a?b",
                           "a\xc3\xa9"
                           "b"));
  EXPECT_FALSE(glob_matches("a??b",
                            "a\xc3\xa9"
                            "b"));
  EXPECT_TRUE(glob_matches("*?b",
                           "a\xc3\xa9"
                           "b"));
  EXPECT_TRUE(glob_matches("", ""));
  EXPECT_FALSE(glob_matches("?", ""));
  EXPECT_TRUE(glob_matches("**", ""));
  EXPECT_TRUE(glob_matches("*ab*ab", "xabxabab"));
}

TEST(PrincipalKeys, AreThoseOfTheRole) {
  Request request = asking({});
  add_principal_keys(request);
  EXPECT_EQ(request.find("aws:PrincipalArn")->values.at(0),
            "arn:aws:iam::111111111111:role/team/deputy-broker");
  EXPECT_EQ(request.find("aws:principalaccount")->values.at(0), "111111111111");
  EXPECT_EQ(request.find("aws:username"), nullptr);
  const std::size_t count = request.context.size();
  add_principal_keys(request);
  EXPECT_EQ(request.context.size(), count);
}

TEST(Explaining, NamesStatementConditionAndValues) {
  const Policy policy = trusting(R"({"StringEquals":{"sts:ExternalId":"right"}})");
  const Request wrong = asking({{"sts:ExternalId", {"wrong"}}});
  const std::string text = explain(evaluate(policy, wrong), wrong);
  EXPECT_THAT(text, HasSubstr("no statement of the trust policy allows it"));
  EXPECT_THAT(text,
              HasSubstr("StringEquals `sts:ExternalId` `right`: the request has `wrong`; does not hold"));
  const Request right = asking({{"sts:ExternalId", {"right"}}});
  EXPECT_THAT(explain(evaluate(policy, right), right),
              HasSubstr("allowed by statement 1 of the trust policy"));
}

TEST(Explaining, SaysOfEveryAllowWhyItDidNotHelp) {
  const Policy policy = policy_of(
      R"({"Effect":"Allow","Principal":"*","Action":"sts:TagSession"},)" +
      trust_statement("Allow", R"({"AWS":"999999999999"})", "{}") + "," +
      allow_statement(R"({"StringEquals":{"k:x":"a","k:y":"b"},"Bool":{"aws:SecureTransport":"true"}})"));
  const Request request = asking({{"k:x", {"a"}}, {"k:y", {"c"}}, {"aws:SecureTransport", {"true"}}});
  const std::string text = explain(evaluate(policy, request), request);
  EXPECT_THAT(text, HasSubstr("statement 1 of the trust policy is about other actions: `sts:TagSession`"));
  EXPECT_THAT(text, HasSubstr("statement 2 of the trust policy does not name the caller"));
  EXPECT_THAT(text, HasSubstr("statement 3 of the trust policy has conditions"));
  EXPECT_THAT(text, HasSubstr("StringEquals `k:y` `b`: the request has `c`; does not hold"));
  EXPECT_THAT(text, testing::Not(HasSubstr("`k:x`"))) << "it held";
}

TEST(Explaining, NamesTheDenyAndTheValueThatNobodyCanRead) {
  const Policy policy = refusing(R"({"NumericLessThan":{"k:x":"5"}})");
  const Request request = asking({{"k:x", {"10abc"}}});
  const std::string text = explain(evaluate(policy, request), request);
  EXPECT_THAT(text, HasSubstr("explicitly denied by statement 2 of the trust policy"));
  EXPECT_THAT(text, HasSubstr("NumericLessThan `k:x` `5`: the request has `10abc`; cannot be decided"));
}

TEST(Explaining, IsBoundedForManyStatements) {
  std::string many;
  for (int i = 0; i < 40; ++i)
    many += (i == 0 ? "" : ",") + allow_statement(R"({"StringEquals":{"k:x":"a"}})");
  const std::string text = explain(evaluate(policy_of(many), asking({})), asking({}));
  EXPECT_THAT(text, HasSubstr("and 30 more statements"));
  EXPECT_LT(text.size(), 4'000U);
}

}  // namespace
}  // namespace deputy::policy
