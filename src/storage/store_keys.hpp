#pragma once

#include "journal/journal.hpp"
#include "storage/keyed_hash.hpp"
#include "storage/master_key.hpp"
#include "storage/sealing.hpp"

namespace deputy::storage {

// Everything that the store derives from the master key, one key for one purpose. Thread-safe (read only).
struct StoreKeys {
  explicit StoreKeys(const MasterKey& master)
      : sealer(master.derive("sealing")),
        rows(master.derive("rows")),
        digests(master.derive("digests")),
        external_ids(master.derive("external-ids")),
        accounts(master.derive("accounts")),
        api_keys(master.derive("api-keys")),
        connect_sessions(master.derive("connect-sessions")),
        idempotency(master.derive("idempotency")),
        journal_marks(master.derive("journal-marks")),
        journal(master.derive("journal")) {}

  Sealer sealer;
  KeyedHash rows;              // a row's mac
  KeyedHash digests;           // a row's share in its table's digest
  KeyedHash external_ids;      // the index of all external IDs ever issued
  KeyedHash accounts;          // the index of role ARNs' accounts
  KeyedHash api_keys;          // what is kept of an API key's secret
  KeyedHash connect_sessions;  // what is kept of a connect link's secret
  KeyedHash idempotency;
  KeyedHash journal_marks;  // what stands in the journal for a sealed value
  journal::ChainKey journal;
};

}  // namespace deputy::storage
