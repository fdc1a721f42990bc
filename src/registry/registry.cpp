#include "registry/registry.hpp"

#include "registry/facts.hpp"
#include "registry/unit_of_work.hpp"

namespace deputy::registry {
namespace {

constexpr std::chrono::seconds write_checked_every{5};

}  // namespace

Registry::Registry(Store& store, const Clock& clock, Random& random, Settings settings)
    : store_(store),
      clock_(clock),
      random_(random),
      settings_(std::move(settings)),
      facts_(std::make_unique<Facts>(Facts::Limits{})) {
  settings_.partner_accounts.insert(settings_.partner_principal.account());
  store_.add_listener(*facts_);
}

Registry::~Registry() {
  store_.remove_listener(*facts_);
}

Result<void> Registry::note(journal::Entry entry) {
  entry.at = clock_.now();
  return store_.write([&](Transaction& tx) { return tx.append(entry); });
}

Result<void> Registry::check_writing() {
  auto trouble = store_.write_trouble();
  if (!trouble) return success();
  const auto now = clock_.steady_now().time_since_epoch();
  auto next = next_write_check_.load();
  const auto later = std::chrono::steady_clock::duration{now + write_checked_every}.count();
  // Of all who ask at that moment one tries.
  if (now.count() < next || !next_write_check_.compare_exchange_strong(next, later))
    return *std::move(trouble);
  return store_.try_to_write();
}

Result<Page<journal::ChainedEntry>> Registry::journal(const PageRequest& page) {
  return in_read(store_, [&](Transaction& tx) { return tx.list_journal(page); });
}

}  // namespace deputy::registry
