#include "policy/policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/policy_test_support.hpp"

namespace deputy::policy {
namespace {

using testing::HasSubstr;

std::string refusal_of(std::string_view text, PolicyKind kind = PolicyKind::trust) {
  const auto policy = Policy::read(text, kind);
  EXPECT_FALSE(policy.has_value()) << text;
  return policy ? "" : policy.error().message;
}
std::string refused_statement(const std::string& statement, PolicyKind kind = PolicyKind::trust) {
  return refusal_of("{\"Version\":\"2012-10-17\",\"Statement\":" + statement + "}", kind);
}
std::string refused_condition(const std::string& condition) {
  return refused_statement(allow_statement(condition));
}
std::string refused_value(std::string_view condition_operator, std::string_view value) {
  return refused_condition("{\"" + std::string{condition_operator} + "\":{\"k:x\":" + std::string{value} +
                           "}}");
}

constexpr std::string_view principal = R"("Principal":{"AWS":"111111111111"})";
std::string with_principal(std::string_view rest) {
  return "{\"Effect\":\"Allow\"," + std::string{principal} + "," + std::string{rest} + "}";
}

TEST(PolicyReader, KeepsWhatWasWritten) {
  const Policy policy =
      read_good(R"({"Version":"2012-10-17","Id":"x","Statement":{"Sid":"A1","Effect":"Allow",
    "Principal":{"AWS":["arn:aws:iam::111111111111:root","*"],"Service":"ec2.amazonaws.com"},
    "Action":["sts:AssumeRole","sts:TagSession"],"Condition":{"StringEquals":{"sts:ExternalId":"e"},"Bool":{"k:x":true}}}})",
                PolicyKind::trust);
  EXPECT_EQ(policy.version(), Version::v2012_10_17);
  EXPECT_EQ(policy.id(), "x");
  const Statement& statement = policy.statements().at(0);
  EXPECT_EQ(statement.sid, "A1");
  EXPECT_EQ(statement.effect, Effect::allow);
  EXPECT_EQ(statement.principals.at(0),
            (StatementPrincipal{PrincipalType::aws_account, "111111111111", "aws"}));
  EXPECT_EQ(statement.principals.at(1), (StatementPrincipal{PrincipalType::everyone, ""}));
  EXPECT_EQ(statement.principals.at(2), (StatementPrincipal{PrincipalType::service, "ec2.amazonaws.com"}));
  EXPECT_EQ(statement.actions.size(), 2U);
  EXPECT_EQ(to_text(statement.conditions.at(0).condition_operator), "StringEquals");
  EXPECT_EQ(statement.conditions.at(1).values.at(0), "true");
}

TEST(PolicyReader, TakesAMissingVersionAs2008) {
  const Policy policy = read_good("{\"Statement\":" + allow_statement("{}") + "}", PolicyKind::trust);
  EXPECT_EQ(policy.version(), Version::v2008_10_17);
}

TEST(PolicyReader, ReadsTheVersionWhereverItStands) {
  const std::string statement = allow_statement(R"({"StringEquals":{"k:x":"${k:y}"}})");
  const Policy policy =
      read_good("{\"Statement\":" + statement + ",\"Version\":\"2012-10-17\"}", PolicyKind::trust);
  EXPECT_TRUE(
      std::holds_alternative<VariableText>(policy.statements().at(0).conditions.at(0).comparands.at(0)));
}

TEST(PolicyReader, ErrorsSayWhereAndWhy) {
  EXPECT_EQ(refusal_of("{\"Version\":\"2012-10-17\",\n\"Statement\":[{\"Effect\":\"allow\"}]}"),
            "unknown Effect `allow`; it must be `Allow` or `Deny` at line 2, column 24");
  EXPECT_EQ(Policy::read("{}", PolicyKind::trust).error().kind, ErrorKind::invalid_request);
}

TEST(PolicyReader, RefusesDocumentsOfTheWrongShape) {
  EXPECT_THAT(refusal_of("[]"), HasSubstr("a policy must be an object"));
  EXPECT_THAT(refusal_of("{}"), HasSubstr("Statement is missing"));
  EXPECT_THAT(refusal_of(R"({"Statement":[]})"), HasSubstr("empty list"));
  EXPECT_THAT(refusal_of(R"({"Statement":["x"]})"), HasSubstr("a statement must be an object"));
  EXPECT_THAT(refusal_of(R"({"statement":[]})"), HasSubstr("unknown member `statement`"));
  EXPECT_THAT(refusal_of(R"({"Version":"2012-10-18","Statement":[]})"), HasSubstr("unknown Version"));
  EXPECT_THAT(refusal_of(R"({"Version":20121017,"Statement":[]})"), HasSubstr("Version must be a string"));
  EXPECT_THAT(refusal_of(R"({"Id":1,"Statement":[]})"), HasSubstr("Id must be a string"));
  EXPECT_THAT(refusal_of("Version: 2012-10-17"), HasSubstr("not JSON"));
  EXPECT_THAT(refusal_of("{\"Id\":\"\xe4\xb8\xad\"}"), HasSubstr("beyond U+00FF"));
}

