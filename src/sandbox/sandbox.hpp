#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aws/credentials.hpp"
#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/random.hpp"
#include "core/task.hpp"
#include "http/message.hpp"
#include "sandbox/misbehaviour.hpp"
#include "sandbox/seed.hpp"

namespace deputy::sandbox {

// A user with a key, for who acts as that user: the console's stand-in.
struct SignIn {
  std::string account, account_name, user;
  aws::Credentials credentials;
};

// A small, strict AWS in one object: STS, IAM, CloudFormation, S3 and CloudWatch Logs for many accounts,
// spoken to as AWS is. README.md lists what it serves; all else is refused with AWS's codes. Every call's
// signature is verified and every call is authorized by the policy engine.
//
// Besides, `GET|PUT|DELETE /_sandbox/misbehaviour` shows, replaces and ends the misbehaviour: unsigned, so
// the listener belongs on loopback.
//
// Used on one loop's thread. Clock, random and loop outlive it; it outlives the tasks of `handle`. Nothing is
// kept on disk.
class Sandbox {
 public:
  // Of a request's body: a megabyte of log events may be six of JSON, and more.
  static constexpr std::size_t body_bytes_max = std::size_t{8} * 1024 * 1024;

  Sandbox(Clock& clock, Random& random, EventLoop& loop);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  // Adds accounts. `conflict` for one that is there already, `invalid_request` for what AWS would refuse too.
  // After an error a part may have been added.
  Result<void> apply(const Seed& seed);

  // Answers one request; waits only when it is told to answer late.
  Task<http::Response> handle(http::Request request);

  // Every user that has a key, by account and name.
  std::vector<SignIn> sign_ins() const;

  // Replaces what was set before.
  void set_misbehaviour(Misbehaviour misbehaviour);
  const Misbehaviour& misbehaviour() const;

  // Answers that wait go out at once.
  void request_stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deputy::sandbox
