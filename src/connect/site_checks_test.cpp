// Step 4 as the browser gets it: the checks, what to paste, once more, and the same role twice.
#include "connect/site_test_support.hpp"

#include <gtest/gtest.h>

namespace deputy::connect {
namespace {

using registry::ConnectionState;
using registry::VerificationOutcome;

TEST_F(SiteTest, WaitingForAwsIsSaidWhileItLasts) {
  open();
  submit(browser, link, "/role", "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader");
  const auto tasks = registry().claim_due(10, 10min).value();
  progress[tasks.at(0).verification.id] = {
      .settled = {}, .waiting_for_aws = true, .waiting_until = clock().now() + 90s};
  EXPECT_TRUE(shows("/checks", "aiting for AWS"));
}

TEST_F(SiteTest, CheckingAgainKeepsToTheLimits) {
  open();
  submit(browser, link, "/role", "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader");
  finish(VerificationOutcome::failed, {{.name = "role_assumable",
                                        .result = registry::CheckResult::failed,
                                        .message = "It was denied, says the test.",
                                        .mend = "mend it",
                                        .evidence = std::nullopt}});
  EXPECT_TRUE(shows("/checks", "It was denied, says the test."));
  EXPECT_TRUE(shows("/checks", "The whole trust policy, to paste"));
  for (const auto& [from, page] : std::initializer_list<std::pair<std::string, std::string>>{
           {"checks", "/checks"}, {"connected", "/connected"}, {"rotate", "/rotate"}}) {
    const auto refused = submit(browser, link, "/verify", "from=" + from);
    EXPECT_EQ(location(refused), link.path() + page + "?notice=soon");
    EXPECT_TRUE(shows(page + "?notice=soon", "only a short while ago")) << page;
  }
  EXPECT_FALSE(shows("/checks?notice=often,soon",
                     "role=\"status\"><svg class=\"icon\" aria-hidden=\"true\"><use href=\"#i-info\""));
  clock().advance(11s);
  EXPECT_EQ(location(submit(browser, link, "/verify", "from=checks")), link.path() + "/checks");
  EXPECT_EQ(connection_of(link).state, ConnectionState::verifying);
}

TEST_F(SiteTest, WhatIsToBePastedIsLaidOut) {
  open();
  submit(browser, link, "/role", "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader");
  const auto failed = [](std::string name, std::string mend) {
    return registry::Check{.name = std::move(name),
                           .result = registry::CheckResult::failed,
                           .message = "It failed, says the test.",
                           .mend = std::move(mend),
                           .evidence = std::nullopt};
  };
  finish(VerificationOutcome::failed,
         {failed("external_id_required", R"("Condition": {"StringEquals": {"sts:ExternalId": ["a", "b"]}})"),
          failed("external_id_exact", R"("Condition": {"StringEqu)"),
          failed("permissions", R"({"Version":"2012-10-17"})")});
  const auto pasted = [](std::string_view check, std::string text) {
    for (auto at = text.find('"'); at != std::string::npos; at = text.find('"', at))
      text.replace(at, 1, "&quot;");
    return "<code id=\"mend-" + std::string{check} + "\">" + text + "</code>";
  };
  EXPECT_TRUE(shows("/checks", pasted("external_id_required", R"("Condition": {
  "StringEquals": {
    "sts:ExternalId": [
      "a",
      "b"
    ]
  }
})")));
  EXPECT_TRUE(shows("/checks", pasted("external_id_exact", R"("Condition": {"StringEqu)")));
  EXPECT_TRUE(shows("/checks", pasted("permissions", "{\n  \"Version\": \"2012-10-17\"\n}")));
}

TEST_F(SiteTest, TheSameRoleAgainDoesNotStopWhatIsActive) {
  open();
  connect_account(browser, link, "222222222222");
  clock().advance(1min);
  EXPECT_EQ(
      submit(browser, link, "/role", "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader").status,
      303);
  EXPECT_EQ(connection_of(link).state, ConnectionState::active);
}

TEST_F(SiteTest, TheSameRoleTwiceAtOnceIsCheckedOnce) {
  open();
  for (int click = 0; click < 2; ++click)
    EXPECT_EQ(location(submit(browser, link, "/role",
                              "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader")),
              link.path() + "/checks");
  EXPECT_EQ(registry().claim_due(10, 10min).value().size(), 1U);
  EXPECT_EQ(revoked.size(), 1U);
}

TEST_F(SiteTest, TheSameRoleAgainTooSoonIsSaidToBeNotChecked) {
  open();
  const std::string role = "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader";
  submit(browser, link, "/role", role);
  finish(VerificationOutcome::failed);
  EXPECT_EQ(location(submit(browser, link, "/role", role)), link.path() + "/checks?notice=soon");
  EXPECT_TRUE(shows("/checks?notice=soon", "it was not checked again"));
  EXPECT_EQ(connection_of(link).state, ConnectionState::rejected);
  clock().advance(11s);
  EXPECT_EQ(location(submit(browser, link, "/role", role)), link.path() + "/checks");
  EXPECT_EQ(connection_of(link).state, ConnectionState::verifying);
}

TEST_F(SiteTest, WithAFixedNameTheAccountIsEnoughAndItLooksUntilTheRoleIsThere) {
  auto spec = integration_spec();
  spec.role_name = "LogluxReader";
  ASSERT_TRUE(registry().put_integration(actor(), spec));
  const Link fixed = make_link(make_tenant("Globex"));
  Browser other;
  get(other, fixed.opening());
  EXPECT_EQ(submit(other, fixed, "/role", "account_id=12").status, 400);
  EXPECT_EQ(submit(other, fixed, "/role", "account_id=222222222222").status, 303);
  EXPECT_EQ(connection_of(fixed).role_arn->text(), "arn:aws:iam::222222222222:role/LogluxReader");
  const std::vector<registry::Check> denied{{.name = "role_assumable",
                                             .result = registry::CheckResult::failed,
                                             .message = "Nothing answers there, says the test.",
                                             .mend = std::nullopt,
                                             .evidence = std::nullopt}};
  for (int round = 0; round < 3; ++round) {
    finish(VerificationOutcome::failed, denied);
    EXPECT_EQ(connection_of(fixed).state, ConnectionState::rejected);
    const auto too_soon = get(other, fixed.path() + "/checks");
    EXPECT_NE(too_soon.body.find("data-running"), std::string::npos) << "the page goes on asking";
    EXPECT_EQ(connection_of(fixed).state, ConnectionState::rejected);
    clock().advance(2min);
    const auto looking = get(other, fixed.path() + "/checks");
    EXPECT_NE(looking.body.find("Nothing answers there, says the test."), std::string::npos);
    EXPECT_EQ(connection_of(fixed).state, ConnectionState::verifying);
  }
  // A failure without any check says nothing of where the role is.
  finish(VerificationOutcome::failed);
  clock().advance(2min);
  EXPECT_EQ(get(other, fixed.path() + "/checks").status, 200);
  EXPECT_EQ(connection_of(fixed).state, ConnectionState::rejected);
  EXPECT_EQ(submit(other, fixed, "/verify", "from=checks").status, 303);
  finish(VerificationOutcome::passed);
  EXPECT_EQ(connection_of(fixed).state, ConnectionState::active);
}

}  // namespace
}  // namespace deputy::connect