TEST(PolicyReader, RefusesStatementsThatLackOrRepeatSomething) {
  EXPECT_THAT(refused_statement("{" + std::string{principal} + R"(,"Action":"sts:*"})"),
              HasSubstr("Effect is missing"));
  EXPECT_THAT(refused_statement(R"({"Effect":"Allow","Action":"sts:*"})"), HasSubstr("Principal is missing"));
  EXPECT_THAT(refused_statement("{\"Effect\":\"Allow\"," + std::string{principal} + "}"),
              HasSubstr("Action is missing"));
  EXPECT_THAT(refused_statement(with_principal(R"("Action":[])")), HasSubstr("empty list"));
  EXPECT_THAT(refused_statement(with_principal(R"("Action":"sts:*","NotAction":"sts:*")")),
              HasSubstr("not both"));
  EXPECT_THAT(refused_statement(with_principal(R"("Action":"sts:*","Effect":"Deny")")),
              HasSubstr("duplicate member"));
  EXPECT_THAT(refused_statement(with_principal(R"("Action":"sts:*","Sid":"a b")")),
              HasSubstr("letters and digits"));
  EXPECT_THAT(refused_statement(with_principal(R"("Action":"sts:*","Conditions":{})")),
              HasSubstr("unknown member"));
  const std::string named = with_principal(R"("Action":"sts:*","Sid":"a")");
  EXPECT_THAT(refused_statement("[" + named + "," + named + "]"), HasSubstr("two statements"));
}

TEST(PolicyReader, TrustPoliciesHaveNeitherResourceNorNotPrincipal) {
  EXPECT_THAT(refused_statement(with_principal(R"("Action":"sts:*","Resource":"*")")),
              HasSubstr("Resource cannot"));
  EXPECT_THAT(refused_statement(with_principal(R"("Action":"sts:*","NotResource":"*")")),
              HasSubstr("NotResource"));
  EXPECT_THAT(refused_statement(with_principal(R"("Action":"sts:*","NotPrincipal":{"AWS":"*"})")),
              HasSubstr("NotPrincipal"));
  EXPECT_THAT(refused_statement(with_principal(R"("Action":"s3:GetObject")")),
              HasSubstr("only actions of sts"));
}

