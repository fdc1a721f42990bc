#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "aws/base/credential_source.hpp"
#include "aws/base_credentials.hpp"

namespace deputy::aws {

// The sources in their order. The first that is configured wins, or is the error; once it gave credentials
// the others are never asked again. Keeps no credentials. One call at a time, on the loop's thread.
class CredentialChain {
 public:
  explicit CredentialChain(std::vector<std::unique_ptr<CredentialSource>> sources)
      : sources_(std::move(sources)) {}

  Task<Result<Supply>> fetch(std::stop_token stop);

  // What each source said, the credentials besides.
  struct Look {
    std::vector<SourceReport> reports;
    std::optional<Supply> supply;
  };
  Task<Look> look(std::stop_token stop);

 private:
  const std::vector<std::unique_ptr<CredentialSource>> sources_;
  CredentialSource* winner_ = nullptr;
};

// All sources, in the order that SDKs use.
std::vector<std::unique_ptr<CredentialSource>> all_sources(const SourceContext& context);

}  // namespace deputy::aws
