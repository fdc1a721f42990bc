#include "support/api_fixture.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

// THREATS D: the deputy itself, as far as its API can be turned against it.
namespace deputy {
namespace {

using registry::KeyRole;

class DeputyThreat : public ApiFixture {
 protected:
  DeputyThreat() {
    acme = make_tenant("Acme");
    globex = make_tenant("Globex");
    acme_connection = make_active_connection(acme);
    globex_connection = make_active_connection(globex, "444455556666");
    make_workload("collector",
                  R"([{"integration":"log-reader","tenants":[")" + acme + R"("],"may":["region"]}])");
    collector = make_key(KeyRole::workload, WorkloadName::parse("collector").value());
  }
  std::string credentials_of(const std::string& connection) const {
    return "/v1/connections/" + connection + "/credentials";
  }

  std::string acme, globex, acme_connection, globex_connection, collector;
};

// Class 27: a role in the partner's own account, and the attempt is on record.
TEST_F(DeputyThreat, ThePartnersOwnRolesAreRefused) {
  const std::string path = "/v1/connections/" + make_connection(acme).string("id") + "/role";
  EXPECT_EQ(put(path, R"({"role_arn":")" + role_arn(partner_account) + "\"}").code(), "role_arn_forbidden");
  EXPECT_NE(get("/v1/journal?limit=200").text.find("role_arn_forbidden"), std::string::npos);
}

// Class 28: what is not exactly an IAM role's ARN.
TEST_F(DeputyThreat, OnlyExactRoleArnsAreTaken) {
  const std::string path = "/v1/connections/" + make_connection(acme).string("id");
  for (const char* arn : {R"(arn:aws:iam::111122223333:role/reader\n)",
                          R"(\narn:aws:iam::111122223333:role/reader)",
                          R"(arn:aws:iam::111122223333:role/rea\u0000der)",
                          R"(arn:aws:iam::111122223333:role/reader\u0000)",
                          R"(arn:aws:iam::111122223333:role/r\u0435ader)",
                          R"(arn:aws:iam::111122223333:role/reader\u200b)",
                          R"(\ufeffarn:aws:iam::111122223333:role/reader)",
                          "arn:aws:iam::111122223333:role/*",
                          "arn:aws:iam::111122223333:role/re?der",
                          "arn:aws:iam::*:role/reader",
                          "*",
                          "arn:aws:iam::111122223333:role/reader,arn:aws:iam::444455556666:role/reader",
                          "arn:aws:iam::111122223333:role/reader arn:aws:iam::444455556666:role/reader",
                          "arn:aws:iam::111122223333:role/a:b",
                          "arn:aws:iam::111122223333:role/reader&ExternalId=x",
                          "arn:aws:iam::111122223333:role/reader%0a",
                          "arn:aws-iso:iam::111122223333:role/reader",
                          "arn:aws-evil:iam::111122223333:role/reader",
                          "arn:aws:sts::111122223333:assumed-role/reader/session",
                          "arn:aws:iam::111122223333:user/alice",
                          "arn:aws:iam::111122223333:root",
                          "arn:aws:iam::111122223333:role/",
                          "arn:aws:iam::111122223333:role//reader",
                          "arn:aws:iam::111122223333:role/../reader",
                          "arn:aws:iam::111122223333:role/./reader",
                          "arn:aws:iam:eu-west-1:111122223333:role/reader",
                          "arn:aws:iam::11112222333:role/reader",
                          "arn:aws:iam::1111222233334:role/reader",
                          "ARN:AWS:IAM::111122223333:ROLE/READER",
                          " arn:aws:iam::111122223333:role/reader",
                          "arn:aws:iam::111122223333:role/reader ",
                          "111122223333",
                          ""}) {
    const auto answer = put(path + "/role", std::string{R"({"role_arn":")"} + arn + "\"}");
    EXPECT_EQ(answer.code(), "role_arn_invalid") << arn;
    EXPECT_EQ(answer.string("field"), "role_arn") << arn;
  }
  // A role of another partition cannot trust this partner.
  EXPECT_EQ(put(path + "/role", R"({"role_arn":"arn:aws-cn:iam::111122223333:role/reader"})").code(),
            "role_arn_invalid");
  EXPECT_EQ(get(path).string("state"), "awaiting_role");
  EXPECT_TRUE(get(path).body.at("role_arn").is_null());
}

// Class 29: a Region becomes part of a host name, so only AWS's own are taken; an endpoint is no member of
// anything.
TEST_F(DeputyThreat, CallersChooseNoHost) {
  for (const char* region :
       {"evil.example", "eu-central-1.evil.example/", "@evil.example", "eu-central-1#", "eu-central-1/../",
        "localhost", "169.254.169.254", "us-east-1:8080", "US-EAST-1", "", "us-iso-east-1"}) {
    const auto answer = call("POST", credentials_of(acme_connection), collector,
                             std::string{R"({"region":")"} + region + "\"}");
    EXPECT_EQ(answer.code(), "invalid_request") << region;
  }
  for (const char* name :
       {"endpoint", "endpoint_url", "sts_endpoint", "host", "url", "callback_url", "proxy"}) {
    const std::string body = std::string{"{\""} + name + R"(":"http://169.254.169.254/"})";
    EXPECT_EQ(call("POST", credentials_of(acme_connection), collector, body).code(), "unknown_field") << name;
    EXPECT_EQ(post("/v1/connections/" + acme_connection + "/verifications", body).code(), "unknown_field")
        << name;
  }
  EXPECT_EQ(get("/v1/connections/" + acme_connection + "/launch-url?region=evil.example").code(),
            "invalid_request");
  EXPECT_EQ(
      get("/v1/connections/" + acme_connection + "/launch-url?template_url=https://evil.example").code(),
      "unknown_field");
  EXPECT_TRUE(sts.assume_role_calls.empty());
  // Where a grant allows the choice, it is among AWS's Regions.
  EXPECT_EQ(call("POST", credentials_of(acme_connection), collector, R"({"region":"us-east-1"})").status,
            200);
  EXPECT_EQ(sts.assume_role_calls.back().region.text(), "us-east-1");
}

