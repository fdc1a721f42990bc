#include "aws/iam.hpp"

#include "support/aws_client_fixture.hpp"

#include <gtest/gtest.h>

namespace deputy::aws {
namespace {

std::string answer_with(const std::string& arn) {
  return "<GetRoleResponse "
         "xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetRoleResult><Role><Path>/team/</Path><Arn>" +
         arn +
         "</Arn><AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%7D</AssumeRolePolicyDocument></"
         "Role></GetRoleResult>"
         "<ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></GetRoleResponse>";
}

class IamTest : public AwsClientFixture {
 protected:
  AwsResult<RoleDetails> get(const std::string& name) {
    return loop.run_through_time(iam->get_role(name, Partition::aws, base));
  }
  std::unique_ptr<Iam> iam = make_iam(caller);
  Credentials base{"AKIABASE", SecretString{"base-secret"}, SecretString{}, std::nullopt};
};

TEST_F(IamTest, NamesTheRoleWithItsPath) {
  transport.then(200, answer_with("arn:aws:iam::111122223333:role/team/reader"));
  const auto role = get("reader");
  ASSERT_TRUE(role.has_value());
  EXPECT_EQ(role.value().arn.path(), "/team/");
  EXPECT_EQ(role.value().trust_policy, "%7B%22Version%22%3A%222012-10-17%22%7D");
  EXPECT_TRUE(transport.requests.front().url.starts_with("https://iam.amazonaws.com"));
}

TEST_F(IamTest, WhatNamesNoRoleIsNoAnswer) {
  transport.then(200, answer_with("not an ARN"));
  EXPECT_EQ(get("reader").error().code, "MalformedResponse");
  transport.then(200, "garbage");
  EXPECT_EQ(get("reader").error().error_class, AwsErrorClass::unavailable);
}

TEST_F(IamTest, NamesThePermissionsBoundary) {
  std::string answer = answer_with("arn:aws:iam::111122223333:role/reader");
  transport.then(200, answer);
  EXPECT_EQ(get("reader").value().permissions_boundary_arn, "");
  const std::string boundary =
      "<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>"
      "<PermissionsBoundaryArn>arn:aws:iam::111122223333:policy/edge</PermissionsBoundaryArn>"
      "</PermissionsBoundary></Role>";
  answer.replace(answer.find("</Role>"), 7, boundary);
  transport.then(200, answer);
  EXPECT_EQ(get("reader").value().permissions_boundary_arn, "arn:aws:iam::111122223333:policy/edge");
}

std::string page_of(const std::string& action, const std::string& inside) {
  return "<" + action + "Response><" + action + "Result>" + inside + "</" + action + "Result></" + action +
         "Response>";
}

TEST_F(IamTest, ReadsListsToTheirLastPage) {
  transport.then(200, page_of("ListRolePolicies",
                              "<PolicyNames><member>a</member><member>b</member></PolicyNames>"
                              "<IsTruncated>true</IsTruncated><Marker>m=1</Marker>"));
  transport.then(200,
                 page_of("ListRolePolicies",
                         "<PolicyNames><member>c</member></PolicyNames><IsTruncated>false</IsTruncated>"));
  const auto names = loop.run_through_time(iam->list_role_policies("reader", Partition::aws, base));
  EXPECT_EQ(names.value(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(transport.requests.at(1).body,
            "Action=ListRolePolicies&Version=2010-05-08&RoleName=reader&Marker=m%3D1");
}

TEST_F(IamTest, AListThatDoesNotEndIsNone) {
  transport.otherwise = FakeTransport::always(
      200, page_of("ListRolePolicies",
                   "<PolicyNames><member>a</member></PolicyNames><IsTruncated>true</IsTruncated>"
                   "<Marker>again</Marker>"));
  const auto names = loop.run_through_time(iam->list_role_policies("reader", Partition::aws, base));
  EXPECT_EQ(names.error().code, "MalformedResponse");
  EXPECT_EQ(transport.requests.size(), static_cast<std::size_t>(Iam::pages_max));
}

TEST_F(IamTest, AListThatDoesNotSayWhetherItEndsIsNone) {
  for (const char* end : {"", "<IsTruncated>true</IsTruncated>", "<IsTruncated>perhaps</IsTruncated>"}) {
    transport.then(200, page_of("ListRolePolicies", "<PolicyNames></PolicyNames>" + std::string{end}));
    const auto names = loop.run_through_time(iam->list_role_policies("reader", Partition::aws, base));
    EXPECT_EQ(names.error().code, "MalformedResponse") << end;
  }
}

TEST_F(IamTest, ListsAttachedPoliciesByTheirArn) {
  const std::string member =
      "<member><PolicyName>Edge</PolicyName>"
      "<PolicyArn>arn:aws:iam::aws:policy/Edge</PolicyArn></member>";
  const auto list = [&](const std::string& members) {
    transport.then(200, page_of("ListAttachedRolePolicies", "<AttachedPolicies>" + members +
                                                                "</AttachedPolicies>"
                                                                "<IsTruncated>false</IsTruncated>"));
    return loop.run_through_time(iam->list_attached_role_policies("reader", Partition::aws, base));
  };
  EXPECT_EQ(list(member).value(), std::vector<std::string>{"arn:aws:iam::aws:policy/Edge"});
  EXPECT_TRUE(list("").value().empty());
  EXPECT_EQ(list(member + "<member><PolicyName>NoArn</PolicyName></member>").error().code,
            "MalformedResponse");
}

TEST_F(IamTest, APolicyIsTheOneThatWasAskedFor) {
  const auto inline_policy = [&](const std::string& inside) {
    transport.then(200, page_of("GetRolePolicy", inside));
    return loop.run_through_time(iam->get_role_policy("reader", "p", Partition::aws, base));
  };
  const std::string document = "<PolicyDocument>%7B%7D</PolicyDocument>";
  EXPECT_EQ(inline_policy("<RoleName>reader</RoleName><PolicyName>p</PolicyName>" + document).value(),
            "%7B%7D");
  EXPECT_FALSE(inline_policy("<RoleName>reader</RoleName><PolicyName>q</PolicyName>" + document));
  EXPECT_FALSE(inline_policy("<RoleName>other</RoleName><PolicyName>p</PolicyName>" + document));
  EXPECT_FALSE(inline_policy("<RoleName>reader</RoleName><PolicyName>p</PolicyName>"));
}

TEST_F(IamTest, AManagedPolicyIsReadInItsDefaultVersion) {
  const std::string arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
  const auto read = [&](const std::string& named, const std::string& version) {
    transport.then(200, page_of("GetPolicy", "<Policy><Arn>" + named +
                                                 "</Arn><DefaultVersionId>v7</DefaultVersionId></Policy>"));
    transport.then(200, page_of("GetPolicyVersion", "<PolicyVersion><Document>%7B%7D</Document><VersionId>" +
                                                        version + "</VersionId></PolicyVersion>"));
    const auto document = loop.run_through_time(iam->get_managed_policy(arn, Partition::aws, base));
    transport.answers.clear();
    return document;
  };
  EXPECT_EQ(read(arn, "v7").value(), "%7B%7D");
  EXPECT_NE(transport.requests.back().body.find("VersionId=v7"), std::string::npos);
  EXPECT_FALSE(read(arn, "v6"));
  EXPECT_FALSE(read("arn:aws:iam::aws:policy/Other", "v7"));
}

TEST_F(IamTest, ADenialIsToldApart) {
  transport.then(403,
                 "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error>"
                 "</ErrorResponse>");
  EXPECT_EQ(get("reader").error().error_class, AwsErrorClass::access_denied);
}

}  // namespace
}  // namespace deputy::aws
