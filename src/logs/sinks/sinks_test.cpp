#include "logs/sinks/file_sink.hpp"
#include "logs/sinks/ndjson.hpp"
#include "logs/sinks/otlp_sink.hpp"
#include "logs/sinks/sink_runner.hpp"
#include "logs/sinks/stream_sink.hpp"
#include "sqlite/connection.hpp"
#include "support/fake_random.hpp"
#include "support/fake_transport.hpp"
#include "support/log_records.hpp"
#include "support/manual_loop.hpp"
#include "support/temporary_folder.hpp"

#include <boost/json.hpp>
#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

namespace deputy::logs {
namespace {

std::string json_of(std::string_view text) {
  std::string out;
  append_json_text(out, text);
  return out;
}

TEST(Ndjson, IsJsonWhateverTheMessageIs) {
  EXPECT_EQ(json_of("plain text of more than eight bytes"), "plain text of more than eight bytes");
  EXPECT_EQ(json_of("\"q\" \\ \n\t\r"), R"(\"q\" \\ \n\t\r)");
  constexpr std::string_view hostile{"a\0b\x1b[31m\x7f", 9};
  EXPECT_EQ(json_of(hostile), R"(a\u0000b\u001b[31m\u007f)");
  EXPECT_EQ(json_of("\xc2\x9b"
                    "31m \xc3\xa9 \xf0\x9f\x98\x80"),
            "\\u009b31m \xc3\xa9 \xf0\x9f\x98\x80");
  EXPECT_EQ(json_of("\xff\xc3(\xed\xa0\x80"),
            "\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  // Every byte at every place of a word of eight.
  for (int byte = 0; byte < 256; ++byte)
    for (std::size_t place = 0; place < 9; ++place) {
      std::string text(17, 'x');
      text[place] = static_cast<char>(byte);
      boost::system::error_code code;
      const auto read = boost::json::parse("\"" + json_of(text) + "\"", code);
      ASSERT_FALSE(code) << byte;
      const std::string back{read.as_string().c_str(), read.as_string().size()};
      EXPECT_EQ(back, byte < 0x80 ? text : text.substr(0, place) + "\xef\xbf\xbd" + text.substr(place + 1));
    }
}

TEST(Ndjson, HasALineForEachRecord) {
  OwnedRecords records;
  records.add("1", 1'795'827'723'004, "hello", "s\"1").add("2", -5, "", "s2");
  std::string out;
  append_ndjson(out, an_origin('a', "/g"), records.records());
  EXPECT_EQ(
      out,
      R"({"timestamp":"2026-11-28T01:02:03.004Z","ingested_at":"2026-11-28T01:02:03.009Z",)"
      R"("tenant_id":"ten_aaaaaaaaaaaaaaaaaaaaaaaa","connection_id":"con_aaaaaaaaaaaaaaaaaaaaaaaa",)"
      R"("account_id":"111111111111","region":"eu-central-1","group":"/g","stream":"s\"1","event_id":"1","message":"hello"})"
      "\n"
      R"({"timestamp":"1970-01-01T00:00:00.000Z","ingested_at":"1970-01-01T00:00:00.000Z",)"
      R"("tenant_id":"ten_aaaaaaaaaaaaaaaaaaaaaaaa","connection_id":"con_aaaaaaaaaaaaaaaaaaaaaaaa",)"
      R"("account_id":"111111111111","region":"eu-central-1","group":"/g","stream":"s2","event_id":"2","message":""})"
      "\n");
}

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

// All frames, one after the other.
std::string unpacked(const std::string& frames) {
  std::string out(std::size_t{1} << 20, '\0');
  ZSTD_DStream* stream = ZSTD_createDStream();
  ZSTD_inBuffer in{frames.data(), frames.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  while (in.pos < in.size && ZSTD_isError(ZSTD_decompressStream(stream, &to, &in)) == 0) {
  }
  ZSTD_freeDStream(stream);
  out.resize(to.pos);
  return out;
}

class Sinks : public testing::Test {
 protected:
  std::shared_ptr<const SpoolBatch> batch(std::initializer_list<std::string> messages,
                                          const Origin& origin = an_origin()) {
    OwnedRecords records;
    for (const std::string& message : messages) {
      ++event_;
      records.add(fmt::format("e{}", event_), 1'000 + event_, message);
    }
    std::vector<char> encoded;
    encode_page(origin, records.records(), encoded);
    auto made = std::make_shared<SpoolBatch>();
    made->pages.push_back({++sequence_, decode_page(std::move(encoded)).value()});
    return made;
  }
  std::string deliver(Sink& sink, const std::shared_ptr<const SpoolBatch>& wanted) {
    auto delivered = loop_.run_through_time(sink.deliver(wanted));
    EXPECT_TRUE(delivered.has_value()) << delivered.error().message << delivered.error().detail;
    return delivered ? delivered.value() : "";
  }
  void open(Sink& sink, const std::string& beside) {
    const auto opened = loop_.run(sink.open(beside));
    ASSERT_TRUE(opened.has_value()) << opened.error().message << opened.error().detail;
  }
  std::unique_ptr<FileSink> file_sink(FileSinkOptions options = {}) {
    options.directory = folder_.path() / "out";
    return std::make_unique<FileSink>("files", loop_, pool_, clock_, std::move(options));
  }
  std::string file(int number, std::string_view ending = "") {
    return content_of(folder_.path() / "out" / fmt::format("deputy-logs-{:010}.ndjson{}", number, ending));
  }
  static std::size_t lines(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }

  void settle() {
    for (int i = 0; i < 40; ++i) {
      auto barrier = [this]() -> Task<void> {
        [[maybe_unused]] const auto done =
            co_await run_on(pool_, loop_, [] { return Result<void>{success()}; });
      };
      loop_.run(barrier());
      loop_.run_ready();
    }
  }

  TemporaryFolder folder_;
  FakeClock clock_;
  ManualLoop loop_{clock_};
  SystemRandom random_;
  WorkPool pool_{{.threads = 1}};
  std::uint64_t sequence_ = 0;
  int event_ = 0;
};

TEST_F(Sinks, AFileIsCutBackToWhatWasAcknowledged) {
  std::string beside;
  for (const bool zstd : {false, true}) {
    const std::string ending = zstd ? ".zst" : "";
    const int number = zstd ? 2 : 1;
    auto sink = file_sink({.zstd = zstd});
    open(*sink, "");
    beside = deliver(*sink, batch({"one", "two"}));
    const auto lost = batch({"three"});
    deliver(*sink, lost);  // and then the process ends: its place was never kept
    sink = file_sink({.zstd = zstd});
    open(*sink, beside);
    beside = deliver(*sink, lost);
    const std::string content = zstd ? unpacked(file(number, ending)) : file(number);
    EXPECT_EQ(lines(content), 3U) << content;
    EXPECT_NE(content.find("three"), std::string::npos);
    struct stat about{};
    ASSERT_EQ(
        ::stat((folder_.path() / "out" / fmt::format("deputy-logs-{:010}.ndjson{}", number, ending)).c_str(),
               &about),
        0);
    EXPECT_EQ(about.st_mode & 0777U, 0600U);
  }
}

TEST_F(Sinks, TheFirstDeliveryIsCutAwayToo) {
  auto sink = file_sink();
  open(*sink, "");
  const std::string place = sink->place();
  const auto lost = batch({"one", "two"});
  deliver(*sink, lost);  // and then the process ends
  sink = file_sink();
  open(*sink, place);
  EXPECT_EQ(file(1), "");
  deliver(*sink, lost);
  EXPECT_EQ(lines(file(1)), 2U);
}

TEST_F(Sinks, FilesOfADeliveryThatWasNeverAcknowledgedAreRemoved) {
  auto sink = file_sink({.rotate_bytes = 100});
  open(*sink, "");
  const std::string beside = deliver(*sink, batch({"one"}));
  deliver(*sink, batch({"two"}));
  deliver(*sink, batch({"three"}));
  EXPECT_EQ(lines(file(3)), 1U);
  sink = file_sink({.rotate_bytes = 100});
  open(*sink, beside);
  EXPECT_EQ(lines(file(1)), 1U);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "out/deputy-logs-0000000002.ndjson"));
  deliver(*sink, batch({"two"}));
  EXPECT_EQ(lines(file(2)), 1U);
  // A new cursor leaves alone what is there.
  sink = file_sink();
  open(*sink, "");
  deliver(*sink, batch({"of another spool"}));
  EXPECT_EQ(lines(file(2)), 1U);
  EXPECT_EQ(lines(file(3)), 1U);
}

TEST_F(Sinks, AFolderIsOfOneSinkAtATime) {
  auto first = file_sink();
  open(*first, "");
  const std::string beside = deliver(*first, batch({"one"}));
  auto second = file_sink();
  const auto refused = loop_.run(second->open("1 0 0"));  // as its cursor of yesterday says
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_EQ(lines(file(1)), 1U);
  open(*first, beside);  // it stands in nobody's way but others'
  first.reset();
  open(*second, "");
}

// A file that has a later one may be taken away: none of it may be unacknowledged then.
TEST_F(Sinks, ADeliveryLiesInOneFile) {
  auto sink = file_sink({.rotate_bytes = 100});
  open(*sink, "");
  deliver(*sink, batch({"one"}));
  const std::string large(1'100'000, 'x');  // written by itself
  auto three = std::make_shared<SpoolBatch>();
  for (int i = 0; i < 3; ++i) {
    OwnedRecords records;
    records.add(std::to_string(i), i, large);
    std::vector<char> encoded;
    encode_page(an_origin(), records.records(), encoded);
    three->pages.push_back({++sequence_, decode_page(std::move(encoded)).value()});
  }
  deliver(*sink, three);
  EXPECT_EQ(lines(file(1)), 1U);
  EXPECT_EQ(lines(file(2)), 3U);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "out/deputy-logs-0000000003.ndjson"));
}

