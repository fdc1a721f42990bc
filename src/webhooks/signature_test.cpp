#include "webhooks/signature.hpp"

#include "support/temporary_folder.hpp"

#include <fstream>
#include <gtest/gtest.h>

namespace deputy::webhooks {
namespace {

// The example of the specification's reference implementations.
constexpr std::string_view secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

Timestamp at(std::int64_t seconds) {
  return Timestamp{std::chrono::seconds{seconds}};
}

TEST(WebhookSignature, IsThatOfTheSpecificationsExample) {
  const auto secrets = parse_secrets(secret).value();
  EXPECT_EQ(signatures(secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", at(1'614'265'330), R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(WebhookSignature, CoversIdTimeAndBody) {
  const auto secrets = parse_secrets(secret).value();
  const std::string right = signatures(secrets, "evt_a", at(1'000), "{}");
  EXPECT_NE(signatures(secrets, "evt_b", at(1'000), "{}"), right);
  EXPECT_NE(signatures(secrets, "evt_a", at(1'001), "{}"), right);
  EXPECT_NE(signatures(secrets, "evt_a", at(1'000), "[]"), right);
}

TEST(WebhookSignature, HasOneForEachSecretWhileOneReplacesTheOther) {
  const auto both = parse_secrets(
                        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"
                        "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")
                        .value();
  const std::string value = signatures(both, "evt_a", at(1), "{}");
  EXPECT_EQ(value.find(signatures({both[0]}, "evt_a", at(1), "{}")), 0U);
  EXPECT_NE(value.find(" " + signatures({both[1]}, "evt_a", at(1), "{}")), std::string::npos);
}

TEST(WebhookSecrets, RefuseWhatIsNone) {
  for (const char* bad :
       {"", "\n\n", "secret", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\nnonsense"}) {
    const auto secrets = parse_secrets(bad);
    ASSERT_FALSE(secrets) << bad;
    EXPECT_EQ(secrets.error().message.find("MfKQ9"), std::string::npos);
  }
}

TEST(WebhookSecrets, AreReadFromAFileOfTheOwnersAlone) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "secret";
  std::ofstream{file} << secret << "\n";
  std::filesystem::permissions(file, std::filesystem::perms{0600});
  EXPECT_EQ(load_secrets(file).value().size(), 1U);
  std::filesystem::permissions(file, std::filesystem::perms{0640});
  EXPECT_FALSE(load_secrets(file));
  EXPECT_FALSE(load_secrets(folder.path() / "missing"));
  EXPECT_FALSE(load_secrets(folder.path()));
}

}  // namespace
}  // namespace deputy::webhooks
