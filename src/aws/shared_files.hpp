#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aws/base_credentials.hpp"
#include "core/result.hpp"

// The shared files of AWS's tools: AWS_CONFIG_FILE (~/.aws/config) and AWS_SHARED_CREDENTIALS_FILE
// (~/.aws/credentials). Reading blocks: at the start, or on a pool.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
namespace deputy::aws {

// One profile: the settings of both files, where those of the credentials file win.
struct Profile {
  std::string name;
  std::map<std::string, std::string> settings;  // names in lower case; values may be secrets

  Profile() = default;
  Profile(Profile&&) = default;
  Profile& operator=(Profile&&) = default;
  ~Profile();  // wipes the values

  // nullptr when it is absent or empty.
  const std::string* find(const std::string& setting) const;
};

// Empty: there is no home to look in.
struct SharedFilePaths {
  std::string config;
  std::string credentials;
};
SharedFilePaths shared_file_paths(const Environment& environment);

// Every profile of both files.
struct SharedProfiles {
  SharedFilePaths paths;
  std::map<std::string, Profile> by_name;

  // nullptr when it is in neither file.
  const Profile* find(const std::string& name) const;
  // That a profile which was asked for is in neither file (`invalid_request`).
  Error missing(const std::string& name) const;
};

// Errors (`invalid_request`, naming file and line, never a value): a file that cannot be read, is malformed,
// or is larger than a mebibyte.
Result<SharedProfiles> read_profiles(const Environment& environment);

// AWS_PROFILE, or `default`.
std::string profile_name(const Environment& environment);

// The profile of AWS_PROFILE, or `default`. nullopt when no profile was asked for and there is no `default`.
// Errors: those of read_profiles, and a profile that was asked for and is in neither file.
Result<std::optional<Profile>> read_profile(const Environment& environment);

enum class SharedFileKind { config, credentials };
// The sections of one file by profile. Sections that are not profiles are skipped.
Result<std::map<std::string, std::map<std::string, std::string>>> parse_shared_file(const std::string& text,
                                                                                    SharedFileKind kind,
                                                                                    const std::string& file);

}  // namespace deputy::aws
