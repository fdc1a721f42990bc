#include "aws/base/profile_plan.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "aws/base/process.hpp"
#include "aws/base/static_keys.hpp"

namespace deputy::aws {
namespace {

constexpr std::size_t profiles_max = 8;
constexpr int duration_min = 900;
constexpr int duration_max = 43'200;

// IAM Identity Center and `aws login`: a person signs in with a browser.
constexpr std::array<const char*, 4> sign_in_settings{"sso_session", "sso_start_url", "sso_account_id",
                                                      "login_session"};

const KeyNames key_names{"aws_access_key_id", "aws_secret_access_key", "aws_session_token"};

std::string value_of(const Profile& profile, const std::string& setting) {
  const std::string* value = profile.find(setting);
  return value != nullptr ? *value : std::string{};
}

bool has_keys(const Profile& profile) {
  return profile.find(key_names[0]) != nullptr || profile.find(key_names[1]) != nullptr;
}

bool has_role(const Profile& profile) {
  return profile.find("role_arn") != nullptr && profile.find("web_identity_token_file") == nullptr;
}

Error broken_profile(const Profile& profile, const std::string& what) {
  return broken_source("profile " + in_backticks(profile.name) + ": " + what);
}

Result<std::chrono::seconds> read_duration(const Profile& profile) {
  const std::string* text = profile.find("duration_seconds");
  if (text == nullptr) return std::chrono::seconds{3'600};
  int seconds = 0;
  const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (failed != std::errc{} || end != text->data() + text->size() || seconds < duration_min ||
      seconds > duration_max)
    return broken_profile(profile, "`duration_seconds` is no number from 900 to 43200");
  return std::chrono::seconds{seconds};
}

// Role, session name, duration and external ID; where the role is assumed from is the caller's.
Result<RoleStep> read_role(const Profile& profile) {
  auto role = RoleArn::parse(value_of(profile, "role_arn"));
  if (!role) return broken_profile(profile, "`role_arn` is not the ARN of a role");
  if (profile.find("mfa_serial") != nullptr)
    return broken_profile(profile,
                          "`mfa_serial` asks for a person's code, which a service cannot give; use a "
                          "role whose trust policy asks for none");
  auto session = profile.find("role_session_name") != nullptr
                     ? SessionName::parse(value_of(profile, "role_session_name"))
                     : Result<SessionName>{default_session_name()};
  if (!session)
    return broken_profile(profile, "`role_session_name` is not 2 to 64 letters, digits and `_+=,.@-`");
  DEPUTY_TRY(const auto duration, read_duration(profile));
  std::optional<ExternalId> external_id;
  if (const std::string* text = profile.find("external_id")) {
    auto parsed = ExternalId::parse(*text);
    if (!parsed) return broken_profile(profile, "`external_id` is no external ID");
    external_id = std::move(parsed).value();
  }
  return RoleStep{profile.name, std::move(role).value(), std::move(session).value(), std::move(external_id),
                  duration};
}

Result<CommandOrigin> read_command(const Profile& profile) {
  const auto words = split_command(value_of(profile, "credential_process"));
  if (!words || words->empty() || words->front().empty())
    return broken_profile(profile,
                          "`credential_process` is no command: a quote is not closed, or it is empty");
  const bool has_nul = std::ranges::any_of(
      *words, [](const std::string& word) { return word.find('\0') != std::string::npos; });
  if (has_nul) return broken_profile(profile, "`credential_process` holds a character that no command has");
  return CommandOrigin{profile.name, *words};
}

// Where the profile's own credentials come from, but for a role assumed with others.
Result<std::optional<ProfilePlan>> read_origin(const Profile& profile) {
  ProfilePlan plan;
  if (const std::string* file = profile.find("web_identity_token_file")) {
    if (profile.find("role_arn") == nullptr)
      return broken_profile(profile, "`web_identity_token_file` is set, but `role_arn` is not");
    DEPUTY_TRY(auto role, read_role(profile));
    plan.origin = WebIdentityOrigin{profile.name, WebIdentity{*file, std::move(role.role_arn),
                                                              std::move(role.session_name), role.duration}};
    return std::optional{std::move(plan)};
  }
  for (const char* setting : sign_in_settings) {
    if (profile.find(setting) == nullptr) continue;
    return broken_profile(
        profile, "`" + std::string{setting} +
                     "` is not supported, since a person has to sign in; let the AWS CLI do it, in another "
                     "profile: `credential_process = aws configure export-credentials --profile " +
                     profile.name + "`");
  }
  if (has_keys(profile)) {
    StaticKeys keys{value_of(profile, key_names[0]), value_of(profile, key_names[1]),
                    value_of(profile, key_names[2])};
    auto credentials = credentials_of(keys, key_names);
    if (!credentials)
      return prefixed("profile " + in_backticks(profile.name), std::move(credentials).error());
    plan.origin = *std::move(credentials).value();
    return std::optional{std::move(plan)};
  }
  if (profile.find("credential_process") == nullptr) return std::optional<ProfilePlan>{};
  DEPUTY_TRY(plan.origin, read_command(profile));
  return std::optional{std::move(plan)};
}

Result<NamedSource> read_named_source(const Profile& profile) {
  const std::string name = value_of(profile, "credential_source");
  if (name == "Environment") return NamedSource::environment;
  if (name == "EcsContainer") return NamedSource::container;
  if (name == "Ec2InstanceMetadata") return NamedSource::instance_metadata;
  return broken_profile(profile,
                        "`credential_source` is none of Environment, EcsContainer, Ec2InstanceMetadata");
}

// The profile that a role's credentials come from. An error when there is none, or it was there before.
Result<const Profile*> source_of(const SharedProfiles& profiles, const Profile& profile,
                                 const std::vector<std::string>& visited) {
  const std::string name = value_of(profile, "source_profile");
  const Profile* source = profiles.find(name);
  if (source == nullptr)
    return broken_profile(profile, "its `source_profile` " + in_backticks(name) + " is in neither file");
  if (name == profile.name && has_keys(profile)) return source;
  if (std::ranges::find(visited, name) != visited.end())
    return broken_profile(profile, "its `source_profile` " + in_backticks(name) + " leads in a circle");
  if (visited.size() >= profiles_max)
    return broken_profile(profile, "more than " + std::to_string(profiles_max) +
                                       " profiles follow each other by `source_profile`");
  return source;
}

Result<void> check_durations(const ProfilePlan& plan) {
  // A role's session gets an hour of the next role at most, and STS would say so less clearly.
  for (std::size_t i = 1; i < plan.roles.size(); ++i) {
    if (plan.roles[i].duration > std::chrono::hours{1})
      return broken_source("profile " + in_backticks(plan.roles[i].profile) +
                           ": `duration_seconds` is at most 3600 for a role that a role assumes");
  }
  return success();
}

}  // namespace

Result<std::optional<ProfilePlan>> plan_profile(const SharedProfiles& profiles, const std::string& name) {
  const Profile* profile = profiles.find(name);
  if (profile == nullptr) return std::optional<ProfilePlan>{};
  std::vector<RoleStep> roles;  // the last one first
  std::vector<std::string> visited{name};
  std::optional<ProfilePlan> plan;
  while (!plan && has_role(*profile) && (roles.empty() || !has_keys(*profile))) {
    DEPUTY_TRY(auto role, read_role(*profile));
    roles.push_back(std::move(role));
    const bool has_source = profile->find("source_profile") != nullptr;
    const bool has_named = profile->find("credential_source") != nullptr;
    if (has_source == has_named)
      return broken_profile(*profile, has_source
                                          ? "has both `source_profile` and `credential_source`"
                                          : "`role_arn` needs `source_profile` or `credential_source`");
    if (has_named) {
      DEPUTY_TRY(const auto source, read_named_source(*profile));
      plan = ProfilePlan{.origin = source, .roles = {}};
    } else {
      DEPUTY_TRY(profile, source_of(profiles, *profile, visited));
      visited.push_back(profile->name);
    }
  }
  if (!plan) {
    DEPUTY_TRY(plan, read_origin(*profile));
    if (!plan && !roles.empty())
      return broken_profile(*profile, "is a `source_profile`, but has no credentials");
    if (!plan) return std::optional<ProfilePlan>{};
  }
  plan->roles.assign(std::make_move_iterator(roles.rbegin()), std::make_move_iterator(roles.rend()));
  DEPUTY_TRY(check_durations(*plan));
  return plan;
}

}  // namespace deputy::aws
