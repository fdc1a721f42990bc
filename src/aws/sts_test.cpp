#include "aws/sts.hpp"

#include "support/aws_client_fixture.hpp"

#include <gtest/gtest.h>

namespace deputy::aws {
namespace {

using namespace std::chrono_literals;

constexpr const char* secret = "SecretCanary/wJalrXUtnFEMI";
constexpr const char* token = "TokenCanary//////////wEXAMPLE==";

AssumeRoleRequest a_request() {
  return {.role_arn = RoleArn::parse("arn:aws:iam::111122223333:role/team/reader").value(),
          .session_name = SessionName::parse("deputy-con").value(),
          .external_id = ExternalId::parse("0b6f-aa:/=+").value(),
          .duration = 900s,
          .session_policy = std::nullopt,
          .tags = {},
          .source_identity = std::nullopt};
}

std::string answer(const std::string& key = "ASIAEXAMPLE",
                   const std::string& expiration = "2026-01-01T01:00:00Z",
                   const std::string& arn = "arn:aws:sts::111122223333:assumed-role/reader/deputy-con") {
  return "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <AssumeRoleResult>\n   "
         " <AssumedRoleUser>\n"
         "      <AssumedRoleId>AROAEXAMPLE:deputy-con</AssumedRoleId>\n      <Arn>" +
         arn + "</Arn>\n    </AssumedRoleUser>\n    <Credentials>\n      <AccessKeyId>" + key +
         "</AccessKeyId>\n      <SecretAccessKey>" + secret + "</SecretAccessKey>\n      <SessionToken>" +
         token + "</SessionToken>\n      <Expiration>" + expiration +
         "</Expiration>\n    </Credentials>\n  </AssumeRoleResult>\n  <ResponseMetadata>\n    "
         "<RequestId>req-1</RequestId>\n"
         "  </ResponseMetadata>\n</AssumeRoleResponse>\n";
}

std::string error_body(const std::string& code, const std::string& message = "why") {
  return "<ErrorResponse "
         "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>" +
         code + "</Code><Message>" + message +
         "</Message></Error><RequestId>req-e</RequestId></ErrorResponse>";
}

class StsTest : public AwsClientFixture {
 protected:
  AwsResult<AssumedRole> assume(AssumeRoleRequest request = a_request()) {
    return loop.run_through_time(
        sts->assume_role(std::move(request), Region::parse("eu-central-1").value(), base));
  }
  AwsError failure(int status, std::string body) {
    transport.otherwise = FakeTransport::always(status, std::move(body));
    const auto result = assume();
    EXPECT_TRUE(result.has_error());
    return result.has_error() ? result.error() : AwsError{};
  }

  std::unique_ptr<Sts> sts = make_sts(caller);
  Credentials base{"AKIABASE", SecretString{"base-secret"}, SecretString{"base-token"}, std::nullopt};
};

TEST_F(StsTest, AsksInTheQueryProtocolAtTheRegionsOwnAddress) {
  transport.then(200, answer());
  AssumeRoleRequest request = a_request();
  request.session_policy = R"({"Version":"2012-10-17"})";
  request.tags = {{"team", "a&b=c"}, {"env", "ä"}};
  request.source_identity = SessionName::parse("someone@example.com").value();
  ASSERT_TRUE(assume(request).has_value());
  const HttpRequest& sent = transport.requests.at(0);
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.url, "https://sts.eu-central-1.amazonaws.com/");
  EXPECT_EQ(
      sent.body,
      "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fteam%2Freader"
      "&RoleSessionName=deputy-con&DurationSeconds=900&ExternalId=0b6f-aa%3A%2F%3D%2B"
      "&Policy=%7B%22Version%22%3A%222012-10-17%22%7D&SourceIdentity=someone%40example.com"
      "&Tags.member.1.Key=team&Tags.member.1.Value=a%26b%3Dc&Tags.member.2.Key=env&Tags.member.2.Value=%C3%"
      "A4");
  EXPECT_EQ(header_of(sent, "content-type"), "application/x-www-form-urlencoded; charset=utf-8");
  EXPECT_EQ(header_of(sent, "host"), "sts.eu-central-1.amazonaws.com");
  EXPECT_EQ(header_of(sent, "x-amz-date"), "20260101T000000Z");
  EXPECT_EQ(header_of(sent, "x-amz-security-token"), "base-token");
  EXPECT_TRUE(
      header_of(sent, "authorization")
          .starts_with("AWS4-HMAC-SHA256 Credential=AKIABASE/20260101/eu-central-1/sts/aws4_request, "
                       "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature="));
}

TEST_F(StsTest, LeavesOutWhatIsNotAskedFor) {
  transport.then(200, answer());
  AssumeRoleRequest request = a_request();
  request.external_id.reset();
  ASSERT_TRUE(assume(request).has_value());
  for (const char* name : {"ExternalId", "Policy", "SourceIdentity", "Tags"}) {
    EXPECT_EQ(transport.requests.at(0).body.find(name), std::string::npos) << name;
  }
}

TEST_F(StsTest, ReadsTheSession) {
  transport.then(200, answer());
  const auto result = assume();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result.value().credentials.access_key_id, "ASIAEXAMPLE");
  EXPECT_EQ(result.value().credentials.secret_access_key.reveal(), secret);
  EXPECT_EQ(result.value().credentials.session_token.reveal(), token);
  EXPECT_EQ(result.value().credentials.expires_at, clock.now() + 1h);
  EXPECT_EQ(result.value().assumed_role_arn, "arn:aws:sts::111122223333:assumed-role/reader/deputy-con");
  EXPECT_EQ(result.value().request_id, "req-1");
}

