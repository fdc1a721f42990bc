#pragma once

#include "support/registry_fixture.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "registry/registry.hpp"

namespace deputy::registry {

using namespace std::chrono_literals;

inline const RoleArn acme_role = RoleArn::parse("arn:aws:iam::222222222222:role/reader").value();

class RegistryTest : public RegistryFixture {
 protected:
  VerificationTask only_task() {
    auto tasks = registry().claim_due(10, 10min).value();
    EXPECT_EQ(tasks.size(), 1U);
    return std::move(tasks.front());
  }
  static VerificationReport passed() {
    return {.outcome = VerificationOutcome::passed,
            .proof = Proof::probed,
            .checks = {},
            .account_id = {},
            .retry_at = {}};
  }
  static VerificationReport failed() {
    return {.outcome = VerificationOutcome::failed, .checks = {}, .account_id = {}, .retry_at = {}};
  }

  Connection active_connection(const Tenant& tenant, const RoleArn& role = acme_role) {
    const auto connection = make_connection(tenant);
    EXPECT_TRUE(registry().set_role(actor(), connection.id, role));
    return registry().finish_verification(only_task(), passed()).value();
  }
  std::vector<std::string> journal_details(std::string_view act) {
    std::vector<std::string> details;
    const auto page = registry().journal({.limit = 200, .after = {}}).value();
    for (const auto& chained : page.items)
      if (chained.entry.act == act) details.push_back(chained.entry.detail);
    return details;
  }
  std::size_t journal_entries(std::string_view act) { return journal_details(act).size(); }
};

}  // namespace deputy::registry
