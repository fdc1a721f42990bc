#include "support/source_folder.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <iterator>

#include "sandbox/test_client.hpp"

namespace deputy::sandbox {
namespace {

constexpr std::string_view broker_arn = "arn:aws:iam::111111111111:user/broker";
constexpr std::string_view broker_role = "arn:aws:iam::111111111111:role/deputy-broker";

TEST(AssumeRole, NeedsExactlyTheExternalId) {
  TestClient client;
  const std::string role = client.make_role("reader", trust_of(broker_arn));
  EXPECT_EQ(client.assume(TestClient::broker(), role).status, 200);
  std::string upper{external_id};
  for (char& c : upper) c = c >= 'a' ? static_cast<char>(c - 32) : c;
  const std::vector<TestClient::Fields> wrong{{},
                                              {{"ExternalId", upper}},
                                              {{"ExternalId", std::string{external_id} + "0"}},
                                              {{"ExternalId", "0d9e8c7b-5a43-4f21-b0c9-8e7d6f5a4b3c"}}};
  for (const auto& fields : wrong) {
    const auto answer = client.assume(TestClient::broker(), role, fields);
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(TestClient::code(answer), "AccessDenied");
  }
}

TEST(AssumeRole, DeniesAlikeWithoutRoleWithAnotherPrincipalAndWithAnotherId) {
  TestClient client;
  client.make_role("reader", trust_of(broker_arn));
  client.make_role("strangers", trust_of("arn:aws:iam::333333333333:root"));
  for (const std::string name : {"reader", "strangers", "nobody"}) {
    const std::string arn = fmt::format("arn:aws:iam::{}:role/{}", customer, name);
    const auto answer = client.assume(TestClient::broker(), arn, {});
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(TestClient::element(answer, "Message"),
              fmt::format("User: {} is not authorized to perform: sts:AssumeRole on resource: {}", broker_arn,
                          arn));
  }
}

TEST(AssumeRole, NeedsTheCallersOwnPermission) {
  const std::string seed = fmt::format(
      R"({{"accounts":[{{"id":"{0}","users":[{{"name":"broker","access_key_id":"AKIAPARTNER000000000","secret_access_key":"p"}}]}},)"
      R"({{"id":"{1}","roles":[{{"name":"reader","trust_policy":{2}}}]}}]}})",
      partner, customer, trust_of(broker_arn));
  TestClient client{seed};
  EXPECT_EQ(TestClient::code(client.assume(TestClient::broker(), "arn:aws:iam::222222222222:role/reader")),
            "AccessDenied");
}

TEST(AssumeRole, ChecksItsParametersAsAwsDoes) {
  TestClient client;
  const std::string role = client.make_role("reader", trust_of(broker_arn));
  const std::string id{external_id};
  const std::vector<std::pair<TestClient::Fields, std::string>> cases{
      {{{"ExternalId", "x"}}, "ValidationError"},
      {{{"ExternalId", std::string(1225, 'a')}}, "ValidationError"},
      {{{"ExternalId", "white space"}}, "ValidationError"},
      {{{"ExternalId", id}, {"DurationSeconds", "899"}}, "ValidationError"},
      {{{"ExternalId", id}, {"DurationSeconds", "43201"}}, "ValidationError"},
      {{{"ExternalId", id}, {"DurationSeconds", "3601"}}, "ValidationError"},
      {{{"ExternalId", id}, {"Policy", std::string(2049, ' ')}}, "ValidationError"},
      {{{"ExternalId", id}, {"Policy", "{}"}}, "MalformedPolicyDocument"},
      {{{"ExternalId", id}, {"SourceIdentity", "a b"}}, "ValidationError"},
      {{{"ExternalId", id}, {"Tags.member.1.Key", "k"}}, "ValidationError"},
      {{{"ExternalId", id}, {"SerialNumber", "123456789"}}, "ValidationError"},
      {{{"ExternalId", id}, {"ExternalId", id}}, "ValidationError"},
  };
  for (const auto& [fields, code] : cases) {
    const auto answer = client.assume(TestClient::broker(), role, fields);
    EXPECT_EQ(answer.status, 400) << answer.body;
    EXPECT_EQ(TestClient::code(answer), code) << answer.body;
  }
  for (const std::string_view arn : {"arn:aws:iam::222222222222:user/reader-user",
                                     "arn:aws:iam::222222222222:role/*", "not an ARN but long enough"})
    EXPECT_EQ(TestClient::code(client.assume(TestClient::broker(), arn)), "ValidationError");
  EXPECT_EQ(TestClient::code(client.query(TestClient::broker(), "sts", "AssumeRole",
                                          {{"RoleArn", role}, {"RoleSessionName", "a b"}})),
            "ValidationError");
}

TEST(AssumeRole, ChainingIsCappedAtOneHour) {
  TestClient client;
  const std::string role = client.make_role("reader", trust_of(broker_role));
  client.query(TestClient::admin(), "iam", "UpdateRole",
               {{"RoleName", "reader"}, {"MaxSessionDuration", "43200"}});
  const auto chained = TestClient::session_of(client.assume(TestClient::broker(), broker_role, {}));
  const std::string id{external_id};
  EXPECT_EQ(TestClient::code(client.assume(chained, role, {{"ExternalId", id}, {"DurationSeconds", "3601"}})),
            "ValidationError");
  EXPECT_EQ(client.assume(chained, role, {{"ExternalId", id}, {"DurationSeconds", "3600"}}).status, 200);
}

TEST(AssumeRole, TagsAndSourceIdentityNeedTheirOwnAllow) {
  TestClient client;
  const std::string role = client.make_role("reader", trust_of(broker_arn));
  const std::string id{external_id};
  const TestClient::Fields tags{
      {"ExternalId", id}, {"Tags.member.1.Key", "run"}, {"Tags.member.1.Value", "7"}};
  const TestClient::Fields identity{{"ExternalId", id}, {"SourceIdentity", "alice"}};
  EXPECT_NE(client.assume(TestClient::broker(), role, tags).body.find("sts:TagSession"), std::string::npos);
  EXPECT_NE(client.assume(TestClient::broker(), role, identity).body.find("sts:SetSourceIdentity"),
            std::string::npos);
  std::string open = trust_of(broker_arn);
  open.replace(open.find(R"("sts:AssumeRole")"), 16,
               R"(["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"])");
  client.query(TestClient::admin(), "iam", "UpdateAssumeRolePolicy",
               {{"RoleName", "reader"}, {"PolicyDocument", open}});
  EXPECT_EQ(client.assume(TestClient::broker(), role, tags).status, 200);
  EXPECT_EQ(TestClient::element(client.assume(TestClient::broker(), role, identity), "SourceIdentity"),
            "alice");
}

// As strict as AWS, and by character: what passes here must not fail there.
TEST(AssumeRole, TagsAreOfTheCharactersThatAwsTakes) {
  TestClient client;
  std::string open = trust_of(broker_arn);
  open.replace(open.find(R"("sts:AssumeRole")"), 16, R"(["sts:AssumeRole","sts:TagSession"])");
  const std::string role = client.make_role("reader", open);
  const auto tagged = [&](const std::vector<std::pair<std::string, std::string>>& tags) {
    TestClient::Fields fields{{"ExternalId", std::string{external_id}}};
    for (std::size_t i = 0; i < tags.size(); ++i) {
      const std::string member = "Tags.member." + std::to_string(i + 1);
      fields.emplace_back(member + ".Key", tags[i].first);
      fields.emplace_back(member + ".Value", tags[i].second);
    }
    const auto answer = client.assume(TestClient::broker(), role, fields);
    return answer.status == 200 ? std::string{} : TestClient::code(answer);
  };
  std::string wide;
  for (int i = 0; i < 128; ++i) wide += "\u00fc";
  EXPECT_EQ(tagged({{wide, wide + wide}, {"Cost Centre_.:/=+-@", ""}, {"\u6771\u4eac", "\u0661"}}), "");
  EXPECT_EQ(tagged({{wide + "k", ""}}), "ValidationError");
  EXPECT_EQ(tagged({{"k", wide + wide + "v"}}), "ValidationError");
  EXPECT_EQ(tagged({{"", ""}}), "ValidationError");
  for (const char* wrong : {"\U0001f600", "\u200b", "\u202e", "\ue000", "a*", "a\tb", "\xff"}) {
    EXPECT_EQ(tagged({{wrong, ""}}), "ValidationError") << wrong;
    EXPECT_EQ(tagged({{"k", wrong}}), "ValidationError") << wrong;
  }
  EXPECT_EQ(tagged({{"\u00c9", "1"}, {"\u00e9", "2"}}), "InvalidInput");
  EXPECT_EQ(tagged({{"Team", "1"}, {"team", "2"}}), "InvalidInput");
}

TEST(AssumeRole, ASessionPolicyNarrows) {
  TestClient client;
  const std::string role = client.make_role("reader", trust_of(broker_arn));
  const std::string deny =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]})";
  const auto narrowed = TestClient::session_of(client.assume(
      TestClient::broker(), role, {{"ExternalId", std::string{external_id}}, {"Policy", deny}}));
  EXPECT_EQ(TestClient::code(client.send(client.signed_request(narrowed, "s3", "GET", "/", ""))),
            "AccessDenied");
  const auto whole = TestClient::session_of(client.assume(TestClient::broker(), role));
  EXPECT_EQ(client.send(client.signed_request(whole, "s3", "GET", "/", "")).status, 200);
}

