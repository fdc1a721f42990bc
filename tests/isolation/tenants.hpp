#pragma once

#include "support/registry_fixture.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "aws/sts.hpp"
#include "core/event_loop.hpp"
#include "core/random.hpp"
#include "registry/external_id.hpp"

namespace deputy::isolation {

// What the test knows about each tenant, apart from Deputy: which external IDs were issued to whom, in which
// order, and what was revoked. Thread-safe.
class Tenants {
 public:
  // What may leave Deputy, as it stands on the loop's thread at that very moment: no client could tell what
  // left before a revocation returned from what left after. Touched on that thread alone.
  struct Leaving {
    std::uint64_t revoked_at =
        0;  // calls to STS that had begun by the last revocation: none of theirs leaves
    bool ended = false;
  };
  struct Tenant {
    std::string connection;
    std::string account;
    // Raised after Deputy confirmed: credentials asked for after that must be of this external ID or a later
    // one.
    std::atomic<int> generation = 0;
    std::atomic<bool> ended = false;  // disconnected or given another role; none must be issued after
    Leaving leaving;
  };

  explicit Tenants(std::size_t count) : all_(count) {}
  Tenant& operator[](std::size_t i) { return all_[i]; }
  std::size_t size() const { return all_.size(); }

  void note(const std::string& external_id, std::size_t tenant, int generation) {
    const std::lock_guard lock{mutex_};
    issued_.insert_or_assign(external_id, std::pair{tenant, generation});
  }
  std::optional<std::pair<std::size_t, int>> whose(const std::string& external_id) const {
    const std::lock_guard lock{mutex_};
    const auto found = issued_.find(external_id);
    return found == issued_.end() ? std::nullopt : std::optional{found->second};
  }

 private:
  std::vector<Tenant> all_;
  mutable std::mutex mutex_;
  std::map<std::string, std::pair<std::size_t, int>> issued_;
};

// An STS that says yes to everybody and writes into the credentials what they were made for:
// `ACCOUNT/EXTERNAL-ID/SESSION-NAME`, and into the access key ID which of its calls they are of
// (`first_number` and on). It takes a moment, and fails some.
class TellingSts final : public aws::Sts {
 public:
  TellingSts(EventLoop& loop, const Clock& clock) : loop_(loop), clock_(clock) {}

  Task<aws::AwsResult<aws::AssumedRole>> assume_role(aws::AssumeRoleRequest request, Region,
                                                     aws::Credentials) override {
    const std::uint64_t serial = ++calls;
    co_await sleep_for(loop_, std::chrono::milliseconds{serial % 7}, {});
    if (serial % 97 == 0)
      co_return aws::AwsError{aws::AwsErrorClass::unavailable, 503, "ServiceUnavailable", "", ""};
    const std::string number = std::to_string(first_number + serial);
    const std::string arn = "arn:aws:sts::" + request.role_arn.account().text() + ":assumed-role/" +
                            std::string{request.role_arn.name()} + "/" + request.session_name.text();
    co_return aws::AssumedRole{
        .credentials = {.access_key_id = "ASIAFAKE" + number,
                        .secret_access_key = SecretString{request.role_arn.account().text() + "/" + number},
                        .session_token =
                            SecretString{request.role_arn.account().text() + "/" +
                                         request.external_id->text() + "/" + request.session_name.text()},
                        .expires_at = clock_.now() + request.duration},
        .assumed_role_arn = arn,
        .request_id = "fake"};
  }
  Task<aws::AwsResult<aws::CallerIdentity>> get_caller_identity(Region, aws::Credentials) override {
    co_return aws::AwsError{aws::AwsErrorClass::other, 0, "NotScripted", "", ""};
  }

  static constexpr std::uint64_t first_number = 10'000'000;
  std::atomic<std::uint64_t> calls = 0;

 private:
  EventLoop& loop_;
  const Clock& clock_;
};

}  // namespace deputy::isolation
