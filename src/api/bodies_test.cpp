#include "api/bodies.hpp"

#include <gtest/gtest.h>

namespace deputy::api {
namespace {

json::Value read(std::string_view text) {
  return json::read(text).value();
}

template <class T>
std::string error_of(const Result<T>& result) {
  return result.has_error() ? std::string{code_of(result.error().kind)} + " " + result.error().field : "none";
}

TEST(TenantBody, HasANameAndPerhapsAReference) {
  const auto tenant = read_new_tenant(read(R"({"name":"Acme","reference":"a-1"})"));
  EXPECT_EQ(tenant.value().name, "Acme");
  EXPECT_EQ(tenant.value().reference, "a-1");
  EXPECT_EQ(error_of(read_new_tenant(read("{}"))), "invalid_request name");
  EXPECT_EQ(error_of(read_new_tenant(read(R"({"name":"Acme","id":"ten_x"})"))), "unknown_field id");
  EXPECT_EQ(error_of(read_new_tenant(read(R"({"name":"   "})"))), "invalid_request name");
}

// Identifiers are opaque: one that cannot exist is answered as one that does not.
TEST(ConnectionBody, TreatsMalformedIdentifiersAsUnknown) {
  EXPECT_EQ(error_of(read_new_connection(read(R"({"tenant_id":"x","integration":"log-reader"})"))),
            "not_found ");
  EXPECT_EQ(error_of(read_new_connection(read(R"({"integration":"log-reader"})"))),
            "invalid_request tenant_id");
  const std::string tenant = R"({"tenant_id":"ten_aaaaaaaaaaaaaaaaaaaaaaaa",)";
  EXPECT_EQ(error_of(read_new_connection(read(tenant + R"("integration":"Log Reader"})"))),
            "invalid_request integration");
  EXPECT_EQ(error_of(read_new_connection(read(tenant + R"("integration":"log-reader","account_id":"1"})"))),
            "invalid_request account_id");
  EXPECT_EQ(read_new_connection(read(tenant + R"("integration":"log-reader"})")).value().account_id,
            std::nullopt);
}

// THREATS 28.
TEST(RoleBody, TakesExactlyARole) {
  EXPECT_EQ(read_role(read(R"({"role_arn":"arn:aws:iam::123456789012:role/Deputy"})")).value().name(),
            "Deputy");
  for (const char* arn :
       {"", "arn:aws:iam::123456789012:user/Deputy", "arn:aws:sts::123456789012:assumed-role/Deputy/s",
        R"(arn:aws:iam::123456789012:role/Deputy\n)", R"(arn:aws:iam::123456789012:role/Dep\u0000uty)",
        "arn:aws:iam::123456789012:role/*", "arn:aws-iso:iam::123456789012:role/Deputy",
        R"(arn:aws:iam::123456789012:role/D\u0435puty)", "arn:aws:iam::123456789012:role/../Deputy",
        "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:role/a:b"})
    EXPECT_EQ(error_of(read_role(read(std::string{R"({"role_arn":")"} + arn + "\"}"))),
              "role_arn_invalid role_arn")
        << arn;
  EXPECT_EQ(error_of(read_role(read(R"({"role_arn":["a"]})"))), "invalid_request role_arn");
  EXPECT_EQ(error_of(read_role(read("{}"))), "invalid_request role_arn");
}

TEST(IntegrationBody, NeedsAPolicyAlone) {
  const auto name = IntegrationName::parse("log-reader").value();
  const auto spec = read_integration(read(R"({"policy":{"Version":"2012-10-17","Statement":[]}})"), name);
  EXPECT_EQ(spec.value().policy, R"({"Version":"2012-10-17","Statement":[]})");
  EXPECT_EQ(spec.value().trust_form, registry::TrustForm::role);
  EXPECT_FALSE(spec.value().require_proof);
  EXPECT_EQ(error_of(read_integration(read(R"({"description":"d"})"), name)), "invalid_request policy");
  EXPECT_EQ(error_of(read_integration(read(R"({"policy":{},"trust_form":"any"})"), name)),
            "invalid_request trust_form");
  EXPECT_EQ(error_of(read_integration(read(R"({"policy":{},"logs":{"regions":["nowhere"]}})"), name)),
            "invalid_request logs.regions");
  EXPECT_EQ(error_of(read_integration(read(R"({"policy":{},"logs":{"region":[]}})"), name)),
            "unknown_field logs.region");
}

// THREATS 29: a Region is one of AWS's, never part of a host name of the caller's choice.
TEST(CredentialBody, TakesRealRegionsAlone) {
  EXPECT_EQ(read_credential_options(read(R"({"region":"eu-central-1"})")).value().region->text(),
            "eu-central-1");
  for (const char* region :
       {"evil.example/", "eu-central-1.evil.example", "EU-CENTRAL-1", "x", "us-east-1#", "http://h"})
    EXPECT_EQ(error_of(read_credential_options(read(std::string{R"({"region":")"} + region + "\"}"))),
              "invalid_request region")
        << region;
  EXPECT_EQ(error_of(read_credential_options(read(R"({"endpoint_url":"http://h"})"))),
            "unknown_field endpoint_url");
}

// THREATS 32.
TEST(CredentialBody, NamesNoRole) {
  EXPECT_EQ(error_of(read_credential_options(read(R"({"role_arn":"arn:aws:iam::123456789012:role/x"})"))),
            "unknown_field role_arn");
}

TEST(CredentialBody, ReadsAllOptions) {
  const auto options = read_credential_options(read(
      R"({"duration_seconds":1800,"session_policy":{"a":1},"tags":{"k":"v"},"session_name":"job-1",
          "source_identity":"alice","region":"eu-west-1","reason":"nightly"})"));
  EXPECT_EQ(options.value().duration, std::chrono::seconds{1800});
  EXPECT_EQ(options.value().session_policy, R"({"a":1})");
  EXPECT_EQ(options.value().tags.size(), 1U);
  EXPECT_EQ(options.value().session_name, "job-1");
  EXPECT_EQ(options.value().source_identity->text(), "alice");
  EXPECT_EQ(options.value().reason, "nightly");
  EXPECT_EQ(error_of(read_credential_options(read(R"({"duration_seconds":900})"))),
            "invalid_request duration_seconds");
  EXPECT_EQ(error_of(read_credential_options(read(R"({"session_name":"a b"})"))),
            "invalid_request session_name");
  EXPECT_EQ(error_of(read_credential_options(read(R"({"session_name":")" + std::string(33, 'a') + "\"}"))),
            "invalid_request session_name");
}

// Each has a limit of its own, and that one alone is told.
TEST(CredentialBody, SaysHowLongTextsOfASessionMayBe) {
  const auto told = [](const std::string& member, const std::string& text) {
    const auto options = read_credential_options(read("{\"" + member + "\":\"" + text + "\"}"));
    return options.has_error() ? options.error().message : "taken";
  };
  const std::string name =
      "`session_name` must be 2 to 32 letters, digits and `_+=,.@-`: it is appended to Deputy's own";
  const std::string identity = "`source_identity` must be 2 to 64 letters, digits and `_+=,.@-`";
  for (const std::string& text :
       {std::string{"x"}, std::string{"a b"}, std::string(33, 'a'), std::string(65, 'a')})
    EXPECT_EQ(told("session_name", text), name);
  for (const std::string& text : {std::string{"m"}, std::string{"a b"}, std::string(65, 'a')})
    EXPECT_EQ(told("source_identity", text), identity);
  EXPECT_EQ(told("session_name", std::string(32, 'a')), "taken");
  EXPECT_EQ(told("source_identity", std::string(64, 'a')), "taken");
  EXPECT_EQ(error_of(read_credential_options(read(R"({"source_identity":5})"))),
            "invalid_request source_identity");
}

TEST(WorkloadBody, GrantsNothingByOmission) {
  const auto name = WorkloadName::parse("collector").value();
  const auto all =
      read_workload(read(R"({"grants":[{"integration":"*","tenants":"*","may":["region"]}]})"), name);
  EXPECT_EQ(all.value().grants.at(0).integration, std::nullopt);
  EXPECT_EQ(all.value().grants.at(0).tenants, std::nullopt);
  EXPECT_EQ(error_of(read_workload(read("{}"), name)), "invalid_request grants");
  EXPECT_EQ(error_of(read_workload(read(R"({"grants":[{"tenants":"*"}]})"), name)),
            "invalid_request grants[0].integration");
  EXPECT_EQ(error_of(read_workload(read(R"({"grants":[{"integration":"*"}]})"), name)),
            "invalid_request grants[0].tenants");
  EXPECT_EQ(error_of(read_workload(read(R"({"grants":[{"integration":"*","tenants":"all"}]})"), name)),
            "invalid_request grants[0].tenants");
  EXPECT_EQ(
      error_of(read_workload(read(R"({"grants":[{"integration":"*","tenants":"*","may":["all"]}]})"), name)),
      "invalid_request grants[0].may");
  EXPECT_TRUE(read_workload(read(R"({"grants":[]})"), name).value().grants.empty());
}

TEST(KeyBody, ReadsALifeInSecondsOrWords) {
  EXPECT_EQ(read_key_wish(read(R"({"role":"admin","expires_in":60})")).value().expires_in,
            std::chrono::seconds{60});
  EXPECT_EQ(read_key_wish(read(R"({"role":"admin","expires_in":"90d"})")).value().expires_in,
            std::chrono::days{90});
  for (const char* life : {"0", "-1", "\"1\"", "\"soon\"", "true", "1.5"})
    EXPECT_EQ(error_of(read_key_wish(read(std::string{R"({"expires_in":)"} + life + "}"))),
              "invalid_request expires_in")
        << life;
  EXPECT_EQ(error_of(read_key_wish(read(R"({"role":"root"})"))), "invalid_request role");
}

}  // namespace
}  // namespace deputy::api
