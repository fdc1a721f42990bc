#pragma once

#include "connect/site.hpp"
#include "support/site_fixture.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <string_view>

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
    ASSERT_TRUE(registry().finish_verification(tasks.at(0), report));
  }
};

}  // namespace deputy::connect
