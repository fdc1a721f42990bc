#include "logs/sinks/otlp_sink.hpp"

#include "logs/sinks/ndjson.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <charconv>
#include <fmt/format.h>
#include <iterator>
#include <stop_token>
#include <zlib.h>

namespace deputy::logs {
namespace {

constexpr std::size_t answer_bytes_max = std::size_t{64} * 1024;
constexpr std::size_t record_overhead = 400;  // of a record's members, about
constexpr int refused_in_a_row_max = 16;
constexpr std::chrono::seconds retry_after_max{60};

void append_attribute(std::string& out, std::string_view name, std::string_view value,
                      bool is_first = false) {
  if (!is_first) out += ',';
  out.append(R"({"key":")").append(name).append(R"(","value":{"stringValue":")");
  append_json_text(out, value);
  out += "\"}}";
}

void append_nanoseconds(std::string& out, EventTime time) {
  fmt::format_to(std::back_inserter(out), "\"{}000000\"",
                 std::max<std::int64_t>(0, time.time_since_epoch().count()));
}

Result<std::string> gzip(const std::string& text) {
  constexpr int gzip_window = 15 + 16;
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return Error{ErrorKind::internal, "log records could not be compressed"};
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (code != Z_STREAM_END) return Error{ErrorKind::internal, "log records could not be compressed"};
  return out;
}

bool is_passing(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

std::chrono::milliseconds retry_after(const aws::HttpResponse& response) {
  const auto header = response.header("retry-after");
  int seconds = 0;
  if (header) std::from_chars(header->data(), header->data() + header->size(), seconds);
  return std::clamp(std::chrono::seconds{seconds}, std::chrono::seconds{0}, retry_after_max);
}

struct PartialSuccess {
  std::uint64_t rejected = 0;
  std::string why;
};
// Numbers of 64 bits are texts in OTLP's JSON, but not all receivers know.
PartialSuccess partial_success(const std::string& body) {
  boost::system::error_code code;
  const auto answer = boost::json::parse(body, code);
  const auto* object = code ? nullptr : answer.if_object();
  const auto* found = object == nullptr ? nullptr : object->if_contains("partialSuccess");
  const auto* partial = found == nullptr ? nullptr : found->if_object();
  PartialSuccess result;
  if (partial == nullptr) return result;
  if (const auto* count = partial->if_contains("rejectedLogRecords")) {
    if (const auto* text = count->if_string()) {
      std::from_chars(text->data(), text->data() + text->size(), result.rejected);
    } else if (count->is_number()) {
      boost::system::error_code no_number;
      result.rejected = count->to_number<std::uint64_t>(no_number);
    }
  }
  if (const auto* why = partial->if_contains("errorMessage"); why != nullptr && why->is_string())
    result.why = std::string{why->get_string().data(), why->get_string().size()};
  return result;
}

}  // namespace

std::string otlp_body(const Origin& origin, const std::vector<Record>& records, std::size_t begin,
                      std::size_t end) {
  std::string out = R"({"resourceLogs":[{"resource":{"attributes":[)";
  append_attribute(out, "cloud.provider", "aws", true);
  append_attribute(out, "cloud.account.id", origin.account.text());
  append_attribute(out, "cloud.region", origin.region.text());
  append_attribute(out, "aws.log.group.name", origin.group);
  append_attribute(out, "deputy.tenant.id", origin.tenant.text());
  append_attribute(out, "deputy.connection.id", origin.connection.text());
  out += R"(]},"scopeLogs":[{"scope":{"name":"deputy"},"logRecords":[)";
  for (std::size_t i = begin; i < end; ++i) {
    const Record& record = records[i];
    if (i != begin) out += ',';
    out += R"({"timeUnixNano":)";
    append_nanoseconds(out, record.timestamp);
    out += R"(,"observedTimeUnixNano":)";
    append_nanoseconds(out, record.ingested);
    out += R"(,"body":{"stringValue":")";
    append_json_text(out, record.message);
    out += R"("},"attributes":[)";
    append_attribute(out, "aws.log.event.id", record.event_id, true);
    append_attribute(out, "aws.log.stream.name", record.stream);
    out += "]}";
  }
  return out + "]}]}]}";
}

OtlpSink::OtlpSink(std::string name, EventLoop& loop, WorkPool& pool, Random& random,
                   aws::Transport& transport, OtlpSinkOptions options)
    : name_(std::move(name)),
      loop_(loop),
      pool_(pool),
      random_(random),
      transport_(transport),
      options_(std::move(options)) {}

Task<Result<void>> OtlpSink::open(std::string) {
  co_return success();
}