TEST(PolicyReader, ResourcePoliciesHaveBothAndNotPrincipalInADenyOnly) {
  const auto refused_here = [](const std::string& statement) {
    return refused_statement(statement, PolicyKind::resource);
  };
  const std::string rest = R"("Action":"s3:*","Resource":"arn:aws:s3:::b/*")";
  EXPECT_THAT(refused_here("{\"Effect\":\"Allow\"," + rest + "}"), HasSubstr("Principal is missing"));
  EXPECT_THAT(refused_here(with_principal(R"("Action":"s3:*")")), HasSubstr("Resource is missing"));
  EXPECT_THAT(refused_here(with_principal(rest + R"(,"NotPrincipal":"*")")), HasSubstr("not both"));
  EXPECT_THAT(refused_here(R"({"Effect":"Allow","NotPrincipal":{"AWS":"111111111111"},)" + rest + "}"),
              HasSubstr("NotPrincipal can stand in a Deny only"));
  EXPECT_THAT(refused_here(R"({"Effect":"Deny","NotPrincipal":{"Aws":"111111111111"},)" + rest + "}"),
              HasSubstr("unknown principal type"));
  const Policy policy = identity_policy(
      R"({"Effect":"Deny","NotPrincipal":{"AWS":"111111111111"},)" + rest + "}", PolicyKind::resource);
  EXPECT_TRUE(policy.statements().at(0).not_principal);
  EXPECT_EQ(read_good(print(policy), PolicyKind::resource), policy);
}

TEST(PolicyReader, IdentityPoliciesHaveResourcesAndNoPrincipal) {
  for (const PolicyKind kind :
       {PolicyKind::identity, PolicyKind::session, PolicyKind::permissions_boundary}) {
    EXPECT_THAT(refused_statement(with_principal(R"("Action":"s3:*","Resource":"*")"), kind),
                HasSubstr("Principal"));
    EXPECT_THAT(refused_statement(R"({"Effect":"Allow","Action":"s3:*"})", kind),
                HasSubstr("Resource is missing"));
    EXPECT_THAT(refused_statement(R"({"Effect":"Allow","Action":"s3:*","Resource":[]})", kind),
                HasSubstr("empty list"));
    EXPECT_THAT(refused_statement(R"({"Effect":"Allow","Action":"s3:*","Resource":"bucket"})", kind),
                HasSubstr("is no resource"));
    EXPECT_THAT(refused_statement(R"({"Effect":"Allow","Action":"s3:*","Resource":"arn:${k:x}:s3"})", kind),
                HasSubstr("is no resource"))
        << "variables bring no colons";
    EXPECT_THAT(
        refused_statement(R"({"Effect":"Allow","Action":"s3:*","Resource":"*","NotResource":"*"})", kind),
        HasSubstr("not both"));
  }
}

TEST(PolicyReader, RefusesWhatIsNoAction) {
  for (const std::string_view action :
       {"", "s3", ":x", "s3:", "s3:Get Object", "s3:${x}", "s3:a:b", "**", "s3:Gét"}) {
    EXPECT_THAT(refused_statement(
                    "{\"Effect\":\"Allow\",\"Action\":\"" + std::string{action} + "\",\"Resource\":\"*\"}",
                    PolicyKind::identity),
                HasSubstr("is no action"))
        << action;
  }
  EXPECT_THAT(refused_statement(R"({"Effect":"Allow","Action":[1],"Resource":"*"})", PolicyKind::identity),
              HasSubstr("list of strings"));
}

TEST(PolicyReader, RefusesUnknownAndPartialPrincipals) {
  const auto refused_principal = [](const std::string& text) {
    return refused_statement(trust_statement("Allow", text, "{}"));
  };
  for (const std::string_view text :
       {"arn:aws:iam::111111111111:role/*", "arn:aws:iam::*:root", "arn:aws:iam::111111111111:role/",
        "11111111111", "arn:aws:iam::111111111111:group/x", "arn:aws:s3:::b",
        "arn:xaws:iam::111111111111:root", "AROA", "deputy", "", "arn:aws:iam::111111111111:role/x ",
        "arn:aws:iam:eu-west-1:111111111111:role/x", "aroaexampleexample01",
        "arn:aws:sts::111111111111:assumed-role/x", "arn:aws:sts::111111111111:role/x",
        "arn:aws:iam::111111111111:Root", "arn:aws:iam::111111111111:user/${aws:username}"}) {
    EXPECT_THAT(refused_principal("{\"AWS\":\"" + std::string{text} + "\"}"),
                HasSubstr("is no AWS principal"))
        << text;
  }
  EXPECT_THAT(refused_principal(R"({"Aws":"111111111111"})"), HasSubstr("unknown principal type `Aws`"));
  EXPECT_THAT(refused_principal("\"111111111111\""), HasSubstr("must be `*` or an object"));
  EXPECT_THAT(refused_principal("{}"), HasSubstr("must be `*` or an object"));
  EXPECT_THAT(refused_principal(R"({"AWS":[]})"), HasSubstr("empty list"));
  EXPECT_THAT(refused_principal(R"({"Service":"*"})"), HasSubstr("is no Service principal"));
  EXPECT_THAT(refused_principal(R"({"Federated":"*"})"), HasSubstr("is no Federated principal"));
  EXPECT_THAT(refused_principal(R"({"CanonicalUser":"x"})"), HasSubstr("is no CanonicalUser principal"));
}

TEST(PolicyReader, KnowsEveryOperatorAndNoOther) {
  for (const std::string_view base : {"StringEquals",
                                      "StringNotEquals",
                                      "StringEqualsIgnoreCase",
                                      "StringNotEqualsIgnoreCase",
                                      "StringLike",
                                      "StringNotLike",
                                      "NumericEquals",
                                      "NumericNotEquals",
                                      "NumericLessThan",
                                      "NumericLessThanEquals",
                                      "NumericGreaterThan",
                                      "NumericGreaterThanEquals",
                                      "DateEquals",
                                      "DateNotEquals",
                                      "DateLessThan",
                                      "DateLessThanEquals",
                                      "DateGreaterThan",
                                      "DateGreaterThanEquals",
                                      "Bool",
                                      "BinaryEquals",
                                      "IpAddress",
                                      "NotIpAddress",
                                      "ArnEquals",
                                      "ArnLike",
                                      "ArnNotEquals",
                                      "ArnNotLike"}) {
    for (const std::string_view qualifier : {"", "ForAllValues:", "ForAnyValue:"}) {
      for (const std::string_view ending : {"", "IfExists"}) {
        const std::string name = std::string{qualifier} + std::string{base} + std::string{ending};
        const auto known = parse_condition_operator(name);
        ASSERT_TRUE(known.has_value()) << name;
        EXPECT_EQ(to_text(*known), name);
      }
    }
  }
  EXPECT_EQ(to_text(parse_condition_operator("Null").value()), "Null");
  for (const std::string_view name :
       {"", "StringEqualz", "stringEquals", "NullIfExists", "ForAnyValue:Null", "ForAllValues:", "IfExists",
        "ForAllValues:ForAnyValue:StringEquals", "StringEqualsIfExistsIfExists", "foranyvalue:StringEquals",
        "BinaryNotEquals", "ForAnyValue: StringEquals", "StringEquals "}) {
    EXPECT_FALSE(parse_condition_operator(name).has_value()) << name;
  }
}

TEST(PolicyReader, RefusesConditionsOfTheWrongShape) {
  EXPECT_THAT(refused_condition("[]"), HasSubstr("Condition must be an object"));
  EXPECT_THAT(refused_condition(R"({"StringEqualz":{"k:x":"a"}})"), HasSubstr("unknown condition operator"));
  EXPECT_THAT(refused_condition(R"({"StringEquals":{}})"), HasSubstr("object of condition keys"));
  EXPECT_THAT(refused_condition(R"({"StringEquals":[]})"), HasSubstr("object of condition keys"));
  EXPECT_THAT(refused_condition(R"({"StringEquals":{"k:x":[]}})"), HasSubstr("no value"));
  EXPECT_THAT(refused_condition(R"({"StringEquals":{"kx":"a"}})"), HasSubstr("is no condition key"));
  EXPECT_THAT(refused_condition(R"({"StringEquals":{"k:x":{"a":1}}})"), HasSubstr("cannot be an object"));
  EXPECT_THAT(refused_condition(R"({"StringEquals":{"k:x":1}})"), HasSubstr("cannot be a number"));
  EXPECT_THAT(refused_condition(R"({"StringEquals":{"k:x":[["a"]]}})"), HasSubstr("cannot be an array"));
  EXPECT_THAT(refused_condition(R"({"StringEquals":{"k:x":null}})"), HasSubstr("cannot be null"));
  EXPECT_THAT(refused_condition(R"({"StringEquals":{"k:x":"a","K:X":"b"}})"),
              HasSubstr("duplicate condition key `K:X`"));
}

TEST(PolicyReader, RefusesValuesThatTheOperatorCannotRead) {
  for (const std::string_view value :
       {"\"10abc\"", "\"\"", "\" 1\"", "\"1e3\"", "1e3", "\"0x10\"", "\"1.\"", "\".5\"", "\"--1\"", "\"1,0\"",
        "\"1234567890123456789\"", "true", "\"NaN\""}) {
    refused_value("NumericEquals", value);
  }
  for (const std::string_view value :
       {"\"2026\"", "\"\"", "\"2026-13-01\"", "\"2026-02-30\"", "\"2026-01-01T00:00:00\"",
        "\"2026-01-01T24:00:00Z\"", "\"2026-01-01 00:00:00Z\"", "\"tomorrow\"", "\"2026-01-01T00:00:60Z\"",
        "\"1234567890123\"", "\"-5\"", "\"2026-01-01T00:00:00z\"", "\"2026-01-01T00:00:00.Z\"",
        "\"2026-01-01T00:00:00+1:00\"", "1.5"}) {
    refused_value("DateLessThan", value);
  }
  for (const std::string_view value :
       {"\"1.2.3\"", "\"1.2.3.4/33\"", "\"1.2.3.4/\"", "\"1.2.3.4/08\"", "\"01.2.3.4\"", "\"::1/129\"",
        "\"fe80::1%eth0\"", "\"1.2.3.4/24/24\"", "\"\"", "\"*\"", "\"1.2.3.4 \"", "\"/0\"", "\"1.2.3.256\"",
        "\"1.2.3.4\\u0000\""}) {
    refused_value("IpAddress", value);
  }
  for (const std::string_view value : {"\"True\"", "\"yes\"", "\"\"", "1"}) {
    refused_value("Bool", value);
    refused_value("Null", value);
  }
  for (const std::string_view value : {"\"*\"", "\"arn:aws:iam::1\"", "\"x:aws:iam::1:y\"", "\"\""}) {
    refused_value("ArnLike", value);
  }
  for (const std::string_view value :
       {"\"\"", "\"QQ\"", "\"QQ=\"", "\"QR==\"", "\"Q Q=\"", "\"====\"", "\"QQ==QQ==\""}) {
    refused_value("BinaryEquals", value);
  }
}

TEST(PolicyReader, RefusesMalformedVariablesUnder2012Alone) {
  for (const std::string_view value :
       {"${", "${}", "${aws:username", "a${ }b", "${aws:username, none}", "${aws:username, 'x}",
        "${aws:username, 'x' y}", "${${x}}", "${*", "${ aws:x}"}) {
    const std::string condition = "{\"StringLike\":{\"k:x\":\"" + std::string{value} + "\"}}";
    EXPECT_THAT(refused_condition(condition), HasSubstr("malformed policy variable")) << value;
    trusting(condition, "2008-10-17");
  }
  EXPECT_THAT(refused_condition(R"({"Null":{"k:x":"${k:y}"}})"), HasSubstr("is not `true` or `false`"));
  trusting(R"({"StringLike":{"k:x":["$","{}","a$b","$${k:y}","${k:y}${k:z, 'd'}"]}})");
}

TEST(PolicyReader, SurvivesHostileDocuments) {
  EXPECT_FALSE(Policy::read("", PolicyKind::trust).has_value());
  EXPECT_FALSE(Policy::read(std::string(60'000, '['), PolicyKind::trust).has_value());
  EXPECT_FALSE(Policy::read(std::string(70'000, ' '), PolicyKind::trust).has_value());
  const std::string good = "{\"Version\":\"2012-10-17\",\"Statement\":" +
                           allow_statement(R"({"StringEquals":{"sts:ExternalId":"${a:b, 'c'}"}})") + "}";
  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(Policy::read(good.substr(0, i), PolicyKind::trust).has_value());
    for (const char c : {'\0', '"', '{', '$', '\\', '\xff'}) {
      std::string changed = good;
      changed[i] = c;
      const auto policy = Policy::read(changed, PolicyKind::trust);
      if (policy) evaluate(policy.value(), asking({}));
    }
  }
}

TEST(Printing, ReadsBackTheSame) {
  const std::vector<std::string> statements{
      allow_statement("{}"),
      allow_statement(
          R"({"StringEquals":{"k:x":["a\"\\\u0001é\u4e2d"],"k:y":"b"},"ForAnyValue:NumericLessThanIfExists":{"k:x":1.50}})"),
      trust_statement("Deny", R"({"Service":["a.b","c.d"],"AWS":["*","111111111111"],"Federated":"x.y"})",
                      "{}"),
      trust_statement("Allow", "\"*\"", R"({"Null":{"k:x":true}})")};
  for (const std::string& statement : statements) {
    const Policy policy = read_good("{\"Id\":\"i\",\"Statement\":" + statement + "}", PolicyKind::trust);
    EXPECT_EQ(read_good(print(policy), PolicyKind::trust), policy);
    EXPECT_EQ(print(read_good(print(policy), PolicyKind::trust)), print(policy));
  }
}

TEST(Printing, EscapesWhatIamDoesNotTakeBare) {
  const Policy policy =
      policy_of(allow_statement(R"({"StringEquals":{"k:x":"\u4e2d\ud83d\ude00\u00e9\n\"\\"}})"));
  EXPECT_THAT(print(policy), HasSubstr(R"(["\u4e2d\ud83d\ude00\u00e9\u000a\"\\"])"));
  EXPECT_EQ(read_good(print(policy), PolicyKind::trust), policy);
}

std::string refusal_of(const Result<std::string>& decoded) {
  return decoded ? "none" : decoded.error().message;
}

TEST(DecodingDocuments, TakesBareAndUrlEncoded) {
  EXPECT_EQ(decode_document(" {\"a\":\"%20+\"}").value(), " {\"a\":\"%20+\"}");
  EXPECT_EQ(decode_document("%7B%22a%22%3a%20%22+%22%7D").value(), "{\"a\": \"+\"}");
  for (const std::string_view broken : {"%", "%7", "%7G", "%7B%", "% 7", "%-1", "%+1"}) {
    EXPECT_FALSE(decode_document(broken).has_value()) << broken;
  }
  EXPECT_EQ(decode_document(std::string(200 * 1024, 'x')).error().kind, ErrorKind::payload_too_large);
  EXPECT_EQ(decode_document("").value(), "");
  for (const std::string_view marked : {"\xef\xbb\xbf{}", "\xef\xbb\xbf%7B%7D"})
    EXPECT_THAT(refusal_of(decode_document(marked)), HasSubstr("byte order mark"));
}

}  // namespace
}  // namespace deputy::policy
