#include "sandbox/managed_policies.hpp"

#include "sandbox/test_client.hpp"

namespace deputy::sandbox {
namespace {

constexpr std::string_view nothing_of_its_own =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:GetCallerIdentity","Resource":"*"}]})";
const std::string read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess";

class ManagedPoliciesTest : public testing::Test {
 protected:
  http::Response iam(std::string_view action, const TestClient::Fields& fields) {
    return client.query(TestClient::admin(), "iam", action, fields);
  }
  bool lists_buckets() {
    const auto session = TestClient::session_of(client.assume(TestClient::broker(), arn));
    return client.send(client.signed_request(session, "s3", "GET", "/", "")).status == 200;
  }
  http::Response attach(const std::string& policy) {
    return iam("AttachRolePolicy", {{"RoleName", "reader"}, {"PolicyArn", policy}});
  }
  TestClient client;
  std::string arn = client.make_role("reader", trust_of(partner), nothing_of_its_own);
};

TEST_F(ManagedPoliciesTest, AnAttachedPolicyGrants) {
  EXPECT_FALSE(lists_buckets());
  EXPECT_EQ(attach(read_only).status, 200);
  EXPECT_TRUE(lists_buckets());
  EXPECT_EQ(iam("DetachRolePolicy", {{"RoleName", "reader"}, {"PolicyArn", read_only}}).status, 200);
  EXPECT_FALSE(lists_buckets());
  EXPECT_EQ(TestClient::code(iam("DetachRolePolicy", {{"RoleName", "reader"}, {"PolicyArn", read_only}})),
            "NoSuchEntity");
}

TEST_F(ManagedPoliciesTest, ABoundaryBoundsWhatIsGranted) {
  attach("arn:aws:iam::aws:policy/AdministratorAccess");
  EXPECT_TRUE(lists_buckets());
  const std::string only_logs =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]})";
  const std::string edge = TestClient::element(
      iam("CreatePolicy", {{"PolicyName", "edge"}, {"PolicyDocument", only_logs}}), "Arn");
  EXPECT_EQ(edge, fmt::format("arn:aws:iam::{}:policy/edge", customer));
  iam("PutRolePermissionsBoundary", {{"RoleName", "reader"}, {"PermissionsBoundary", edge}});
  EXPECT_FALSE(lists_buckets());
  EXPECT_EQ(TestClient::element(iam("GetRole", {{"RoleName", "reader"}}), "PermissionsBoundaryArn"), edge);
  EXPECT_EQ(TestClient::code(iam("DeletePolicy", {{"PolicyArn", edge}})), "DeleteConflict");
  iam("DeleteRolePermissionsBoundary", {{"RoleName", "reader"}});
  EXPECT_TRUE(lists_buckets());
  EXPECT_EQ(iam("DeletePolicy", {{"PolicyArn", edge}}).status, 200);
}

TEST_F(ManagedPoliciesTest, APolicyIsShownInItsOneVersion) {
  const auto described = iam("GetPolicy", {{"PolicyArn", read_only}});
  EXPECT_EQ(TestClient::element(described, "DefaultVersionId"), "v1");
  const auto version = iam("GetPolicyVersion", {{"PolicyArn", read_only}, {"VersionId", "v1"}});
  EXPECT_NE(TestClient::element(version, "Document").find("s3%3AList%2A"), std::string::npos) << version.body;
  EXPECT_EQ(TestClient::code(iam("GetPolicyVersion", {{"PolicyArn", read_only}, {"VersionId", "v2"}})),
            "NoSuchEntity");
  EXPECT_EQ(TestClient::code(iam("GetPolicy", {{"PolicyArn", "arn:aws:iam::aws:policy/NoSuch"}})),
            "NoSuchEntity");
}

TEST_F(ManagedPoliciesTest, ListsPageByPage) {
  attach(read_only);
  attach("arn:aws:iam::aws:policy/AdministratorAccess");
  const auto first = iam("ListAttachedRolePolicies", {{"RoleName", "reader"}, {"MaxItems", "1"}});
  EXPECT_EQ(TestClient::element(first, "PolicyName"), "AdministratorAccess");
  EXPECT_EQ(TestClient::element(first, "IsTruncated"), "true");
  const auto second = iam("ListAttachedRolePolicies",
                          {{"RoleName", "reader"}, {"Marker", TestClient::element(first, "Marker")}});
  EXPECT_EQ(TestClient::element(second, "PolicyArn"), read_only);
  EXPECT_EQ(TestClient::element(second, "IsTruncated"), "false");
}

TEST_F(ManagedPoliciesTest, ARoleWithPoliciesIsNotDeleted) {
  attach(read_only);
  iam("DeleteRolePolicy", {{"RoleName", "reader"}, {"PolicyName", "p"}});
  EXPECT_EQ(TestClient::code(iam("DeleteRole", {{"RoleName", "reader"}})), "DeleteConflict");
}

TEST_F(ManagedPoliciesTest, RefusesWhatIamRefuses) {
  EXPECT_EQ(TestClient::code(iam("CreatePolicy", {{"PolicyName", "p"}, {"PolicyDocument", "{}"}})),
            "MalformedPolicyDocument");
  EXPECT_EQ(TestClient::code(
                iam("CreatePolicy", {{"PolicyName", "p p"}, {"PolicyDocument", std::string{allow_all}}})),
            "ValidationError");
  EXPECT_EQ(TestClient::code(attach("arn:aws:iam::aws:policy/NoSuch")), "NoSuchEntity");
  const TestClient::Fields twice{{"PolicyName", "p"}, {"PolicyDocument", std::string{allow_all}}};
  EXPECT_EQ(iam("CreatePolicy", twice).status, 200);
  EXPECT_EQ(TestClient::code(iam("CreatePolicy", twice)), "EntityAlreadyExists");
}

TEST_F(ManagedPoliciesTest, ASeedNamesThem) {
  auto seed = read_seed(
      R"({"accounts":[{"id":"333333333333","managed_policies":{"own":{"Version":"2012-10-17","Statement":[]}}}]})");
  ASSERT_TRUE(seed);
  EXPECT_FALSE(client.sandbox.apply(seed.value()));  // not a policy
  seed = read_seed(
      R"({"accounts":[{"id":"444444444444","roles":[{"name":"r","attached_policies":["arn:aws:iam::444444444444:policy/none"]}]}]})");
  ASSERT_TRUE(seed);
  EXPECT_FALSE(client.sandbox.apply(seed.value()));  // no such policy
}

}  // namespace
}  // namespace deputy::sandbox