std::vector<OtlpSink::Part> OtlpSink::parts_of(const SpoolBatch& batch) const {
  std::vector<Part> parts;
  for (const SpooledPage& spooled : batch.pages) {
    if (spooled.sequence < taken_sequence_) continue;
    const auto& records = spooled.page.records;
    std::size_t begin = spooled.sequence == taken_sequence_ ? std::min(taken_records_, records.size()) : 0;
    while (begin < records.size()) {
      std::size_t end = begin;
      for (std::size_t bytes = 0; end < records.size(); ++end) {
        bytes += records[end].message.size() + record_overhead;
        if (bytes > options_.request_bytes_max && end > begin) break;
      }
      parts.push_back({&spooled, begin, end});
      begin = end;
    }
  }
  return parts;
}

Task<Result<std::string>> OtlpSink::deliver(std::shared_ptr<const SpoolBatch> batch) {
  for (const Part& part : parts_of(*batch)) {
    const std::uint64_t rejected_before = rejected_;
    refused_in_a_row_ = 0;
    auto sent = co_await send_part(part);
    if (!sent) {
      rejected_ = rejected_before;  // it is given again
      co_return std::move(sent).error();
    }
    taken_sequence_ = part.page->sequence;
    taken_records_ = part.end;
  }
  co_return std::string{};
}

// Until it is taken, refused for good, or tried often enough. Without a part: an export of nothing.
Task<Result<aws::HttpResponse>> OtlpSink::exchange(const Part* part) {
  auto work = [part]() -> Result<std::string> {
    static const std::string nothing = R"({"resourceLogs":[]})";
    return gzip(part == nullptr
                    ? nothing
                    : otlp_body(part->page->page.origin, part->page->page.records, part->begin, part->end));
  };
  DEPUTY_CO_TRY(const auto body, co_await run_on(pool_, loop_, work));
  auto pause = options_.backoff_base;
  for (int attempt = 1;; ++attempt) {
    aws::HttpRequest request{.method = "POST", .url = options_.url};
    request.headers = {{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}};
    request.body = body;
    request.response_bytes_max = answer_bytes_max;
    auto answer = co_await transport_.send(std::move(request));
    if (answer && !is_passing(answer.value().status)) co_return answer;
    if (attempt >= options_.attempts_max || stopping_.stop_requested()) {
      if (!answer)
        co_return Error{ErrorKind::upstream_unavailable, "the OTLP receiver cannot be reached",
                        answer.error().detail};
      co_return Error{
          ErrorKind::upstream_unavailable,
          fmt::format("the OTLP receiver answers {}: it takes nothing now", answer.value().status)};
    }
    const auto at_least = answer ? retry_after(answer.value()) : std::chrono::milliseconds{0};
    co_await sleep_for(loop_, at_least + full_jitter(random_, pause), stopping_.get_token());
    pause = std::min(pause * 2, options_.backoff_max);
  }
}

Task<Result<void>> OtlpSink::send_part(Part part) {
  DEPUTY_CO_TRY(const auto answer, co_await exchange(&part));
  if (answer.status >= 200 && answer.status < 300) {
    refused_in_a_row_ = 0;
    const PartialSuccess partial = partial_success(answer.body);
    if (partial.rejected > 0)
      reject(std::min<std::uint64_t>(partial.rejected, part.end - part.begin), partial.why);
    co_return success();
  }
  const std::string why = fmt::format("the OTLP receiver answers {}", answer.status);
  if (answer.status == 413) co_return co_await send_halves(part, why);
  if (answer.status == 400 || answer.status == 422) {
    DEPUTY_CO_TRY(const bool takes, co_await takes_nothing());
    if (takes) co_return co_await send_halves(part, why);
    co_return Error{ErrorKind::upstream_unavailable,
                    why + " even to an export without records: is the sink's address right?", answer.body};
  }
  co_return Error{ErrorKind::upstream_unavailable, why + ": look at the sink's address and at the receiver",
                  answer.body};
}

Task<Result<bool>> OtlpSink::takes_nothing() {
  DEPUTY_CO_TRY(const auto answer, co_await exchange(nullptr));
  co_return answer.status >= 200 && answer.status < 300;
}

// What is refused by itself is left out.
Task<Result<void>> OtlpSink::send_halves(Part part, const std::string& why) {
  if (part.end - part.begin == 1) co_return refused_alone(why);
  const std::size_t middle = part.begin + (part.end - part.begin) / 2;
  DEPUTY_CO_TRY(co_await send_part({part.page, part.begin, middle}));
  co_return co_await send_part({part.page, middle, part.end});
}

// Where one record after the other is refused, it is not for what is in them.
Result<void> OtlpSink::refused_alone(const std::string& why) {
  if (++refused_in_a_row_ >= refused_in_a_row_max)
    return Error{ErrorKind::upstream_unavailable,
                 why + " to one record after the other: look at the receiver"};
  reject(1, why);
  return success();
}

void OtlpSink::reject(std::uint64_t records, const std::string& why) {
  rejected_ += records;
  if (on_rejected) on_rejected(records, why);
}

}  // namespace deputy::logs
