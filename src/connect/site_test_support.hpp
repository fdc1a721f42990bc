#pragma once

#include "connect/site.hpp"
#include "support/site_fixture.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <string_view>

#include "verify/diagnosis.hpp"

namespace deputy::connect {

using namespace std::chrono_literals;

class SiteTest : public SiteFixture {
 protected:
  registry::Tenant acme = make_tenant("Acme & Söhne");
  Link link = make_link(acme, "https://app.example/aws/done");
  Browser browser;

  void open() { ASSERT_EQ(get(browser, link.opening()).status, 303); }
  http::Response page(const std::string& name) { return get(browser, link.path() + name); }
  bool shows(const std::string& name, std::string_view text) {
    return page(name).body.find(text) != std::string::npos;
  }
  // What the page's copy button of this place would copy.
  std::string pasted(const std::string& name, const std::string& id) {
    const std::string body = page(name).body, mark = "<code id=\"" + id + "\">";
    const auto at = body.find(mark);
    if (at == std::string::npos) return {};
    const auto begin = at + mark.size();
    std::string text = body.substr(begin, body.find("</code>", begin) - begin);
    for (auto quote = text.find("&quot;"); quote != std::string::npos; quote = text.find("&quot;", quote))
      text.replace(quote, 6, "\"");
    return text;
  }
  // A check that passes, and finds that the rotation still waits for the customer.
  void check_a_rotation_in_vain() {
    clock().advance(1min);
    submit(browser, link, "/verify", "from=rotate");
    const auto connection = connection_of(link);
    ASSERT_TRUE(connection.rotation);
    const bool retiring = connection.rotation->state == registry::RotationState::retiring;
    finish(registry::VerificationOutcome::passed,
           {{.name = retiring ? "previous_external_id_denied" : "next_external_id_works",
             .result = registry::CheckResult::skipped,
             .message = "Not yet, says the test.",
             .mend = verify::condition_snippet(connection.external_id, connection.rotation->next_external_id,
                                               std::nullopt),
             .evidence = std::nullopt}});
  }
  // All that is left is to promote it.
  void rotate_until_the_next_id_works() {
    submit(browser, link, "/rotate", "");
    clock().advance(1min);
    submit(browser, link, "/verify", "from=rotate");
    const auto tasks = registry().claim_due(10, 10min).value();
    registry::VerificationReport report;
    report.outcome = registry::VerificationOutcome::passed;
    report.proof = registry::Proof::probed;
    report.next_external_id_works = true;
    report.checks = {{.name = "next_external_id_works",
                      .result = registry::CheckResult::passed,
                      .message = "It works, says the test.",
                      .mend = std::nullopt,
                      .evidence = std::nullopt}};
    ASSERT_TRUE(registry().finish_verification(tasks.at(0), report));
  }
};

}  // namespace deputy::connect
