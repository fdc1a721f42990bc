#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/credentials.hpp"
#include "core/identifiers.hpp"
#include "core/result.hpp"
#include "core/task.hpp"

namespace deputy::aws {

// How a process sees its environment variables; tests give their own.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

// The partner's own identity, which signs AssumeRole. `get` returns credentials that are still good for a
// while. Implementations are used on one loop's thread. Errors are `upstream_unavailable`; the message is for
// clients, the reason is in the detail.
class CredentialsProvider {
 public:
  virtual ~CredentialsProvider() = default;
  virtual Task<Result<Credentials>> get() = 0;
};

// Always the same ones.
std::unique_ptr<CredentialsProvider> static_credentials(Credentials credentials);

// The sources in the order that SDKs use; here: the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
// AWS_SESSION_TOKEN), then the shared files (AWS_PROFILE, AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE,
// ~/.aws; static keys of a profile). The first source that is configured wins; when it is broken, that is the
// error, never the next source. With none, the error lists each source and why it did not serve. Files are
// read again when they change: two stat(2) a call, and a read after a change.
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
std::unique_ptr<CredentialsProvider> default_credentials(Environment environment);

// The Region of AWS_REGION, AWS_DEFAULT_REGION or the profile; nullopt when none says, an error when it is no
// Region or the files cannot be read.
Result<std::optional<Region>> configured_region(const Environment& environment);

}  // namespace deputy::aws
