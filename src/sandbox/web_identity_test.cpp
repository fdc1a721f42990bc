#include <boost/json.hpp>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>

#include "sandbox/test_client.hpp"

namespace deputy::sandbox {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Key make_key() {
  return {EVP_RSA_gen(2048), EVP_PKEY_free};
}

std::string pem_of(EVP_PKEY* key) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out{BIO_new(BIO_s_mem()), BIO_free};
  PEM_write_bio_PUBKEY(out.get(), key);
  char* text = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(out.get(), &text));
  return {text, size};
}

std::string base64url(std::string_view bytes) {
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.resize(text.find('\0'));
  return text;
}

std::string signed_with(EVP_PKEY* key, const std::string& text) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
  std::string signature(512, '\0');
  std::size_t size = signature.size();
  EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key);
  EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                 reinterpret_cast<const unsigned char*>(text.data()), text.size());
  signature.resize(size);
  return signature;
}

constexpr std::string_view issuer = "https://oidc.example.com/id/A";
constexpr std::string_view pod = "system:serviceaccount:deputy:broker";
constexpr std::string_view role_arn = "arn:aws:iam::111111111111:role/eks/deputy-broker";

std::string trust(std::string_view subject = pod) {
  return fmt::format(
      R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity",)"
      R"("Principal":{{"Federated":"arn:aws:iam::111111111111:oidc-provider/oidc.example.com/id/A"}},)"
      R"("Condition":{{"StringEquals":{{"oidc.example.com/id/A:aud":"sts.amazonaws.com",)"
      R"("oidc.example.com/id/A:sub":"{}"}}}}}}]}})",
      subject);
}

// An account with an issuer whose key the test has, and a role for one of its subjects.
class WebIdentity : public testing::Test {
 protected:
  WebIdentity() : client(seed()) {}

  std::string seed() const {
    const boost::json::value account{
        {"id", "111111111111"},
        {"oidc_providers",
         {{{"url", issuer}, {"client_ids", {"sts.amazonaws.com"}}, {"keys", {{"k1", pem_of(key.get())}}}}}},
        {"roles",
         {{{"name", "deputy-broker"},
           {"path", "/eks/"},
           {"max_session_duration", 7200},
           {"trust_policy", boost::json::parse(trust())},
           {"policies", {{"all", boost::json::parse(allow_all)}}}}}}};
    return boost::json::serialize(boost::json::object{{"accounts", {account}}});
  }

  boost::json::object claims() const {
    const auto now = std::chrono::floor<std::chrono::seconds>(client.clock.now().time_since_epoch()).count();
    return {{"iss", issuer}, {"sub", pod}, {"aud", {"sts.amazonaws.com"}}, {"iat", now}, {"exp", now + 600}};
  }
  std::string token(const boost::json::object& claims, const char* header = R"({"alg":"RS256","kid":"k1"})",
                    EVP_PKEY* by = nullptr) const {
    const std::string text = base64url(header) + "." + base64url(boost::json::serialize(claims));
    return text + "." + base64url(signed_with(by == nullptr ? key.get() : by, text));
  }
  std::string with(const char* claim, boost::json::value value) const {
    auto changed = claims();
    changed[claim] = std::move(value);
    return token(changed);
  }

  http::Response assume(const std::string& token, const TestClient::Fields& more = {},
                        std::string_view role = role_arn) {
    std::string body = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=pod-7&RoleArn=" +
                       aws::uri_encode(role, false) + "&WebIdentityToken=" + aws::uri_encode(token, false);
    for (const auto& [name, value] : more) body += "&" + name + "=" + aws::uri_encode(value, false);
    http::Request request;
    request.method = "POST";
    request.target = request.path = "/";
    request.body = std::move(body);
    request.remote_address = client.remote_address;
    request.headers.add("host", "127.0.0.1:8190");
    request.headers.add("content-type", "application/x-www-form-urlencoded");
    return client.send(std::move(request));
  }
  void expect_refused(const std::string& token, std::string_view code, std::string_view words) {
    const auto answer = assume(token);
    EXPECT_EQ(TestClient::code(answer), code) << answer.body;
    EXPECT_NE(answer.body.find(words), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find(token), std::string::npos);
  }

  // Making one takes a while, so all tests have the same.
  static const Key& providers_key() {
    static const Key made = make_key();
    return made;
  }

  const Key& key = providers_key();
  TestClient client;
};

TEST_F(WebIdentity, ATokenGivesASession) {
  const auto answer = assume(token(claims()));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_NE(answer.body.find("<AssumeRoleWithWebIdentityResponse xmlns="), std::string::npos);
  EXPECT_EQ(TestClient::element(answer, "SubjectFromWebIdentityToken"), pod);
  EXPECT_EQ(TestClient::element(answer, "Audience"), "sts.amazonaws.com");
  EXPECT_EQ(TestClient::element(answer, "Provider"), issuer);
  EXPECT_EQ(TestClient::element(answer, "Arn"), "arn:aws:sts::111111111111:assumed-role/deputy-broker/pod-7");
  const auto session = TestClient::session_of(answer);
  const auto who = client.query(session, "sts", "GetCallerIdentity");
  EXPECT_EQ(TestClient::element(who, "Arn"), "arn:aws:sts::111111111111:assumed-role/deputy-broker/pod-7");
  EXPECT_EQ(client.send(client.signed_request(session, "s3", "GET", "/", "")).status, 200);
}