TEST(AssumeRole, ARecreatedPrincipalIsAnother) {
  TestClient client;
  const auto create = [&] {
    return client.query(TestClient::broker(), "iam", "CreateRole",
                        {{"RoleName", "worker"}, {"AssumeRolePolicyDocument", trust_of(partner)}});
  };
  EXPECT_EQ(create().status, 200);
  const std::string worker = "arn:aws:iam::111111111111:role/worker";
  client.query(TestClient::broker(), "iam", "PutRolePolicy",
               {{"RoleName", "worker"}, {"PolicyName", "p"}, {"PolicyDocument", std::string{allow_all}}});
  const std::string role = client.make_role("reader", trust_of(worker));
  const auto before = TestClient::session_of(client.assume(TestClient::broker(), worker));
  EXPECT_EQ(client.assume(before, role).status, 200);

  client.query(TestClient::broker(), "iam", "DeleteRolePolicy",
               {{"RoleName", "worker"}, {"PolicyName", "p"}});
  EXPECT_EQ(client.query(TestClient::broker(), "iam", "DeleteRole", {{"RoleName", "worker"}}).status, 200);
  EXPECT_EQ(create().status, 200);
  client.query(TestClient::broker(), "iam", "PutRolePolicy",
               {{"RoleName", "worker"}, {"PolicyName", "p"}, {"PolicyDocument", std::string{allow_all}}});
  EXPECT_EQ(TestClient::code(client.query(before, "sts", "GetCallerIdentity")), "InvalidClientTokenId");
  const auto after = TestClient::session_of(client.assume(TestClient::broker(), worker));
  EXPECT_EQ(TestClient::code(client.assume(after, role)), "AccessDenied");
  EXPECT_NE(client.query(TestClient::admin(), "iam", "GetRole", {{"RoleName", "reader"}}).body.find("AROA"),
            std::string::npos);
}

