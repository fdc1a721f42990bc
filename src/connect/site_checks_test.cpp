// Step 4 as the browser gets it: the checks, what to paste, once more, and the same role twice.
#include "connect/display_text.hpp"
#include "connect/site_test_support.hpp"

#include <boost/json.hpp>
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
  finish(VerificationOutcome::failed, {failed("external_id_required", R"("Principal": {"AWS": ["a", "b"]})"),
                                       failed("external_id_exact", R"("Principal": {"AW)"),
                                       failed("permissions", R"({"Version":"2012-10-17"})")});
  const auto pasted = [](std::string_view check, std::string text) {
    for (auto at = text.find('"'); at != std::string::npos; at = text.find('"', at))
      text.replace(at, 1, "&quot;");
    return "<code id=\"mend-" + std::string{check} + "\">" + text + "</code>";
  };
  EXPECT_TRUE(shows("/checks", pasted("external_id_required", R"("Principal": {
  "AWS": [
    "a",
    "b"
  ]
})")));
  EXPECT_TRUE(shows("/checks", pasted("external_id_exact", R"("Principal": {"AW)")));
  EXPECT_TRUE(shows("/checks", pasted("permissions", "{\n  \"Version\": \"2012-10-17\"\n}")));
}

// Beginning and cancelling a rotation leave the last run the last one, so it may speak of another rotation.
TEST_F(SiteTest, TheAdviceOfACancelledRotationIsGone) {
  open();
  connect_account(browser, link, "222222222222");
  submit(browser, link, "/rotate", "");
  const std::string first = connection_of(link).rotation->next_external_id->text();
  check_a_rotation_in_vain();
  EXPECT_TRUE(shows("/checks", "The new external ID does not work yet"));
  EXPECT_TRUE(shows("/checks", "one of these two external IDs"));
  EXPECT_TRUE(shows("/checks", "access goes on with the external ID in use"));
  for (const char* name : {"/checks", "/connected"}) EXPECT_TRUE(shows(name, first)) << name;

  const auto expect_gone = [&](const char* after) {
    for (const char* name : {"/checks", "/connected"}) {
      EXPECT_FALSE(shows(name, first)) << name << " after " << after;
      EXPECT_FALSE(shows(name, "Not yet, says the test.")) << name << " after " << after;
    }
    EXPECT_FALSE(shows("/checks", "does not work yet")) << after;
    EXPECT_FALSE(shows("/checks", "The whole trust policy, to paste")) << after;
    EXPECT_TRUE(shows("/checks", "check skipped\" id=\"check-next_external_id_works\"")) << after;
  };
  submit(browser, link, "/rotate/cancel", "");
  expect_gone("cancelling");
  submit(browser, link, "/rotate", "");
  expect_gone("beginning again");
  check_a_rotation_in_vain();
  EXPECT_TRUE(shows("/checks", "The new external ID does not work yet"));
  EXPECT_TRUE(shows("/checks", connection_of(link).rotation->next_external_id->text()));
  EXPECT_FALSE(shows("/checks", first));
}

TEST_F(SiteTest, AnIdThatWorkedInACancelledRotationIsNotTheNextOne) {
  open();
  connect_account(browser, link, "222222222222");
  rotate_until_the_next_id_works();
  const std::string works = "check passed\" id=\"check-next_external_id_works\"";
  EXPECT_TRUE(shows("/checks", works));
  submit(browser, link, "/rotate/cancel", "");
  submit(browser, link, "/rotate", "");
  EXPECT_FALSE(shows("/checks", works));
}

// Also a failure lists the external IDs of its time.
TEST_F(SiteTest, AConditionToPasteIsTheOneOfNow) {
  open();
  connect_account(browser, link, "222222222222");
  submit(browser, link, "/rotate", "");
  const auto rotating = connection_of(link);
  const std::string first = rotating.rotation->next_external_id->text();
  clock().advance(1min);
  submit(browser, link, "/verify", "from=rotate");
  finish(VerificationOutcome::failed,
         {{.name = "external_id_required",
           .result = registry::CheckResult::failed,
           .message = "It is open, says the test.",
           .mend = verify::condition_snippet(rotating.external_id, rotating.rotation->next_external_id,
                                             std::nullopt),
           .evidence = std::nullopt}});
  ASSERT_EQ(connection_of(link).state, ConnectionState::suspended);
  EXPECT_TRUE(shows("/checks", first));
  submit(browser, link, "/rotate/cancel", "");
  for (const char* name : {"/checks", "/connected"}) {
    EXPECT_FALSE(shows(name, first)) << name;
    EXPECT_NE(pasted(name, "mend-external_id_required").find(rotating.external_id.text()), std::string::npos)
        << name;
  }
}

// Where the template's statement names the whole account, a Condition without the role would let in all of
// it.
TEST_F(SiteTest, TheConditionToPasteAndTheWholePolicyAgree) {
  for (const auto form : {registry::TrustForm::role, registry::TrustForm::account_with_principal_arn}) {
    auto spec = integration_spec();
    spec.trust_form = form;
    ASSERT_TRUE(registry().put_integration(actor(), spec));
    browser = {};
    link = make_link(make_tenant("Globex"));
    open();
    submit(browser, link, "/role", "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader");
    finish(VerificationOutcome::failed,
           {{.name = "external_id_required",
             .result = registry::CheckResult::failed,
             .message = "It is open, says the test.",
             .mend = verify::condition_snippet(connection_of(link).external_id, std::nullopt, std::nullopt),
             .evidence = std::nullopt}});
    const auto whole = boost::json::parse(pasted("/checks", "TRUST_POLICY"));
    const auto part = boost::json::parse("{" + pasted("/checks", "mend-external_id_required") + "}");
    EXPECT_EQ(part.at("Condition"), whole.at("Statement").as_array().at(0).at("Condition"));
    EXPECT_EQ(boost::json::serialize(part).find("aws:PrincipalArn") != std::string::npos,
              form == registry::TrustForm::account_with_principal_arn);
  }
}

TEST_F(SiteTest, AnOldExternalIdIsToBeTakenOutByATimeThatIsSaid) {
  open();
  connect_account(browser, link, "222222222222");
  const std::string old = connection_of(link).external_id.text();
  rotate_until_the_next_id_works();
  submit(browser, link, "/rotate/promote", "");
  check_a_rotation_in_vain();
  const auto now_in_use = connection_of(link);
  ASSERT_EQ(now_in_use.rotation->state, registry::RotationState::retiring);
  EXPECT_TRUE(shows("/checks", "The old external ID still works"));
  EXPECT_TRUE(shows("/checks", "access goes on with the new external ID"));
  EXPECT_TRUE(shows("/checks", "Take it out by <bdi>" + date_text(*now_in_use.rotation->retire_by) +
                                   "</bdi>; after that the connection is suspended"));
  for (const char* id : {"TRUST_POLICY", "mend-previous_external_id_denied"}) {
    EXPECT_EQ(pasted("/checks", id).find(old), std::string::npos) << id;
    EXPECT_NE(pasted("/checks", id).find(now_in_use.external_id.text()), std::string::npos) << id;
  }
}

// Nothing is issued in a review, so no access goes on.
TEST_F(SiteTest, ARotationInReviewIsNotSaidToBeInUse) {
  const Link other = make_link(make_tenant("Globex"));
  Browser globex;
  get(globex, other.opening());
  connect_account(globex, other, "222222222222");
  open();
  connect_account(browser, link, "222222222222");
  ASSERT_EQ(connection_of(link).state, ConnectionState::in_review);
  submit(browser, link, "/rotate", "");
  check_a_rotation_in_vain();
  ASSERT_EQ(connection_of(link).state, ConnectionState::in_review);
  EXPECT_TRUE(shows("/checks", "The new external ID does not work yet"));
  EXPECT_TRUE(shows("/checks", "nothing uses the role before"));
  EXPECT_TRUE(shows("/checks", connection_of(link).rotation->next_external_id->text()));
  EXPECT_FALSE(shows("/checks", "access goes on"));
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
  const auto before = connection_of(link).binding_version;
  for (const auto& answer : submit_twice_at_once(
           browser, link, "/role", "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader"))
    EXPECT_EQ(location(answer), link.path() + "/checks");
  EXPECT_EQ(connection_of(link).binding_version, before + 1);
  EXPECT_EQ(registry().claim_due(10, 10min).value().size(), 1U);
  for (int click = 0; click < 2; ++click)
    EXPECT_EQ(location(submit(browser, link, "/role",
                              "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader")),
              link.path() + "/checks");
  EXPECT_EQ(connection_of(link).binding_version, before + 1);
}

// The second one's page knew of no role yet; by its turn the role was there, and checked a moment ago.
TEST_F(SiteTest, TheSameRoleTwiceAtOnceIsNoMistakeOfTheForm) {
  open();
  const auto answers = submit_twice_at_once(browser, link, "/role",
                                            "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader",
                                            [&] { finish(VerificationOutcome::failed); });
  EXPECT_EQ(connection_of(link).state, ConnectionState::rejected);
  EXPECT_EQ(location(answers[0]), link.path() + "/checks");
  EXPECT_EQ(location(answers[1]), link.path() + "/checks?notice=soon");
}

TEST_F(SiteTest, ACheckThatIsNotDueYetIsNotShownAsRunning) {
  open();
  submit(browser, link, "/role", "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader");
  EXPECT_FALSE(shows("/checks", "The next check is at")) << "it is due";
  finish(VerificationOutcome::failed);
  submit(browser, link, "/role", "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Fother");
  EXPECT_TRUE(shows("/checks", "data-running"));
  EXPECT_TRUE(shows("/checks", "The next check is at"));
  EXPECT_FALSE(shows("/checks", "check running"));
  clock().advance(11s);
  ASSERT_EQ(registry().claim_due(10, 10min).value().size(), 1U);
  EXPECT_FALSE(shows("/checks", "The next check is at"));
  EXPECT_TRUE(shows("/checks", "check running"));
}

// No request waits for a check that began by a clock which was set back since, so the page says no such
// thing.
TEST_F(SiteTest, AClockThatWasSetBackDelaysNoFurtherCheck) {
  open();
  submit(browser, link, "/role", "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader");
  finish(VerificationOutcome::failed);
  EXPECT_TRUE(shows("/checks", "Possible from"));
  clock().jump(-6h);
  EXPECT_FALSE(shows("/checks", "Possible from"));
  EXPECT_EQ(location(submit(browser, link, "/verify", "from=checks")), link.path() + "/checks");
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
