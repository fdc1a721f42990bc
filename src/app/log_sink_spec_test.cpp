#include "app/log_sink_spec.hpp"

#include <gtest/gtest.h>

namespace deputy::app {
namespace {

TEST(LogSinkSpec, ReadsEachKind) {
  using Kind = LogSinkSpec::Kind;
  const auto read = [](const char* text) { return parse_log_sink(text, "/etc/deputy").value(); };
  EXPECT_EQ(read("search").kind, Kind::search);
  EXPECT_EQ(read("stdout").kind, Kind::standard_output);
  EXPECT_EQ(read("files:out").folder, "/etc/deputy/out");
  EXPECT_FALSE(read("files:/var/out").zstd);
  EXPECT_EQ(read("files+zstd:/var/out").folder, "/var/out");
  EXPECT_TRUE(read("files+zstd:/var/out").zstd);
  for (const char* same : {"files:./out/", "files:x/../out", "files+zstd:/etc/deputy//out"})
    EXPECT_EQ(read(same).folder, "/etc/deputy/out") << same;
  EXPECT_EQ(read("otlp:https://c.example:4318/v1/logs").url, "https://c.example:4318/v1/logs");
  EXPECT_EQ(read("files:out").name, "files:out");  // the cursor's, stable over restarts
}

TEST(LogSinkSpec, RefusesWhatIsNone) {
  for (const char* text :
       {"", "Search", "files", "files:", "files+gzip:/x", "otlp:", "otlp:ftp://x", "otlp:collector:4318",
        "otlp:https://user:secret@c.example/", "otlp:https://c.example/ x", "search:x"})
    EXPECT_TRUE(parse_log_sink(text, "/").has_error()) << text;
}

}  // namespace
}  // namespace deputy::app