// Class 32: a workload asks beyond its grants, or names a role.
TEST_F(DeputyThreat, WorkloadsStayWithinTheirGrants) {
  const auto nobodys = call("POST", credentials_of("con_aaaaaaaaaaaaaaaaaaaaaaaa"), collector);
  const auto strangers = call("POST", credentials_of(globex_connection), collector);
  EXPECT_EQ(strangers.status, 404);
  EXPECT_EQ(strangers.text, nobodys.text);
  EXPECT_EQ(call("GET", "/v1/credentials/" + globex_connection, collector).status, 404);
  for (
      const char* options :
      {R"({"duration_seconds":3600})", R"({"tags":{"a":"b"}})", R"({"source_identity":"alice"})",
       R"({"session_name":"job"})",
       R"({"session_policy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}})"})
    EXPECT_EQ(call("POST", credentials_of(acme_connection), collector, options).code(), "forbidden")
        << options;
  for (const char* body : {R"({"role_arn":"arn:aws:iam::444455556666:role/reader"})",
                           R"({"connection_id":"x"})", R"({"tenant_id":"x"})", R"({"workload":"other"})"})
    EXPECT_EQ(call("POST", credentials_of(acme_connection), collector, body).code(), "unknown_field") << body;
  EXPECT_EQ(call("PUT", "/v1/connections/" + acme_connection + "/role", collector,
                 R"({"role_arn":")" + role_arn() + "\"}")
                .code(),
            "forbidden");
  EXPECT_EQ(
      call("PUT", "/v1/workloads/collector", collector, R"({"grants":[{"integration":"*","tenants":"*"}]})")
          .code(),
      "forbidden");
  EXPECT_EQ(call("POST", "/v1/keys", collector, R"({"role":"admin"})").code(), "forbidden");
  EXPECT_TRUE(sts.assume_role_calls.empty());
}

// Class 33: of a key the database has a keyed hash alone, and no answer, no log line, no journal entry has it
// again.
TEST_F(DeputyThreat, KeysAreNowhereToBeFound) {
  const auto made = post("/v1/keys", R"({"role":"auditor"})");
  const std::string secret = made.string("secret");
  ASSERT_GT(secret.size(), 40U);
  const std::string canary = secret.substr(secret.rfind('_') + 1);
  call("GET", "/v1/tenants?access_token=" + secret, admin);
  call("GET", "/v1/tenants", secret + "x");
  call("POST", "/v1/tenants", secret, R"({"name":"Acme"})");
  call("POST", "/v1/tenants", admin, R"({"name":")" + std::string(300, 'a') + secret + "\"}");
  for (const char* path : {"/v1/keys?limit=200", "/v1/journal?limit=200", "/metrics"})
    EXPECT_EQ(get(path).text.find(canary), std::string::npos) << path;
  for (const std::string& line : failures) EXPECT_EQ(line.find(canary), std::string::npos);
  for (const auto& file : std::filesystem::directory_iterator{folder.path()}) {
    std::ifstream stream{file.path(), std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{stream}, {}};
    EXPECT_EQ(bytes.find(canary), std::string::npos) << file.path();
  }
}

}  // namespace
}  // namespace deputy
