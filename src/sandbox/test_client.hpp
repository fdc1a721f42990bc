#pragma once

#include "support/fake_random.hpp"
#include "support/manual_loop.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "aws/sigv4.hpp"
#include "sandbox/sandbox.hpp"

// Signs requests as an SDK does and hands them to a sandbox whose time stands still.
namespace deputy::sandbox {

inline constexpr std::string_view partner = "111111111111", customer = "222222222222";
inline constexpr std::string_view external_id = "4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42";
inline constexpr std::string_view allow_all =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})";

inline std::string trust_of(std::string_view principal, std::string_view condition_id = external_id) {
  return fmt::format(
      R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"sts:AssumeRole",)"
      R"("Condition":{{"StringEquals":{{"sts:ExternalId":"{}"}}}}}}]}})",
      principal, condition_id);
}

class TestClient {
 public:
  explicit TestClient(const std::string& seed_text) : sandbox(clock, random, loop) {
    auto seed = read_seed(seed_text);
    EXPECT_TRUE(seed) << (seed ? "" : seed.error().message);
    if (!seed) return;
    const auto applied = sandbox.apply(seed.value());
    EXPECT_TRUE(applied) << (applied ? "" : applied.error().message);
  }
  // A partner (user `broker`, role `deputy-broker` that the account may assume) and a customer (user `admin`,
  // who may do everything).
  TestClient()
      : TestClient(fmt::format(
            R"({{"accounts":[{{"id":"{0}","users":[{{"name":"broker","access_key_id":"AKIAPARTNER000000000","secret_access_key":"p","policies":{{"a":{2}}}}}],)"
            R"("roles":[{{"name":"deputy-broker","policies":{{"a":{2}}},"trust_policy":{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{0}"}},"Action":["sts:AssumeRole","sts:SetSourceIdentity"]}}]}}}}]}},)"
            R"({{"id":"{1}","buckets":["acme-logs"],"users":[{{"name":"admin","access_key_id":"AKIACUSTOMER00000000","secret_access_key":"c","policies":{{"a":{2}}}}}]}}]}})",
            partner, customer, allow_all)) {}

  static aws::Credentials broker() { return {"AKIAPARTNER000000000", SecretString{"p"}, {}, {}}; }
  static aws::Credentials admin() { return {"AKIACUSTOMER00000000", SecretString{"c"}, {}, {}}; }

  using Fields = std::vector<std::pair<std::string, std::string>>;

  // Signed and complete; a test may spoil it before it sends it.
  http::Request signed_request(const aws::Credentials& credentials, std::string service, std::string method,
                               std::string target, std::string body, Fields headers = {},
                               std::string region = "us-east-1") const {
    http::Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    const std::size_t question = request.target.find('?');
    request.path = request.target.substr(0, question);
    if (question != std::string::npos) request.query = request.target.substr(question + 1);
    request.body = std::move(body);
    request.remote_address = remote_address;
    headers.emplace_back("host", "127.0.0.1:8190");
    const auto style = service == "s3" ? aws::PathStyle::as_sent : aws::PathStyle::normalized_twice_encoded;
    const aws::SignableRequest signable{request.method, request.path, request.query, headers, request.body};
    for (auto& [name, value] : aws::sign(signable, {region, service, clock.now()}, credentials, style))
      headers.emplace_back(name, value);
    for (auto& [name, value] : headers) request.headers.add(name, value);
    return request;
  }
  http::Request query_request(const aws::Credentials& credentials, const std::string& service,
                              std::string_view action, const Fields& fields = {},
                              const std::string& region = "us-east-1") const {
    const std::string_view version = service == "sts"   ? "2011-06-15"
                                     : service == "iam" ? "2010-05-08"
                                                        : "2010-05-15";
    std::string body = fmt::format("Action={}&Version={}", action, version);
    for (const auto& [name, value] : fields) body += "&" + name + "=" + aws::uri_encode(value, false);
    return signed_request(credentials, service, "POST", "/", body,
                          {{"content-type", "application/x-www-form-urlencoded"}}, region);
  }

  http::Response send(http::Request request) {
    return loop.run_through_time(sandbox.handle(std::move(request)));
  }
  http::Response query(const aws::Credentials& credentials, const std::string& service,
                       std::string_view action, const Fields& fields = {},
                       const std::string& region = "us-east-1") {
    return send(query_request(credentials, service, action, fields, region));
  }
  http::Response logs(const aws::Credentials& credentials, std::string_view operation, std::string body) {
    return send(signed_request(credentials, "logs", "POST", "/", std::move(body),
                               {{"x-amz-target", fmt::format("Logs_20140328.{}", operation)}}));
  }
  http::Response assume(const aws::Credentials& credentials, std::string_view role_arn,
                        Fields fields = {{"ExternalId", std::string{external_id}}}) {
    fields.emplace_back("RoleArn", role_arn);
    fields.emplace_back("RoleSessionName", "test-session");
    return query(credentials, "sts", "AssumeRole", fields);
  }
  // The customer's role `name`; its ARN.
  std::string make_role(const std::string& name, const std::string& trust,
                        std::string_view permissions = allow_all) {
    const auto made =
        query(admin(), "iam", "CreateRole", {{"RoleName", name}, {"AssumeRolePolicyDocument", trust}});
    EXPECT_EQ(made.status, 200) << made.body;
    const auto put =
        query(admin(), "iam", "PutRolePolicy",
              {{"RoleName", name}, {"PolicyName", "p"}, {"PolicyDocument", std::string{permissions}}});
    EXPECT_EQ(put.status, 200) << put.body;
    return fmt::format("arn:aws:iam::{}:role/{}", customer, name);
  }

  // The text of the first element of this name; empty when there is none.
  static std::string element(const http::Response& response, std::string_view name) {
    const std::string open = fmt::format("<{}>", name);
    const std::size_t begin = response.body.find(open);
    if (begin == std::string::npos) return {};
    return response.body.substr(begin + open.size(), response.body.find("</", begin) - begin - open.size());
  }
  static std::string code(const http::Response& response) { return element(response, "Code"); }
  static aws::Credentials session_of(const http::Response& response) {
    EXPECT_EQ(response.status, 200) << response.body;
    return {element(response, "AccessKeyId"),
            SecretString{element(response, "SecretAccessKey")},
            SecretString{element(response, "SessionToken")},
            {}};
  }

  FakeClock clock;
  SeededRandom random;
  ManualLoop loop{clock};
  Sandbox sandbox;
  std::string remote_address = "203.0.113.7";
};

}  // namespace deputy::sandbox