TEST_F(Sinks, FilesAreRotatedByTime) {
  auto sink = file_sink({.rotate_after = std::chrono::minutes{10}});
  open(*sink, "");
  deliver(*sink, batch({"one"}));
  clock_.advance(std::chrono::minutes{9});
  deliver(*sink, batch({"two"}));
  clock_.advance(std::chrono::minutes{1});
  deliver(*sink, batch({"three"}));
  EXPECT_EQ(lines(file(1)), 2U);
  EXPECT_EQ(lines(file(2)), 1U);
}

TEST_F(Sinks, AFileThatIsShorterThanAcknowledgedIsNotGoneOnWith) {
  auto sink = file_sink();
  open(*sink, "");
  const std::string beside = deliver(*sink, batch({"one"}));
  std::filesystem::resize_file(folder_.path() / "out/deputy-logs-0000000001.ndjson", 5);
  sink = file_sink();
  EXPECT_TRUE(loop_.run(sink->open(beside)).has_error());
  std::filesystem::remove(folder_.path() / "out/deputy-logs-0000000001.ndjson");  // shipped, say
  open(*sink, beside);
  deliver(*sink, batch({"two"}));
  EXPECT_EQ(lines(file(2)), 1U);
}

TEST_F(Sinks, AFullDiskLosesNothing) {
  auto sink = file_sink();
  open(*sink, "");
  const std::string beside = deliver(*sink, batch({"one"}));
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tiny{1'000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &tiny);
  const auto large = batch({std::string(3'000, 'x')});
  const auto refused = loop_.run(sink->deliver(large));
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().kind, ErrorKind::overloaded);
  open(*sink, beside);
  deliver(*sink, large);
  const std::string content = file(1);
  EXPECT_EQ(lines(content), 2U);
  EXPECT_EQ(content.find("\"timestamp\"", content.find(std::string(3'000, 'x'))), std::string::npos);
}

// ── OTLP ──

boost::json::value body_of(const aws::HttpRequest& request) {
  EXPECT_EQ(header_of(request, "Content-Encoding"), "gzip");
  std::string out(std::size_t{1} << 20, '\0');
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(request.body.data()));
  stream.avail_in = static_cast<uInt>(request.body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return boost::json::parse(out);
}
std::vector<std::string> messages_of(const aws::HttpRequest& request) {
  std::vector<std::string> messages;
  const auto body = body_of(request);
  for (const auto& resource : body.at("resourceLogs").as_array())
    for (const auto& record : resource.at("scopeLogs").at(0).at("logRecords").as_array())
      messages.emplace_back(record.at("body").at("stringValue").as_string().c_str());
  return messages;
}
using Messages = std::vector<std::string>;

class Otlp : public Sinks {
 protected:
  static constexpr std::string_view question = "Deputy asks whether records are taken";

  // A receiver that keeps what it takes; refuses what holds `poison`.
  FakeTransport::Answer receiver(int refusal = 400) {
    return [this, refusal](const aws::HttpRequest& request) -> Result<aws::HttpResponse> {
      const Messages messages = messages_of(request);
      for (const std::string& one : messages)
        if (one.find("poison") != std::string::npos) return aws::HttpResponse{refusal, {}, "bad record"};
      if (messages == Messages{std::string{question}}) {
        ++asked_;
        return aws::HttpResponse{200, {}, "{}"};
      }
      taken_.insert(taken_.end(), messages.begin(), messages.end());
      return aws::HttpResponse{200, {}, "{}"};
    };
  }
  FakeTransport transport_;
  OtlpSink sink_{"otlp", loop_, pool_, random_, transport_, {.url = "https://otel.example:4318/v1/logs"}};
  Messages taken_;
  int asked_ = 0;
};

TEST_F(Otlp, SendsWhatTheProtocolSays) {
  transport_.then(200, "{}");
  deliver(sink_, batch({"hello \x1b \xff"}));
  ASSERT_EQ(transport_.requests.size(), 1U);
  const auto& request = transport_.requests[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "https://otel.example:4318/v1/logs");
  EXPECT_EQ(header_of(request, "Content-Type"), "application/json");
  const auto body = body_of(request);
  const auto& resource = body.at("resourceLogs").at(0);
  EXPECT_EQ(resource.at("resource").at("attributes").at(1),
            boost::json::parse(R"({"key":"cloud.account.id","value":{"stringValue":"111111111111"}})"));
  const auto& record = resource.at("scopeLogs").at(0).at("logRecords").at(0);
  EXPECT_EQ(record.at("timeUnixNano"), "1001000000");
  EXPECT_EQ(record.at("observedTimeUnixNano"), "1006000000");
  EXPECT_EQ(record.at("body").at("stringValue"), "hello \x1b \xef\xbf\xbd");
  EXPECT_EQ(record.at("attributes").at(0),
            boost::json::parse(R"({"key":"aws.log.event.id","value":{"stringValue":"e1"}})"));
}

TEST_F(Otlp, TriesAgainWhatMayPassAndNotBeforeItIsTold) {
  transport_.then(503, "");
  transport_.then_no_answer("Timeout");
  transport_.then(429, "", {{"retry-after", "7"}});
  transport_.otherwise = receiver();
  const auto before = clock_.steady_now();
  deliver(sink_, batch({"one"}));
  EXPECT_EQ(transport_.requests.size(), 4U);
  EXPECT_GE(clock_.steady_now() - before, std::chrono::seconds{7});
  EXPECT_EQ(taken_, (Messages{"one"}));
}

TEST_F(Otlp, DoesNotSendAgainWhatAPartialSuccessRejected) {
  transport_.then(200, R"({"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"too old"}})");
  std::string why;
  sink_.on_rejected = [&](std::uint64_t, const std::string& reason) { why = reason; };
  deliver(sink_, batch({"one", "two"}));
  EXPECT_EQ(transport_.requests.size(), 1U);
  EXPECT_EQ(sink_.refused(), 1U);
  EXPECT_EQ(why, "too old");
}

TEST_F(Otlp, GoesOnWithWhatWasNotTaken) {
  OtlpSink sink{"otlp",  loop_,      pool_,
                random_, transport_, {.url = "https://x.example/v1/logs", .request_bytes_max = 450}};
  const auto three = batch({"one", "two", "three"});  // one to a request
  transport_.answers = {receiver()};
  transport_.otherwise = FakeTransport::always(503, "");
  EXPECT_TRUE(loop_.run_through_time(sink.deliver(three)).has_error());
  transport_.otherwise = receiver();
  deliver(sink, three);
  EXPECT_EQ(taken_, (Messages{"one", "two", "three"}));
}

TEST_F(Otlp, LeavesOutARecordThatIsRefusedAlone) {
  transport_.otherwise = receiver();
  deliver(sink_, batch({"one", "two", "poison", "four", "five", "six", "seven"}));
  EXPECT_EQ(taken_, (Messages{"one", "two", "four", "five", "six", "seven"}));
  EXPECT_EQ(sink_.refused(), 1U);
  EXPECT_EQ(asked_, 1);
}

// However many of one tenant's records a receiver refuses, those of the others arrive.
TEST_F(Otlp, LeavesOutAnyNumberOfRecordsInARow) {
  transport_.otherwise = receiver();
  auto wanted = std::make_shared<SpoolBatch>();
  for (const char letter : {'a', 'b'}) {
    OwnedRecords records;
    for (int i = 0; i < 40; ++i)
      records.add(fmt::format("{}{}", letter, i), 1'000 + i, letter == 'a' ? "poison" : "good");
    std::vector<char> encoded;
    encode_page(an_origin(letter), records.records(), encoded);
    wanted->pages.push_back({++sequence_, decode_page(std::move(encoded)).value()});
  }
  deliver(sink_, wanted);
  EXPECT_EQ(taken_, Messages(40, "good"));
  EXPECT_EQ(sink_.refused(), 40U);
  EXPECT_EQ(asked_, 3);
}

// A status that says nothing of records: only where a plain record is taken, time and again, is it the record.
TEST_F(Otlp, LeavesOutARecordOverWhichTheReceiverStumbles) {
  for (const int status : {403, 500}) {
    const std::uint64_t before = sink_.refused();
    taken_.clear();
    asked_ = 0;
    transport_.otherwise = receiver(status);
    const auto wanted = batch({"one", "poison", "three"});
    for (int tries = 1; tries < 5; ++tries)
      EXPECT_TRUE(loop_.run_through_time(sink_.deliver(wanted)).has_error()) << tries;
    EXPECT_EQ(asked_, 0);
    deliver(sink_, wanted);
    EXPECT_EQ(taken_, (Messages{"one", "three"}));
    EXPECT_EQ(sink_.refused(), before + 1);
  }
  const std::uint64_t before = sink_.refused();
  transport_.otherwise = FakeTransport::always(500, "");
  const auto wanted = batch({"one", "two"});
  for (int tries = 1; tries < 20; ++tries)
    EXPECT_TRUE(loop_.run_through_time(sink_.deliver(wanted)).has_error()) << tries;
  EXPECT_EQ(sink_.refused(), before);
}

TEST_F(Otlp, PutsPagesOfSeveralGroupsIntoOneRequest) {
  transport_.otherwise = receiver();
  auto wanted = std::make_shared<SpoolBatch>();
  for (const char* group : {"/one", "/two", "/three"}) {
    OwnedRecords records;
    records.add("e", 1, group);
    std::vector<char> encoded;
    encode_page(an_origin('a', group), records.records(), encoded);
    wanted->pages.push_back({++sequence_, decode_page(std::move(encoded)).value()});
  }
  deliver(sink_, wanted);
  ASSERT_EQ(transport_.requests.size(), 1U);
  const auto body = body_of(transport_.requests[0]);
  ASSERT_EQ(body.at("resourceLogs").as_array().size(), 3U);
  EXPECT_EQ(body.at("resourceLogs").at(1).at("resource").at("attributes").at(3),
            boost::json::parse(R"({"key":"aws.log.group.name","value":{"stringValue":"/two"}})"));
  EXPECT_EQ(taken_, (Messages{"/one", "/two", "/three"}));
  // No request is larger than it may be.
  OtlpSink small{"otlp",  loop_,      pool_,
                 random_, transport_, {.url = "https://x.example/v1/logs", .request_bytes_max = 2'200}};
  taken_.clear();
  deliver(small, wanted);
  EXPECT_EQ(transport_.requests.size(), 3U);
  EXPECT_EQ(taken_, (Messages{"/one", "/two", "/three"}));
}

TEST_F(Otlp, StandsStillBeforeAReceiverThatRefusesEverything) {
  for (const int status : {400, 401, 404}) {
    transport_.otherwise = FakeTransport::always(status, "no");
    const auto refused = loop_.run_through_time(sink_.deliver(batch({"one", "two"})));
    ASSERT_TRUE(refused.has_error()) << status;
    EXPECT_NE(refused.error().message.find(std::to_string(status)), std::string::npos);
  }
  // It takes nothing, and refuses each record: not for what is in them.
  transport_.otherwise = [](const aws::HttpRequest& request) -> Result<aws::HttpResponse> {
    return aws::HttpResponse{messages_of(request).empty() ? 200 : 400, {}, ""};
  };
  OwnedRecords many;
  auto wanted =
      batch({"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17"});
  EXPECT_TRUE(loop_.run_through_time(sink_.deliver(wanted)).has_error());
  EXPECT_EQ(sink_.refused(), 0U);
  transport_.otherwise = receiver();
  deliver(sink_, wanted);
  EXPECT_EQ(taken_.size(), 17U);
}

// ── the runner ──

class ScriptedSink final : public Sink {
 public:
  ScriptedSink(std::string name, bool& is_down) : name_(std::move(name)), is_down_(is_down) {}
  const std::string& name() const override { return name_; }
  Task<Result<void>> open(std::string beside) override {
    got.resize(beside.empty() ? 0 : std::stoul(beside));
    co_return success();
  }
  Task<Result<std::string>> deliver(std::shared_ptr<const SpoolBatch> wanted) override {
    if (is_down_) co_return Error{ErrorKind::upstream_unavailable, "down"};
    for (const auto& page : wanted->pages)
      for (const auto& record : page.page.records) got.emplace_back(record.message);
    co_return std::to_string(got.size());
  }
  std::string place() const override { return std::to_string(got.size()); }
  std::vector<std::string> got;

 private:
  const std::string name_;
  bool& is_down_;
};

TEST_F(Sinks, OneThatIsDownNeitherLosesNorHoldsUpAnother) {
  auto spool = Spool::open({.directory = folder_.path() / "spool"}).value();
  ASSERT_TRUE(spool->attach("of yesterday").has_value());
  bool up = false;
  bool down = true;
  auto first = std::make_unique<ScriptedSink>("up", up);
  auto second = std::make_unique<ScriptedSink>("down", down);
  auto* const good = first.get();
  auto* const bad = second.get();
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::move(first));
  sinks.push_back(std::move(second));
  SinkRunner runner{{loop_, clock_, random_, pool_, *spool}, std::move(sinks)};
  runner.start();
  const auto append = [&](std::string_view message) {
    OwnedRecords records;
    records.add("e", 1, std::string{message});
    ASSERT_TRUE(spool->append(an_origin(), records.records()).has_value());
  };
  settle();
  append("one");
  append("two");
  settle();
  EXPECT_EQ(good->got, (Messages{"one", "two"}));
  EXPECT_TRUE(bad->got.empty());
  ASSERT_TRUE(runner.status()[1].trouble.has_value());
  EXPECT_EQ(runner.status()[1].trouble->message, "down");
  EXPECT_GE(runner.status()[1].failures, 1U);
  down = false;
  loop_.advance(std::chrono::minutes{1});
  settle();
  EXPECT_EQ(bad->got, (Messages{"one", "two"}));
  EXPECT_FALSE(runner.status()[1].trouble.has_value());
  EXPECT_EQ(runner.status()[0].records, 2U);
  const auto known = spool->sinks().value();
  EXPECT_EQ(known.size(), 2U);  // the cursor of one that is not configured is forgotten
  loop_.run(runner.stop());
}

// The spool keeps pages for sinks that have cursors: one that cannot get its own yet must not find them gone.
TEST_F(Sinks, NoneIsFedBeforeAllHaveCursors) {
  auto spool = Spool::open({.directory = folder_.path() / "spool"}).value();
  OwnedRecords records;
  records.add("e", 1, "one");
  ASSERT_TRUE(spool->append(an_origin(), records.records()).has_value());
  auto books = sqlite::Connection::open(folder_.path() / "spool/spool.db",
                                        sqlite::Connection::Access::read_write, std::chrono::seconds{1})
                   .value();
  ASSERT_TRUE(books->execute("CREATE TRIGGER no_cursor BEFORE INSERT ON sinks WHEN NEW.name = 'second' BEGIN "
                             "SELECT RAISE(ABORT, 'not now'); END"));
  bool down = false;
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<ScriptedSink>("first", down));
  sinks.push_back(std::make_unique<ScriptedSink>("second", down));
  SinkRunner runner{{loop_, clock_, random_, pool_, *spool}, std::move(sinks)};
  runner.start();
  settle();
  EXPECT_FALSE(runner.is_feeding());
  EXPECT_EQ(runner.status()[0].records, 0U);
  EXPECT_TRUE(runner.status()[1].trouble.has_value());
  ASSERT_TRUE(books->execute("DROP TRIGGER no_cursor"));
  loop_.advance(std::chrono::minutes{1});
  settle();
  EXPECT_EQ(runner.status()[0].records, 1U);
  EXPECT_EQ(runner.status()[1].records, 1U);
  EXPECT_FALSE(runner.status()[1].trouble.has_value());
  loop_.run(runner.stop());
}

TEST_F(Sinks, NewRecordsDoNotCutAPauseShort) {
  auto spool = Spool::open({.directory = folder_.path() / "spool"}).value();
  bool down = true;
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<ScriptedSink>("down", down));
  SeededRandom random{1};  // no pause of nothing
  SinkRunner runner{{loop_, clock_, random, pool_, *spool}, std::move(sinks)};
  runner.start();
  for (int i = 0; i < 100; ++i) {
    OwnedRecords records;
    records.add("e", i, "one of many");
    ASSERT_TRUE(spool->append(an_origin(), records.records()).has_value());
    settle();
  }
  EXPECT_EQ(runner.status()[0].failures, 1U);
  down = false;
  loop_.advance(std::chrono::minutes{1});
  settle();
  EXPECT_FALSE(runner.status()[0].trouble.has_value());
  EXPECT_EQ(runner.status()[0].records, 100U);
  loop_.run(runner.stop());
}

// Of two processes one feeds; the other begins when that one is gone.
TEST_F(Sinks, AreFedByOneProcess) {
  bool down = false;
  const auto open_spool = [this] { return Spool::open({.directory = folder_.path() / "spool"}).value(); };
  const auto one_sink = [&](ScriptedSink*& sink) {
    std::vector<std::unique_ptr<Sink>> sinks;
    sink = static_cast<ScriptedSink*>(sinks.emplace_back(std::make_unique<ScriptedSink>("one", down)).get());
    return sinks;
  };
  ScriptedSink* of_first = nullptr;
  ScriptedSink* of_second = nullptr;
  auto first_spool = open_spool(), second_spool = open_spool();
  auto first = std::make_unique<SinkRunner>(SinkRunner::Parts{loop_, clock_, random_, pool_, *first_spool},
                                            one_sink(of_first));
  SinkRunner second{{loop_, clock_, random_, pool_, *second_spool}, one_sink(of_second)};
  first->start();
  settle();
  second.start();
  settle();
  const auto append = [&](Spool& spool, std::string_view message) {
    OwnedRecords records;
    records.add("e", 1, std::string{message});
    ASSERT_TRUE(spool.append(an_origin(), records.records()).has_value());
  };
  append(*second_spool, "one");
  for (int i = 0; i < 3; ++i) {
    loop_.advance(std::chrono::seconds{3});
    settle();
  }
  EXPECT_TRUE(first->is_feeding());
  EXPECT_FALSE(second.is_feeding());
  EXPECT_EQ(of_first->got, (Messages{"one"}));
  EXPECT_TRUE(of_second->got.empty());
  loop_.run(first->stop());
  first.reset();
  first_spool.reset();
  append(*second_spool, "two");
  for (int i = 0; i < 3; ++i) {
    loop_.advance(std::chrono::seconds{3});
    settle();
  }
  EXPECT_TRUE(second.is_feeding());
  EXPECT_EQ(of_second->got.size(), 2U);  // the first is the place it was opened at
  EXPECT_EQ(of_second->got.back(), "two");
  loop_.run(second.stop());
}

TEST_F(Sinks, ThePlaceOfANewCursorIsKeptBeforeTheFirstDelivery) {
  auto spool = Spool::open({.directory = folder_.path() / "spool"}).value();
  bool down = true;
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<ScriptedSink>("down", down));
  SinkRunner runner{{loop_, clock_, random_, pool_, *spool}, std::move(sinks)};
  runner.start();
  OwnedRecords records;
  records.add("e", 1, "one");
  ASSERT_TRUE(spool->append(an_origin(), records.records()).has_value());
  settle();
  loop_.run(runner.stop());
  const auto cursor = spool->attach("down").value();
  EXPECT_EQ(cursor.sequence, 0U);
  EXPECT_EQ(cursor.beside, "0");
}

TEST_F(Sinks, StandardOutputHasALineForEachRecord) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  StreamSink sink{"stdout", loop_, pool_, ends[1]};
  deliver(sink, batch({"one", "two\x1b[2J"}));
  ::close(ends[1]);
  std::string text(4'096, '\0');
  text.resize(static_cast<std::size_t>(::read(ends[0], text.data(), text.size())));
  ::close(ends[0]);
  EXPECT_EQ(lines(text), 2U);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace deputy::logs
