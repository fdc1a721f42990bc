#pragma once

#include "support/fake_clock.hpp"
#include "support/fake_random.hpp"
#include "support/fake_transport.hpp"
#include "support/manual_loop.hpp"
#include "support/temporary_folder.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <string>

#include "aws/base/credential_source.hpp"
#include "aws/endpoints.hpp"
#include "aws/sigv4.hpp"
#include "core/work_pool.hpp"

namespace deputy {

// Sources of base credentials with a home folder and an environment of their own, a scripted transport and a
// clock that stands still. Every secret in these tests holds `Canary`, and no error may.
class BaseCredentialsFixture : public testing::Test {
 protected:
  BaseCredentialsFixture() {
    std::filesystem::create_directory(folder.path() / ".aws");
    variables["HOME"] = folder.path();
  }

  std::string path(const std::string& file) const { return folder.path() / ".aws" / file; }
  void write(const std::string& file, const std::string& text) const { std::ofstream{path(file)} << text; }

  // The credentials, or ones whose access key ID is the reason why there are none.
  aws::Credentials fetch(aws::CredentialSource& source) {
    return told(loop.run_through_time(source.fetch({})));
  }
  std::string why(aws::CredentialSource& source) { return fetch(source).access_key_id; }

  static aws::Credentials told(const Result<aws::Found>& found) {
    if (!found) {
      expect_no_secret(found.error());
      return reason("broken: " + found.error().detail);
    }
    if (const auto* none = std::get_if<aws::NotConfigured>(&found.value()))
      return reason("not configured: " + none->reason);
    return std::get<aws::Supply>(found.value()).credentials;
  }
  static void expect_no_secret(const Error& error) {
    EXPECT_EQ(error.kind, ErrorKind::upstream_unavailable);
    EXPECT_EQ(error.message.find("Canary"), std::string::npos) << error.message;
    EXPECT_EQ(error.detail.find("Canary"), std::string::npos) << error.detail;
  }
  static aws::Credentials reason(std::string text) {
    return {.access_key_id = std::move(text),
            .secret_access_key = {},
            .session_token = {},
            .expires_at = std::nullopt};
  }

  // The document of the container endpoint and of instance metadata.
  static std::string document(const std::string& id, const std::string& expiration = "2026-01-01T06:00:00Z",
                              const std::string& code = "Success") {
    return R"({"Code":")" + code +
           R"(","LastUpdated":"2026-01-01T00:00:00Z","Type":"AWS-HMAC","AccessKeyId":")" + id +
           R"(","SecretAccessKey":"SecretCanary","Token":"TokenCanary==","Expiration":")" + expiration +
           "\"}";
  }
  static std::string process_document(const std::string& id, const std::string& more = "") {
    return R"({"Version":1,"AccessKeyId":")" + id + R"(","SecretAccessKey":"SecretCanary")" + more + "}";
  }

  // A parameter of a call in the query protocol; `-` when it is not there.
  static std::string parameter(const std::string& body, const std::string& name) {
    const std::string text = "&" + body + "&";
    const std::size_t begin = text.find("&" + name + "=");
    if (begin == std::string::npos) return "-";
    const std::size_t value = begin + name.size() + 2;
    std::string decoded;
    for (std::size_t i = value; text[i] != '&'; ++i) {
      if (text[i] != '%') {
        decoded += text[i];
      } else {
        decoded += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
        i += 2;
      }
    }
    return decoded;
  }
  // What STS answers to AssumeRole and AssumeRoleWithWebIdentity: a session `ASIA` + the role's name.
  static std::string sts_answer(const std::string& body,
                                const std::string& expiration = "2026-01-01T01:00:00Z") {
    const std::string action = parameter(body, "Action");
    const auto role = RoleArn::parse(parameter(body, "RoleArn"));
    if (!role) return "<nonsense/>";
    return "<" + action + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + action +
           "Result><AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId><Arn>arn:aws:sts::" +
           role.value().account().text() + ":assumed-role/" + std::string{role.value().name()} + "/" +
           parameter(body, "RoleSessionName") + "</Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIA" +
           std::string{role.value().name()} +
           "</AccessKeyId><SecretAccessKey>SecretCanary</SecretAccessKey><SessionToken>TokenCanary"
           "</SessionToken><Expiration>" +
           expiration + "</Expiration></Credentials></" + action + "Result></" + action + "Response>";
  }
  static std::string sts_error(const std::string& code, const std::string& message = "why") {
    return "<ErrorResponse "
           "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>" +
           code + "</Code><Message>" + message +
           "</Message></Error><RequestId>req-e</RequestId></ErrorResponse>";
  }
  // Every call is STS's, and it consents.
  void sts_consents() {
    transport.otherwise = [](const aws::HttpRequest& request) -> Result<aws::HttpResponse> {
      return aws::HttpResponse{200, {}, sts_answer(request.body)};
    };
  }

  TemporaryFolder folder;
  std::map<std::string, std::string> variables;
  const aws::Environment environment = [this](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
  FakeClock clock;
  ManualLoop loop{clock};
  SeededRandom random;
  FakeTransport transport;
  aws::Endpoints endpoints = aws::Endpoints::of_aws();
  WorkPool pool{{.threads = 1}};
  const aws::Caller caller{loop, clock, random, transport, endpoints, {}};
  const aws::SourceContext context{caller, pool, environment, std::nullopt};
};

}  // namespace deputy
