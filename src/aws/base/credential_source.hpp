#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>

#include "aws/caller.hpp"
#include "aws/credentials.hpp"
#include "core/identifiers.hpp"
#include "core/result.hpp"
#include "core/task.hpp"
#include "core/work_pool.hpp"

// The places that the partner's own credentials may come from: one implementation a file, put in their order
// by CredentialChain, kept and renewed by RefreshingProvider.
namespace deputy::aws {

// What a source gave.
struct Supply {
  Credentials credentials;
  // For credentials without an expiry: when to look again whether they changed. Absent: they do not.
  std::optional<std::chrono::seconds> look_again_after;
};

// The source is not set up here, and why that is thought.
struct NotConfigured {
  std::string reason;
};

using Found = std::variant<NotConfigured, Supply>;

// One source. Not configured is a value; configured and broken is an error (`upstream_unavailable`, the
// reason in its detail), for then no other identity may step in. Keeps no credentials. One `fetch` at a time,
// on the loop's thread; what blocks runs on the pool. `stop` ends a fetch early.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  virtual std::string_view name() const = 0;
  virtual Task<Result<Found>> fetch(std::stop_token stop) = 0;
};

// What sources stand on. The references outlive them.
struct SourceContext {
  const Caller& caller;  // loop, clock, transport, where STS is
  WorkPool& pool;
  const Environment& environment;
  std::optional<Region> region;  // where STS is called; absent: as the environment and the profile say
};

std::unique_ptr<CredentialSource> environment_source(const SourceContext& context);
std::unique_ptr<CredentialSource> profile_source(const SourceContext& context);
std::unique_ptr<CredentialSource> web_identity_source(const SourceContext& context);
std::unique_ptr<CredentialSource> container_source(const SourceContext& context);
std::unique_ptr<CredentialSource> instance_metadata_source(const SourceContext& context);

// A source that is configured and gives no credentials. The reason never holds a secret.
Error broken_source(std::string reason);
// The same error with more about where it came from at the front of its reason.
Error prefixed(std::string_view where, Error error);

// The variable's value, unless it is absent or empty.
std::optional<std::string> non_empty(const Environment& environment, const std::string& name);

}  // namespace deputy::aws
