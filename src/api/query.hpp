#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "registry/store.hpp"

namespace deputy::api {

// The query of a request: each key is one that the route knows, and stands there once.
class Query {
 public:
  // `unknown_field` for other keys; `invalid_request` for one given twice, a broken escape, and a value that
  // looks like one of Deputy's keys: these do not belong into a URL, which proxies log.
  static Result<Query> parse(std::string_view text, std::span<const std::string_view> known);

  std::optional<std::string> find(std::string_view name) const;
  // `cursor` and `limit` (1–200, 50 without).
  Result<registry::PageRequest> page() const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace deputy::api
