#include "core/clock.hpp"

#include <gtest/gtest.h>

namespace deputy {
namespace {

using namespace std::chrono_literals;

TEST(Rfc3339, IsWrittenAndReadBack) {
  const Timestamp time =
      std::chrono::sys_days{std::chrono::year{2026} / 11 / 22} + 20h + 6min + 42s + 123456us;
  EXPECT_EQ(to_rfc3339(time), "2026-11-22T20:06:42Z");
  EXPECT_EQ(to_rfc3339_millis(time), "2026-11-22T20:06:42.123Z");
  EXPECT_EQ(parse_rfc3339("2026-11-22T20:06:42.123456Z").value(), time);
  EXPECT_EQ(parse_rfc3339("2026-11-22T21:36:42.123456789+01:30").value(), time);
  EXPECT_EQ(parse_rfc3339("2026-11-22T20:06:42z").value(), std::chrono::floor<std::chrono::seconds>(time));
}

TEST(Rfc3339, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "2026", "2026-11-22", "2026-11-22 20:06:42Z", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "2026-11-22T24:00:00Z", "2026-11-22T00:00:60Z", "2026-11-22T00:00:00", "2026-11-22T00:00:00.Z",
        "2026-11-22T00:00:00ZZ", "1969-12-31T00:00:00Z", "2026-11-22T00:00:00+1:00", "20261122T000000Z"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Duration, HasANumberAndAUnit) {
  EXPECT_EQ(parse_duration("24h").value(), 24h);
  EXPECT_EQ(parse_duration("120s").value(), 120s);
  EXPECT_EQ(parse_duration("7d").value(), 168h);
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  EXPECT_EQ(parse_duration("0s").value(), 0ms);
  for (const char* text :
       {"", "24", "h", "-1s", "1.5h", "1w", "9999999999999d", "1 h", "3651d", "99999999999999999999s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

}  // namespace
}  // namespace deputy
