#include "aws/curl_transport.hpp"

#include "support/loopback_server.hpp"
#include "support/poll_loop.hpp"

#include <condition_variable>
#include <gtest/gtest.h>

namespace deputy::aws {
namespace {

using namespace std::chrono_literals;

HttpRequest get(std::string url) {
  HttpRequest request;
  request.url = std::move(url);
  return request;
}

std::string code_of_failure(const Result<HttpResponse>& result) {
  return result.has_error() ? transport_error_code(result.error()) : "no failure";
}

TEST(CurlTransport, SendsWhatItIsGivenAndReadsTheAnswer) {
  std::string seen;
  LoopbackServer server{[&seen](const std::string& request) {
    seen = request;
    return LoopbackServer::response("418 I'm a teapot", "short and stout",
                                    "X-Mixed-CASE:  a b \r\nLocation: http://127.0.0.1:1/\r\n");
  }};
  PollLoop loop;
  CurlTransport transport{loop};
  HttpRequest request = get(server.url() + "/a/../b//c%2Fd?x=%20&y");
  request.method = "POST";
  request.headers = {{"host", "sts.amazonaws.com"}, {"x-empty", ""}, {"authorization", "AWS4"}};
  request.body = std::string(3'000, 'b') + '\0' + "end";  // libcurl would ask to continue above a kilobyte
  const auto result = loop.run(transport.send(request));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result.value().status, 418);
  EXPECT_EQ(result.value().body, "short and stout");
  EXPECT_EQ(result.value().header("x-mixed-case"), "a b");
  EXPECT_EQ(result.value().header("absent"), std::nullopt);
  EXPECT_TRUE(seen.starts_with("POST /a/../b//c%2Fd?x=%20&y HTTP/1.1\r\n")) << seen;
  EXPECT_NE(seen.find("Host: sts.amazonaws.com\r\n"), std::string::npos);
  EXPECT_NE(seen.find("x-empty:\r\n"), std::string::npos);
  EXPECT_EQ(seen.find("127.0.0.1"), std::string::npos);
  EXPECT_EQ(seen.find("xpect"), std::string::npos);
  EXPECT_EQ(seen.find("ontent-Type"), std::string::npos);
  EXPECT_TRUE(seen.ends_with("\r\n\r\n" + request.body));
}

TEST(CurlTransport, EveryMethodKeepsItsName) {
  std::string seen;
  LoopbackServer server{[&seen](const std::string& request) {
    seen = request.substr(0, request.find(' '));
    return seen == "HEAD" ? "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n" : LoopbackServer::ok("");
  }};
  PollLoop loop;
  CurlTransport transport{loop};
  for (const std::string method : {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"}) {
    HttpRequest request = get(server.url());
    request.method = method;
    EXPECT_TRUE(loop.run(transport.send(request)).has_value()) << method;
    EXPECT_EQ(seen, method);
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(CurlTransport, KeepsConnectionsAlive) {
  LoopbackServer server{[](const std::string&) { return LoopbackServer::ok("x"); }};
  PollLoop loop;
  CurlTransport transport{loop};
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(loop.run(transport.send(get(server.url()))).has_value());
  EXPECT_EQ(server.connections(), 1);
}

Task<void> count_answer(CurlTransport& transport, std::string url, int& succeeded) {
  const auto result = co_await transport.send(get(std::move(url)));
  if (result.has_value() && result.value().body == "x") ++succeeded;
}

TEST(CurlTransport, HoldsHundredsOfRequestsInFlight) {
  constexpr int count = 200;
  std::mutex mutex;
  std::condition_variable arrived;
  int waiting = 0;
  LoopbackServer server{[&](const std::string&) {  // nobody is answered before all have asked
    std::unique_lock lock{mutex};
    ++waiting;
    arrived.notify_all();
    arrived.wait_for(lock, 20s, [&] { return waiting == count; });
    return LoopbackServer::ok("x");
  }};
  PollLoop loop;
  CurlTransport transport{loop};
  TaskGroup group;
  int succeeded = 0;
  for (int i = 0; i < count; ++i) group.spawn(count_answer(transport, server.url(), succeeded));
  loop.run_until([&group] { return group.running() == 0; });
  EXPECT_EQ(succeeded, count);
  EXPECT_EQ(server.connections(), count);
}

TEST(CurlTransport, OpensNoMoreConnectionsThanAllowed) {
  LoopbackServer server{[](const std::string&) { return LoopbackServer::ok("x"); }};
  PollLoop loop;
  CurlTransport transport{loop, {.connections_max = 3, .ca_file = {}}};
  TaskGroup group;
  int succeeded = 0;
  for (int i = 0; i < 50; ++i) group.spawn(count_answer(transport, server.url(), succeeded));
  loop.run_until([&group] { return group.running() == 0; });
  EXPECT_EQ(succeeded, 50);
  EXPECT_LE(server.connections(), 3);
}

// Answers nothing until it is let go.
struct SilentServer {
  std::mutex mutex;
  std::condition_variable released;
  bool is_released = false;
  LoopbackServer server{[this](const std::string&) {
    std::unique_lock lock{mutex};
    released.wait_for(lock, 20s, [this] { return is_released; });
    return std::string{};
  }};
  ~SilentServer() {
    const std::lock_guard lock{mutex};
    is_released = true;
    released.notify_all();
  }
};

TEST(CurlTransport, GivesUpInTime) {
  SilentServer silent;
  PollLoop loop;
  CurlTransport transport{loop};
  HttpRequest request = get(silent.server.url());
  request.timeout = 50ms;
  const auto result = loop.run(transport.send(request));
  EXPECT_EQ(code_of_failure(result), "Timeout");
  EXPECT_EQ(result.error().kind, ErrorKind::upstream_unavailable);
  EXPECT_EQ(result.error().message.find("127.0.0.1"), std::string::npos);
}

TEST(CurlTransport, TellsFailuresApart) {
  PollLoop loop;
  CurlTransport transport{loop, {.response_bytes_max = 1'000, .ca_file = {}}};
  std::string closed_port;
  {
    closed_port = LoopbackServer{[](const std::string&) { return std::string{}; }}.url();
  }
  EXPECT_EQ(code_of_failure(loop.run(transport.send(get(closed_port)))), "ConnectionFailed");
  EXPECT_TRUE(loop.run(transport.send(get("file:///etc/passwd"))).has_error());
  EXPECT_TRUE(loop.run(transport.send(get("gopher://127.0.0.1:1/"))).has_error());

  const auto answered_with = [&](const std::string& bytes) {
    LoopbackServer server{[&bytes](const std::string&) { return bytes; }};
    return code_of_failure(loop.run(transport.send(get(server.url()))));
  };
  EXPECT_EQ(answered_with(""), "ConnectionCut");
  EXPECT_EQ(answered_with("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\nhalf"),
            "ConnectionCut");
  EXPECT_EQ(answered_with("no HTTP at all; Connection: close"), "ConnectionCut");
  EXPECT_EQ(answered_with(LoopbackServer::ok(std::string(1'000, 'x'))), "no failure");
  EXPECT_EQ(answered_with(LoopbackServer::ok(std::string(1'001, 'x'))), "ResponseTooLarge");
  EXPECT_EQ(answered_with("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(1'001, 'x')),
            "ResponseTooLarge");
  EXPECT_EQ(answered_with(LoopbackServer::response("200 OK", "", "A: " + std::string(70'000, 'x') + "\r\n")),
            "ResponseTooLarge");
}

TEST(CurlTransport, FollowsNoRedirect) {
  LoopbackServer server{[](const std::string& request) {
    return request.starts_with("GET / ")
               ? LoopbackServer::response("302 Found", "", "Location: /elsewhere\r\n")
               : LoopbackServer::ok("followed");
  }};
  PollLoop loop;
  CurlTransport transport{loop};
  EXPECT_EQ(loop.run(transport.send(get(server.url()))).value().status, 302);
}

TEST(CurlTransport, RefusesHeadersThatHoldLines) {
  LoopbackServer server{[](const std::string&) { return LoopbackServer::ok(""); }};
  PollLoop loop;
  CurlTransport transport{loop};
  for (const auto& header : std::vector<std::pair<std::string, std::string>>{{"a", "b\r\nc: d"},
                                                                             {"a", "b\nc"},
                                                                             {"a\r\nb", "c"},
                                                                             {"", "a"},
                                                                             {"a:b", "c"},
                                                                             {"a", std::string{"b\0c", 3}}}) {
    HttpRequest request = get(server.url());
    request.headers = {header};
    EXPECT_TRUE(loop.run(transport.send(request)).has_error()) << header.first;
  }
  EXPECT_EQ(server.connections(), 0);
}

Task<void> keep_code(CurlTransport& transport, std::string url, std::vector<std::string>& codes) {
  codes.push_back(code_of_failure(co_await transport.send(get(std::move(url)))));
}

TEST(CurlTransport, ClosingFailsWhatIsInFlight) {
  SilentServer silent;
  PollLoop loop;
  CurlTransport transport{loop};
  TaskGroup group;
  std::vector<std::string> codes;
  for (int i = 0; i < 10; ++i) group.spawn(keep_code(transport, silent.server.url(), codes));
  loop.run_until([&] { return silent.server.connections() == 10; });
  transport.close();
  EXPECT_TRUE(codes.empty());  // not inside the call
  loop.run_until([&group] { return group.running() == 0; });
  EXPECT_EQ(codes, std::vector<std::string>(10, "Closed"));
  EXPECT_EQ(code_of_failure(loop.run(transport.send(get(silent.server.url())))), "Closed");
  EXPECT_EQ(loop.watched(), 0U);
  EXPECT_EQ(loop.timers(), 0U);
}

TEST(CurlTransport, MayBeDestroyedWithRequestsInFlight) {
  SilentServer silent;
  PollLoop loop;
  auto transport = std::make_unique<CurlTransport>(loop);
  TaskGroup group;
  std::vector<std::string> codes;
  for (int i = 0; i < 5; ++i) group.spawn(keep_code(*transport, silent.server.url(), codes));
  loop.run_until([&] { return silent.server.connections() == 5; });
  transport.reset();
  loop.run_until([&group] { return group.running() == 0; });
  EXPECT_EQ(codes, std::vector<std::string>(5, "Closed"));
  EXPECT_EQ(loop.watched(), 0U);
}

// Starts the task and drops it, suspended, with its frame.
TEST(CurlTransport, AWaiterMayVanish) {
  struct Dropped {
    struct promise_type {
      Dropped get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
      std::suspend_never initial_suspend() const noexcept { return {}; }
      std::suspend_always final_suspend() const noexcept { return {}; }
      void return_void() const noexcept {}
      void unhandled_exception() const noexcept { std::terminate(); }
    };
    std::coroutine_handle<promise_type> handle;
  };
  constexpr auto start = [](CurlTransport& transport, std::string url) -> Dropped {
    const auto result = co_await transport.send(get(std::move(url)));
    EXPECT_TRUE(result.has_value());
  };
  LoopbackServer server{[](const std::string&) { return LoopbackServer::ok("x"); }};
  PollLoop loop;
  CurlTransport transport{loop};
  start(transport, server.url()).handle.destroy();
  const auto dropped = start(transport, server.url());
  loop.run_until([&server] { return server.connections() > 0; });
  dropped.handle.destroy();
  EXPECT_TRUE(loop.run(transport.send(get(server.url()))).has_value());
}

}  // namespace
}  // namespace deputy::aws