TEST(AssumeRole, AnUnknownPrincipalOfAKnownAccountIsRefused) {
  TestClient client;
  const auto answer =
      client.query(TestClient::admin(), "iam", "CreateRole",
                   {{"RoleName", "reader"},
                    {"AssumeRolePolicyDocument", trust_of("arn:aws:iam::111111111111:role/nobody")}});
  EXPECT_EQ(TestClient::code(answer), "MalformedPolicyDocument");
  EXPECT_NE(answer.body.find("Invalid principal in policy"), std::string::npos);
}

TEST(AssumeRole, ChangesOfATrustPolicySpreadLate) {
  TestClient client;
  const std::string role = client.make_role("reader", trust_of(broker_arn));
  client.sandbox.set_misbehaviour(
      {{{.kind = Disturbance::Kind::propagation, .delay = std::chrono::seconds{5}}}});
  const std::string other = "0d9e8c7b-5a43-4f21-b0c9-8e7d6f5a4b3c";
  client.query(TestClient::admin(), "iam", "UpdateAssumeRolePolicy",
               {{"RoleName", "reader"}, {"PolicyDocument", trust_of(broker_arn, other)}});
  EXPECT_NE(client.query(TestClient::admin(), "iam", "GetRole", {{"RoleName", "reader"}}).body.find(other),
            std::string::npos);
  EXPECT_EQ(client.assume(TestClient::broker(), role).status, 200);
  EXPECT_EQ(client.assume(TestClient::broker(), role, {{"ExternalId", other}}).status, 403);
  client.loop.advance(std::chrono::seconds{5});
  EXPECT_EQ(client.assume(TestClient::broker(), role).status, 403);
  EXPECT_EQ(client.assume(TestClient::broker(), role, {{"ExternalId", other}}).status, 200);
}

// Each shape of the corpus as a role: what is safe takes the external ID and nothing else, what is denied
// takes nothing, what is invalid is not taken.
TEST(AssumeRole, JudgesTheCorpus) {
  std::ifstream stream{in_source_folder("corpus/trust-policies/cases.json")};
  const std::string text{std::istreambuf_iterator<char>{stream}, {}};
  const boost::json::value corpus = boost::json::parse(text);
  int judged = 0;
  for (const auto& entry : corpus.at("cases").as_array()) {
    const auto& trust_case = entry.as_object();
    const std::string id{trust_case.at("id").as_string()}, verdict{trust_case.at("verdict").as_string()};
    const std::string policy = trust_case.contains("text") ? std::string{trust_case.at("text").as_string()}
                                                           : boost::json::serialize(trust_case.at("policy"));
    if (verdict == "unsafe" || policy.starts_with('%'))
      continue;  // the analyzer's; IAM takes no encoded documents
    TestClient client;
    client.remote_address = "198.51.100.7";  // where the corpus allows one shape to come from
    const auto made = client.query(TestClient::admin(), "iam", "CreateRole",
                                   {{"RoleName", "r"}, {"AssumeRolePolicyDocument", policy}});
    ++judged;
    if (made.status != 200) {
      EXPECT_EQ(TestClient::code(made), "MalformedPolicyDocument") << id;
      EXPECT_NE(verdict, "safe") << id << made.body;
      continue;
    }
    EXPECT_NE(verdict, "invalid") << id;
    const auto caller = TestClient::session_of(client.assume(TestClient::broker(), broker_role, {}));
    const std::string role = "arn:aws:iam::222222222222:role/r";
    EXPECT_EQ(client.assume(caller, role).status, verdict == "safe" ? 200 : 403) << id;
    EXPECT_EQ(client.assume(caller, role, {}).status, 403) << id;
    EXPECT_EQ(client.assume(caller, role, {{"ExternalId", "0d9e8c7b-5a43-4f21-b0c9-8e7d6f5a4b3c"}}).status,
              403)
        << id;
  }
  EXPECT_GT(judged, 30);
}

}  // namespace
}  // namespace deputy::sandbox
