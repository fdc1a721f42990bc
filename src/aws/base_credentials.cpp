#include "aws/base_credentials.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "aws/shared_files.hpp"

namespace deputy::aws {
namespace {

// Not configured (nullopt), configured, or configured and broken.
using Found = Result<std::optional<Credentials>>;

Error no_credentials(std::string reason) {
  return {ErrorKind::upstream_unavailable, "the service has no AWS credentials of its own at the moment",
          std::move(reason)};
}

bool is_key_id(std::string_view text) {
  return text.size() <= 128 && std::ranges::all_of(text, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

// They become header fields; what else is in them is a slip such as a pasted quote or line break.
bool is_visible(std::string_view text, std::size_t bytes_max) {
  return text.size() <= bytes_max && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

struct StaticKeys {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;
  ~StaticKeys() {
    wipe(secret_access_key);
    wipe(session_token);
  }
};

// `names` are what the source calls the three. Never names a value.
Found credentials_of(StaticKeys keys, const std::array<std::string, 3>& names, const std::string& source) {
  if (keys.access_key_id.empty() && keys.secret_access_key.empty()) return std::optional<Credentials>{};
  if (keys.access_key_id.empty())
    return no_credentials(source + ": " + names[1] + " is set, but " + names[0] + " is not");
  if (keys.secret_access_key.empty())
    return no_credentials(source + ": " + names[0] + " is set, but " + names[1] + " is not");
  if (!is_key_id(keys.access_key_id))
    return no_credentials(source + ": " + names[0] + " is no access key ID");
  if (!is_visible(keys.secret_access_key, 1'024)) {
    return no_credentials(source + ": " + names[1] + " is no secret access key");
  }
  if (!is_visible(keys.session_token, 32'768))
    return no_credentials(source + ": " + names[2] + " is no session token");
  return std::optional{Credentials{.access_key_id = keys.access_key_id,
                                   .secret_access_key = SecretString::take(keys.secret_access_key),
                                   .session_token = SecretString::take(keys.session_token),
                                   .expires_at = std::nullopt}};
}

Found from_environment(const Environment& environment) {
  const std::array<std::string, 3> names{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"};
  return credentials_of({environment(names[0]).value_or(""), environment(names[1]).value_or(""),
                         environment(names[2]).value_or("")},
                        names, "environment");
}

std::string value_of(const Profile& profile, const std::string& setting) {
  const std::string* value = profile.find(setting);
  return value != nullptr ? *value : std::string{};
}

// Which setting of the profile asks for a way that is not there. Each of the first comes before static keys
// in every SDK: to use the keys nevertheless would be to act as somebody else.
std::optional<std::string> unsupported_setting(const Profile& profile, bool has_keys) {
  for (const char* setting :
       {"role_arn", "web_identity_token_file", "sso_session", "sso_start_url", "credential_process"}) {
    if (has_keys && std::string_view{setting} == "credential_process") continue;
    if (profile.find(setting) != nullptr) return setting;
  }
  return std::nullopt;
}

Found from_profile(const Environment& environment) {
  auto read = read_profile(environment);
  if (read.has_error()) return no_credentials("shared files: " + read.error().message);
  if (!read.value()) return std::optional<Credentials>{};
  const Profile& profile = *read.value();
  const std::array<std::string, 3> names{"aws_access_key_id", "aws_secret_access_key", "aws_session_token"};
  const std::string source = "profile " + in_backticks(profile.name);
  const bool has_keys = profile.find(names[0]) != nullptr || profile.find(names[1]) != nullptr;
  if (const auto setting = unsupported_setting(profile, has_keys)) {
    return no_credentials(source + ": `" + *setting +
                          "` is not supported; give the profile static keys, or set AWS_ACCESS_KEY_ID");
  }
  return credentials_of(
      {value_of(profile, names[0]), value_of(profile, names[1]), value_of(profile, names[2])}, names, source);
}

class StaticProvider final : public CredentialsProvider {
 public:
  explicit StaticProvider(Credentials credentials) : credentials_(std::move(credentials)) {}
  Task<Result<Credentials>> get() override { co_return credentials_; }

 private:
  const Credentials credentials_;
};

class DefaultProvider final : public CredentialsProvider {
 public:
  explicit DefaultProvider(Environment environment) : environment_(std::move(environment)) {}

  Task<Result<Credentials>> get() override {
    DEPUTY_CO_TRY(auto found, from_environment(environment_));
    if (found) co_return *std::move(found);
    DEPUTY_CO_TRY(found, from_files());
    if (found) co_return *std::move(found);
    co_return no_credentials(none_configured());
  }

 private:
  // What the files say changes only when they do, or when the environment names others.
  Found from_files() {
    const std::string stamp =
        stamp_of(shared_file_paths(environment_)) + environment_("AWS_PROFILE").value_or("");
    if (!from_files_ || stamp != stamp_) {
      from_files_ = from_profile(environment_);
      stamp_ = stamp;
    }
    return *from_files_;
  }

  std::string none_configured() const {
    const SharedFilePaths paths = shared_file_paths(environment_);
    std::string reason = "environment: AWS_ACCESS_KEY_ID is not set; shared files: ";
    if (paths.config.empty() && paths.credentials.empty()) {
      reason += "HOME is not set";
    } else {
      reason += "no keys for the profile in " + in_backticks(paths.credentials) + " or " +
                in_backticks(paths.config);
    }
    for (const char* variable : {"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                 "AWS_CONTAINER_CREDENTIALS_FULL_URI"}) {
      if (!environment_(variable).value_or("").empty())
        reason += std::string{"; "} + variable + " is set, but not supported";
    }
    return reason;
  }

  const Environment environment_;
  std::string stamp_;
  std::optional<Found> from_files_;
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

std::unique_ptr<CredentialsProvider> default_credentials(Environment environment) {
  return std::make_unique<DefaultProvider>(std::move(environment));
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
