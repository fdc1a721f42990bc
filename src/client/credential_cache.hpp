#pragma once

#include "client/private_folder.hpp"

#include <chrono>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

// Credentials kept between two runs of `deputy credentials`: a tool that asks its credential_process before
// each command must not cost a request each. Private to the user; see README.md for what holds.
namespace deputy::client {

// What a credential_process answers.
struct ProcessCredentials {
  std::string access_key_id;
  SecretString secret_access_key;
  SecretString session_token;
  Timestamp expires_at;
};

// Why there were none, as the process that asked would say it.
struct Refusal {
  int status = 1;  // exit status
  std::string message;
};

using Obtained =
    boost::outcome_v2::basic_result<ProcessCredentials, Refusal, boost::outcome_v2::policy::terminate>;

// One name for all that matters to the answer; a different part, or the same text split otherwise, makes
// another name. Shows none of the parts.
std::string cache_key(std::initializer_list<std::string_view> parts);

class CredentialCache {
 public:
  struct Limits {
    std::chrono::seconds life_min = std::chrono::minutes{15};  // as in the server: never handed out with less
    // How long to wait for another process that asks for the same; then this one asks by itself.
    std::chrono::milliseconds join_max = std::chrono::seconds{30};
    std::chrono::milliseconds poll = std::chrono::milliseconds{10};
  };
  // References outlive the cache. `pause` waits so long: the system's sleep, or a test's.
  CredentialCache(PrivateFolder folder, const Clock& clock, Random& random,
                  std::function<void(std::chrono::milliseconds)> pause, Limits limits);

  // What is kept under the key, or what `ask` obtains. Processes that ask for the same key at the same time
  // wait for one of them, and share its answer, a refusal too. What cannot be kept is handed out
  // nevertheless; `warn` hears why.
  Obtained get(const std::string& key, const std::function<Obtained()>& ask,
               const std::function<void(const Error&)>& warn);

 private:
  std::optional<ProcessCredentials> find(const std::string& key,
                                         const std::function<void(const Error&)>& warn) const;
  void keep(const std::string& key, const ProcessCredentials& credentials,
            const std::function<void(const Error&)>& warn) const;
  Result<std::optional<FileDescriptor>> wait_for_turn(const std::string& name) const;

  PrivateFolder folder_;
  const Clock& clock_;
  Random& random_;
  std::function<void(std::chrono::milliseconds)> pause_;
  Limits limits_;
};

}  // namespace deputy::client
