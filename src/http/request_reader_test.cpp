#include "http/request_reader.hpp"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

namespace deputy::http {
namespace {

using Progress = RequestReader::Progress;

constexpr RequestReader::Limits limits{.header_bytes_max = 1024, .body_bytes_max = 100};

void feed(RequestReader& reader, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto space = reader.space();
    const std::size_t size = std::min(space.size(), bytes.size());
    std::memcpy(space.data(), bytes.data(), size);
    reader.received(size);
    bytes.remove_prefix(size);
    if (!bytes.empty() && reader.advance() != Progress::needs_more) return;
  }
}

// What a connection's bytes amount to: requests, then possibly a refusal.
struct Reading {
  std::vector<Request> requests;
  int refusal = 0;
};

Reading read_in_pieces(std::string_view bytes, std::size_t piece) {
  RequestReader reader{limits};
  Reading reading;
  while (!bytes.empty()) {
    const auto space = reader.space();
    EXPECT_FALSE(space.empty());
    const std::size_t size = std::min({space.size(), bytes.size(), piece});
    std::memcpy(space.data(), bytes.data(), size);
    bytes.remove_prefix(size);
    reader.received(size);
    for (;;) {
      const Progress progress = reader.advance();
      if (progress == Progress::needs_more) break;
      if (progress == Progress::complete) reading.requests.push_back(reader.take());
      if (progress == Progress::refused) {
        reading.refusal = reader.refusal();
        EXPECT_EQ(reader.advance(), Progress::refused);
        return reading;
      }
    }
  }
  return reading;
}

Reading read_all(std::string_view bytes) {
  return read_in_pieces(bytes, std::string::npos);
}

// The refusal, or 0, of a header with this request line and these fields beside a Host.
int refusal_of(const std::string& line, const std::string& fields = "") {
  return read_all(line + "\r\nHost: h\r\n" + fields + "\r\n").refusal;
}

TEST(RequestReader, ReadsARequest) {
  const auto reading = read_all(
      "POST /a%20b/c?x=%31&y HTTP/1.1\r\nHost: example.com:80\r\nX-Empty:\r\nX-A:  one \t two\t\r\nx-a: "
      "three\r\n"
      "Content-Length: 3\r\n\r\nabc");
  ASSERT_EQ(reading.requests.size(), 1U);
  const Request& request = reading.requests[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/a%20b/c?x=%31&y");
  EXPECT_EQ(request.path, "/a b/c");
  EXPECT_EQ(request.query, "x=%31&y");
  EXPECT_EQ(request.headers.find("host"), "example.com:80");
  EXPECT_EQ(request.headers.find("X-Empty"), "");
  EXPECT_EQ(request.headers.find("X-A"), "one \t two");
  EXPECT_EQ(request.headers.count("x-a"), 2U);
  EXPECT_EQ(request.body, "abc");
}

TEST(RequestReader, ReadsTheSameInPiecesOfAnySize) {
  const std::string bytes =
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
      "POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
      "Chunked\r\n\r\n3;ext=\"x\"\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nHost: evil\r\n\r\n"
      "\r\nPUT /3 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nxy"
      "GET bad HTTP/1.1\r\nHost: h\r\n\r\n";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    const auto reading = read_in_pieces(bytes, piece);
    ASSERT_EQ(reading.requests.size(), 3U) << piece;
    EXPECT_EQ(reading.requests[0].path, "/1");
    EXPECT_EQ(reading.requests[1].body, "abc0123456789abcdef");
    EXPECT_EQ(reading.requests[1].headers.find("Host"), "h");
    EXPECT_EQ(reading.requests[1].headers.count("Host"), 1U) << "a trailer is no header";
    EXPECT_EQ(reading.requests[2].body, "xy");
    EXPECT_EQ(reading.refusal, 400);
  }
}

TEST(RequestReader, RefusesOddTargets) {
  for (const char* target :
       {"*",         "http://h/",   "https://h/x", "h:443",  "x",         "//../x",  "/a/../b", "/./a",
        "/%2e%2e/a", "/a%2fb",      "/a%2Fb",      "/a\\b",  "/%5c",      "/%",      "/%4",     "/%zz",
        "/%00",      "/a%0d%0aX:y", "/a#b",        "/a?b#c", "/\xc3\xa4", "/a?\xff", "/a\x7f"}) {
    EXPECT_EQ(refusal_of(std::string{"GET "} + target + " HTTP/1.1"), 400) << target;
  }
  for (const char* target : {"/", "//", "/a//b/", "/%25", "/a?b/../c=%2f", "/a?{|}"}) {
    EXPECT_EQ(refusal_of(std::string{"GET "} + target + " HTTP/1.1"), 0) << target;
  }
}

TEST(RequestReader, RefusesBrokenRequestLines) {
  for (const char* line : {"GET", "GET /", "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/1.1 ",
                           " GET / HTTP/1.1", "G(T / HTTP/1.1", "GET / http/1.1", "GET / HTTP/11",
                           "GET / XTTP/1.1", "GET\t/ HTTP/1.1", "GET /\tHTTP/1.1", "\x16\x03\x01"}) {
    EXPECT_EQ(refusal_of(line), 400) << line;
  }
  for (const char* line : {"GET / HTTP/2.0", "GET / HTTP/1.2", "GET / HTTP/0.9"})
    EXPECT_EQ(refusal_of(line), 505) << line;
}

TEST(RequestReader, RefusesBrokenFields) {
  const std::string nul{"X: a\0b\r\n", 8};
  for (const std::string& fields :
       {std::string{"X\r\n"}, std::string{": a\r\n"}, std::string{"X : a\r\n"}, std::string{"X\t: a\r\n"},
        std::string{"X(: a\r\n"}, std::string{"X: a\rb\r\n"}, std::string{"X: a\nY: b\r\n"},
        std::string{"X: a\x01\r\n"}, std::string{"X: a\x7f\r\n"}, nul, std::string{"X: a\r\n b\r\n"},
        std::string{"X: a\r\n\tb\r\n"}, std::string{"X: a\n"}}) {
    EXPECT_EQ(refusal_of("GET / HTTP/1.1", fields), 400) << fields;
  }
  EXPECT_EQ(read_all("GET / HTTP/1.1\r\n Host: h\r\n\r\n").refusal, 400);
  EXPECT_EQ(read_all("GET / HTTP/1.1\nHost: h\n\n").refusal, 400);
  EXPECT_EQ(read_all("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n").refusal, 400);
  EXPECT_EQ(read_all("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n").refusal, 400);
}

TEST(RequestReader, WantsExactlyOneHost) {
  EXPECT_EQ(read_all("GET / HTTP/1.1\r\n\r\n").refusal, 400);
  EXPECT_EQ(read_all("GET / HTTP/1.1\r\nHost:\r\n\r\n").refusal, 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1", "Host: h\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.0", "hOST: other\r\n"), 400);
  for (const char* host : {"a b", "a/b", "user@h", "h,i", "a?b", "a%41"}) {
    EXPECT_EQ(read_all(std::string{"GET / HTTP/1.1\r\nHost: "} + host + "\r\n\r\n").refusal, 400) << host;
  }
  for (const char* host : {"h", "127.0.0.1:8180", "[::1]:80", "my_bucket.s3.local"}) {
    EXPECT_EQ(read_all(std::string{"GET / HTTP/1.1\r\nHost: "} + host + "\r\n\r\n").refusal, 0) << host;
  }
  EXPECT_EQ(read_all("GET / HTTP/1.0\r\n\r\n").requests.size(), 1U);
}

TEST(RequestReader, RefusesWhatSmugglesRequests) {
  const std::string post = "POST / HTTP/1.1";
  EXPECT_EQ(refusal_of(post, "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(refusal_of(post, "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), 400);
  EXPECT_EQ(refusal_of(post, "Content-Length: 0\r\nContent-Length: 0\r\n"), 400);
  for (const char* length :
       {"", "x", "+1", "-1", "1 1", "0, 0", "0x1", "1.0", "99999999999999999999", "\"0\""}) {
    EXPECT_EQ(refusal_of(post, std::string{"Content-Length: "} + length + "\r\n"), 400) << length;
  }
  EXPECT_EQ(refusal_of(post, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(refusal_of("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n"), 400);
  for (const char* encoding :
       {"", "gzip", "gzip, chunked", "chunked, chunked", "identity", "xchunked", "chunked;q=1"}) {
    const int refusal = refusal_of(post, std::string{"Transfer-Encoding: "} + encoding + "\r\n");
    EXPECT_TRUE(refusal == 501 || refusal == 400) << encoding << ": " << refusal;
  }
}

TEST(RequestReader, RefusesBrokenChunks) {
  for (const char* body :
       {"x\r\n", "3\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "-1\r\n\r\n", "+3\r\nabc\r\n0\r\n\r\n",
        "3 \r\nabcX0\r\n\r\n", "0x3\r\nabc\r\n0\r\n\r\n", "ffffffffffffffffff\r\n", ";a\r\n\r\n"}) {
    EXPECT_EQ(read_all(std::string{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"} + body)
                      .refusal /
                  100,
              4)
        << body;
  }
}

TEST(RequestReader, BoundsTheHeader) {
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
  const std::size_t rest = limits.header_bytes_max - start.size() - 4;
  EXPECT_EQ(read_all(start + std::string(rest, 'x') + "\r\n\r\n").refusal, 0);
  EXPECT_EQ(read_all(start + std::string(rest + 1, 'x') + "\r\n\r\n").refusal, 431);
  EXPECT_EQ(read_in_pieces(start + std::string(rest + 1, 'x') + "\r\n\r\n", 7).refusal, 431);
  EXPECT_EQ(read_all(start + std::string(100'000, 'x')).refusal, 431);
  std::string many;
  for (int i = 0; i < 101; ++i) many += "a:b\r\n";
  EXPECT_EQ(refusal_of("GET / HTTP/1.1", many), 431);
}

TEST(RequestReader, BoundsTheBody) {
  EXPECT_EQ(refusal_of("POST / HTTP/1.1", "Content-Length: 101\r\n"), 413);
  EXPECT_EQ(refusal_of("POST / HTTP/1.1", "Content-Length: 101\r\nExpect: 100-continue\r\n"), 413);
  const std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string chunk = "32\r\n" + std::string(50, 'x') + "\r\n";
  EXPECT_EQ(read_all(chunked + chunk + chunk + "0\r\n\r\n").requests.size(), 1U);
  EXPECT_EQ(read_all(chunked + chunk + chunk + "1\r\n").refusal, 413);
  EXPECT_EQ(read_all(chunked + "65\r\n").refusal, 413);
}

TEST(RequestReader, BoundsChunkHeadersAndTrailers) {
  const std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(read_all(chunked + "1;" + std::string(100'000, 'x')).refusal, 400);
  std::string trailer = "0\r\n";
  for (int i = 0; i < 20'000; ++i) trailer += "a: b\r\n";
  EXPECT_EQ(read_all(chunked + trailer).refusal, 400);
}

TEST(RequestReader, TellsWhenAContinueIsDue) {
  RequestReader reader{limits};
  feed(reader, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n");
  EXPECT_EQ(reader.advance(), Progress::wants_continue);
  EXPECT_EQ(reader.advance(), Progress::needs_more);
  feed(reader, "a");
  EXPECT_EQ(reader.advance(), Progress::needs_more);
  feed(reader, "b");
  EXPECT_EQ(reader.advance(), Progress::complete);
  EXPECT_EQ(reader.take().body, "ab");
  // The body is here already, there is none, or the client is too old: no continue.
  feed(reader, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\na");
  EXPECT_EQ(reader.advance(), Progress::needs_more);
  feed(reader, "b");
  EXPECT_EQ(reader.advance(), Progress::complete);
  reader.take();
  feed(reader, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(reader.advance(), Progress::complete);
  reader.take();
  feed(reader, "PUT / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(reader.advance(), Progress::needs_more);
  EXPECT_EQ(refusal_of("PUT / HTTP/1.1", "Expect: miracles\r\n"), 417);
}

TEST(RequestReader, KnowsWhetherTheConnectionStays) {
  const auto stays = [](const std::string& bytes) {
    RequestReader reader{limits};
    feed(reader, bytes);
    EXPECT_EQ(reader.advance(), Progress::complete);
    reader.take();
    return reader.keep_alive();
  };
  EXPECT_TRUE(stays("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.1\r\nHost: h\r\nConnection: foo, Close\r\n\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(RequestReader, KnowsWhereItIs) {
  RequestReader reader{limits};
  EXPECT_TRUE(reader.between_requests());
  feed(reader, "POST / HTTP/1.1\r\n");
  EXPECT_EQ(reader.advance(), Progress::needs_more);
  EXPECT_FALSE(reader.between_requests());
  EXPECT_FALSE(reader.in_body());
  feed(reader, "Host: h\r\nContent-Length: 3\r\n\r\nab");
  EXPECT_EQ(reader.advance(), Progress::needs_more);
  EXPECT_TRUE(reader.in_body());
  EXPECT_EQ(reader.body_bytes(), 2U);
}

// Mutations of good requests: whatever comes, it neither crashes nor depends on how the bytes were cut.
TEST(RequestReader, GarbageIsReadTheSameInAnyPieces) {
  std::mt19937 engine{7};  // NOLINT(cert-msc51-cpp): repeatable
  const std::string good =
      "POST /a%20b?c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: x\r\n\r\n"
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nxy";
  const auto draw = [&](std::size_t bound) { return static_cast<std::size_t>(engine() % bound); };
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good;
    for (std::size_t changes = 1 + draw(4); changes-- > 0;) {
      const std::size_t at = draw(bytes.size());
      switch (draw(3)) {
        case 0:
          bytes[at] = static_cast<char>(draw(256));
          break;
        case 1:
          bytes.erase(at, 1 + draw(4));
          break;
        default:
          bytes.insert(at, 1, "\r\n :;0aF%/\0"[draw(11)]);
          break;
      }
    }
    const auto whole = read_all(bytes);
    const auto pieces = read_in_pieces(bytes, 1 + draw(9));
    ASSERT_EQ(whole.requests.size(), pieces.requests.size()) << bytes;
    for (std::size_t i = 0; i < whole.requests.size(); ++i) {
      ASSERT_EQ(whole.requests[i].target, pieces.requests[i].target) << bytes;
      ASSERT_EQ(whole.requests[i].body, pieces.requests[i].body) << bytes;
    }
    ASSERT_EQ(whole.refusal, pieces.refusal) << bytes;
  }
}

}  // namespace
}  // namespace deputy::http
