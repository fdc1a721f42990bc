#include "registry/registry.hpp"

#include "registry/facts.hpp"
#include "registry/unit_of_work.hpp"

namespace deputy::registry {

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

Result<Page<journal::ChainedEntry>> Registry::journal(const PageRequest& page) {
  return in_read(store_, [&](Transaction& tx) { return tx.list_journal(page); });
}

}  // namespace deputy::registry