TEST_F(WebIdentity, TheTokenMustBeTheProvidersOwn) {
  const Key other = make_key();
  expect_refused(token(claims(), R"({"alg":"RS256","kid":"k1"})", other.get()), "InvalidIdentityToken",
                 "signature");
  expect_refused(token(claims(), R"({"alg":"RS256","kid":"k2"})"), "InvalidIdentityToken",
                 "retrieve verification key");
  expect_refused(token(claims(), R"({"alg":"none","kid":"k1"})"), "InvalidIdentityToken", "RS256");
  expect_refused(token(claims(), R"({"alg":"HS256","kid":"k1"})"), "InvalidIdentityToken", "RS256");
  expect_refused(with("iss", "https://oidc.example.com/id/B"), "InvalidIdentityToken",
                 "No OpenIDConnect provider");
  // A claim that was changed after it was signed.
  const std::string good = token(claims());
  auto changed = claims();
  changed["sub"] = "system:serviceaccount:deputy:other";
  const std::string forged = good.substr(0, good.find('.') + 1) + base64url(boost::json::serialize(changed)) +
                             good.substr(good.rfind('.'));
  expect_refused(forged, "InvalidIdentityToken", "signature");
}

TEST_F(WebIdentity, TimeAudienceAndClaimsCount) {
  const std::string good = token(claims());
  client.clock.advance(std::chrono::seconds{599});
  EXPECT_EQ(assume(good).status, 200);
  client.clock.advance(std::chrono::seconds{1});
  expect_refused(good, "ExpiredTokenException", "Token expired");
  expect_refused(with("aud", "somebody.else"), "InvalidIdentityToken", "Incorrect token audience");
  expect_refused(with("azp", "somebody.else"), "InvalidIdentityToken", "Incorrect token audience");
  expect_refused(with("aud", boost::json::array{"sts.amazonaws.com", "x"}), "InvalidIdentityToken", "aud");
  for (const char* claim : {"iss", "sub", "aud", "exp", "iat"})
    expect_refused(with(claim, nullptr), "InvalidIdentityToken", claim);
  expect_refused(with("https://aws.amazon.com/tags", boost::json::object{}), "InvalidIdentityToken",
                 "does not know the claim");
  for (const std::string nonsense : {"abcd", "a.b.c", "....", "e30.e30.e30", "!!!!.e30.e30"})
    EXPECT_EQ(TestClient::code(assume(nonsense)), "InvalidIdentityToken") << nonsense;
  EXPECT_EQ(TestClient::code(assume("abc")), "ValidationError");
}

// The trust policy decides, and what it does not allow looks like what is not there.
TEST_F(WebIdentity, OnlyWhomTheRoleTrusts) {
  const std::string stranger = with("sub", "system:serviceaccount:other:broker");
  const auto denied = assume(stranger);
  EXPECT_EQ(TestClient::code(denied), "AccessDenied");
  EXPECT_NE(denied.body.find("Not authorized to perform sts:AssumeRoleWithWebIdentity"), std::string::npos);
  EXPECT_EQ(TestClient::code(assume(token(claims()), {}, "arn:aws:iam::111111111111:role/eks/nobody")),
            "AccessDenied");
  EXPECT_EQ(TestClient::code(assume(token(claims()), {}, "arn:aws:iam::111111111111:role/deputy-broker")),
            "AccessDenied")
      << "the path is part of the name";
}

TEST_F(WebIdentity, OptionsAreHeldAgainstTheirLimits) {
  EXPECT_EQ(assume(token(claims()), {{"DurationSeconds", "7200"}}).status, 200);
  EXPECT_EQ(TestClient::code(assume(token(claims()), {{"DurationSeconds", "7201"}})), "ValidationError");
  EXPECT_EQ(TestClient::code(assume(token(claims()), {{"ProviderId", "www.amazon.com"}})), "ValidationError");
  const std::string deny =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]})";
  const auto narrowed = TestClient::session_of(assume(token(claims()), {{"Policy", deny}}));
  EXPECT_EQ(TestClient::code(client.send(client.signed_request(narrowed, "s3", "GET", "/", ""))),
            "AccessDenied");
}

// Without a signature there is this one call and no other.
TEST_F(WebIdentity, NothingElseGoesWithoutASignature) {
  http::Request request;
  request.method = "POST";
  request.target = request.path = "/";
  request.body = "Action=GetCallerIdentity&Version=2011-06-15&WebIdentityToken=" + token(claims());
  request.headers.add("host", "127.0.0.1:8190");
  EXPECT_EQ(TestClient::code(client.send(request)), "MissingAuthenticationToken");
}

TEST(WebIdentitySeed, RefusesWhatIsNoProvider) {
  const auto refused = [](const std::string& provider) {
    const auto seed =
        read_seed(R"({"accounts":[{"id":"111111111111","oidc_providers":[)" + provider + "]}]}");
    if (!seed) return seed.error().message;
    FakeClock clock;
    SeededRandom random;
    ManualLoop loop{clock};
    Sandbox sandbox{clock, random, loop};
    const auto applied = sandbox.apply(seed.value());
    return applied ? std::string{} : applied.error().message;
  };
  EXPECT_NE(refused(R"({"url":"https://a.example/x","keys":{"k":"no key"}})").find("no public RSA key"),
            std::string::npos);
  EXPECT_NE(refused(R"({"url":"http://a.example/x","keys":{}})").find("no https URL"), std::string::npos);
  EXPECT_NE(refused(R"({"url":"https://a.example/x"})").find("`keys`"), std::string::npos);
  EXPECT_NE(refused(R"({"url":"https://a.example/x","keys":{},"thumbprints":[]})").find("not a member"),
            std::string::npos);
  EXPECT_EQ(refused(R"({"url":"https://a.example/x","keys":{}})"), "");
}

}  // namespace
}  // namespace deputy::sandbox
