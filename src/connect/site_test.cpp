#include "connect/site_test_support.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace deputy::connect {
namespace {

using registry::ConnectionState;
using registry::VerificationOutcome;

TEST_F(SiteTest, OpeningTheLinkConsumesNothingAndTakesTheSecretOutOfTheAddress) {
  for (int i = 0; i < 3; ++i) {
    Browser each;
    const auto opened = get(each, link.opening());
    EXPECT_EQ(opened.status, 303);
    EXPECT_EQ(location(opened), link.path());
    ASSERT_EQ(each.cookies.size(), 1U);
    EXPECT_EQ(each.cookies.begin()->first, "__Host-deputy_" + link.id.text());
    const std::string cookie{opened.headers.find("Set-Cookie").value()};
    for (const char* attribute : {"; HttpOnly", "; Secure", "; SameSite=Lax", "; Path=/;", "; Max-Age=1800"})
      EXPECT_NE(cookie.find(attribute), std::string::npos) << attribute << " in " << cookie;
    EXPECT_EQ(cookie.find("Domain"), std::string::npos);
    EXPECT_EQ(location(get(each, link.path())), link.path() + "/ask");
  }
}

// Mail scanners may open it as often as they like.
TEST_F(SiteTest, TheFirstOpeningIsOnRecordOnce) {
  for (int i = 0; i < 5; ++i) {
    Browser each;
    ASSERT_EQ(get(each, link.opening()).status, 303);
  }
  std::size_t openings = 0;
  const auto entries = registry().journal({.limit = 200, .after = {}}).value();
  for (const auto& chained : entries.items) openings += chained.entry.act == "connect_session.opened" ? 1 : 0;
  EXPECT_EQ(openings, 1U);
  EXPECT_TRUE(registry().connect_session(link.id).value().opened_at);
}

TEST_F(SiteTest, OnLoopbackTheCookieIsPlain) {
  open_site("http://127.0.0.1:8180");
  const auto opened = get(browser, link.opening());
  EXPECT_EQ(browser.cookies.begin()->first, "deputy_" + link.id.text());
  EXPECT_EQ(opened.headers.find("Set-Cookie")->find("Secure"), std::string_view::npos);
  EXPECT_EQ(page("/ask").status, 200);
}

TEST_F(SiteTest, OverPlainHttpToAnotherMachineThereIsNoSession) {
  open_site("http://deputy.example");
  EXPECT_EQ(get(browser, link.opening()).status, 404);
  EXPECT_TRUE(browser.cookies.empty());
}

TEST_F(SiteTest, EveryStepIsAPageThatNamesTheTenant) {
  open();
  for (const char* name : {"/ask", "/create", "/create?way=terraform", "/create?way=aws-cli", "/role",
                           "/rotate", "/disconnect"}) {
    const auto got = page(name);
    EXPECT_EQ(got.status, 200) << name;
    EXPECT_NE(got.body.find("Acme &amp; Söhne"), std::string::npos) << name;
    EXPECT_NE(got.body.find("https://app.example/aws/done"), std::string::npos) << name;
  }
  const std::string external_id = connection_of(link).external_id.text();
  EXPECT_TRUE(shows("/create", external_id));
  for (const char* format : {"cloudformation", "terraform", "aws-cli"}) {
    const auto file = page(std::string{"/template?format="} + format);
    EXPECT_EQ(file.status, 200);
    EXPECT_NE(file.body.find(external_id), std::string::npos);
    EXPECT_NE(file.headers.find("Content-Disposition")->find("attachment"), std::string_view::npos);
  }
  EXPECT_EQ(page("/template?format=exe").status, 404);
}

TEST_F(SiteTest, AnArnThatIsNoneIsSaidAtItsFieldAndShownAgain) {
  open();
  for (const auto& [typed, code] : std::initializer_list<std::pair<const char*, int>>{
           {"arn%3Aaws%3Aiam%3A%3A222222222222%3Auser%2Fx", 400},
           {"arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader+", 400},
           {"arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Freader", 400}}) {
    const auto answer = submit(browser, link, "/role", std::string{"role_arn="} + typed);
    EXPECT_EQ(answer.status, code);
    EXPECT_NE(answer.body.find("aria-invalid=\"true\""), std::string::npos);
    EXPECT_EQ(connection_of(link).state, ConnectionState::awaiting_role);
    const auto verdict = submit(browser, link, "/role/check", std::string{"role_arn="} + typed);
    EXPECT_EQ(boost::json::parse(verdict.body).at("ok"), false) << verdict.body;
  }
  const auto verdict =
      submit(browser, link, "/role/check", "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader");
  EXPECT_EQ(boost::json::parse(verdict.body).at("ok"), true);
  EXPECT_EQ(connection_of(link).state, ConnectionState::awaiting_role);
}

TEST_F(SiteTest, FromTheArnToConnected) {
  open();
  const auto given =
      submit(browser, link, "/role", "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader");
  EXPECT_EQ(location(given), link.path() + "/checks");
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(revoked.size(), 1U);
  EXPECT_TRUE(shows("/checks", "data-running"));
  const auto tasks = registry().claim_due(10, 10min).value();
  ASSERT_EQ(tasks.size(), 1U);
  progress[tasks[0].verification.id] = {.settled = {{.name = "role_assumable",
                                                     .result = registry::CheckResult::passed,
                                                     .message = "The role can be assumed, says the test.",
                                                     .mend = std::nullopt,
                                                     .evidence = std::nullopt}},
                                        .waiting_until = std::nullopt};
  EXPECT_TRUE(shows("/checks", "check passed\" id=\"check-role_assumable\""));
  EXPECT_TRUE(shows("/checks", "check running\" id=\"check-external_id_required\""));
  registry::VerificationReport report;
  report.outcome = VerificationOutcome::passed;
  report.proof = registry::Proof::probed;
  ASSERT_TRUE(registry().finish_verification(tasks[0], report));
  EXPECT_FALSE(shows("/checks", "data-running"));
  EXPECT_EQ(location(page("")), link.path() + "/connected");
  EXPECT_TRUE(shows("/connected", "222222222222"));
}

TEST_F(SiteTest, EveryIssuanceIsShownPageByPage) {
  open();
  connect_account(browser, link, "222222222222");
  const auto connection = connection_of(link);
  for (int i = 0; i < 25; ++i) {
    auto issuance = make_issuance(connection);
    issuance.issued_at = clock().now() + std::chrono::seconds{i};
    issuance.access_key_id = "ASIA" + std::to_string(1'000 + i);
    ASSERT_TRUE(store().write([&](registry::Transaction& tx) { return tx.insert(issuance); }));
  }
  const std::string first = page("/connected").body;
  EXPECT_NE(first.find("ASIA1024"), std::string::npos);
  EXPECT_EQ(first.find("ASIA1000<"), std::string::npos);
  constexpr std::string_view mark = "connected?cursor=";
  const std::size_t at = first.find(mark);
  ASSERT_NE(at, std::string::npos);
  const std::string cursor = first.substr(at + mark.size(), first.find('#', at) - at - mark.size());
  EXPECT_TRUE(shows("/connected?cursor=" + cursor, "ASIA1000"));
  EXPECT_EQ(page("/connected?cursor=nonsense").status, 404);
}

// Its access key alone says which calls it was: the role that is there now may be another.
TEST_F(SiteTest, AnIssuanceIsFoundInCloudTrailAlsoAfterAnotherRoleWasGiven) {
  open();
  connect_account(browser, link, "222222222222");
  auto issuance = make_issuance(connection_of(link));
  issuance.access_key_id = "ASIAQ3EXAMPLEKEY0001";
  ASSERT_TRUE(store().write([&](registry::Transaction& tx) { return tx.insert(issuance); }));
  const auto query = [&] {
    const std::string body = page("/connected").body;
    const std::size_t at = body.find("id=\"athena-1\">");
    return at == std::string::npos ? "" : body.substr(at, body.find("</code>", at) - at);
  };
  const std::string before = query();
  EXPECT_NE(before.find("ASIAQ3EXAMPLEKEY0001"), std::string::npos);
  clock().advance(1min);
  submit(browser, link, "/role", "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Fother");
  finish(VerificationOutcome::passed);
  EXPECT_EQ(query(), before);
}

TEST_F(SiteTest, TheReportIsSignedAndOfTheLastVerification) {
  open();
  EXPECT_EQ(page("/report").status, 404);
  connect_account(browser, link, "222222222222");
  const auto report = page("/report");
  ASSERT_EQ(report.status, 200);
  EXPECT_TRUE(verify::check_report(report.body, signer.public_key()));
  EXPECT_NE(report.body.find(connection_of(link).external_id.text()), std::string::npos);
}

// Beside it stands that the last verification passed.
TEST_F(SiteTest, AProofForAnotherRoleOfThePartnerIsSaidToBeNone) {
  open();
  connect_account(browser, link, "222222222222");
  auto settings = registry().settings();
  settings.partner_principal = RoleArn::parse("arn:aws:iam::111111111111:role/another").value();
  registry::Registry restarted{store(), clock(), random(), settings};
  open_site("https://deputy.example", restarted);
  clock().advance(1min);
  ASSERT_TRUE(restarted.request_verification(actor(), connection_of(link).id));
  ASSERT_EQ(restarted.claim_due(10, 10min).value().size(), 1U);
  EXPECT_TRUE(shows("/connected", "or it was for another role of"));
  site.reset();
}

TEST_F(SiteTest, RotatesPromotesAndCancels) {
  open();
  connect_account(browser, link, "222222222222");
  const std::string old = connection_of(link).external_id.text();
  EXPECT_EQ(location(submit(browser, link, "/rotate/promote", "")), link.path() + "/rotate?notice=changed");
  EXPECT_EQ(location(submit(browser, link, "/rotate", "")), link.path() + "/rotate");
  const std::string next = connection_of(link).rotation->next_external_id->text();
  EXPECT_TRUE(shows("/rotate", next));
  EXPECT_EQ(submit(browser, link, "/rotate/cancel", "").status, 303);
  EXPECT_FALSE(connection_of(link).rotation);
  rotate_until_the_next_id_works();
  EXPECT_EQ(submit(browser, link, "/rotate/promote", "").status, 303);
  EXPECT_NE(connection_of(link).external_id.text(), old);
}

TEST_F(SiteTest, GoesOverToNewerPermissionsWhenTheCustomerAgrees) {
  open();
  connect_account(browser, link, "222222222222");
  EXPECT_EQ(location(page("/update")), link.path() + "/connected");
  auto spec = integration_spec();
  spec.policy = R"({"Version":"2012-10-17","Statement":[{"Sid":"ReadLogs","Effect":"Allow",)"
                R"("Action":["logs:FilterLogEvents","logs:GetLogEvents"],"Resource":"*"}]})";
  ASSERT_TRUE(registry().put_integration(actor(), spec));
  for (const char* name : {"/connected", "/ask", "/create", "/checks"})
    EXPECT_TRUE(shows(name, "/update")) << name;
  EXPECT_TRUE(shows("/update", "logs:GetLogEvents"));
  clock().advance(1min);
  EXPECT_EQ(location(submit(browser, link, "/update", "version=1")), link.path() + "/update");
  EXPECT_EQ(location(submit(browser, link, "/update", "version=2")), link.path() + "/checks");
  EXPECT_EQ(connection_of(link).integration_version, 2);
  EXPECT_FALSE(shows("/connected", "/update"));
}

// What passed was another external ID, or fewer permissions: it is no result of what is to be checked now.
TEST_F(SiteTest, NoEarlierRunIsShownAsTheResultOfWhatWasNotCheckedYet) {
  open();
  connect_account(browser, link, "222222222222");
  ASSERT_TRUE(shows("/checks", "All checks passed"));
  const auto expect_to_be_running = [&](const char* after) {
    const std::string body = page("/checks").body;
    EXPECT_NE(body.find("data-running"), std::string::npos) << after;
    EXPECT_EQ(body.find("All checks passed"), std::string::npos) << after;
    EXPECT_EQ(body.find("check passed"), std::string::npos) << after;
  };
  auto spec = integration_spec();
  spec.description = "Reads more";
  ASSERT_TRUE(registry().put_integration(actor(), spec));
  submit(browser, link, "/update", "version=2");
  ASSERT_EQ(connection_of(link).state, ConnectionState::active);
  expect_to_be_running("the update");
  clock().advance(1min);
  finish(VerificationOutcome::passed);
  EXPECT_TRUE(shows("/checks", "All checks passed"));

  rotate_until_the_next_id_works();
  submit(browser, link, "/rotate/promote", "");
  ASSERT_EQ(connection_of(link).rotation->state, registry::RotationState::retiring);
  expect_to_be_running("the promotion");
}

TEST_F(SiteTest, DisconnectsOnlyWhenConfirmedAndThenShowsNothingElse) {
  open();
  connect_account(browser, link, "222222222222");
  const ConnectionId id = connection_of(link).id;
  EXPECT_EQ(submit(browser, link, "/disconnect", "").status, 400);
  EXPECT_EQ(registry().connection(id).value().state, ConnectionState::active);
  revoked.clear();
  EXPECT_EQ(submit(browser, link, "/disconnect", "confirm=yes").status, 303);
  EXPECT_EQ(registry().connection(id).value().state, ConnectionState::disconnected);
  EXPECT_EQ(revoked, std::vector{id});
  for (const char* name : {"", "/ask", "/connected", "/role"})
    EXPECT_TRUE(shows(name, "Disconnected")) << name;
}

// What was done with a role is evidence for longer than the role is used.
TEST_F(SiteTest, WhatWasUsedStaysToBeReadAfterTheEnd) {
  open();
  connect_account(browser, link, "222222222222");
  const auto connection = connection_of(link);
  for (int i = 0; i < 25; ++i) {
    auto issuance = make_issuance(connection);
    issuance.issued_at = clock().now() + std::chrono::seconds{i};
    issuance.access_key_id = "ASIAQ3EXAMPLEKEY" + std::to_string(1'000 + i);
    ASSERT_TRUE(store().write([&](registry::Transaction& tx) { return tx.insert(issuance); }));
  }
  submit(browser, link, "/disconnect", "confirm=yes");
  const std::string first = page("/connected").body;
  EXPECT_NE(first.find("Disconnected"), std::string::npos);
  EXPECT_NE(first.find("ASIAQ3EXAMPLEKEY1024"), std::string::npos);
  EXPECT_NE(first.find("useridentity.accesskeyid = &#39;ASIAQ3EXAMPLEKEY1024"), std::string::npos);
  EXPECT_EQ(first.find("ASIAQ3EXAMPLEKEY1000"), std::string::npos);
  constexpr std::string_view mark = "connected?cursor=";
  const std::size_t at = first.find(mark);
  ASSERT_NE(at, std::string::npos);
  const std::string cursor = first.substr(at + mark.size(), first.find('#', at) - at - mark.size());
  EXPECT_TRUE(shows("/connected?cursor=" + cursor, "ASIAQ3EXAMPLEKEY1000"));
  EXPECT_EQ(page("/connected?cursor=nonsense").status, 404);
}

TEST_F(SiteTest, ADisconnectedConnectionIsFollowedByANewOne) {
  open();
  connect_account(browser, link, "222222222222");
  const auto old = connection_of(link);
  EXPECT_EQ(submit(browser, link, "/disconnect", "confirm=yes").status, 303);
  EXPECT_EQ(submit(browser, link, "/again", "").status, 303);
  const auto anew = connection_of(link);
  EXPECT_NE(anew.id, old.id);
  EXPECT_NE(anew.external_id, old.external_id);
  EXPECT_EQ(location(page("")), link.path() + "/ask");
}

TEST_F(SiteTest, AnotherAccountIsConnectedBesideTheFirst) {
  open();
  connect_account(browser, link, "222222222222");
  const auto first = connection_of(link);
  const Link second = make_link(acme);
  Browser other;
  get(other, second.opening());
  EXPECT_EQ(location(get(other, second.path())), second.path() + "/connected");
  const std::string csrf = token(other, second);
  EXPECT_EQ(post(other, second.path() + "/again", "csrf=" + csrf).status, 303);
  EXPECT_EQ(location(get(other, second.path())), second.path() + "/ask");
  EXPECT_NE(connection_of(second).external_id, first.external_id);
  connect_account(other, second, "333333333333");
  EXPECT_NE(get(other, second.path() + "/connected").body.find(first.id.text()), std::string::npos);
  const std::string choice = "csrf=" + csrf + "&connection=" + first.id.text();
  EXPECT_EQ(post(other, second.path() + "/choose", choice).status, 303);
  EXPECT_EQ(connection_of(second).id, first.id);
}

TEST_F(SiteTest, AnUnfinishedConnectionIsSaidToBeFinishedFirst) {
  open();
  submit(browser, link, "/role", "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader");
  finish(VerificationOutcome::failed);
  const auto first = connection_of(link);
  ASSERT_EQ(first.state, ConnectionState::rejected);
  EXPECT_FALSE(shows("/connected", "/again\""));
  EXPECT_TRUE(shows("/connected", "Another AWS account can be connected once"));
  const auto answer = submit(browser, link, "/again", "");
  EXPECT_EQ(location(answer), link.path() + "?notice=unfinished");
  EXPECT_EQ(connection_of(link).id, first.id);
  EXPECT_EQ(location(page("?notice=unfinished")), link.path() + "/checks?notice=unfinished");
  clock().advance(1min);
  submit(browser, link, "/verify", "from=checks");
  finish(VerificationOutcome::passed);
  EXPECT_TRUE(shows("/connected", "/again\""));
  EXPECT_EQ(location(submit(browser, link, "/again", "")), link.path());
}

TEST_F(SiteTest, OtherConnectionsAreListedAndWhereThereAreMoreItIsSaid) {
  open();
  connect_account(browser, link, "222222222222");
  for (int i = 0; i < 50; ++i) make_connection(acme);
  const auto listed = [&] {
    const std::string body = page("/connected").body;
    std::size_t count = 0;
    for (auto at = body.find("/choose\""); at != std::string::npos; at = body.find("/choose\"", at + 1))
      ++count;
    return std::pair{count, body.find("These are the newest ones") != std::string::npos};
  };
  EXPECT_EQ(listed(), (std::pair<std::size_t, bool>{50, false}));
  make_connection(acme);
  EXPECT_EQ(listed(), (std::pair<std::size_t, bool>{50, true}));
}

// Two tabs of one session: a page goes on being about the connection that it showed.
TEST_F(SiteTest, AFormActsOnTheConnectionThatItsPageShowedOrOnNone) {
  open();
  connect_account(browser, link, "222222222222");
  const auto first = connection_of(link);
  const std::string shown = hidden_fields(browser, link);
  EXPECT_EQ(submit(browser, link, "/again", "").status, 303);
  const auto second = connection_of(link);
  ASSERT_NE(second.id, first.id);
  for (const auto& [form, fields] : std::initializer_list<std::pair<std::string, std::string>>{
           {"/role", "&role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Fother"},
           {"/role/check", "&role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Fother"},
           {"/verify", "&from=checks"},
           {"/rotate", ""},
           {"/rotate/promote", ""},
           {"/rotate/cancel", ""},
           {"/update", "&version=1"},
           {"/disconnect", "&confirm=yes"}})
    for (const std::string& hidden : {shown, "csrf=" + token(browser, link)})
      EXPECT_EQ(location(post(browser, link.path() + form, hidden + fields)), link.path() + "?notice=moved")
          << form;
  for (const auto& before : {first, second})
    EXPECT_EQ(registry().connection(before.id).value().revision, before.revision);
  EXPECT_EQ(location(page("?notice=moved")), link.path() + "/ask?notice=moved");
  EXPECT_TRUE(shows("/ask?notice=moved", "That page was about another connection"));
  EXPECT_EQ(location(page("?notice=none")), link.path() + "/ask");
}

// One tab: the partner's backend makes a newer connection while the page is open.
TEST_F(SiteTest, AnOpenedSessionStaysWithTheConnectionThatItShowed) {
  open();
  connect_account(browser, link, "222222222222");
  const auto first = connection_of(link);
  const Link second = make_link(acme);
  ASSERT_FALSE(registry().connect_session(second.id).value().connection_id);
  Browser other;
  get(other, second.opening());
  const std::string shown = hidden_fields(other, second);
  clock().advance(1s);
  const auto newer = make_connection(acme);
  EXPECT_EQ(connection_of(second).id, first.id);
  EXPECT_EQ(post(other, second.path() + "/disconnect", shown + "&confirm=yes").status, 303);
  EXPECT_EQ(registry().connection(first.id).value().state, ConnectionState::disconnected);
  EXPECT_EQ(registry().connection(newer.id).value().state, ConnectionState::awaiting_role);
}

TEST_F(SiteTest, TheEndInTheMiddleIsAPageThatSaysSo) {
  open();
  const std::string hidden = hidden_fields(browser, link);
  ASSERT_TRUE(registry().end_connect_session(actor(), link.id));
  EXPECT_EQ(page("/role").status, 410);
  EXPECT_EQ(post(browser, link.path() + "/role", hidden + "&role_arn=x").status, 410);
  EXPECT_EQ(get(browser, link.opening()).status, 410);
  const Link short_lived = make_link(acme);
  Browser other;
  get(other, short_lived.opening());
  clock().advance(30min);
  const auto over = get(other, short_lived.path() + "/ask");
  EXPECT_EQ(over.status, 410);
  EXPECT_NE(over.body.find("limited time"), std::string::npos);
}

// An address that the partner took off its list leads nowhere, from links that were made before neither.
TEST_F(SiteTest, LeadsBackOnlyToWhereThePartnerStillAllows) {
  open();
  EXPECT_TRUE(shows("/ask", "https://app.example/aws/done"));
  auto settings = registry().settings();
  settings.return_urls = {registry::ReturnUrl::parse("https://app.example/elsewhere").value()};
  registry::Registry restarted{store(), clock(), random(), settings};
  open_site("https://deputy.example", restarted);
  EXPECT_EQ(page("/ask").status, 200);
  EXPECT_FALSE(shows("/ask", "https://app.example/aws/done"));
  site.reset();
}

// Where a form leads can be loaded again, and what is there says what may be done.
TEST_F(SiteTest, AWrongMethodIsToldWhichAreRight) {
  open();
  for (const char* form :
       {"/verify", "/rotate/promote", "/rotate/cancel", "/again", "/choose", "/role/check"}) {
    const auto answer = page(form);
    EXPECT_EQ(answer.status, 405) << form;
    EXPECT_EQ(answer.headers.find("Allow"), "POST") << form;
    EXPECT_NE(answer.body.find("Back to the connection"), std::string::npos) << form;
  }
  const auto ask = submit(browser, link, "/ask", "");
  EXPECT_EQ(ask.status, 405);
  EXPECT_EQ(ask.headers.find("Allow"), "GET, HEAD");
  EXPECT_EQ(page("/nothing").status, 404);
  EXPECT_FALSE(page("/nothing").headers.find("Allow"));
  const std::string body = page("/ask").body;
  const std::size_t at = body.find("/connect/assets/");
  const auto asset = post(browser, body.substr(at, body.find('"', at) - at), "");
  EXPECT_EQ(asset.status, 405);
  EXPECT_EQ(asset.headers.find("Allow"), "GET, HEAD");
  Browser stranger;
  EXPECT_EQ(get(stranger, link.path() + "/verify").status, 404);
  connect_account(browser, link, "222222222222");
  const std::string hidden = hidden_fields(browser, link);
  ASSERT_TRUE(registry().disconnect(actor(), connection_of(link).id));
  EXPECT_EQ(location(post(browser, link.path() + "/verify", hidden + "&from=checks")), link.path());
}

TEST_F(SiteTest, AssetsMayBeKeptAndPagesMayNot) {
  open();
  const std::string body = page("/ask").body;
  const std::size_t at = body.find("/connect/assets/");
  ASSERT_NE(at, std::string::npos);
  const auto asset = get(browser, body.substr(at, body.find('"', at) - at));
  EXPECT_EQ(asset.status, 200);
  EXPECT_NE(asset.headers.find("Cache-Control")->find("immutable"), std::string_view::npos);
  EXPECT_EQ(page("/ask").headers.find("Cache-Control"), "no-store");
  EXPECT_EQ(get(browser, "/connect/assets/none.css").status, 404);
}

}  // namespace
}  // namespace deputy::connect
