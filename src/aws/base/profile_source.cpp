#include "aws/base/credential_source.hpp"
#include "aws/base/credentials_document.hpp"
#include "aws/base/process.hpp"
#include "aws/base/profile_plan.hpp"
#include "aws/sts.hpp"

namespace deputy::aws {
namespace {

// Files change without a word: keys in them are read again that often. A read is cheap, and not on the loop.
constexpr std::chrono::seconds look_again{10};

struct Planned {
  std::optional<ProfilePlan> plan;
  std::string why_not;  // where there is none
  std::string name;
  std::optional<Region> region;
};

std::string why_not(const SharedProfiles& profiles, const std::string& name) {
  const SharedFilePaths& paths = profiles.paths;
  if (paths.config.empty() && paths.credentials.empty()) return "HOME is not set";
  const std::string files = in_backticks(paths.credentials) + " or " + in_backticks(paths.config);
  if (profiles.find(name) == nullptr) return "no profile " + in_backticks(name) + " in " + files;
  return "profile " + in_backticks(name) + " says nothing of credentials in " + files;
}

// Reads the files: for the pool.
Result<Planned> read_plan(const Environment& environment) {
  auto profiles = read_profiles(environment);
  if (!profiles) return broken_source(profiles.error().message);
  Planned planned{.plan = {}, .why_not = {}, .name = profile_name(environment), .region = {}};
  const bool asked_for = non_empty(environment, "AWS_PROFILE").has_value();
  if (asked_for && profiles.value().find(planned.name) == nullptr)
    return broken_source(profiles.value().missing(planned.name).message);
  DEPUTY_TRY(planned.plan, plan_profile(profiles.value(), planned.name));
  if (!planned.plan) {
    planned.why_not = why_not(profiles.value(), planned.name);
    return planned;
  }
  auto region = configured_region(environment);
  if (!region) return broken_source(region.error().message);
  planned.region = std::move(region).value();
  return planned;
}

// AWS_PROFILE in AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE: see profile_plan.hpp.
class ProfileSource final : public CredentialSource {
 public:
  explicit ProfileSource(const SourceContext& context)
      : context_(context),
        sts_(make_sts(context.caller)),
        environment_(environment_source(context)),
        container_(container_source(context)),
        instance_metadata_(instance_metadata_source(context)) {}

  std::string_view name() const override { return "shared files"; }

  Task<Result<Found>> fetch(std::stop_token stop) override {
    const Environment& environment = context_.environment;
    auto plan_work = [&environment] { return read_plan(environment); };
    DEPUTY_CO_TRY(auto planned, co_await run_on(context_.pool, context_.caller.loop, plan_work));
    if (!planned.plan) co_return Found{NotConfigured{planned.why_not}};
    DEPUTY_CO_TRY(auto supply, co_await begin(std::move(planned.plan->origin), planned.region, stop));
    for (RoleStep& role : planned.plan->roles) {
      DEPUTY_CO_TRY(supply, co_await assume(std::move(role), planned.region, std::move(supply.credentials)));
    }
    co_return Found{std::move(supply)};
  }

 private:
  using Origin = decltype(ProfilePlan::origin);
  Task<Result<Supply>> begin(Origin origin, std::optional<Region> region, std::stop_token stop);
  Task<Result<Supply>> run_command(CommandOrigin command, std::stop_token stop);
  Task<Result<Supply>> ask(NamedSource name, std::stop_token stop);
  Task<Result<Supply>> assume(RoleStep role, std::optional<Region> region, Credentials credentials);

  const SourceContext context_;
  const std::unique_ptr<Sts> sts_;
  const std::unique_ptr<CredentialSource> environment_;
  const std::unique_ptr<CredentialSource> container_;
  const std::unique_ptr<CredentialSource> instance_metadata_;
};

Task<Result<Supply>> ProfileSource::begin(Origin origin, std::optional<Region> region, std::stop_token stop) {
  if (auto* credentials = std::get_if<Credentials>(&origin))
    co_return Supply{std::move(*credentials), look_again};
  if (auto* command = std::get_if<CommandOrigin>(&origin))
    co_return co_await run_command(std::move(*command), stop);
  if (auto* web = std::get_if<WebIdentityOrigin>(&origin)) {
    const Region where = sts_region(context_, region, web->identity.role_arn);
    auto credentials = co_await assume_with_web_identity(context_, std::move(web->identity), where);
    if (!credentials)
      co_return prefixed("profile " + in_backticks(web->profile), std::move(credentials).error());
    co_return Supply{std::move(credentials).value(), std::nullopt};
  }
  co_return co_await ask(std::get<NamedSource>(origin), stop);
}

// What a process gives without an expiry stays, as in every SDK: nothing says that it changes.
Task<Result<Supply>> ProfileSource::run_command(CommandOrigin command, std::stop_token stop) {
  const std::string where = "profile " + in_backticks(command.profile) + ", `credential_process`";
  auto process_work = [&command, &stop] { return run_process(command.words, ProcessLimits{}, stop); };
  auto output = co_await run_on(context_.pool, context_.caller.loop, process_work);
  if (!output) co_return prefixed(where, std::move(output).error());
  auto credentials =
      read_credentials_document(output.value(), DocumentForm::process, context_.caller.clock.now());
  if (!credentials) co_return prefixed(where + ", what it wrote", std::move(credentials).error());
  co_return Supply{std::move(credentials).value(), std::nullopt};
}

Task<Result<Supply>> ProfileSource::ask(NamedSource name, std::stop_token stop) {
  CredentialSource& source = name == NamedSource::environment ? *environment_
                             : name == NamedSource::container ? *container_
                                                              : *instance_metadata_;
  const std::string where = "`credential_source`, " + std::string{source.name()};
  auto found = co_await source.fetch(stop);
  if (!found) co_return prefixed(where, std::move(found).error());
  if (const auto* none = std::get_if<NotConfigured>(&found.value()))
    co_return broken_source(where + ": " + none->reason);
  co_return std::get<Supply>(std::move(found).value());
}

Task<Result<Supply>> ProfileSource::assume(RoleStep role, std::optional<Region> region,
                                           Credentials credentials) {
  const std::string where = "profile " + in_backticks(role.profile);
  if (role.duration > std::chrono::hours{1} && credentials.is_role_session)
    co_return broken_source(where + ": `duration_seconds` is at most 3600 for a role that a role assumes");
  AssumeRoleRequest request{.role_arn = role.role_arn,
                            .session_name = std::move(role.session_name),
                            .external_id = std::move(role.external_id),
                            .duration = role.duration,
                            .session_policy = std::nullopt,
                            .tags = {},
                            .source_identity = std::nullopt};
  auto assumed = co_await sts_->assume_role(std::move(request), sts_region(context_, region, role.role_arn),
                                            std::move(credentials));
  if (!assumed) co_return prefixed(where, sts_failure("AssumeRole", role.role_arn, assumed.error()));
  co_return Supply{std::move(assumed.value().credentials), std::nullopt};
}

}  // namespace

std::unique_ptr<CredentialSource> profile_source(const SourceContext& context) {
  return std::make_unique<ProfileSource>(context);
}

}  // namespace deputy::aws
