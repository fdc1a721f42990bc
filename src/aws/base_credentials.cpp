#include "aws/base_credentials.hpp"

#include <cstdlib>

#include "aws/base/credential_chain.hpp"
#include "aws/base/refreshing_provider.hpp"
#include "aws/shared_files.hpp"
#include "core/work_pool.hpp"

namespace deputy::aws {
namespace {

class StaticProvider final : public CredentialsProvider {
 public:
  explicit StaticProvider(Credentials credentials) : credentials_(std::move(credentials)) {}
  Task<Result<Credentials>> get() override { co_return credentials_; }

 private:
  const Credentials credentials_;
};

// The chain with all that it stands on. Files and processes have a thread of their own: a slow one holds up
// nobody else.
class DefaultCredentials final : public CredentialsProvider {
 public:
  explicit DefaultCredentials(BaseCredentialsParts parts)
      : parts_(std::move(parts)),
        caller_{parts_.loop, parts_.clock, parts_.random, parts_.transport, parts_.endpoints, {}},
        chain_(all_sources({caller_, pool_, parts_.environment, parts_.region})),
        refreshing_(parts_.clock, parts_.random,
                    [this](std::stop_token stop) { return chain_.fetch(std::move(stop)); }) {}

  Task<Result<Credentials>> get() override { return refreshing_.get(); }
  Task<void> stop() override { return refreshing_.stop(); }
  Task<CredentialChain::Look> look(std::stop_token stop) { return chain_.look(std::move(stop)); }

 private:
  const BaseCredentialsParts parts_;
  WorkPool pool_{{.threads = 1, .queue_max = 64}};
  const Caller caller_;
  CredentialChain chain_;
  RefreshingProvider refreshing_;
};

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value =
        std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing here ever calls setenv
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

std::unique_ptr<CredentialsProvider> static_credentials(Credentials credentials) {
  return std::make_unique<StaticProvider>(std::move(credentials));
}

std::unique_ptr<CredentialsProvider> default_credentials(BaseCredentialsParts parts) {
  return std::make_unique<DefaultCredentials>(std::move(parts));
}

Task<BaseCredentialsReport> explain_base_credentials(const BaseCredentialsParts& parts,
                                                     std::stop_token stop) {
  DefaultCredentials credentials{parts};
  auto looked = co_await credentials.look(std::move(stop));
  BaseCredentialsReport report{.sources = std::move(looked.reports), .access_key_id = {}, .expires_at = {}};
  if (looked.supply) {
    report.access_key_id = looked.supply->credentials.access_key_id;
    report.expires_at = looked.supply->credentials.expires_at;
    report.may_be_role_session = looked.supply->credentials.may_be_role_session();
  }
  co_return report;
}

Result<std::optional<Region>> configured_region(const Environment& environment) {
  for (const char* variable : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    const std::string value = environment(variable).value_or("");
    if (value.empty()) continue;
    auto region = Region::parse(value);
    if (region.has_error()) {
      return Error{ErrorKind::invalid_request, std::string{variable} + ": " + region.error().message};
    }
    return std::optional{std::move(region).value()};
  }
  DEPUTY_TRY(const auto profile, read_profile(environment));
  if (!profile || profile->find("region") == nullptr) return std::optional<Region>{};
  auto region = Region::parse(*profile->find("region"));
  if (region.has_error()) {
    return Error{ErrorKind::invalid_request,
                 "profile " + in_backticks(profile->name) + ", region: " + region.error().message};
  }
  return std::optional{std::move(region).value()};
}

}  // namespace deputy::aws
