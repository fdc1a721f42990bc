#include "aws/base/credential_source.hpp"

namespace deputy::aws {

Error broken_source(std::string reason) {
  return {ErrorKind::upstream_unavailable, "the service has no AWS credentials of its own at the moment",
          std::move(reason)};
}

Error prefixed(std::string_view where, Error error) {
  std::string reason{where};
  reason.append(": ").append(error.detail.empty() ? error.message : error.detail);
  return broken_source(std::move(reason));
}

std::optional<std::string> non_empty(const Environment& environment, const std::string& name) {
  auto value = environment(name);
  return value && !value->empty() ? value : std::nullopt;
}

}  // namespace deputy::aws
