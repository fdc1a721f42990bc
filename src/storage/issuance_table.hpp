#pragma once

#include <cstdint>
#include <string>

#include "registry/store.hpp"
#include "storage/authenticated_rows.hpp"
#include "storage/issuance_places.hpp"

// Issuances in their table: numbered from 1, those of one transaction packed into one row. An index beside it
// (`issuance_places`) says which are of a connection. It is no evidence, only a way to find them: each
// issuance that it leads to is looked at, and check_integrity holds it against all of them.
namespace deputy::storage {

// The issuances of one transaction on their way into the table.
class IssuanceWriter {
 public:
  // `places` is null where nobody holds any.
  IssuanceWriter(AuthenticatedRows& rows, IssuancePlaces* places) : rows_(rows), places_(places) {}

  Result<void> append(const registry::Issuance& issuance);  // written with the next `flush`
  Result<void> flush();
  // Before the commit: a share of the index. After it: what is now durable.
  Result<void> write_share();
  void committed();

 private:
  AuthenticatedRows& rows_;
  IssuancePlaces* places_;
  std::string packed_;
  std::int64_t first_ = 0, last_ = 0;
  std::vector<IssuancePlace> recorded_;
  IssuancePlaces::Share share_;
};

// Newest first.
Result<registry::Page<registry::Issuance>> list_issuances(AuthenticatedRows& rows,
                                                          const IssuancePlaces* places,
                                                          const ConnectionId& connection,
                                                          const registry::PageRequest& page);

// Reads what is newer than the index.
Result<void> load_places(AuthenticatedRows& rows, IssuancePlaces& places);

// Whether the index leads to all issuances that it says it does, and to nothing else; `conflict` if not. Rows
// are authentic: they were checked before.
Result<void> check_places(SqliteConnection& connection);

}  // namespace deputy::storage
