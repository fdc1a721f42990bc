#include "freed_memory.hpp"
#include "support/api_fixture.hpp"
#include "support/site_fixture.hpp"

#include <array>
#include <cstring>
#include <fmt/format.h>
#include <sys/socket.h>

#include "http/request_reader.hpp"
#include "http/running_server.hpp"

// Keys, links, forms and credentials do not stay behind in memory that is given back.
namespace deputy {
namespace {

constexpr std::string_view secret = "canary-7qLmZ2xW9";

// With the secret behind, in one allocation that is the caller's.
std::string joined(std::string_view begin) {
  std::string text;
  text.reserve(begin.size() + secret.size());
  text.append(begin).append(secret);
  return text;
}

TEST(FreedMemory, SeesWhatWasNotWiped) {
  const FreedMemory freed{secret};
  {
    std::vector<std::string> texts;
    texts.reserve(2);
    for (int i = 0; i < 2; ++i) texts.push_back(joined("Bearer "));
    wipe(texts[0]);
  }
  EXPECT_EQ(freed.blocks_with_it(), 1U) << "the other one";
}

// ── Requests ────────────────────────────────────────────────────────────────────────────────────────────

using Progress = http::RequestReader::Progress;
constexpr http::RequestReader::Limits limits{.header_bytes_max = 16 * 1024, .body_bytes_max = 256 * 1024};

// In pieces of a size; all requests that come out are thrown away.
void read(http::RequestReader& reader, std::string_view bytes, std::size_t piece) {
  while (!bytes.empty()) {
    const auto space = reader.space();
    const std::size_t size = std::min({space.size(), bytes.size(), piece});
    std::memcpy(space.data(), bytes.data(), size);
    reader.received(size);
    bytes.remove_prefix(size);
    while (reader.advance() == Progress::complete) reader.take();
  }
}

// A request whose key stands before so much else that the buffer has to grow, and whose body is the secret
// over and over.
std::string long_request(bool chunked) {
  std::string body;
  while (body.size() < 100'000) body += secret;
  const std::string length =
      chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + std::to_string(body.size());
  const std::string header = "POST /connect/" + std::string{secret} +
                             " HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + std::string{secret} +
                             "\r\nCookie: a=" + std::string{secret} +
                             "\r\nX-Padding: " + std::string(9'000, 'x') + "\r\n" + length + "\r\n\r\n";
  if (!chunked) return header + body;
  std::string chunks;
  for (std::string_view rest{body}; !rest.empty();
       rest.remove_prefix(std::min<std::size_t>(1'000, rest.size())))
    chunks += fmt::format("{:x}\r\n{}\r\n", std::min<std::size_t>(1'000, rest.size()), rest.substr(0, 1'000));
  return header + chunks + "0\r\n\r\n";
}

TEST(RequestsAreWiped, WhateverTheirFormAndTheirPieces) {
  for (const bool chunked : {false, true}) {
    const std::string bytes = long_request(chunked) + long_request(chunked);
    for (const std::size_t piece : {std::size_t{700}, std::size_t{5'000}, bytes.size()}) {
      const FreedMemory freed{secret};
      {
        http::RequestReader reader{limits};
        read(reader, bytes, piece);
        EXPECT_TRUE(reader.between_requests());
        reader.rest();
      }
      EXPECT_EQ(freed.blocks_with_it(), 0U) << chunked << " " << piece;
    }
  }
}

// What came with the end of another request moves to the buffer's front, and leaves no copy where it stood.
TEST(RequestsAreWiped, ThatWereMovedWithinTheBuffer) {
  constexpr std::size_t buffer_size = 4096;
  std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\nX-Padding: " + std::string(3'000, 'x') + "\r\n\r\n";
  bytes += "GET / HTTP/1.1\r\nHost: h\r\nX-Padding: " + std::string(buffer_size - bytes.size() - 100, 'x') +
           "\r\nAuthorization: Bearer " + std::string{secret} + "\r\n";
  ASSERT_LT(bytes.size(), buffer_size);
  bytes += "X-More: " + std::string(buffer_size - bytes.size() - 8, 'x');
  const FreedMemory freed{secret};
  {
    http::RequestReader reader{limits};
    read(reader, bytes, buffer_size);
    read(reader, "\r\n\r\n", buffer_size);
    EXPECT_TRUE(reader.between_requests());
    reader.rest();
  }
  EXPECT_EQ(freed.blocks_with_it(), 0U);
}

TEST(RequestsAreWiped, ThatWereRefusedOrNeverEnded) {
  const std::string header =
      "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + std::string{secret} + "\r\n";
  for (const std::string& bytes :
       {header, header + "Host: h\r\n\r\n", header + "Content-Length: 100\r\n\r\n" + std::string{secret}}) {
    const FreedMemory freed{secret};
    {
      http::RequestReader reader{limits};
      read(reader, bytes, bytes.size());
    }
    EXPECT_EQ(freed.blocks_with_it(), 0U) << bytes;
  }
}

TEST(RequestsAreWiped, ThatAreReplacedAndFieldsThatAre) {
  const FreedMemory freed{secret};
  {
    http::Request request;
    request.headers.add("Authorization", joined("Bearer "));
    request.body = joined("");
    http::Request other;
    other.headers.add("Cookie", joined("session="));
    other.headers.set("Cookie", "none");
    request = std::move(other);
    request = http::Request{};
  }
  EXPECT_EQ(freed.blocks_with_it(), 0U);
}

// The buffer is used again: what was read from it is gone before.
TEST(RequestsAreWiped, InTheBufferThatServesOn) {
  http::RequestReader reader{limits};
  const std::string bytes =
      "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + std::string{secret} + "\r\n\r\n";
  read(reader, bytes, bytes.size());
  const auto space = reader.space();
  ASSERT_GE(space.size(), bytes.size());
  EXPECT_EQ(::memmem(space.data(), space.size(), secret.data(), secret.size()), nullptr);
}

// ── Answers, by a listener ──────────────────────────────────────────────────────────────────────────────

Task<http::Response> answer_with_secrets(http::Request request) {
  http::Response response;
  response.headers.add("Set-Cookie", joined("session="));
  response.body = request.body;
  co_return response;
}

void receive(const http::SocketClient& client, std::array<char, 65'536>& into, std::size_t least) {
  std::size_t size = 0;
  while (size < least) {
    const auto more = ::recv(client.descriptor(), into.data() + size, into.size() - size, 0);
    ASSERT_GT(more, 0);
    size += static_cast<std::size_t>(more);
  }
  EXPECT_NE(::memmem(into.data(), size, secret.data(), secret.size()), nullptr);
}

TEST(AnswersAreWiped, ByTheListener) {
  static std::array<char, 65'536> received;
  const std::string body{secret};
  const std::string bytes = "POST / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + body +
                            "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  http::RunningServer running{{}, answer_with_secrets};
  const FreedMemory freed{secret.substr(2)};  // an emptied text has another first character
  {
    const auto client = running.connect();
    for (int i = 0; i < 3; ++i) {
      client.send(bytes);
      receive(client, received, bytes.size());
    }
  }
  running.destroy();
  EXPECT_EQ(freed.blocks_with_it(), 0U);
}

// ── The API ─────────────────────────────────────────────────────────────────────────────────────────────

class ApiIsWiped : public ApiFixture {
 protected:
  // As the listener does: the request is given away, the answer is wiped once it is written.
  int ask(std::string method, std::string path, std::string authorization) {
    http::Request request;
    request.method = std::move(method);
    request.path = request.target = std::move(path);
    request.headers.reserve(1);
    request.headers.add("Authorization", std::move(authorization));
    request.request_id = "req_test";
    http::Response response = loop.run(api.handle(std::move(request)));
    wipe(response.body);
    return response.status;
  }
};

TEST_F(ApiIsWiped, OfTheCallersKey) {
  const std::string connection = make_active_connection(make_tenant("Acme"));
  const std::string path = "/v1/credentials/" + connection;
  const std::string unknown = "dpk_workload_" + std::string(40, 'x');
  for (const std::string& key : {admin, unknown}) {
    std::vector<std::string> given{"Bearer " + key, "Bearer " + key};
    const FreedMemory freed{key};
    for (std::string& authorization : given)
      EXPECT_EQ(ask("GET", path, std::move(authorization)), key == admin ? 200 : 401);
    EXPECT_EQ(freed.blocks_with_it(), 0U);
  }
}

TEST_F(ApiIsWiped, OfCredentials) {
  sts.on_assume_role = [this](const FakeSts::AssumeRoleCall& call) -> aws::AwsResult<aws::AssumedRole> {
    auto answer = FakeSts::session(call.request, clock.now() + call.request.duration, 1);
    answer.credentials.secret_access_key = SecretString{secret};
    answer.credentials.session_token = SecretString{std::string_view{"token-canary-7qLmZ2xW9"}};
    return answer;
  };
  const std::string connection = make_active_connection(make_tenant("Acme"));
  std::vector<std::string> given(4, "Bearer " + admin);
  const FreedMemory freed{secret};
  EXPECT_EQ(ask("GET", "/v1/credentials/" + connection, std::move(given[0])), 200);
  EXPECT_EQ(ask("GET", "/v1/credentials/" + connection, std::move(given[1])), 200);
  EXPECT_EQ(ask("POST", "/v1/connections/" + connection + "/credentials", std::move(given[2])), 200);
  EXPECT_EQ(call("DELETE", "/v1/connections/" + connection, admin).status, 204);
  EXPECT_EQ(freed.blocks_with_it(), 0U);
}

// ── The connect page ────────────────────────────────────────────────────────────────────────────────────

class PageIsWiped : public SiteFixture {};

TEST_F(PageIsWiped, OfTheLinksSecret) {
  const Link link = make_link(make_tenant("Acme"));
  const std::string guess(link.secret.size(), 'q');
  for (const std::string& text : {link.secret, guess}) {
    http::Request request;
    request.method = "GET";
    request.path = request.target = link.path() + "/open/" + text;
    request.request_id = "req_test";
    const FreedMemory freed{text};
    EXPECT_EQ(loop.run(site->handle(std::move(request))).status, text == guess ? 404 : 303);
    EXPECT_EQ(freed.blocks_with_it(), 0U) << (text == guess);
  }
}

}  // namespace
}  // namespace deputy
