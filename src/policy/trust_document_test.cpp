#include "policy/trust_document.hpp"

#include <gmock/gmock.h>

#include "policy/analyzer_test_support.hpp"

namespace deputy::policy {
namespace {

using testing::HasSubstr;

const std::string policy =
    R"({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:role/deputy-broker"},
 "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42"}}}]})";
const std::string arn = "arn:aws:iam::222222222222:role/team/log-reader";

std::string quoted(const std::string& text) {
  return boost::json::serialize(boost::json::string{text});
}
std::string encoded() {
  std::string out;
  for (const char c : policy) {
    if (c == ' ' || c == '"' || c == '{' || c == '}' || c == '\n') {
      out += '%';
      out += "0123456789ABCDEF"[static_cast<unsigned char>(c) >> 4U];
      out += "0123456789ABCDEF"[static_cast<unsigned char>(c) & 0xfU];
    } else {
      out += c;
    }
  }
  return out;
}
std::string get_role(const std::string& document) {
  return R"({"Role": {"Path": "/team/", "RoleName": "log-reader", "Arn": ")" + arn +
         R"(", "AssumeRolePolicyDocument": )" + document + R"(, "MaxSessionDuration": 3600}})";
}
std::string terraform_role(const std::string& address) {
  return R"({"address":")" + address + R"(","mode":"managed","type":"aws_iam_role","values":{"arn":")" + arn +
         R"(","assume_role_policy":)" + quoted(policy) + "}}";
}
std::string terraform(const std::string& resources, const std::string& child = "") {
  return R"({"format_version":"1.2","values":{"root_module":{"resources":[)" + resources +
         R"(],"child_modules":[{"resources":[)" + child + "]}]}}}";
}
std::string cloud_formation(const std::string& document) {
  return R"({"AWSTemplateFormatVersion":"2010-09-09","Resources":{"Bucket":{"Type":"AWS::S3::Bucket"},"Reader":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":)" +
         document + "}}}}";
}

// A plan tells of the role as it will be and as it was.
std::string plan() {
  const std::string state = terraform(terraform_role("aws_iam_role.reader"));
  const std::size_t values = state.find(R"({"root_module")");
  return R"({"planned_values":)" + state.substr(values, state.size() - values - 1) + R"(,"prior_state":)" +
         state + "}";
}

TrustDocument found_in(const std::string& text) {
  auto found = find_trust_document(text);
  EXPECT_TRUE(found.has_value()) << (found ? "" : found.error().message);
  return found ? std::move(found).value() : TrustDocument{};
}
std::string refused(const std::string& text) {
  const auto found = find_trust_document(text);
  EXPECT_FALSE(found.has_value()) << text;
  return found ? "" : found.error().message;
}

TEST(TrustDocuments, AreFoundWhereToolsPutThem) {
  for (
      const std::string& text :
      {policy, encoded(), quoted(policy), quoted(encoded()), get_role(policy), get_role(quoted(encoded())),
       get_role(quoted(policy)),
       R"({"Roles":[)" + get_role(policy).substr(9, get_role(policy).size() - 10) + "]}",
       "[" + get_role(policy).substr(9, get_role(policy).size() - 10) + "]",
       get_role(policy).substr(9, get_role(policy).size() - 10),
       terraform(terraform_role("aws_iam_role.reader")),
       terraform(R"({"type":"aws_s3_bucket","values":{}})", terraform_role("module.x.aws_iam_role.reader")),
       plan(), R"({"prior_state":)" + terraform(terraform_role("aws_iam_role.reader")) + "}",
       R"({"resource":{"aws_iam_role":{"reader":{"name":"x","assume_role_policy":)" + quoted(policy) + "}}}}",
       "[" + policy + "]", "\xef\xbb\xbf" + get_role(policy),
       R"({"version":4,"resources":[{"mode":"managed","type":"aws_iam_role","name":"reader","instances":[{"attributes":{"arn":")" +
           arn + R"(","assume_role_policy":)" + quoted(policy) + "}}]}]}",
       cloud_formation(policy)}) {
    const TrustAnalysis analysis = analyze(found_in(text).document, question());
    EXPECT_EQ(to_text(analysis.verdict), "safe") << text << codes_of(analysis);
  }
}

