#include "console/console.hpp"

#include <gmock/gmock.h>
#include <regex>

#include "sandbox/test_client.hpp"

namespace deputy::console {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view host = "127.0.0.1:4566";
constexpr std::string_view url = "https://acme-logs.s3.eu-central-1.amazonaws.com/t.yaml";

// The sandbox's customer has a bucket with a template; its administrator is `admin`.
class ConsoleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    publish(R"(Description: "Acme <script>alert(1)</script>"
Parameters:
  ExternalId: {Type: String, Description: Issued, Default: abc, AllowedPattern: "^abc$", ConstraintDescription: must be abc}
  AllowSelfRead: {Type: String, Description: Choose, Default: "true", AllowedValues: ["true", "false"]}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: {AWS: "arn:aws:iam::111111111111:role/deputy-broker"}, Action: sts:AssumeRole, Condition: {StringEquals: {sts:ExternalId: !Ref ExternalId}}}
Outputs:
  RoleArn: {Description: Give this ARN, Value: !GetAtt Role.Arn}
)");
  }
  void publish(std::string text) {
    published = text;
    const auto put = client.send(client.signed_request(sandbox::TestClient::admin(), "s3", "PUT",
                                                       "/acme-logs/t.yaml", std::move(text)));
    ASSERT_EQ(put.status, 200) << put.body;
  }

  http::Response send(std::string method, std::string target, std::string body = {},
                      std::optional<std::string> origin = fmt::format("http://{}", host),
                      std::string_view to = host) {
    http::Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    const std::size_t question = request.target.find('?');
    request.path = request.target.substr(0, question);
    if (question != std::string::npos) request.query = request.target.substr(question + 1);
    request.body = std::move(body);
    request.headers.add("Host", std::string{to});
    if (origin) request.headers.add("Origin", *std::move(origin));
    return client.loop.run_through_time(with_console(client.sandbox, console)(std::move(request)));
  }
  http::Response get(std::string target) { return send("GET", std::move(target)); }
  static std::string quick_create(std::string_view who, std::string_view stack = "s") {
    return fmt::format("as={}&region=eu-central-1&templateURL={}&stackName={}", who,
                       aws::uri_encode(url, false), stack);
  }

  std::string published;
  sandbox::TestClient client;
  Console console{client.sandbox, client.clock};
};

TEST_F(ConsoleTest, SaysOnEveryPageThatItIsNotAws) {
  for (const char* page :
       {"/console/", "/console/cloudformation/home?region=eu-central-1", "/console/nothing",
        "/console/as/222222222222.admin/stacks", "/console/as/222222222222.admin/roles"}) {
    const auto shown = get(page);
    EXPECT_THAT(shown.body, HasSubstr("Sandbox stand-in for the AWS console</strong>")) << page;
    EXPECT_THAT(shown.body, HasSubstr("not AWS")) << page;
    EXPECT_THAT(std::string{*shown.headers.find("Content-Security-Policy")}, HasSubstr("default-src 'none'"))
        << page;
  }
}

TEST_F(ConsoleTest, CreatesTheStackOfALaunchLink) {
  const auto chosen = get(
      fmt::format("/console/quickcreate?region=eu-central-1&templateURL={}&stackName=s&param_ExternalId=abc",
                  aws::uri_encode(url, false)));
  EXPECT_THAT(chosen.body, HasSubstr("222222222222.admin"));
  EXPECT_THAT(chosen.body, HasSubstr("name=\"param_ExternalId\" value=\"abc\""));
  const auto shown = get("/console/quickcreate?" + quick_create("222222222222.admin"));
  EXPECT_THAT(shown.body, HasSubstr("AllowSelfRead"));
  EXPECT_THAT(shown.body, HasSubstr("Acme &lt;script&gt;"));
  EXPECT_THAT(shown.body, Not(HasSubstr("<script>alert")));

  const std::string asked =
      quick_create("222222222222.admin") + "&param_ExternalId=abc&param_AllowSelfRead=false";
  const auto unticked = send("POST", "/console/quickcreate", asked);
  EXPECT_EQ(unticked.status, 400);
  EXPECT_THAT(unticked.body, HasSubstr("InsufficientCapabilitiesException"));
  const auto made = send("POST", "/console/quickcreate", asked + "&capability=CAPABILITY_IAM");
  ASSERT_EQ(made.status, 303) << made.body;
  const auto stack = get(std::string{*made.headers.find("Location")});
  EXPECT_THAT(stack.body, HasSubstr("CREATE_COMPLETE"));
  EXPECT_THAT(stack.body, HasSubstr("arn:aws:iam::222222222222:role/s-Role-"));
  EXPECT_THAT(get("/console/as/222222222222.admin/stacks?region=eu-central-1").body,
              HasSubstr("stacks/s?region"));
  EXPECT_THAT(get("/console/as/222222222222.admin/stacks?region=us-east-1").body,
              Not(HasSubstr("stacks/s?region")));
}

