#include "logs/sinks/file_sink.hpp"
#include "logs/sinks/ndjson.hpp"
#include "logs/sinks/sinks_fixture.hpp"
#include "logs/sinks/stream_sink.hpp"

#include <boost/json.hpp>
#include <csignal>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
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

class FileSinks : public Sinks {
 protected:
  std::unique_ptr<FileSink> file_sink(FileSinkOptions options = {}) {
    options.directory = folder_.path() / "out";
    return std::make_unique<FileSink>("files", loop_, pool_, clock_, std::move(options));
  }
  std::string file(int number, std::string_view ending = "") {
    return content_of(folder_.path() / "out" / fmt::format("deputy-logs-{:010}.ndjson{}", number, ending));
  }
};

TEST_F(FileSinks, AFileIsCutBackToWhatWasAcknowledged) {
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

TEST_F(FileSinks, TheFirstDeliveryIsCutAwayToo) {
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

TEST_F(FileSinks, FilesOfADeliveryThatWasNeverAcknowledgedAreRemoved) {
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

TEST_F(FileSinks, AFolderIsOfOneSinkAtATime) {
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
TEST_F(FileSinks, ADeliveryLiesInOneFile) {
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

TEST_F(FileSinks, FilesAreRotatedByTime) {
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

TEST_F(FileSinks, AFileThatIsShorterThanAcknowledgedIsNotGoneOnWith) {
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

TEST_F(FileSinks, AFullDiskLosesNothing) {
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
