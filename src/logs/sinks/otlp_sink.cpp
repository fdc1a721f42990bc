#include "logs/sinks/otlp_sink.hpp"

#include "logs/sinks/ndjson.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <charconv>
#include <fmt/format.h>
#include <iterator>
#include <stop_token>
#include <utility>
#include <zlib.h>

namespace deputy::logs {
namespace {

constexpr std::size_t answer_bytes_max = std::size_t{64} * 1024;
constexpr std::size_t record_overhead = 300;    // of a record's members, at most
constexpr std::size_t origin_overhead = 1'200;  // of a slice's resource, at most
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

void append_record(std::string& out, const Record& record) {
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

void append_slice(std::string& out, const OtlpSlice& slice) {
  const Origin& origin = slice.page->page.origin;
  out += R"({"resource":{"attributes":[)";
  append_attribute(out, "cloud.provider", "aws", true);
  append_attribute(out, "cloud.account.id", origin.account.text());
  append_attribute(out, "cloud.region", origin.region.text());
  append_attribute(out, "aws.log.group.name", origin.group);
  append_attribute(out, "deputy.tenant.id", origin.tenant.text());
  append_attribute(out, "deputy.connection.id", origin.connection.text());
  out += R"(]},"scopeLogs":[{"scope":{"name":"deputy"},"logRecords":[)";
  for (std::size_t i = slice.begin; i < slice.end; ++i) {
    if (i != slice.begin) out += ',';
    append_record(out, slice.page->page.records[i]);
  }
  out += "]}]}";
}

// The body of an export request. Without slices a plain record of our own: what a receiver takes that works.
std::string export_body(const std::vector<OtlpSlice>& part) {
  if (part.empty())
    return R"({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"deputy"}}]},)"
           R"("scopeLogs":[{"scope":{"name":"deputy"},"logRecords":[{"timeUnixNano":"0",)"
           R"("body":{"stringValue":"Deputy asks whether records are taken"},"attributes":[]}]}]}]})";
  std::string out = R"({"resourceLogs":[)";
  for (const OtlpSlice& slice : part) {
    if (&slice != &part.front()) out += ',';
    append_slice(out, slice);
  }
  return out + "]}";
}

// At most, as the request has it: a message of control characters is six times as long there.
std::size_t bytes_of(const Record& record) {
  return json_text_bytes_max(record.message) + json_text_bytes_max(record.stream) +
         json_text_bytes_max(record.event_id) + record_overhead;
}

std::size_t records_in(const std::vector<OtlpSlice>& part) {
  std::size_t sum = 0;
  for (const OtlpSlice& slice : part) sum += slice.end - slice.begin;
  return sum;
}

// The first `count` records, and the others.
std::pair<std::vector<OtlpSlice>, std::vector<OtlpSlice>> split(const std::vector<OtlpSlice>& part,
                                                                std::size_t count) {
  std::pair<std::vector<OtlpSlice>, std::vector<OtlpSlice>> halves;
  for (const OtlpSlice& slice : part) {
    const std::size_t here = std::min(count, slice.end - slice.begin);
    count -= here;
    if (here > 0) halves.first.push_back({slice.page, slice.begin, slice.begin + here});
    if (slice.begin + here < slice.end) halves.second.push_back({slice.page, slice.begin + here, slice.end});
  }
  return halves;
}

bool says_record(int status) {
  return status == 400 || status == 422;
}

}  // namespace

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
  std::size_t bytes = 0;
  for (const SpooledPage& spooled : batch.pages) {
    if (spooled.sequence < taken_sequence_) continue;
    const auto& records = spooled.page.records;
    std::size_t begin = spooled.sequence == taken_sequence_ ? std::min(taken_records_, records.size()) : 0;
    std::size_t at = begin;
    bytes += origin_overhead;
    for (; at < records.size(); ++at) {
      const std::size_t more = bytes_of(records[at]);
      if (parts.empty() || bytes + more > options_.request_bytes_max) {
        if (at > begin) parts.back().push_back({&spooled, begin, at});
        if (parts.empty() || at > begin || !parts.back().empty()) parts.emplace_back();
        begin = at;
        bytes = origin_overhead;
      }
      bytes += more;
    }
    if (at > begin) parts.back().push_back({&spooled, begin, at});
  }
  return parts;
}

Task<Result<std::string>> OtlpSink::deliver(std::shared_ptr<const SpoolBatch> batch) {
  refused_in_a_row_ = 0;
  looks_for_refused_ = false;
  plain_was_taken_ = false;
  for (Part& part : parts_of(*batch)) {
    DEPUTY_CO_TRY(co_await send_part(std::move(part)));
  }
  co_return std::string{};
}

// Until it is taken, refused for good, or tried often enough.
Task<Result<aws::HttpResponse>> OtlpSink::exchange(Part part) {
  auto work = [&part] { return gzip(export_body(part)); };
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
  DEPUTY_CO_TRY(const auto answer, co_await exchange(part));
  if (answer.status >= 200 && answer.status < 300) {
    refused_in_a_row_ = 0;
    const PartialSuccess partial = partial_success(answer.body);
    if (partial.rejected > 0)
      reject(std::min<std::uint64_t>(partial.rejected, records_in(part)), partial.why);
    take(part);
    co_return success();
  }
  if (answer.status == 413) co_return co_await send_halves(std::move(part), answer.status);
  if (!looks_for_refused_) {
    if (!says_record(answer.status) && !is_tried_enough(part))
      co_return stands_still(answer.status, answer.body);
    DEPUTY_CO_TRY(const Refusal refusal, co_await ask());
    if (refusal == Refusal::of_all) co_return stands_still(answer.status, answer.body);
    looks_for_refused_ = true;
  }
  co_return co_await send_halves(std::move(part), answer.status);
}

Error OtlpSink::stands_still(int status, const std::string& body) const {
  return {ErrorKind::upstream_unavailable,
          fmt::format("the OTLP receiver answers {}: look at the sink's address and at the receiver", status),
          body};
}

// Counts the deliveries that ended at the part's first record.
bool OtlpSink::is_tried_enough(const Part& part) {
  const OtlpSlice& first = part.front();
  const bool is_the_same = stuck_sequence_ == first.page->sequence && stuck_record_ == first.begin;
  stuck_sequence_ = first.page->sequence;
  stuck_record_ = first.begin;
  stuck_tries_ = is_the_same ? stuck_tries_ + 1 : 1;
  return stuck_tries_ >= options_.stuck_tries_max;
}

Task<Result<OtlpSink::Refusal>> OtlpSink::ask() {
  DEPUTY_CO_TRY(const auto answer, co_await exchange(Part{}));
  const bool is_taken = answer.status >= 200 && answer.status < 300;
  plain_was_taken_ = plain_was_taken_ || is_taken;
  co_return is_taken ? Refusal::of_records : Refusal::of_all;
}

Task<Result<void>> OtlpSink::send_halves(Part part, int status) {
  const std::size_t records = records_in(part);
  if (records == 1) co_return co_await leave_out(std::move(part), status);
  auto [first, second] = split(part, records / 2);
  DEPUTY_CO_TRY(co_await send_part(std::move(first)));
  co_return co_await send_part(std::move(second));
}

// What is refused by itself. Before the first of a delivery the receiver has to take a plain record: it may
// take nothing at all, and each delivery would lose some. Where one record after the other is refused, it may
// be that it takes nothing any more; and where its status says nothing of records, it may be at any time.
Task<Result<void>> OtlpSink::leave_out(Part part, int status) {
  ++refused_in_a_row_;
  const bool is_of_its_size = status == 413;
  const bool doubtful = !is_of_its_size && !says_record(status);
  if (!plain_was_taken_ || doubtful || refused_in_a_row_ % refused_in_a_row_max == 0) {
    DEPUTY_CO_TRY(const Refusal refusal, co_await ask());
    if (refusal == Refusal::of_all) co_return stands_still(status, "");
  }
  reject(1, fmt::format("the OTLP receiver answers {}", status));
  take(part);
  co_return success();
}

void OtlpSink::reject(std::uint64_t records, const std::string& why) {
  rejected_ += records;
  if (on_rejected) on_rejected(records, why);
}

void OtlpSink::take(const Part& part) {
  taken_sequence_ = part.back().page->sequence;
  taken_records_ = part.back().end;
}

}  // namespace deputy::logs
