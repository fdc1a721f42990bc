#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "aws/credentials.hpp"
#include "core/event_loop.hpp"
#include "core/identifiers.hpp"
#include "core/random.hpp"
#include "core/result.hpp"
#include "core/task.hpp"

namespace deputy::aws {

class Endpoints;
class Transport;

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
  // Ends what goes on in the background. Await it before the provider is destroyed; `get` starts nothing any
  // more.
  virtual Task<void> stop() { co_return; }
};

// Always the same ones.
std::unique_ptr<CredentialsProvider> static_credentials(Credentials credentials);

// What finding base credentials takes. The references outlive the provider.
struct BaseCredentialsParts {
  EventLoop& loop;
  const Clock& clock;
  Random& random;
  Transport& transport;
  const Endpoints& endpoints;  // where STS is, for profiles and web identities
  Environment environment;
  std::optional<Region> region;  // where STS is called; absent: as the environment and the profile say
};

// The sources in the order that SDKs use:
//   environment        AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//   shared files       AWS_PROFILE in AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE: static keys,
//   `role_arn`
//                      with `source_profile` or `credential_source`, web identity, `credential_process`
//   web identity       AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME
//   container          AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI
//   instance metadata  EC2's, version 2 only
// The first source that is configured wins; when it is broken, that is the error, never the next source. It
// stays the source for the provider's life, also when it is configured no longer: the service does not turn
// into somebody else. With none, the error lists each source and why it did not serve.
//
// Sessions are renewed in the background from a quarter of an hour before they expire (from a third of their
// life, when they are short), keys in files are read again every ten seconds of use. Callers that have to
// wait join one attempt. What was got stays in use until it expires (keys in a file that became unreadable:
// for a quarter of an hour) when renewing fails; failures are remembered for seconds. The loop is never
// blocked: files and processes have a thread of their own.
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
std::unique_ptr<CredentialsProvider> default_credentials(BaseCredentialsParts parts);

// What came of asking one source.
struct SourceReport {
  enum class Outcome { won, not_configured, broken, not_asked };
  std::string source;
  Outcome outcome = Outcome::not_asked;
  std::string reason;  // of what is not `won`; one line, without secrets
};
struct BaseCredentialsReport {
  std::vector<SourceReport> sources;  // in their order
  // Of the source that won. Not the keys.
  std::string access_key_id;
  std::optional<Timestamp> expires_at;
  bool may_be_role_session = false;
};

// Asks the sources once, as default_credentials does, for people to read. `stop` ends it early. The parts
// outlive the task.
Task<BaseCredentialsReport> explain_base_credentials(const BaseCredentialsParts& parts, std::stop_token stop);

// The Region of AWS_REGION, AWS_DEFAULT_REGION or the profile; nullopt when none says, an error when it is no
// Region or the files cannot be read. Reads files: at the start, or on a pool.
Result<std::optional<Region>> configured_region(const Environment& environment);

}  // namespace deputy::aws
