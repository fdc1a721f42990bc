#include "aws/iam.hpp"

#include "support/fake_random.hpp"
#include "support/fake_transport.hpp"
#include "support/manual_loop.hpp"

#include <gtest/gtest.h>

namespace deputy::aws {
namespace {

std::string answer_with(const std::string& arn) {
  return "<GetRoleResponse "
         "xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetRoleResult><Role><Path>/team/</Path><Arn>" +
         arn +
         "</Arn><AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%7D</AssumeRolePolicyDocument></"
         "Role></GetRoleResult>"
         "<ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></GetRoleResponse>";
}

class IamTest : public testing::Test {
 protected:
  AwsResult<RoleDetails> get(const std::string& name) {
    return loop.run_through_time(iam->get_role(name, Partition::aws, base));
  }
  FakeClock clock;
  ManualLoop loop{clock};
  SeededRandom random;
  FakeTransport transport;
  Endpoints endpoints = Endpoints::of_aws();
  Caller caller{loop, clock, random, transport, endpoints, {}};
  std::unique_ptr<Iam> iam = make_iam(caller);
  Credentials base{"AKIABASE", SecretString{"base-secret"}, SecretString{}, std::nullopt};
};

TEST_F(IamTest, NamesTheRoleWithItsPath) {
  transport.then(200, answer_with("arn:aws:iam::111122223333:role/team/reader"));
  const auto role = get("reader");
  ASSERT_TRUE(role.has_value());
  EXPECT_EQ(role.value().arn.path(), "/team/");
  EXPECT_EQ(role.value().trust_policy, "%7B%22Version%22%3A%222012-10-17%22%7D");
  EXPECT_TRUE(transport.requests.front().url.starts_with("https://iam.amazonaws.com"));
}

TEST_F(IamTest, AnAnswerAboutAnotherRoleIsNone) {
  transport.then(200, answer_with("arn:aws:iam::111122223333:role/other"));
  EXPECT_EQ(get("reader").error().code, "MalformedResponse");
  transport.then(200, answer_with("not an ARN"));
  EXPECT_EQ(get("reader").error().code, "MalformedResponse");
  transport.then(200, "garbage");
  EXPECT_EQ(get("reader").error().error_class, AwsErrorClass::unavailable);
}

}  // namespace
}  // namespace deputy::aws