TEST(TrustDocuments, BringTheRolesAccount) {
  for (const std::string& text : {get_role(policy), terraform(terraform_role("aws_iam_role.reader"))}) {
    ASSERT_TRUE(found_in(text).role_account.has_value());
    EXPECT_EQ(found_in(text).role_account->text(), "222222222222");
  }
  EXPECT_FALSE(found_in(policy).role_account.has_value());
  const std::string own =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"sts:AssumeRole"}]})";
  TrustQuestion asked = question();
  asked.role_account.reset();
  EXPECT_EQ(analyze_description(own, asked).verdict, TrustVerdict::unsafe);
  EXPECT_EQ(analyze_description(get_role(own), asked).verdict, TrustVerdict::denied);
  asked.role_account = AccountId::parse("333333333333").value();
  EXPECT_EQ(analyze_description(get_role(own), asked).verdict, TrustVerdict::unsafe)
      << "the question's account wins";
}

TEST(TrustDocuments, ThatAreNotThereAreToldWithWhatToDo) {
  EXPECT_THAT(refused(terraform(terraform_role("aws_iam_role.a"), terraform_role("module.m.aws_iam_role.b"))),
              testing::AllOf(HasSubstr("2 roles"), HasSubstr("`aws_iam_role.a`"),
                             HasSubstr("`module.m.aws_iam_role.b`")));
  EXPECT_THAT(refused(terraform("")), HasSubstr("no IAM role"));
  EXPECT_THAT(refused(terraform(R"({"address":"aws_iam_role.a","type":"aws_iam_role","values":{}})")),
              HasSubstr("known only once"));
  EXPECT_THAT(refused(get_role("null")), HasSubstr("`log-reader`"));
  EXPECT_THAT(refused(R"({"Resources":{}})"), HasSubstr("no IAM role in this CloudFormation template"));
  EXPECT_THAT(
      refused(cloud_formation(
          R"({"Version":"2012-10-17","Statement":[{"Condition":{"StringEquals":{"sts:ExternalId":{"Ref":"ExternalId"}}}}]})")),
      HasSubstr("`Ref` at line 1"));
  EXPECT_THAT(refused(cloud_formation(R"({"Fn::Sub":"x"})")), HasSubstr("`Fn::Sub`"));
  const TrustAnalysis analysis = analyze_description(terraform(""), question());
  EXPECT_EQ(analysis.verdict, TrustVerdict::invalid);
  EXPECT_TRUE(has_code(analysis, "document_unclear"));
  EXPECT_EQ(analysis.mend, "") << "there is no policy to correct";
}

// What a tool fills in later is not here to be judged, wherever it stands.
TEST(TrustDocuments, WithValuesThatAreFilledInLaterAreRefused) {
  const auto with = [](const std::string& value) {
    std::string out = policy;
    return out.replace(out.find("4f6c"), issued_id.size(), value);
  };
  const std::string reference = with(issued_id + "{{resolve:ssm:/next}}");
  const std::string listed = R"({"Statement":[{"{{resolve:ssm:/x}}":1}]})";
  for (const std::string& document : {reference, quoted(reference), listed})
    EXPECT_THAT(refused(cloud_formation(document)), HasSubstr("{{resolve:"));
  EXPECT_TRUE(find_trust_document(get_role(reference)).has_value()) << "no template: the text is the text";
  const auto configuration = [](const std::string& document) {
    return R"({"resource":{"aws_iam_role":{"reader":{"assume_role_policy":)" + quoted(document) + "}}}}";
  };
  EXPECT_THAT(refused(configuration(with("${var.id}"))), HasSubstr("`${`"));
  EXPECT_THAT(refused(configuration("%{ if true }" + policy)), HasSubstr("`%{`"));
}

// A closed role says nothing of an open one beside it.
TEST(TrustDocuments, ThatMayHoldOtherRolesAreRefused) {
  const std::string good =
      R"("Reader":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":)" + policy;
  const auto resources = [&](const std::string& more) { return R"({"Resources":{)" + good + more + "}"; };
  EXPECT_TRUE(find_trust_document(resources("}}}")).has_value());
  EXPECT_THAT(refused(resources(R"(}},"Fn::ForEach::Roles":["N",["a"],{}]})")),
              HasSubstr("Fn::ForEach::Roles"));
  EXPECT_THAT(refused(resources(R"(,"Fn::Transform":{"Name":"AWS::Include"}}}})")),
              HasSubstr("Fn::Transform"));
  EXPECT_THAT(refused(resources(R"(},"Fn::Transform":{"Name":"X"}}})")), HasSubstr("Fn::Transform"));
  EXPECT_THAT(refused(resources(R"(}}},"Transform":"AWS::Serverless-2016-10-31")")), HasSubstr("Transform"));
  EXPECT_THAT(
      refused(resources(
          R"(}},"F":{"Type":"AWS::Serverless::Function","Properties":{"AssumeRolePolicyDocument":{}}}})")),
      HasSubstr("2 roles"));
  EXPECT_THAT(
      refused(terraform(
          terraform_role("aws_iam_role.a"),
          R"({"type":"awscc_iam_role","address":"awscc_iam_role.b","values":{"assume_role_policy_document":"{}"}})")),
      HasSubstr("`awscc_iam_role.b`"));
}

