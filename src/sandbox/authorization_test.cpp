#include "support/source_folder.hpp"

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "sandbox/test_client.hpp"

// Everything in the sandbox is decided by the policy engine: whoever has no policy may do nothing, and an
// explicit Deny wins over an administrator's Allow.
namespace deputy::sandbox {
namespace {

using Fields = TestClient::Fields;

constexpr std::string_view deny_template =
    R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*"}},{{"Effect":"Deny","Action":"{}","Resource":"*"}}]}})";

// An account with a user without policies, and one who may do everything but what a test forbids.
std::string seed_with(std::string_view all_but) {
  return fmt::format(
      R"({{"accounts":[{{"id":"{0}","buckets":["acme-logs"],)"
      R"("roles":[{{"name":"there","policies":{{"p":{1}}},"attached_policies":["arn:aws:iam::aws:policy/ReadOnlyAccess"],)"
      R"("permissions_boundary":"arn:aws:iam::aws:policy/AdministratorAccess",)"
      R"("trust_policy":{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{0}"}},"Action":"sts:AssumeRole"}}]}}}}],)"
      R"("managed_policies":{{"own":{1}}},)"
      R"("log_groups":[{{"name":"/acme/web","streams":[{{"name":"one"}}]}}],)"
      R"("users":[{{"name":"nobody","access_key_id":"AKIANOBODY0000000000","secret_access_key":"n"}},)"
      R"({{"name":"allbut","access_key_id":"AKIAALLBUT0000000000","secret_access_key":"a","policies":{{"p":{2}}}}}]}}]}})",
      customer, allow_all, fmt::format(deny_template, all_but));
}

const aws::Credentials& nobody() {
  static const aws::Credentials credentials{"AKIANOBODY0000000000", SecretString{"n"}, {}, {}};
  return credentials;
}
const aws::Credentials& all_but() {
  static const aws::Credentials credentials{"AKIAALLBUT0000000000", SecretString{"a"}, {}, {}};
  return credentials;
}

struct Sample {
  std::string service;
  std::string action;  // that IAM knows it by
  std::function<http::Response(TestClient&, const aws::Credentials&)> send;
};

Sample query(const std::string& service, const std::string& operation, Fields fields = {}) {
  return {service, service + ":" + operation, [=](TestClient& client, const aws::Credentials& who) {
            return client.query(who, service, operation, fields);
          }};
}
Sample logs(const std::string& operation, const std::string& body) {
  return {"logs", "logs:" + operation,
          [=](TestClient& client, const aws::Credentials& who) { return client.logs(who, operation, body); }};
}
Sample s3(const std::string& action, const std::string& method, const std::string& target,
          const std::string& body = {}) {
  return {"s3", action, [=](TestClient& client, const aws::Credentials& who) {
            return client.send(client.signed_request(who, "s3", method, target, body));
          }};
}

