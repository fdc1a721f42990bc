#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "aws/base_credentials.hpp"
#include "core/result.hpp"

// AWS profiles that get their credentials from Deputy: sections of the shared configuration file with a
// `credential_process`. https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html,
// .../feature-process-credentials.html
namespace deputy::client {

struct WantedProfile {
  std::string name;                   // see check_profile_name
  std::string credential_process;     // see command_line
  std::optional<std::string> region;  // absent: what is there stays
  bool replace_foreign = false;       // a profile of this name that is not Deputy's loses its settings
};

// Letters, digits and `_ - @ + . % : /`, 64 at most: what every SDK reads without quotes.
Result<void> check_profile_name(const std::string& name);

// The words as one line that every SDK takes apart again as it was: some split it as a shell would, others
// hand it to one. Words with anything but letters, digits and a few harmless signs are put in double quotes;
// those that no quoting keeps for all of them (quotes, `$`, backquotes, backslashes, `!`, `#`, `;`, control
// characters) are refused.
Result<std::string> command_line(const std::vector<std::string>& words);

// The file's text with the profile in it, everything else as it was to the byte. `file` is its name in
// messages. Errors (`invalid_request`, `conflict`): the file is malformed, has the profile twice, or has one
// of this name that is not Deputy's.
Result<std::string> with_profile(const std::string& text, const WantedProfile& wanted,
                                 const std::string& file);

// Writes the profile into the shared configuration file (AWS_CONFIG_FILE, ~/.aws/config, or `file`),
// replacing it whole, keeping its owner and mode; a symbolic link stays one. A new file is private (0600).
// Programs that do the same at the same time wait for each other. False: it was like that already, and
// nothing was written. `conflict` besides, when the credentials file has static keys under this name: they
// would win.
struct WrittenProfile {
  std::filesystem::path file;
  bool changed = false;
};
Result<WrittenProfile> write_profile(const aws::Environment& environment, const std::string& file,
                                     const WantedProfile& wanted);

}  // namespace deputy::client