TEST(TrustDocuments, OfOtherFormsAreToldWhatTheyAre) {
  EXPECT_THAT(refused("\xff\xfe{"), HasSubstr("UTF-16"));
  EXPECT_THAT(refused("AWSTemplateFormatVersion: 2010-09-09\n"), HasSubstr("YAML"));
  EXPECT_THAT(refused(" \n"), HasSubstr("nothing"));
}

TEST(TrustDocuments, ThatAreNoObjectsAreJsonAllTheSame) {
  for (const std::string text : {"null", "1", " -1.5e3 ", "true\n", "false"}) {
    EXPECT_EQ(found_in(text).document, text);
    const TrustAnalysis analysis = analyze_description(text, question());
    EXPECT_TRUE(has_code(analysis, "policy_invalid")) << codes_of(analysis);
    EXPECT_THAT(analysis.findings[0].message, testing::Not(HasSubstr("not JSON")));
  }
  for (const std::string text : {"nul", "truee", "1: 2"}) EXPECT_THAT(refused(text), HasSubstr("not JSON"));
}

TEST(TrustDocuments, ThatBeginWithAMarkAreToldSo) {
  const TrustAnalysis analysis = analyze_description("\xef\xbb\xbf" + policy, question());
  EXPECT_EQ(analysis.verdict, TrustVerdict::invalid);
  EXPECT_THAT(analysis.findings.at(0).message, HasSubstr("byte order mark"));
}

TEST(TrustDocuments, NameRolesWithoutANameByArnOrPlace) {
  const std::string without = R"({"AssumeRolePolicyDocument":)" + policy + "}";
  const std::string with_arn = R"({"Arn":")" + arn + R"(","AssumeRolePolicyDocument":)" + policy + "}";
  EXPECT_THAT(refused(R"({"Roles":[)" + with_arn + "," + without + "]}"),
              HasSubstr("`" + arn + "`, number 2;"));
  EXPECT_THAT(refused(R"({"Role":{"Arn":")" + arn + "\"}}"), HasSubstr("role `" + arn + "` is not"));
  EXPECT_THAT(refused(R"({"Role":{}})"), HasSubstr("role number 1 is not"));
}

TEST(TrustDocuments, ArePermissionsPoliciesSometimes) {
  EXPECT_THAT(
      refused(
          R"({"RoleName":"reader","PolicyName":"p","PolicyDocument":{"Version":"2012-10-17","Statement":[]}})"),
      testing::AllOf(HasSubstr("permissions policy"), HasSubstr("get-role-policy"),
                     HasSubstr("`aws iam get-role`")));
  EXPECT_THAT(refused(R"({"PolicyVersion":{"Document":{"Version":"2012-10-17","Statement":[]}}})"),
              HasSubstr("get-policy-version"));
}

TEST(TrustDocuments, OfAnyOtherFormAreJudgedAsPolicies) {
  for (const std::string text :
       {"", "{", "Version: 2012-10-17", "{}", "[]", "null", "5", R"({"resources":5})", R"({"Role":[]})",
        R"({"Roles":{}})", R"({"values":{"root_module":{"resources":{"a":1},"child_modules":"x"}}})"}) {
    EXPECT_EQ(analyze_description(text, question()).verdict, TrustVerdict::invalid) << text;
  }
}

TEST(TrustDocuments, KeepTheirSpelling) {
  const std::string twice =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"}\"]{"}}]})";
  EXPECT_EQ(found_in(get_role(twice)).document, twice);
  EXPECT_EQ(found_in(cloud_formation(twice)).document, twice);
}

}  // namespace
}  // namespace deputy::policy
