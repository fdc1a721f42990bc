#include "aws/base/credential_source.hpp"
#include "aws/base/static_keys.hpp"

namespace deputy::aws {
namespace {

// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html
class EnvironmentSource final : public CredentialSource {
 public:
  explicit EnvironmentSource(const Environment& environment) : environment_(environment) {}

  std::string_view name() const override { return "environment"; }

  Task<Result<Found>> fetch(std::stop_token) override { co_return find(); }

 private:
  Result<Found> find() const {
    const KeyNames names{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"};
    StaticKeys keys{environment_(names[0]).value_or(""), environment_(names[1]).value_or(""),
                    environment_(names[2]).value_or("")};
    DEPUTY_TRY(auto credentials, credentials_of(keys, names));
    if (!credentials) return Found{NotConfigured{names[0] + " is not set"}};
    return Found{Supply{*std::move(credentials), std::nullopt}};
  }

  const Environment& environment_;
};

}  // namespace

std::unique_ptr<CredentialSource> environment_source(const SourceContext& context) {
  return std::make_unique<EnvironmentSource>(context.environment);
}

}  // namespace deputy::aws
