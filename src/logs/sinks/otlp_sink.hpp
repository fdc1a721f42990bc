#pragma once

#include "logs/sink.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "aws/transport.hpp"
#include "core/event_loop.hpp"
#include "core/random.hpp"
#include "core/work_pool.hpp"

namespace deputy::logs {

struct OtlpSinkOptions {
  std::string url;  // `https://collector:4318/v1/logs`, from the configuration alone
  std::size_t request_bytes_max = std::size_t{4} * 1024 * 1024;  // before compression
  int attempts_max = 5;                                          // for one request; then the runner's pause
  std::chrono::milliseconds backoff_base{500};
  std::chrono::milliseconds backoff_max{20'000};
};

// OTLP/HTTP in JSON, compressed with gzip. At least once: the event ID is an attribute (`aws.log.event.id`),
// by which a receiver can drop what it has. After a failed delivery it goes on with the first request that
// was not taken.
//
// - 429, 502, 503, 504 and no answer: again, with full jitter, not before Retry-After.
// - A partial success: what was rejected is counted and not sent again, as the protocol demands.
// - 413: again in halves.
// - 400 and 422: when an export without records is refused as well, the receiver is taken for misconfigured:
//   the sink stands still, and says so. Otherwise something in the records is refused: it is found by
//   halving, left out and counted.
// - Any other status: the sink stands still, and says so.
//
// https://opentelemetry.io/docs/specs/otlp/#otlphttp
class OtlpSink final : public Sink {
 public:
  OtlpSink(std::string name, EventLoop& loop, WorkPool& pool, Random& random, aws::Transport& transport,
           OtlpSinkOptions options);

  const std::string& name() const override { return name_; }
  Task<Result<void>> open(std::string beside) override;
  Task<Result<std::string>> deliver(std::shared_ptr<const SpoolBatch> batch) override;

  void request_stop() override { stopping_.request_stop(); }

  // `on_rejected` hears of each refusal.
  std::uint64_t refused() const override { return rejected_; }
  std::function<void(std::uint64_t records, const std::string& why)> on_rejected;

 private:
  // Records [begin, end) of a page.
  struct Part {
    const SpooledPage* page;
    std::size_t begin, end;
  };
  std::vector<Part> parts_of(const SpoolBatch& batch) const;
  Task<Result<void>> send_part(Part part);
  Task<Result<void>> send_halves(Part part, const std::string& why);
  Task<Result<aws::HttpResponse>> exchange(const Part* part);
  Task<Result<bool>> takes_nothing();
  Result<void> refused_alone(const std::string& why);
  void reject(std::uint64_t records, const std::string& why);

  const std::string name_;
  EventLoop& loop_;
  WorkPool& pool_;
  Random& random_;
  aws::Transport& transport_;
  const OtlpSinkOptions options_;
  std::stop_source stopping_;
  std::uint64_t rejected_ = 0;
  int refused_in_a_row_ = 0;
  // How far a delivery that failed had come: everything before this record was taken.
  std::uint64_t taken_sequence_ = 0;
  std::size_t taken_records_ = 0;
};

// The body of an export request, before compression. For tests as well.
std::string otlp_body(const Origin& origin, const std::vector<Record>& records, std::size_t begin,
                      std::size_t end);

}  // namespace deputy::logs
