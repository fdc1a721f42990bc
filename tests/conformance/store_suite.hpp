#pragma once

#include "conformance/store_harness.hpp"
#include "support/registry_samples.hpp"

#include <gtest/gtest.h>

// What the suite's tests stand on: a fresh store, transactions that must succeed, and a tenant with an
// integration to hang connections on.
namespace deputy::conformance {

using namespace registry;

class StoreTest : public testing::TestWithParam<StoreFactory> {
 protected:
  Store& store() { return harness_->store(); }
  void reopen() { harness_->reopen(); }

  static void expect_success(const Result<void>& result) {
    if (!result) ADD_FAILURE() << result.error().message << " (" << result.error().detail << ")";
  }
  template <class Work>
  void write(Work work) {
    expect_success(
        store().write([&](Transaction& transaction) -> Result<void> { return work(transaction); }));
  }
  // The kind of error that the work fails with; nothing when it succeeds.
  template <class Work>
  std::optional<ErrorKind> refused(Work work) {
    const auto result =
        store().write([&](Transaction& transaction) -> Result<void> { return work(transaction); });
    if (result) return std::nullopt;
    return result.error().kind;
  }
  // What one read yields.
  template <class Read>
  auto read(Read read_one) {
    using R = decltype(read_one(std::declval<Transaction&>()));
    std::optional<typename R::value_type> value;
    expect_success(store().read([&](Transaction& transaction) -> Result<void> {
      DEPUTY_TRY(value, read_one(transaction));
      return success();
    }));
    if (!value) throw std::runtime_error{"the read failed"};
    return *std::move(value);
  }

  void SetUp() override {
    harness_ = GetParam().make();
    write([&](Transaction& t) -> Result<void> {
      DEPUTY_TRY(t.insert(tenant_));
      return t.insert(samples::integration());
    });
  }
  static Result<void> add(Transaction& t, const Connection& connection) {
    DEPUTY_TRY(t.claim_external_id(connection.external_id, connection.id));
    if (connection.rotation && connection.rotation->next_external_id) {
      DEPUTY_TRY(t.claim_external_id(*connection.rotation->next_external_id, connection.id));
    }
    if (connection.rotation && connection.rotation->previous_external_id) {
      DEPUTY_TRY(t.claim_external_id(*connection.rotation->previous_external_id, connection.id));
    }
    return t.insert(connection);
  }
  void add(const Connection& connection) {
    write([&](Transaction& t) { return add(t, connection); });
  }
  static journal::Entry entry(std::string act) {
    return {.sequence = 0,
            .at = samples::at(1),
            .actor = {"key", "key_x", "192.0.2.1"},
            .act = std::move(act),
            .subject = "con_x",
            .tenant = "ten_x",
            .outcome = journal::Outcome::refused,
            .detail = R"({"a":1})"};
  }

  Tenant tenant_ = samples::tenant();
  std::unique_ptr<StoreHarness> harness_;
};

// All items of a list, by pages of `limit`.
template <class List>
auto all_pages(List list, std::size_t limit) {
  PageRequest request{.limit = limit, .after = ""};
  auto page = list(request);
  auto items = page.items;
  while (page.next_cursor) {
    EXPECT_EQ(page.items.size(), limit);
    request.after = *page.next_cursor;
    page = list(request);
    items.insert(items.end(), page.items.begin(), page.items.end());
  }
  return items;
}

}  // namespace deputy::conformance