TEST_F(ConsoleTest, TakesAWholeLinkWhereScriptsAreOff) {
  const std::string link = fmt::format(
      "http://{}/console/cloudformation/home?region=eu-central-1#/stacks/"
      "quickcreate?templateURL={}&stackName=s",
      host, aws::uri_encode(url, false));
  const auto chosen = get("/console/quickcreate?link=" + aws::uri_encode(link, false));
  EXPECT_THAT(chosen.body, HasSubstr("name=\"stackName\" value=\"s\""));
  EXPECT_THAT(chosen.body, HasSubstr("name=\"region\" value=\"eu-central-1\""));
  EXPECT_EQ(get("/console/quickcreate?link=https%3A%2F%2Fexample.com").status, 400);
}

TEST_F(ConsoleTest, MayOnlyWhatItsUserMay) {
  const auto partners = send("POST", "/console/quickcreate",
                             quick_create("111111111111.broker") + "&capability=CAPABILITY_IAM");
  EXPECT_EQ(partners.status, 400);
  EXPECT_THAT(partners.body, HasSubstr("Access Denied"));
  EXPECT_EQ(get("/console/as/222222222222.nobody/stacks").status, 404);
  EXPECT_THAT(get("/console/quickcreate?" + quick_create("222222222222.nobody")).body,
              HasSubstr("whose administrator are you?"));
}

TEST_F(ConsoleTest, ShowsAwsWordsForAnUnfitParameter) {
  const auto refused =
      send("POST", "/console/quickcreate",
           quick_create("222222222222.admin") + "&param_ExternalId=chosen&capability=CAPABILITY_IAM");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("must be abc"));
  EXPECT_THAT(refused.body, HasSubstr("value=\"chosen\""));  // what was typed stays
}

TEST_F(ConsoleTest, UpdatesAStackByANewTemplate) {
  send("POST", "/console/quickcreate",
       quick_create("222222222222.admin") + "&param_AllowSelfRead=false&capability=CAPABILITY_IAM");
  const std::string path = "/console/as/222222222222.admin/stacks/s";
  EXPECT_THAT(get(path + "?region=eu-central-1").body, HasSubstr(path + "/update?region=eu-central-1"));
  EXPECT_THAT(get(path + "/update?region=eu-central-1").body, HasSubstr("name=\"template\""));
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = published;
    return text.replace(text.find(from), from.size(), to);
  };
  const std::string nobodys = changed("role/deputy-broker", "role/no-such-role");
  const std::string next = changed("Action: sts:AssumeRole", "Action: [sts:AssumeRole, sts:TagSession]");
  const auto with = [&](std::string_view text, std::string_view more) {
    return send("POST", path + "/update",
                fmt::format("region=eu-central-1&template={}{}", aws::uri_encode(text, false), more));
  };
  const auto broken = with("Resources: {}", "");
  EXPECT_EQ(broken.status, 400);
  EXPECT_THAT(broken.body, HasSubstr("ValidationError"));
  // What the stack has now is filled in, not the template's default.
  const auto asked = with(next, "");
  ASSERT_EQ(asked.status, 200) << asked.body;
  EXPECT_THAT(asked.body, HasSubstr("<option selected=\"\">false</option>"));
  EXPECT_THAT(get("/console/as/222222222222.admin/roles").body, HasSubstr("s-Role-"));
  const std::string_view submit = "&submit=yes&param_ExternalId=abc&param_AllowSelfRead=false";
  EXPECT_THAT(with(next, submit).body, HasSubstr("InsufficientCapabilitiesException"));
  const auto rolled_back = with(nobodys, fmt::format("{}&capability=CAPABILITY_IAM", submit));
  ASSERT_EQ(rolled_back.status, 303) << rolled_back.body;
  EXPECT_THAT(get(std::string{*rolled_back.headers.find("Location")}).body,
              HasSubstr("<p class=\"problem\" role=\"status\"><strong>UPDATE_ROLLBACK_COMPLETE"));
  const auto updated = with(next, fmt::format("{}&capability=CAPABILITY_IAM", submit));
  ASSERT_EQ(updated.status, 303) << updated.body;
  EXPECT_THAT(get(std::string{*updated.headers.find("Location")}).body, HasSubstr("UPDATE_COMPLETE"));
  EXPECT_THAT(with(next, fmt::format("{}&capability=CAPABILITY_IAM", submit)).body,
              HasSubstr("No updates are to be performed"));
  const auto unknown = send("POST", "/console/as/222222222222.admin/stacks/none/update",
                            "region=eu-central-1&template=" + aws::uri_encode(next, false));
  EXPECT_EQ(unknown.status, 400);
  EXPECT_THAT(unknown.body, HasSubstr("does not exist"));
}