TEST_F(StsTest, RefusesHalfAnAnswer) {
  const std::string whole = answer();
  const auto without = [&whole](const std::string& element) {
    const std::size_t begin = whole.find("<" + element + ">"),
                      end = whole.find("</" + element + ">") + element.size() + 3;
    return whole.substr(0, begin) + whole.substr(end);
  };
  const auto emptied = [&whole](const std::string& element) {
    const std::size_t begin = whole.find("<" + element + ">") + element.size() + 2;
    return whole.substr(0, begin) + whole.substr(whole.find("</" + element + ">"));
  };
  const auto doubled = [&whole](const std::string& element) {
    const std::size_t begin = whole.find("<" + element + ">"),
                      end = whole.find("</" + element + ">") + element.size() + 3;
    return whole.substr(0, end) + whole.substr(begin);
  };
  std::vector<std::string> bodies{
      "", "   ", "{}", whole.substr(0, whole.size() / 2), whole + whole, "<!DOCTYPE x>" + whole};
  for (const char* element : {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "Arn"}) {
    bodies.insert(bodies.end(), {without(element), emptied(element), doubled(element)});
  }
  for (const char* element : {"Credentials", "AssumedRoleUser", "AssumeRoleResult"}) {
    bodies.insert(bodies.end(), {without(element), doubled(element)});
  }
  for (const std::string& key :
       {std::string{"ASIA X"}, std::string{"ASIA\nX"}, std::string(200, 'A'), std::string{"A<b/>B"}}) {
    bodies.push_back(answer(key));
  }
  for (const char* time : {"2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "1767229200", "tomorrow"}) {
    bodies.push_back(answer("ASIAEXAMPLE", time));
  }
  for (const std::string& body : bodies) {
    const AwsError error = failure(200, body);
    EXPECT_EQ(error.error_class, AwsErrorClass::unavailable) << body;
    EXPECT_EQ(error.code, "MalformedResponse") << body;
    EXPECT_EQ(error.message.find("Canary"), std::string::npos);
  }
  EXPECT_EQ(transport.requests.size(), bodies.size());  // a session may have been made: not asked again
}

TEST_F(StsTest, RefusesASessionOfAnotherRole) {
  for (const char* arn :
       {"arn:aws:sts::999999999999:assumed-role/reader/deputy-con",
        "arn:aws-cn:sts::111122223333:assumed-role/reader/deputy-con",
        "arn:aws:sts::111122223333:assumed-role/writer/deputy-con",
        "arn:aws:sts::111122223333:assumed-role/reader/other", "arn:aws:iam::111122223333:role/team/reader",
        "arn:aws:sts::111122223333:assumed-role/team/reader/deputy-con"}) {
    const AwsError error = failure(200, answer("ASIAEXAMPLE", "2026-01-01T01:00:00Z", arn));
    EXPECT_EQ(error.code, "MalformedResponse") << arn;
    EXPECT_EQ(error.error_class, AwsErrorClass::unavailable);
  }
}

TEST_F(StsTest, TellsEveryErrorApart) {
  struct Case {
    int status;
    const char* code;
    AwsErrorClass error_class;
  };
  for (const Case& test : {Case{403, "AccessDenied", AwsErrorClass::access_denied},
                           Case{400, "ValidationError", AwsErrorClass::invalid_request},
                           Case{400, "MalformedPolicyDocument", AwsErrorClass::invalid_request},
                           Case{400, "PackedPolicyTooLarge", AwsErrorClass::invalid_request},
                           Case{403, "RegionDisabledException", AwsErrorClass::region_disabled},
                           Case{403, "ExpiredToken", AwsErrorClass::caller_credentials},
                           Case{403, "InvalidClientTokenId", AwsErrorClass::caller_credentials},
                           Case{403, "SignatureDoesNotMatch", AwsErrorClass::caller_credentials},
                           Case{400, "Throttling", AwsErrorClass::throttled},
                           Case{503, "ServiceUnavailable", AwsErrorClass::unavailable},
                           Case{500, "InternalFailure", AwsErrorClass::unavailable},
                           Case{418, "Teapot", AwsErrorClass::other}}) {
    const AwsError error = failure(test.status, error_body(test.code));
    EXPECT_EQ(error.error_class, test.error_class) << test.code;
    EXPECT_EQ(error.code, test.code);
    EXPECT_EQ(error.status, test.status);
    EXPECT_EQ(error.message, "why");
    EXPECT_EQ(error.request_id, "req-e");
  }
}

// Threat 16: an error, a time-out or somebody else's 403 counted as a denial.
TEST_F(StsTest, OnlyTheExactCodeIsADenial) {
  for (const auto& [status, body] : std::vector<std::pair<int, std::string>>{
           {403, ""},
           {403, "<html><body>Forbidden by the proxy</body></html>"},
           {403, "AccessDenied"},
           {403, "<Error><Code>AccessDenied</Code></Error>"},  // a storage server's page, not STS
           {403, R"({"__type":"AccessDeniedException"})"},
           {403, R"({"code":"AccessDenied"})"},
           {403, error_body("accessdenied")},
           {403, error_body("AccessDenied ")},
           {403, error_body("AccessDeniedException")},
           {403, error_body("UnauthorizedOperation")},
           {403, error_body("AccessDenied") + error_body("AccessDenied")},
           {403, error_body("AccessDenied</Code><Code>AccessDenied")},
           {403, "<!DOCTYPE a [<!ENTITY e \"AccessDenied\">]>" + error_body("&e;")},
           {400, error_body("AccessDenied")},
           {404, error_body("AccessDenied")},
           {500, error_body("AccessDenied")},
           {200, error_body("AccessDenied")},
           {302, error_body("AccessDenied")},
           {407, error_body("AccessDenied")},
       }) {
    EXPECT_NE(failure(status, body).error_class, AwsErrorClass::access_denied) << status << ' ' << body;
  }
  EXPECT_EQ(failure(403, "<html>").error_class, AwsErrorClass::unavailable);
  EXPECT_EQ(failure(403, "<html>").code, "MalformedResponse");
}

TEST_F(StsTest, ADenialIsNeverAskedAgain) {
  failure(403, error_body("AccessDenied"));
  EXPECT_EQ(transport.requests.size(), 1U);
}

TEST_F(StsTest, ErrorsCarryNoSecret) {
  const AwsError error = failure(
      403,
      error_body("SignatureDoesNotMatch", "It should have been:\n'POST\nx-amz-security-token:base-token'"));
  EXPECT_EQ(error.message, "withheld, since it repeats a secret");
  EXPECT_EQ(failure(403, error_body("AccessDenied", "one\ntwo\x1b[2J")).message, "one");
  EXPECT_EQ(failure(403, error_body("AccessDenied", "tab\there")).message, "tab here");
  EXPECT_EQ(failure(403, error_body("AccessDenied", std::string(5'000, 'x'))).message.size(), 1'024U);
}

TEST_F(StsTest, ReadsWhoTheCallerIs) {
  const auto identity = [](const std::string& account, const std::string& arn) {
    return "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>" + arn +
           "</Arn><UserId>AROAX:s</UserId><Account>" + account +
           "</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></"
           "ResponseMetadata></GetCallerIdentityResponse>";
  };
  const auto ask = [this] {
    return loop.run_through_time(sts->get_caller_identity(Region::parse("cn-north-1").value(), base));
  };
  const std::string arn = "arn:aws-cn:sts::111122223333:assumed-role/reader/s";
  transport.then(200, identity("111122223333", arn), {{"x-amzn-requestid", "from-header"}});
  const auto result = ask();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result.value().account.text(), "111122223333");
  EXPECT_EQ(result.value().arn, arn);
  EXPECT_EQ(result.value().user_id, "AROAX:s");
  EXPECT_EQ(result.value().request_id, "from-header");
  EXPECT_EQ(transport.requests.at(0).url, "https://sts.cn-north-1.amazonaws.com.cn/");
  EXPECT_EQ(transport.requests.at(0).body, "Action=GetCallerIdentity&Version=2011-06-15");

  for (const std::string& body : {identity("999999999999", arn), identity("1", arn),
                                  identity("111122223333", "x"), std::string{"<a/>"}}) {
    transport.then(200, body);
    const auto refused = ask();
    ASSERT_TRUE(refused.has_error()) << body;
    EXPECT_EQ(refused.error().code, "MalformedResponse");
  }
}

}  // namespace
}  // namespace deputy::aws
