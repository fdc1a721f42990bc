#include "connect/screens.hpp"
#include "support/fake_random.hpp"
#include "support/fake_transport.hpp"
#include "support/site_fixture.hpp"
#include "webhooks/delivery.hpp"
#include "webhooks/signature.hpp"

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

// THREATS D (30, 31, 34, 35), and A (44) and C (21) as far as they concern the customer's page: the link, the
// pages and forms behind it, and what Deputy sends out.
namespace deputy {
namespace {

using registry::ConnectionState;

class PageThreat : public SiteFixture {
 protected:
  registry::Tenant acme = make_tenant("Acme");
  registry::Tenant mallory = make_tenant("Mallory");
  Link acmes = make_link(acme);
  Link mallorys = make_link(mallory);
  Browser browser;

  static std::string cookie(const Link& link) { return "__Host-deputy_" + link.id.text(); }
};

// Class 34: guessed. Whoever has no secret hears the same of a session that exists and of one that does not.
TEST_F(PageThreat, AGuessTellsNothing) {
  const std::string unknown = ConnectSessionId::draw(random()).text();
  const std::string guess(52, 'a');
  const auto same = [&](const std::string& path_of_known, const std::string& path_of_unknown) {
    const auto a = get(browser, path_of_known);
    const auto b = get(browser, path_of_unknown);
    EXPECT_EQ(a.status, 404) << path_of_known;
    EXPECT_EQ(b.status, 404) << path_of_unknown;
    EXPECT_EQ(a.body, b.body);
    EXPECT_FALSE(a.headers.find("Set-Cookie"));
  };
  same(acmes.path() + "/open/" + guess, "/connect/" + unknown + "/open/" + guess);
  same(acmes.path() + "/ask", "/connect/" + unknown + "/ask");
  browser.cookies[cookie(acmes)] = guess;
  browser.cookies["__Host-deputy_" + unknown] = guess;
  same(acmes.path() + "/ask", "/connect/" + unknown + "/ask");
  same(acmes.path() + "/open/" + mallorys.secret, "/connect/" + unknown + "/open/" + mallorys.secret);
}

// Class 34: who keeps guessing at a session is slowed down; who holds its secret is not.
TEST_F(PageThreat, GuessingIsSlowedDown) {
  const std::string guess(52, 'b');
  int slowed = 0;
  for (int i = 0; i < 40; ++i) slowed += get(browser, acmes.path() + "/open/" + guess).status == 429 ? 1 : 0;
  EXPECT_GE(slowed, 15);
  EXPECT_EQ(get(browser, acmes.opening()).status, 303);
}

// Class 34: replayed after its end, by time or by the partner; the cookie too.
TEST_F(PageThreat, AnEndedLinkStaysEnded) {
  get(browser, acmes.opening());
  get(browser, mallorys.opening());
  ASSERT_TRUE(registry().end_connect_session(actor(), acmes.id));
  clock().advance(std::chrono::minutes{30});
  for (const Link& link : {acmes, mallorys}) {
    EXPECT_EQ(get(browser, link.opening()).status, 410);
    for (const char* page : {"", "/ask", "/create", "/template", "/connected", "/report"})
      EXPECT_EQ(get(browser, link.path() + page).status, 410) << page;
    EXPECT_EQ(post(browser, link.path() + "/role", "role_arn=x").status, 410);
  }
}

// Classes 34 and 21: used for another tenant. Two sessions in one browser never mix: the address says which,
// and each needs its own cookie and its own token.
TEST_F(PageThreat, TwoTenantsInOneBrowserNeverMix) {
  get(browser, acmes.opening());
  get(browser, mallorys.opening());
  EXPECT_NE(get(browser, acmes.path() + "/create").body.find(connection_of(acmes).external_id.text()),
            std::string::npos);
  EXPECT_EQ(get(browser, acmes.path() + "/create").body.find(connection_of(mallorys).external_id.text()),
            std::string::npos);
  const std::string form = "csrf=" + token(browser, mallorys) +
                           "&connection=" + connection_of(acmes).id.text() +
                           "&role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader";
  EXPECT_EQ(post(browser, acmes.path() + "/role", form).status, 403);
  EXPECT_EQ(connection_of(acmes).state, ConnectionState::awaiting_role);
  // Another session's secret under this session's name.
  browser.cookies[cookie(acmes)] = mallorys.secret;
  EXPECT_EQ(get(browser, acmes.path() + "/ask").status, 404);
}

// Class 21: nothing of another tenant's by any identifier that a page takes.
TEST_F(PageThreat, NoIdentifierReachesAnotherTenant) {
  get(browser, mallorys.opening());
  const auto of_acme = connection_of(acmes);
  const std::string unknown = ConnectionId::draw(random()).text();
  const auto taken = submit(browser, mallorys, "/choose", "connection=" + of_acme.id.text());
  const auto none = submit(browser, mallorys, "/choose", "connection=" + unknown);
  EXPECT_EQ(taken.status, 404);
  EXPECT_EQ(taken.body, none.body);
  for (const std::string& more : {"connection=" + of_acme.id.text(), "connection_id=" + of_acme.id.text(),
                                  "tenant_id=" + acme.id.text()}) {
    for (const char* page : {"/create", "/template", "/connected", "/role"}) {
      const auto answer = get(browser, mallorys.path() + page + "?" + more);
      EXPECT_EQ(answer.body.find(of_acme.external_id.text()), std::string::npos) << page << " " << more;
    }
  }
}

// Class 34: leaked through Referer, caches or search engines; seen in an address after the first moment.
TEST_F(PageThreat, TheSecretStaysWhereItBelongs) {
  const auto opened = get(browser, acmes.opening());
  EXPECT_EQ(location(opened).find(acmes.secret), std::string::npos);
  for (const std::string& path : {acmes.opening(), acmes.path() + "/ask", acmes.path() + "/nothing",
                                  std::string{"/connect/nonsense"}, acmes.path() + "/template"}) {
    const auto answer = get(browser, path);
    EXPECT_EQ(answer.headers.find("Referrer-Policy"), "no-referrer") << path;
    EXPECT_EQ(answer.headers.find("Cache-Control"), "no-store") << path;
    EXPECT_NE(answer.headers.find("X-Robots-Tag").value_or("").find("noindex"), std::string_view::npos)
        << path;
    EXPECT_EQ(answer.body.find(acmes.secret), std::string::npos) << path;
  }
  const auto entries = registry().journal({.limit = 200, .after = {}}).value();
  for (const auto& chained : entries.items)
    EXPECT_EQ((chained.entry.detail + chained.entry.subject + chained.entry.actor.id).find(acmes.secret),
              std::string::npos);
}

// Class 34: the database does not give the link away.
TEST_F(PageThreat, TheSecretIsNotInTheDatabase) {
  const auto read = [](const std::filesystem::path& file) {
    std::ifstream in{file, std::ios::binary};
    return std::string{std::istreambuf_iterator<char>{in}, {}};
  };
  std::string bytes;
  for (const auto& entry : std::filesystem::directory_iterator{folder()}) bytes += read(entry.path());
  EXPECT_NE(bytes.find(acmes.id.text()), std::string::npos);
  EXPECT_EQ(bytes.find(acmes.secret), std::string::npos);
}

// Class 35: CSRF. Without the token, with another one, from another site, as another type: nothing is done.
TEST_F(PageThreat, AFormThatIsNotOursDoesNothing) {
  get(browser, acmes.opening());
  connect_account(browser, acmes, "222222222222");
  const ConnectionId id = connection_of(acmes).id;
  const std::string shown = "connection=" + id.text() + "&confirm=yes", good = token(browser, acmes);
  const std::string path = acmes.path() + "/disconnect";
  const Fields ours{{"Sec-Fetch-Site", "same-origin"}};
  EXPECT_EQ(post(browser, path, shown, ours).status, 403);
  EXPECT_EQ(post(browser, path, shown + "&csrf=" + std::string(64, '0'), ours).status, 403);
  EXPECT_EQ(post(browser, path, shown + "&csrf=" + good + "&csrf=x", ours).status, 403);
  for (const Fields& foreign :
       {Fields{{"Sec-Fetch-Site", "cross-site"}}, Fields{{"Sec-Fetch-Site", "same-site"}},
        Fields{{"Origin", "https://evil.example"}}})
    EXPECT_EQ(post(browser, path, shown + "&csrf=" + good, foreign).status, 403);
  EXPECT_EQ(post(browser, path, shown + "&csrf=" + good, {{"Content-Type", "text/plain"}}).status, 403);
  EXPECT_EQ(post(browser, path, shown + "&csrf=" + good + "&a=" + std::string(20'000, 'a'), ours).status,
            403);
  // A GET changes nothing either.
  EXPECT_EQ(get(browser, path + "?" + shown + "&csrf=" + good).status, 200);
  EXPECT_EQ(registry().connection(id).value().state, ConnectionState::active);
  EXPECT_EQ(post(browser, path, shown + "&csrf=" + good, ours).status, 303);
  EXPECT_EQ(registry().connection(id).value().state, ConnectionState::disconnected);
}

// Class 35: clickjacking, and scripts from anywhere: every answer forbids them.
TEST_F(PageThreat, EveryAnswerForbidsFramesAndScripts) {
  get(browser, acmes.opening());
  for (const std::string& path : {acmes.path() + "/ask", acmes.path() + "/role", acmes.path() + "/nothing",
                                  acmes.opening(), std::string{"/connect/x"}, std::string{"/connect"}}) {
    const auto answer = get(browser, path);
    EXPECT_EQ(answer.headers.find("Content-Security-Policy"), connect::content_security_policy) << path;
    EXPECT_EQ(answer.headers.find("X-Frame-Options"), "DENY") << path;
    EXPECT_EQ(answer.headers.find("X-Content-Type-Options"), "nosniff") << path;
    EXPECT_EQ(answer.headers.find("Cross-Origin-Opener-Policy"), "same-origin") << path;
  }
  EXPECT_NE(connect::content_security_policy.find("default-src 'none'"), std::string_view::npos);
  EXPECT_NE(connect::content_security_policy.find("frame-ancestors 'none'"), std::string_view::npos);
  EXPECT_EQ(connect::content_security_policy.find("unsafe"), std::string_view::npos);
}

// Class 35: stored XSS through the tenant's name, a diagnosis that quotes AWS, a reason.
TEST_F(PageThreat, HostileTextsAreShownAndNeverRun) {
  const std::string hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
  const Link link = make_link(make_tenant(hostile));
  get(browser, link.opening());
  submit(browser, link, "/role", "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader");
  finish(registry::VerificationOutcome::failed,
         {{.name = "role_assumable",
           .result = registry::CheckResult::failed,
           .message = hostile,
           .mend = hostile,
           .evidence = registry::Evidence{hostile, hostile, clock().now()}}});
  for (const char* page : {"/ask", "/create", "/role", "/checks", "/connected", "/rotate", "/disconnect"}) {
    const std::string body = get(browser, link.path() + page).body;
    EXPECT_EQ(body.find("<script>alert"), std::string::npos) << page;
    EXPECT_EQ(body.find("<img src=x"), std::string::npos) << page;
    EXPECT_NE(body.find("&lt;script&gt;"), std::string::npos) << page;
  }
  // What was typed comes back as text, too, from the page and from the verdict.
  const std::string typed = "role_arn=%3Cscript%3Ealert(1)%3C%2Fscript%3E%22";
  EXPECT_EQ(submit(browser, link, "/role", typed).body.find("<script>alert"), std::string::npos);
  const auto verdict = submit(browser, link, "/role/check", typed);
  EXPECT_EQ(verdict.headers.find("Content-Type"), "application/json");
  EXPECT_TRUE(boost::json::parse(verdict.body).is_object());
}

// Classes 2 and 3, on the page's forms: no field and no query sets an external ID, and the attempt is on
// record.
TEST_F(PageThreat, NoFormSetsAnExternalId) {
  get(browser, acmes.opening());
  const std::string before = connection_of(acmes).external_id.text();
  for (const char* name : {"external_id", "ExternalId", "sts%3AExternalId", "external-id"}) {
    const auto answer = submit(browser, acmes, "/role",
                               std::string{name} + "=11111111-2222-4333-8444-555555555555&role_arn=x");
    EXPECT_EQ(answer.status, 400) << name;
    EXPECT_NE(answer.body.find("external_id_not_settable"), std::string::npos) << name;
    EXPECT_EQ(get(browser, acmes.path() + "/create?" + name + "=x").status, 400) << name;
  }
  EXPECT_EQ(connection_of(acmes).external_id.text(), before);
  const auto entries = registry().journal({.limit = 200, .after = {}}).value();
  EXPECT_TRUE(std::ranges::any_of(
      entries.items, [](const auto& chained) { return chained.entry.act == "request.refused"; }));
}

// Class 35: whoever holds a link cannot fill the journal, nor make Deputy busy, by forms in a loop.
TEST_F(PageThreat, FormsInALoopAreStopped) {
  get(browser, acmes.opening());
  connect_account(browser, acmes, "222222222222");
  const auto entries = [&] {
    std::size_t count = 0;
    for (registry::PageRequest page{.limit = 200, .after = {}};;) {
      const auto got = registry().journal(page).value();
      count += got.items.size();
      if (!got.next_cursor) return count;
      page.after = *got.next_cursor;
    }
  };
  const std::string csrf = "csrf=" + token(browser, acmes);
  const std::string choice = csrf + "&connection=" + connection_of(acmes).id.text();
  const std::string foreign = choice + "&role_arn=arn%3Aaws%3Aiam%3A%3A333333333333%3Arole%2Freader";
  std::size_t before = entries();
  int stopped = 0;
  for (int i = 0; i < 50; ++i) {
    stopped += post(browser, acmes.path() + "/choose", choice).status == 429 ? 1 : 0;
    stopped += post(browser, acmes.path() + "/role", foreign).status == 429 ? 1 : 0;
  }
  EXPECT_GE(stopped, 38);
  EXPECT_LE(entries() - before, 60U);
  // The page itself goes on, an ARN is judged while it is typed, and later there is room again.
  EXPECT_EQ(get(browser, acmes.path() + "/connected").status, 200);
  EXPECT_EQ(post(browser, acmes.path() + "/role/check", foreign).status, 200);
  clock().advance(std::chrono::minutes{1});
  EXPECT_EQ(post(browser, acmes.path() + "/choose", choice).status, 303);
  // So it is with what is refused wherever it stands.
  before = entries();
  for (int i = 0; i < 50; ++i) get(browser, acmes.path() + "/ask?external_id=x");
  EXPECT_LE(entries() - before, 5U);
}

// And by looking in a loop.
TEST_F(PageThreat, LookingInALoopIsSlowedDown) {
  get(browser, acmes.opening());
  int slowed = 0;
  for (int i = 0; i < 260; ++i) slowed += get(browser, acmes.path() + "/ask").status == 429 ? 1 : 0;
  EXPECT_GE(slowed, 15);
  EXPECT_LE(slowed, 25);
  clock().advance(std::chrono::seconds{10});
  EXPECT_EQ(get(browser, acmes.path() + "/ask").status, 200);
}

// Class 44: fixation. Whoever is led here by a stranger's link reads the stranger's name before anything
// else, in the template that is launched too.
TEST_F(PageThreat, TheTenantsNameIsInPlainSight) {
  get(browser, mallorys.opening());
  for (const char* page : {"/ask", "/create", "/role", "/disconnect", "/rotate"})
    EXPECT_NE(get(browser, mallorys.path() + page).body.find("Mallory"), std::string::npos) << page;
  for (const char* format : {"cloudformation", "terraform", "aws-cli"})
    EXPECT_NE(get(browser, mallorys.path() + "/template?format=" + format).body.find("Mallory"),
              std::string::npos)
        << format;
  submit(browser, mallorys, "/role", "role_arn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader");
  EXPECT_NE(get(browser, mallorys.path() + "/checks").body.find("Mallory"), std::string::npos);
  finish(registry::VerificationOutcome::passed);
  auto spec = integration_spec();
  spec.description = "Reads more";
  ASSERT_TRUE(registry().put_integration(actor(), spec));
  for (const char* page : {"/checks", "/connected", "/update"}) {
    const auto answer = get(browser, mallorys.path() + page);
    EXPECT_EQ(answer.status, 200) << page;
    EXPECT_NE(answer.body.find("Mallory"), std::string::npos) << page;
  }
}

// Class 30: nothing that a customer or an answer says makes the page lead elsewhere.
TEST_F(PageThreat, NoRedirectLeadsAway) {
  get(browser, acmes.opening());
  for (const char* more : {"?return_url=https://evil.example", "?next=//evil.example", ""}) {
    const auto home = get(browser, acmes.path() + more);
    EXPECT_EQ(location(home).find(acmes.path() + "/"), 0U) << more;
  }
  const auto made = registry().create_connect_session(actor(),
                                                      {.tenant_id = acme.id,
                                                       .integration = integration_name(),
                                                       .connection_id = std::nullopt,
                                                       .return_url = "https://app.example.evil.example/aws",
                                                       .expires_in = std::nullopt},
                                                      std::nullopt);
  EXPECT_FALSE(made);
}

// Class 31: forged or replayed events. A receiver that checks what docs/webhooks.md says refuses both: the
// signature covers identifier, time and body, and each attempt has its own time.
TEST_F(PageThreat, AnEventIsSignedOverItsIdentifierItsTimeAndItsBody) {
  const auto secrets = webhooks::parse_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").value();
  SeededRandom seeded;
  FakeTransport transport;
  webhooks::Delivery delivery{loop,
                              clock(),
                              seeded,
                              pool,
                              registry(),
                              transport,
                              {.url = "https://partner.example/hook", .secrets = secrets}};
  ASSERT_TRUE(registry().disconnect(actor(), connection_of(acmes).id));
  delivery.start();
  const auto settle = [&] {
    for (int turn = 0; turn < 12; ++turn)
      loop.run(run_on(pool, loop, [] { return Result<void>{success()}; })).assume_value();
    loop.run_ready();
  };
  settle();
  loop.advance(std::chrono::seconds{10});
  settle();
  ASSERT_GE(transport.requests.size(), 2U);
  const aws::HttpRequest& first = transport.requests[0];
  const aws::HttpRequest& second = transport.requests[1];
  EXPECT_EQ(header_of(first, "webhook-id"), header_of(second, "webhook-id"));
  EXPECT_NE(header_of(first, "webhook-timestamp"), header_of(second, "webhook-timestamp"));
  EXPECT_NE(header_of(first, "webhook-signature"), header_of(second, "webhook-signature"));
  const Timestamp sent_at{std::chrono::seconds{std::stoll(header_of(second, "webhook-timestamp"))}};
  EXPECT_EQ(header_of(second, "webhook-signature"),
            webhooks::signatures(secrets, header_of(second, "webhook-id"), sent_at, second.body));
  loop.run(delivery.stop());
}

}  // namespace
}  // namespace deputy
