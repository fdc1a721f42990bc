#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "registry/store.hpp"

namespace deputy::conformance {

// One fresh database of the kind under test.
class StoreHarness {
 public:
  virtual ~StoreHarness() = default;
  // The open store. Valid until `reopen`.
  virtual registry::Store& store() = 0;
  // Closes the store and opens the same database again.
  virtual void reopen() = 0;
};

// A kind of store. To hold another database to the suite, add its factory to `store_factories`.
struct StoreFactory {
  std::string name;
  std::function<std::unique_ptr<StoreHarness>()> make;
};
inline void PrintTo(const StoreFactory& factory, std::ostream* out) {
  *out << factory.name;
}

std::vector<StoreFactory> store_factories();

}  // namespace deputy::conformance
