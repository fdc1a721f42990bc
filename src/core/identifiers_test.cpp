#include "core/identifiers.hpp"

#include "support/fake_random.hpp"

#include <gtest/gtest.h>

namespace deputy {
namespace {

using namespace std::string_literals;

TEST(RoleArn, AcceptsRolesOfEveryPartitionAndPath) {
  for (const char* text :
       {"arn:aws:iam::123456789012:role/deputy-log-reader", "arn:aws-cn:iam::123456789012:role/a",
        "arn:aws-us-gov:iam::000000000001:role/team/ops/Reader+=,.@-_9",
        "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_x"}) {
    const auto arn = RoleArn::parse(text);
    ASSERT_TRUE(arn) << text;
    EXPECT_EQ(arn.value().text(), text);
  }
}

TEST(RoleArn, NamesItsParts) {
  const auto arn = RoleArn::parse("arn:aws-us-gov:iam::123456789012:role/team/ops/reader").value();
  EXPECT_EQ(arn.partition(), Partition::aws_us_gov);
  EXPECT_EQ(arn.account().text(), "123456789012");
  EXPECT_EQ(arn.path(), "/team/ops/");
  EXPECT_EQ(arn.name(), "reader");
  EXPECT_EQ(RoleArn::parse("arn:aws:iam::123456789012:role/reader").value().path(), "/");
}

struct WrongArn {
  std::string text;
  std::string says;
};

TEST(RoleArn, SaysWhatIsWrongWithAnythingElse) {
  const WrongArn cases[] = {
      {"", "it is empty"},
      {"reader", "fewer than six parts"},
      {"arn:aws:iam::123456789012:user/alice", "it names a user"},
      {"arn:aws:sts::123456789012:assumed-role/reader/session", "a session of a role"},
      {"arn:aws:iam::123456789012:root", "the whole account"},
      {"arn:aws:iam::123456789012:group/ops", "it names `group`"},
      {"arn:aws:iam::123456789012:role", "it names `role`"},
      {"arn:aws:iam::123456789012:role/", "name is missing"},
      {"arn:aws:iam::123456789012:role/team/", "name is missing"},
      {"arn:aws:s3::123456789012:role/a", "the service is `s3`"},
      {"arn:aws:iam:eu-west-1:123456789012:role/a", "have no Region"},
      {"arn:aws-iso:iam::123456789012:role/a", "the partition `aws-iso`"},
      {"ARN:aws:iam::123456789012:role/a", "does not begin with `arn:`"},
      {"arn:aws:iam::12345678901:role/a", "is not 12 digits"},
      {"arn:aws:iam::123456789O12:role/a", "is not 12 digits"},
      {"arn:aws:iam:::role/a", "is not 12 digits"},
      {" arn:aws:iam::123456789012:role/a", "a space at its beginning"},
      {"arn:aws:iam::123456789012:role/a ", "a space at its end"},
      {"arn:aws:iam::123456789012:role/a\n", "a newline at its end"},
      {"arn:aws:iam::123456789012:role/a\0b"s, "control character 0x00"},
      {"arn:aws:iam::123456789012:role/\xd0\xb0"
       "dmin",
       "look-alike"},
      {"arn:aws:iam::123456789012:role/*", "wildcard `*`"},
      {"arn:aws:iam::*:role/a", "wildcard `*`"},
      {"arn:aws:iam::123456789012:role/a:b", "`:` in the role's name"},
      {"arn:aws:iam::123456789012:role/a/../b", "segment `..`"},
      {"arn:aws:iam::123456789012:role/a//b", "segment ``"},
      {"arn:aws:iam::123456789012:role//b", "segment ``"},
      {"arn:aws:iam::123456789012:role/${aws:x}/b", "in the role's path"},
      {"arn:aws:iam::123456789012:role/" + std::string(65, 'a'), "longer than 64"},
      {"arn:aws:iam::123456789012:role/" + std::string(511, 'p') + "/a", "longer than 512"},
      {"arn:aws:iam::123456789012:role/" + std::string(4000, 'p'), "longer than 2,048"},
      {"arn:aws:iam::123456789012:role/a,arn:aws:iam::123456789012:role/b", "in the role's path"},
  };
  for (const auto& [text, says] : cases) {
    const auto arn = RoleArn::parse(text);
    ASSERT_FALSE(arn) << text;
    EXPECT_EQ(arn.error().kind, ErrorKind::role_arn_invalid) << text;
    EXPECT_NE(arn.error().message.find(says), std::string::npos) << text << "\n" << arn.error().message;
  }
}

TEST(AccountId, HasTwelveDigits) {
  EXPECT_TRUE(AccountId::parse("000000000000"));
  for (const char* text : {"", "12345678901", "1234567890123", "12345678901a", "１23456789012"}) {
    EXPECT_FALSE(AccountId::parse(text)) << text;
  }
}

TEST(Region, HasAStrictShape) {
  EXPECT_EQ(Region::parse("us-gov-west-1").value().partition(), Partition::aws_us_gov);
  EXPECT_EQ(Region::parse("cn-north-1").value().partition(), Partition::aws_cn);
  EXPECT_EQ(Region::parse("ap-southeast-3").value().partition(), Partition::aws);
  for (const char* text : {"", "eu", "eu-central", "eu-central-", "eu-central-1.evil.example", "EU-central-1",
                           "-eu-central-1", "eu--central-1", "eu-central-1@evil", "us-iso-east-1",
                           "eu-central-123", "eu/central-1", "e1-central-1"}) {
    EXPECT_FALSE(Region::parse(text)) << text;
  }
}

TEST(ExternalId, HasTheCharactersAndLengthOfSts) {
  EXPECT_TRUE(ExternalId::parse("4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42"));
  EXPECT_TRUE(ExternalId::parse("a:/b+=,.@-_"));
  EXPECT_TRUE(ExternalId::parse(std::string(1224, 'x')));
  for (const auto& text : {""s, "a"s, std::string(1225, 'x'), "a b"s, "a*"s, "a\n"s, "caf\xc3\xa9"s}) {
    EXPECT_FALSE(ExternalId::parse(text)) << text;
  }
}

TEST(SessionName, HasTheCharactersAndLengthOfSts) {
  EXPECT_TRUE(SessionName::parse("con_x@loader"));
  for (const auto& text : {"a"s, std::string(65, 'x'), "a/b"s, "a:b"s, "a b"s})
    EXPECT_FALSE(SessionName::parse(text)) << text;
}

TEST(Identifier, IsDrawnAndReadBack) {
  SeededRandom random;
  const auto id = ConnectionId::draw(random);
  EXPECT_TRUE(id.text().starts_with("con_"));
  EXPECT_LE(id.text().size(), identifier_length_max);
  EXPECT_EQ(ConnectionId::parse(id.text()).value(), id);
  EXPECT_NE(ConnectionId::draw(random), id);
  EXPECT_FALSE(TenantId::parse(id.text()));
  EXPECT_FALSE(ConnectionId::parse(id.text() + "a"));
  EXPECT_FALSE(ConnectionId::parse("con_../../../../../../etc/x"));
}

TEST(Name, IsLowerCaseWithSingleHyphens) {
  for (const char* text : {"a", "log-reader", "x9"}) EXPECT_TRUE(IntegrationName::parse(text)) << text;
  for (const auto& text : {""s, "9a"s, "A"s, "a_b"s, "a--b"s, "a-"s, "-a"s, "a/b"s, std::string(64, 'a')}) {
    EXPECT_FALSE(IntegrationName::parse(text)) << text;
  }
}

TEST(Name, ErrorsHaveTheRightArticle) {
  const auto begins = [](const Error& error, std::string_view words) {
    EXPECT_TRUE(error.message.starts_with(words)) << error.message;
  };
  begins(WorkloadName::parse("A").error(), "`A` is not a workload name: ");
  begins(IntegrationName::parse("A").error(), "`A` is not an integration name: ");
  begins(KeyId::parse("A").error(), "`A` is not a key identifier: ");
  begins(IssuanceId::parse("A").error(), "`A` is not an issuance identifier: ");
}

TEST(Error, QuotesInputHarmlessly) {
  EXPECT_EQ(in_backticks("plain"), "`plain`");
  EXPECT_EQ(in_backticks("a\x1b[31m`\n"), "`a\\x1b[31m\\x60\\x0a`");
  EXPECT_EQ(in_backticks(std::string(500, 'x')).size(), 80 + 1 + std::string{"…`"}.size());
}

}  // namespace
}  // namespace deputy
