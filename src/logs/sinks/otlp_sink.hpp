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

// Records [begin, end) of a page.
struct OtlpSlice {
  const SpooledPage* page;
  std::size_t begin, end;
};

struct OtlpSinkOptions {
  std::string url;  // `https://collector:4318/v1/logs`, from the configuration alone
  std::size_t request_bytes_max = std::size_t{4} * 1024 * 1024;  // before compression
  int attempts_max = 5;                                          // for one request; then the runner's pause
  int stuck_tries_max = 5;  // at one record, with a status that says nothing of records
  std::chrono::milliseconds backoff_base{500};
  std::chrono::milliseconds backoff_max{20'000};
};

// OTLP/HTTP in JSON, compressed with gzip. At least once: the event ID is an attribute (`aws.log.event.id`),
// by which a receiver can drop what it has. Pages go together into requests. After a failed delivery it goes
// on with the first record that was not taken.
//
// - 429, 502, 503, 504 and no answer: again, with full jitter, not before Retry-After.
// - A partial success: what was rejected is counted and not sent again, as the protocol demands.
// - 413: again in halves. A record that is refused alone is left out and counted, once the receiver took a
//   plain record of Deputy's own in this delivery; else the sink stands still, and says so.
// - 400 and 422: the receiver is asked whether it takes a plain record of Deputy's own. If not, it is taken
// for
//   misconfigured: the sink stands still, and says so. If so, something in the records is refused: it is
//   found by halving, left out and counted. After each sixteen in a row it is asked again.
// - Any other status: the sink stands still, and says so. Where that is so at the same record for several
// tries,
//   the same question is asked, and asked again before each record that is left out: a receiver that stumbles
//   over one tenant's record must not end collecting for all.
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
  using Part = std::vector<OtlpSlice>;
  enum class Refusal { of_records, of_all };

  std::vector<Part> parts_of(const SpoolBatch& batch) const;
  Task<Result<void>> send_part(Part part);
  Task<Result<void>> send_halves(Part part, int status);
  Task<Result<void>> leave_out(Part part, int status);
  Task<Result<aws::HttpResponse>> exchange(Part part);
  // By a plain record of our own.
  Task<Result<Refusal>> ask();
  Error stands_still(int status, const std::string& body) const;
  bool is_tried_enough(const Part& part);
  void reject(std::uint64_t records, const std::string& why);
  void take(const Part& part);

  const std::string name_;
  EventLoop& loop_;
  WorkPool& pool_;
  Random& random_;
  aws::Transport& transport_;
  const OtlpSinkOptions options_;
  std::stop_source stopping_;
  std::uint64_t rejected_ = 0;
  int refused_in_a_row_ = 0;
  bool looks_for_refused_ = false;  // in this delivery a plain record was taken where these were refused
  bool plain_was_taken_ = false;    // in this delivery
  // How far a delivery that failed had come: everything before this record was taken.
  std::uint64_t taken_sequence_ = 0;
  std::size_t taken_records_ = 0;
  // How often in a row a delivery ended at the same record with a status that says nothing of records.
  std::uint64_t stuck_sequence_ = 0;
  std::size_t stuck_record_ = 0;
  int stuck_tries_ = 0;
};

}  // namespace deputy::logs
