#include "support/source_folder.hpp"

#include <fstream>
#include <iterator>

#include "sandbox/test_client.hpp"
#include "sandbox/yaml_reader.hpp"

namespace deputy::sandbox {
namespace {

// A template as Deputy makes it; its partner is another account than the tests' own.
std::string deputy_template(std::string_view name) {
  std::ifstream stream{in_source_folder(fmt::format("src/templates/testdata/{}.yaml", name))};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

std::string role_template(std::string_view properties) {
  return fmt::format(
      "Resources:\n  Role:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument: "
      "{}\n{}",
      trust_of(partner), properties);
}

http::Response create(TestClient& client, std::string body, std::string capability = "CAPABILITY_IAM",
                      TestClient::Fields fields = {}) {
  fields.emplace_back("StackName", "deputy");
  fields.emplace_back("TemplateBody", std::move(body));
  if (!capability.empty()) fields.emplace_back("Capabilities.member.1", std::move(capability));
  return client.query(TestClient::admin(), "cloudformation", "CreateStack", fields);
}

http::Response describe(TestClient& client) {
  return client.query(TestClient::admin(), "cloudformation", "DescribeStacks", {{"StackName", "deputy"}});
}

TEST(CloudFormation, MakesTheRolesOfDeputysTemplates) {
  for (const std::string_view name : {"acme", "rotating"}) {
    TestClient client;
    const auto made = create(client, deputy_template(name), "CAPABILITY_NAMED_IAM");
    ASSERT_EQ(made.status, 200) << name << made.body;
    const auto stack = describe(client);
    EXPECT_EQ(TestClient::element(stack, "StackStatus"), "CREATE_COMPLETE") << name << stack.body;
    EXPECT_TRUE(TestClient::element(stack, "OutputValue").starts_with("arn:aws:iam::222222222222:role/"))
        << name;
  }
}

TEST(CloudFormation, WantsTheCapabilityForNamedRoles) {
  TestClient client;
  EXPECT_EQ(TestClient::code(create(client, role_template(""), "")), "InsufficientCapabilitiesException");
  EXPECT_EQ(TestClient::code(create(client, role_template("      RoleName: named\n"))),
            "InsufficientCapabilitiesException");
  EXPECT_EQ(create(client, role_template("      RoleName: named\n"), "CAPABILITY_NAMED_IAM").status, 200);
}

TEST(CloudFormation, RefusesWhatItDoesNotKnow) {
  TestClient client;
  const std::vector<std::string> wrong{
      "Resources: {}",
      "Resources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties: {}\n",
      role_template("      ManagedPolicyArns: [\"arn:aws:iam::aws:policy/AdministratorAccess\"]\n"),
      role_template("      Description: !ImportValue x\n"),
      role_template("      Description: !Ref Nothing\n"),
      role_template("    DependsOn: X\n"),
      role_template("") + "Transform: AWS::Serverless-2016-10-31\n",
      role_template("") + "Outputs:\n  X:\n    Value: !GetAtt Role.Name\n",
      "Resources: &a\n  Role: *a\n",
      "Resources:\n  Role: null\n",
      "Resources:\n  Role: {}\n  Role: {}\n",
      "\t",
      "{",
      "",
      std::string(51'201, ' '),
      std::string(20'000, '['),
  };
  for (const std::string& body : wrong)
    EXPECT_EQ(TestClient::code(create(client, body)), "ValidationError") << body.substr(0, 200);
}

TEST(CloudFormation, RollsBackWhatCannotBeMade) {
  TestClient client;
  client.make_role("named", trust_of(partner));
  EXPECT_EQ(create(client, role_template("      RoleName: named\n"), "CAPABILITY_NAMED_IAM").status, 200);
  const auto stack = describe(client);
  EXPECT_EQ(TestClient::element(stack, "StackStatus"), "ROLLBACK_COMPLETE");
  EXPECT_NE(stack.body.find("already exists"), std::string::npos);
}

TEST(CloudFormation, ChecksParametersAgainstTheirConstraints) {
  TestClient client;
  const std::string body =
      "Parameters:\n  Id:\n    Type: String\n    AllowedPattern: ^(a+)+$\n    ConstraintDescription: as "
      "issued\n" +
      role_template("      Description: !Sub \"${Id} ${!kept}\"\n");
  const auto with = [&](std::string value) {
    return create(client, body, "CAPABILITY_IAM",
                  {{"Parameters.member.1.ParameterKey", "Id"},
                   {"Parameters.member.1.ParameterValue", std::move(value)}});
  };
  EXPECT_EQ(TestClient::code(create(client, body)), "ValidationError");
  EXPECT_NE(with(std::string(40, 'a') + "b").body.find("as issued"), std::string::npos);
  EXPECT_EQ(with("aa").status, 200);
  const auto roles = client.query(TestClient::admin(), "iam", "ListRoles");
  EXPECT_EQ(TestClient::element(roles, "Description"), "aa ${kept}");
}

TEST(CloudFormation, DeletesOnlyWhatItMade) {
  TestClient client;
  create(client, role_template("      RoleName: named\n"), "CAPABILITY_NAMED_IAM");
  const TestClient::Fields stack{{"StackName", "deputy"}};
  client.query(TestClient::admin(), "iam", "PutRolePolicy",
               {{"RoleName", "named"}, {"PolicyName", "mine"}, {"PolicyDocument", std::string{allow_all}}});
  client.query(TestClient::admin(), "cloudformation", "DeleteStack", stack);
  EXPECT_EQ(TestClient::element(describe(client), "StackStatus"), "DELETE_FAILED");
  client.query(TestClient::admin(), "iam", "DeleteRolePolicy",
               {{"RoleName", "named"}, {"PolicyName", "mine"}});
  client.query(TestClient::admin(), "cloudformation", "DeleteStack", stack);
  EXPECT_EQ(TestClient::code(describe(client)), "ValidationError");
  EXPECT_EQ(TestClient::code(client.query(TestClient::admin(), "iam", "GetRole", {{"RoleName", "named"}})),
            "NoSuchEntity");
}

TEST(YamlReader, BoundsDepthAndCount) {
  std::string deep, wide = "[";
  for (int i = 0; i < 60; ++i) deep += "[";
  for (int i = 0; i < 60; ++i) deep += "]";
  for (int i = 0; i < 11'000; ++i) wide += "1,";
  EXPECT_FALSE(read_yaml(deep));
  EXPECT_FALSE(read_yaml(wide + "1]"));
  EXPECT_FALSE(read_yaml("a: 1\n---\nb: 2\n"));
  EXPECT_FALSE(read_yaml("? [a]\n: 1\n"));
  EXPECT_TRUE(read_yaml("{\"a\": [1, \"2\", {\"b\": true}]}"));
}

}  // namespace
}  // namespace deputy::sandbox