// One well-formed request for each operation.
std::map<std::string, Sample> samples() {
  const std::pair<std::string, std::string> role{"RoleName", "there"};
  const std::string policy{allow_all}, trust = trust_of(customer);
  const std::pair<std::string, std::string> own{"PolicyArn",
                                                fmt::format("arn:aws:iam::{}:policy/own", customer)};
  const std::pair<std::string, std::string> stack{"StackName", "stack"};
  const std::pair<std::string, std::string> body{
      "TemplateBody",
      "Resources:\n  Role:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument:\n"
      "        Version: \"2012-10-17\"\n        Statement:\n          - Effect: Deny\n            Principal: "
      "\"*\"\n"
      "            Action: sts:AssumeRole\n"};
  const std::string group = R"({"logGroupName":"/acme/web"})";
  std::map<std::string, Sample> all{
      {"AssumeRole", query("sts", "AssumeRole",
                           {{"RoleArn", fmt::format("arn:aws:iam::{}:role/there", customer)},
                            {"RoleSessionName", "test"}})},
      {"CreateStack",
       query("cloudformation", "CreateStack", {stack, body, {"Capabilities.member.1", "CAPABILITY_IAM"}})},
      {"DescribeStacks", query("cloudformation", "DescribeStacks", {stack})},
      {"DescribeStackEvents", query("cloudformation", "DescribeStackEvents", {stack})},
      {"UpdateStack", query("cloudformation", "UpdateStack", {stack, body})},
      {"DeleteStack", query("cloudformation", "DeleteStack", {stack})},
      {"GetTemplateSummary", query("cloudformation", "GetTemplateSummary", {body})},
      {"ListBuckets", s3("s3:ListAllMyBuckets", "GET", "/")},
      {"CreateBucket", s3("s3:CreateBucket", "PUT", "/new-bucket")},
      {"PutBucketPolicy", s3("s3:PutBucketPolicy", "PUT", "/acme-logs?policy",
                             R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",)"
                             R"("Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-logs/*"}]})")},
      {"GetBucketPolicy", s3("s3:GetBucketPolicy", "GET", "/acme-logs?policy")},
      {"PutObject", s3("s3:PutObject", "PUT", "/acme-logs/a/b.yaml", "x")},
      {"GetObject", s3("s3:GetObject", "GET", "/acme-logs/a/b.yaml")},
      {"CreateLogGroup", logs("CreateLogGroup", R"({"logGroupName":"/acme/new"})")},
      {"DeleteLogGroup", logs("DeleteLogGroup", R"({"logGroupName":"/acme/web"})")},
      {"CreateLogStream", logs("CreateLogStream", R"({"logGroupName":"/acme/web","logStreamName":"two"})")},
      {"PutLogEvents",
       logs(
           "PutLogEvents",
           R"({"logGroupName":"/acme/web","logStreamName":"one","logEvents":[{"timestamp":1767225600000,"message":"x"}]})")},
      {"DescribeLogGroups", logs("DescribeLogGroups", "{}")},
      {"DescribeLogStreams", logs("DescribeLogStreams", group)},
      {"FilterLogEvents", logs("FilterLogEvents", group)},
  };
  const std::map<std::string, Fields> iam{
      {"CreateRole", {{"RoleName", "new"}, {"AssumeRolePolicyDocument", trust}}},
      {"GetRole", {role}},
      {"ListRoles", {}},
      {"UpdateRole", {role}},
      {"UpdateAssumeRolePolicy", {role, {"PolicyDocument", trust}}},
      {"DeleteRole", {role}},
      {"PutRolePolicy", {role, {"PolicyName", "q"}, {"PolicyDocument", policy}}},
      {"GetRolePolicy", {role, {"PolicyName", "p"}}},
      {"ListRolePolicies", {role}},
      {"DeleteRolePolicy", {role, {"PolicyName", "p"}}},
      {"TagRole", {role, {"Tags.member.1.Key", "k"}, {"Tags.member.1.Value", "v"}}},
      {"ListRoleTags", {role}},
      {"CreatePolicy", {{"PolicyName", "new"}, {"PolicyDocument", policy}}},
      {"GetPolicy", {own}},
      {"GetPolicyVersion", {own, {"VersionId", "v1"}}},
      {"DeletePolicy", {own}},
      {"AttachRolePolicy", {role, own}},
      {"DetachRolePolicy", {role, own}},
      {"ListAttachedRolePolicies", {role}},
      {"PutRolePermissionsBoundary", {role, {"PermissionsBoundary", own.second}}},
      {"DeleteRolePermissionsBoundary", {role}},
  };
  for (const auto& [operation, fields] : iam) all.emplace(operation, query("iam", operation, fields));
  return all;
}

bool is_denial(const http::Response& response) {
  return TestClient::code(response) == "AccessDenied" ||
         response.body.find("AccessDeniedException") != std::string::npos;
}

TEST(Authorization, WhoHasNoPolicyMayDoNothing) {
  for (const auto& [operation, sample] : samples()) {
    TestClient client{seed_with("deputy:Nothing")};
    const auto response = sample.send(client, nobody());
    EXPECT_TRUE(is_denial(response)) << operation << ": " << response.status << " " << response.body;
  }
}

// The same requests by somebody who may: so the denials are about permission.
TEST(Authorization, TheSameRequestsAreFineForWhoMay) {
  for (const auto& [operation, sample] : samples()) {
    TestClient client{seed_with("deputy:Nothing")};
    const auto response = sample.send(client, all_but());
    EXPECT_FALSE(is_denial(response)) << operation << ": " << response.status << " " << response.body;
    EXPECT_NE(TestClient::code(response), "InvalidAction") << operation;
    EXPECT_NE(response.status, 501) << operation;
  }
}

TEST(Authorization, AnExplicitDenyWinsOverAnAdministrator) {
  for (const auto& [operation, sample] : samples()) {
    TestClient client{seed_with(sample.action)};
    const auto response = sample.send(client, all_but());
    EXPECT_TRUE(is_denial(response)) << operation << ": " << response.status << " " << response.body;
  }
}

// The table of README.md lists what is served: an operation that is new there needs a sample here.
TEST(Authorization, EveryOperationOfTheReadmeHasASample) {
  std::ifstream file{in_source_folder("src/sandbox/README.md")};
  std::stringstream text;
  text << file.rdbuf();
  const std::string readme = text.str();
  const auto known = samples();
  const std::regex name{"`([A-Z][a-z]+[A-Z][A-Za-z]+)`"};
  std::set<std::string> listed;
  std::istringstream lines{readme};
  for (std::string line; std::getline(lines, line);) {
    const bool row = line.starts_with("| STS") || line.starts_with("| IAM") ||
                     line.starts_with("| CloudFormation") || line.starts_with("| S3") ||
                     line.starts_with("| CloudWatch Logs");
    if (!row) continue;
    for (std::sregex_iterator at{line.begin(), line.end(), name}, end; at != end; ++at)
      listed.insert((*at)[1]);
  }
  // The one is open to everyone, the other to whoever the role's trust policy lets in by a token.
  const std::set<std::string> without_permission{"GetCallerIdentity", "AssumeRoleWithWebIdentity"};
  for (const std::string& operation : listed)
    if (!without_permission.contains(operation)) EXPECT_TRUE(known.contains(operation)) << operation;
  for (const auto& [operation, sample] : known) EXPECT_TRUE(listed.contains(operation)) << operation;
}

TEST(Authorization, AStackMayDoInIamOnlyWhatItsCallerMay) {
  const std::string body =
      "Resources:\n  Role:\n    Type: AWS::IAM::Role\n    Properties:\n"
      "      Tags: [{Key: a, Value: b}]\n      AssumeRolePolicyDocument:\n"
      "        Version: \"2012-10-17\"\n        Statement:\n          - Effect: Deny\n            Principal: "
      "\"*\"\n"
      "            Action: sts:AssumeRole\n";
  for (const char* forbidden : {"iam:CreateRole", "iam:TagRole", "deputy:Nothing"}) {
    TestClient client{seed_with(forbidden)};
    client.query(all_but(), "cloudformation", "CreateStack",
                 {{"StackName", "s"}, {"TemplateBody", body}, {"Capabilities.member.1", "CAPABILITY_IAM"}});
    const auto described = client.query(all_but(), "cloudformation", "DescribeStacks", {{"StackName", "s"}});
    EXPECT_EQ(TestClient::element(described, "StackStatus"),
              std::string_view{forbidden} == "deputy:Nothing" ? "CREATE_COMPLETE" : "ROLLBACK_COMPLETE")
        << forbidden << described.body;
  }
}

}  // namespace
}  // namespace deputy::sandbox