TEST_F(ConsoleTest, EditsATrustPolicyAndDeletesAStack) {
  send("POST", "/console/quickcreate", quick_create("222222222222.admin") + "&capability=CAPABILITY_IAM");
  const auto roles = get("/console/as/222222222222.admin/roles").body;
  std::smatch role;
  ASSERT_TRUE(
      std::regex_search(roles, role, std::regex{"(/console/as/222222222222.admin/roles/s-Role-[A-Z0-9]+)"}));
  const std::string path = role[1];
  EXPECT_THAT(get(path).body, HasSubstr("sts:ExternalId"));
  const auto broken = send("POST", path, "trust=%7Bnonsense");
  EXPECT_EQ(broken.status, 400);
  EXPECT_THAT(broken.body, HasSubstr("MalformedPolicyDocument"));
  EXPECT_THAT(broken.body, HasSubstr("{nonsense"));
  const std::string open =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}]})";
  const auto updated = send("POST", path, "trust=" + aws::uri_encode(open, false));
  ASSERT_EQ(updated.status, 303) << updated.body;
  EXPECT_THAT(get(path).body, Not(HasSubstr("sts:ExternalId")));

  EXPECT_EQ(send("POST", "/console/as/222222222222.admin/stacks/s/delete", "region=eu-central-1").status,
            303);
  EXPECT_THAT(get("/console/as/222222222222.admin/roles").body, Not(HasSubstr("s-Role-")));
}

TEST_F(ConsoleTest, TakesNoFormFromElsewhere) {
  const std::string asked = quick_create("222222222222.admin") + "&capability=CAPABILITY_IAM";
  EXPECT_EQ(send("POST", "/console/quickcreate", asked, "http://evil.example").status, 403);
  EXPECT_EQ(send("POST", "/console/quickcreate", asked, "null").status, 403);
  EXPECT_EQ(send("POST", "/console/quickcreate", asked, std::nullopt).status, 403);
  // A name of somebody else's that was bound to this machine.
  for (const char* name :
       {"evil.example:4566", "127.0.0.1.evil.example", "localhost.evil.example", "[::1]evil.example"}) {
    EXPECT_EQ(send("POST", "/console/quickcreate", asked, fmt::format("http://{}", name), name).status, 421)
        << name;
    EXPECT_EQ(send("GET", "/console/", {}, std::nullopt, name).status, 421) << name;
  }
  EXPECT_THAT(get("/console/as/222222222222.admin/stacks?region=eu-central-1").body,
              HasSubstr("There is none"));
}

TEST_F(ConsoleTest, LeavesSignedRequestsToTheServices) {
  auto request = client.signed_request(sandbox::TestClient::admin(), "s3", "PUT", "/console", "");
  EXPECT_FALSE(is_for_console(request));
  EXPECT_EQ(client.loop.run_through_time(with_console(client.sandbox, console)(std::move(request))).status,
            200);
}

}  // namespace
}  // namespace deputy::console
