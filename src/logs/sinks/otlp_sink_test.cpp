#include "logs/sinks/otlp_sink.hpp"

#include "logs/sinks/sinks_fixture.hpp"
#include "support/fake_transport.hpp"

#include <boost/json.hpp>
#include <zlib.h>

namespace deputy::logs {
namespace {

std::string text_of(const aws::HttpRequest& request) {
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
  return out;
}
boost::json::value body_of(const aws::HttpRequest& request) {
  return boost::json::parse(text_of(request));
}
std::vector<std::string> messages_of(const aws::HttpRequest& request) {
  std::vector<std::string> messages;
  const auto body = body_of(request);
  for (const auto& resource : body.at("resourceLogs").as_array())
    for (const auto& record : resource.at("scopeLogs").at(0).at("logRecords").as_array())
      messages.emplace_back(record.at("body").at("stringValue").as_string().c_str());
  return messages;
}

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
  for (const int status : {400, 413}) {
    const std::uint64_t before = sink_.refused();
    taken_.clear();
    asked_ = 0;
    transport_.otherwise = receiver(status);
    deliver(sink_, batch({"one", "two", "poison", "four", "five", "poison", "seven"}));
    EXPECT_EQ(taken_, (Messages{"one", "two", "four", "five", "seven"})) << status;
    EXPECT_EQ(sink_.refused(), before + 2) << status;
    EXPECT_EQ(asked_, 1) << status;
  }
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

// A status that says nothing of records: only where a plain record is taken, time and again, is it the
// record.
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
                 random_, transport_, {.url = "https://x.example/v1/logs", .request_bytes_max = 3'100}};
  taken_.clear();
  deliver(small, wanted);
  EXPECT_EQ(transport_.requests.size(), 1U + 2U);
  EXPECT_EQ(taken_, (Messages{"/one", "/two", "/three"}));
}

// Receivers bound what a body is once it is decompressed: what JSON makes of a message counts.
TEST_F(Otlp, RequestsKeepToTheirSizeWhateverJsonMakesOfMessages) {
  transport_.otherwise = receiver();
  OtlpSink bounded{"otlp",  loop_,      pool_,
                   random_, transport_, {.url = "https://x.example/v1/logs", .request_bytes_max = 60'000}};
  const std::vector<std::string> kinds{std::string(6'000, '\x01'), std::string(6'000, '"'),
                                       std::string(6'000, '\xff'), std::string(6'000, '\x7f'), "\xc2\x9b"};
  Messages wanted;
  for (int i = 0; i < 20; ++i) wanted.push_back(kinds[static_cast<std::size_t>(i) % kinds.size()]);
  deliver(bounded, batch(wanted));
  std::size_t most = 0;
  for (const auto& request : transport_.requests) most = std::max(most, text_of(request).size());
  EXPECT_LE(most, 60'000U);
  EXPECT_GT(transport_.requests.size(), 5U);
  EXPECT_LT(transport_.requests.size(), 12U);
  EXPECT_EQ(taken_.size(), wanted.size());
}

TEST_F(Otlp, StandsStillBeforeAReceiverThatRefusesEverything) {
  for (const int status : {400, 401, 404, 413}) {
    transport_.otherwise = FakeTransport::always(status, "no");
    for (const Messages& messages : {Messages{"one", "two"}, Messages{"one"}}) {
      const auto refused = loop_.run_through_time(sink_.deliver(batch(messages)));
      ASSERT_TRUE(refused.has_error()) << status;
      EXPECT_NE(refused.error().message.find(std::to_string(status)), std::string::npos);
    }
  }
  EXPECT_EQ(sink_.refused(), 0U);
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

}  // namespace
}  // namespace deputy::logs
