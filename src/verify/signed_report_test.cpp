#include "verify/signed_report.hpp"

#include "support/registry_samples.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace deputy::verify {
namespace {

class SignedReport : public testing::Test {
 protected:
  SignedReport() {
    verification.connection_id = connection.id;
    verification.binding_version = connection.binding_version;
    verification.integration_version = integration.version;
  }
  std::optional<std::string> report() const {
    return signed_report(signer, connection, tenant, integration, verification, samples::at(900));
  }
  static std::string changed(std::string text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }

  ReportSigner signer{SecretString{std::string(32, 's')}};
  registry::Tenant tenant = samples::tenant();
  registry::Integration integration = samples::integration();
  registry::Connection connection = samples::full_connection(tenant.id);
  registry::Verification verification = samples::finished(samples::verification(connection.id));
};

TEST_F(SignedReport, CanBeCheckedWithThePublicKeyInEitherForm) {
  const auto text = report();
  ASSERT_TRUE(text);
  EXPECT_TRUE(check_report(*text, signer.public_key()));
  EXPECT_TRUE(check_report(*text, signer.public_key_pem()));
  const auto parsed = boost::json::parse(*text).at("report");
  EXPECT_EQ(parsed.at("binding").at("role_arn").as_string(), verification.role_arn.text().c_str());
  EXPECT_EQ(parsed.at("binding").at("external_id").as_string(), connection.external_id.text().c_str());
  EXPECT_EQ(parsed.at("verification").at("trust_policy_sha256").as_string(), "0a1b");
  EXPECT_EQ(parsed.at("checks").as_array().size(), verification.checks.size());
}

// However the document is laid out, what it says is what counts.
TEST_F(SignedReport, IsTheSameInAnotherLayout) {
  const auto parsed = boost::json::parse(*report()).as_object();
  boost::json::object turned;
  turned["signature"] = parsed.at("signature");
  boost::json::object members;
  const auto& report_members = parsed.at("report").as_object();
  for (auto it = report_members.end(); it != report_members.begin();) {
    --it;
    members[it->key()] = it->value();
  }
  turned["report"] = std::move(members);
  EXPECT_TRUE(check_report(boost::json::serialize(turned), signer.public_key()));
}

TEST_F(SignedReport, ShowsEveryChange) {
  const std::string text = *report();
  for (const auto& [from, to] : std::initializer_list<std::pair<const char*, const char*>>{
           {R"("outcome":"failed")", R"("outcome":"passed")"},
           {R"("name":"role_assumable")", R"("name":"role_assumabIe")"},
           {R"("version":1})", R"("version":1,"extra":true})"},
           {"\"proof\":\"probed\"", "\"proof\":\"proved\""}}) {
    const auto checked = check_report(changed(text, from, to), signer.public_key());
    ASSERT_FALSE(checked) << from;
    EXPECT_EQ(checked.error().kind, ErrorKind::conflict);
  }
  const ReportSigner other{SecretString{std::string(32, 't')}};
  EXPECT_FALSE(check_report(text, other.public_key()));
}

TEST_F(SignedReport, RefusesWhatIsNoReportOrNoKey) {
  for (const char* document : {"", "{}", "[]", "null", R"({"report":{},"signature":{}})",
                               R"({"report":1,"signature":{"value":"AA=="}})"}) {
    const auto checked = check_report(document, signer.public_key());
    ASSERT_FALSE(checked) << document;
    EXPECT_EQ(checked.error().kind, ErrorKind::invalid_request);
  }
  for (const char* key : {"", "AAAA", "-----BEGIN PUBLIC KEY-----", "not base64"})
    EXPECT_FALSE(check_report(*report(), key)) << key;
}

// What it says must be true of what the connection is now.
TEST_F(SignedReport, IsOnlyOfThisBindingAndThesePermissions) {
  auto later = connection;
  ++later.binding_version;
  EXPECT_FALSE(signed_report(signer, later, tenant, integration, verification, samples::at(1)));
  EXPECT_FALSE(signed_report(signer, connection, tenant, samples::integration("log-reader", 2), verification,
                             samples::at(1)));
  auto running = verification;
  running.done = false;
  EXPECT_FALSE(signed_report(signer, connection, tenant, integration, running, samples::at(1)));
  EXPECT_FALSE(signed_report(signer, samples::full_connection(tenant.id), tenant, integration, verification,
                             samples::at(1)));
}

}  // namespace
}  // namespace deputy::verify
