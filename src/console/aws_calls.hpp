#pragma once

#include <pugixml.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "sandbox/sandbox.hpp"

// The console's calls: signed with a user's key and handed to the sandbox like any other request.
namespace deputy::console {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Refusal {
  std::string code;     // AWS's; `NoAnswer` when the sandbox was told to misbehave and did
  std::string message;  // AWS's
};
template <class T>
using Called = boost::outcome_v2::basic_result<T, Refusal, boost::outcome_v2::policy::terminate>;

// An answer of the query protocol. Shared, since a document cannot be copied.
using Xml = std::shared_ptr<const pugi::xml_document>;

// One user in one Region. References outlive the tasks.
class AwsCalls {
 public:
  AwsCalls(sandbox::Sandbox& sandbox, const Clock& clock, sandbox::SignIn user, std::string region,
           std::string remote_address)
      : sandbox_(sandbox),
        clock_(clock),
        user_(std::move(user)),
        region_(std::move(region)),
        remote_address_(std::move(remote_address)) {}

  // The document's element `…Result`.
  Task<Called<Xml>> call(std::string service, std::string action, Fields fields) const;
  // The text of an object at an address as CloudFormation takes it.
  Task<Called<std::string>> object_at(std::string url) const;

  const sandbox::SignIn& user() const { return user_; }
  const std::string& region() const { return region_; }

 private:
  Task<http::Response> send(std::string service, std::string method, std::string target,
                            std::string body) const;

  sandbox::Sandbox& sandbox_;
  const Clock& clock_;
  sandbox::SignIn user_;
  std::string region_;
  std::string remote_address_;
};

// The first element below the answer's `…Result`; an empty node when there is none.
pugi::xml_node result_of(const Xml& answer);

}  // namespace deputy::console
