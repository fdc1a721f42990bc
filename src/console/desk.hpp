#pragma once

#include "console/aws_calls.hpp"
#include "console/screens.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace deputy::console {

// One request of a browser: finds the screen, makes the calls that it needs, shows what came of them.
class Desk {
 public:
  Desk(sandbox::Sandbox& sandbox, const Clock& clock, std::string remote_address, Fields fields);

  Task<http::Response> show(std::string path) const;  // GET
  Task<http::Response> act(std::string path) const;   // POST

 private:
  // `/console/as/WHO/KIND/NAME/ACTION` taken apart.
  struct Target {
    std::string who, kind, name, action;
  };
  static std::optional<Target> parse(std::string_view path);

  std::string field(std::string_view name) const;
  // What was filled in for a template's parameters takes the place of their defaults.
  void fill_in(std::vector<Parameter>& parameters) const;
  // All `param_NAME` fields, as CloudFormation's operations take them.
  Fields given_parameters() const;
  std::string region() const;
  std::optional<AwsCalls> calls_as(std::string_view who) const;

  Task<http::Response> quick_create(bool create) const;
  Task<http::Response> filled_in(AwsCalls calls, std::string problem) const;
  Task<http::Response> create_stack(AwsCalls calls) const;
  Task<http::Response> stacks(AwsCalls calls) const;
  Task<http::Response> stack(AwsCalls calls, std::string name) const;
  Task<http::Response> update_stack(AwsCalls calls, std::string name) const;
  Task<http::Response> delete_stack(AwsCalls calls, std::string name) const;
  Task<http::Response> roles(AwsCalls calls, std::string problem) const;
  Task<http::Response> create_role(AwsCalls calls) const;
  Task<http::Response> role(AwsCalls calls, std::string name, std::string problem, std::string done) const;
  Task<http::Response> update_role(AwsCalls calls, std::string name) const;

  sandbox::Sandbox& sandbox_;
  const Clock& clock_;
  std::string remote_address_;
  Fields fields_;
  std::vector<sandbox::SignIn> users_;
};

http::Response problem_page(int status, std::string_view title, std::string_view text);

}  // namespace deputy::console
