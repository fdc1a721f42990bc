#pragma once

#include "core/clock.hpp"
#include "core/task.hpp"
#include "http/message.hpp"
#include "sandbox/sandbox.hpp"

namespace deputy::console {

// Whether a request is for the console rather than for AWS's services: a path below `/console`, unsigned.
bool is_for_console(const http::Request& request);

// A stand-in for the AWS console in front of a sandbox: the screens of README.md. Stateless; a client of the
// sandbox. On the loop's thread; sandbox and clock outlive it, it outlives the tasks of `handle`.
class Console {
 public:
  Console(sandbox::Sandbox& sandbox, const Clock& clock) : sandbox_(sandbox), clock_(clock) {}

  // Answers one request. Never fails: every error is a page.
  Task<http::Response> handle(http::Request request) const;

 private:
  sandbox::Sandbox& sandbox_;
  const Clock& clock_;
};

// What listens for both: the console where it is asked for, else the sandbox.
http::Handler with_console(sandbox::Sandbox& sandbox, const Console& console);

}  // namespace deputy::console
