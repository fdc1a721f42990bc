#include "http/server.hpp"

#include <array>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <random>
#include <stdexcept>
#include <thread>

#include "http/running_server.hpp"

namespace deputy::http {
namespace {

using namespace std::chrono_literals;

class ServerByAnyWay : public testing::TestWithParam<Way> {};
INSTANTIATE_TEST_SUITE_P(By, ServerByAnyWay, every_way(), name_of);

constexpr const char* get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

TEST_P(ServerByAnyWay, AnswersAndKeepsTheConnection) {
  const RunningServer running{GetParam()};
  auto client = running.connect();
  for (int i = 0; i < 3; ++i) {
    client.send("GET /a%20b?c=d HTTP/1.1\r\nHost: h\r\n\r\n");
    const auto reply = client.receive_response();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "GET /a b?c=d ");
    EXPECT_EQ(reply.headers.find("Content-Type"), "text/plain");
    EXPECT_TRUE(reply.headers.find("Date"));
    EXPECT_FALSE(reply.headers.find("Server"));
    EXPECT_FALSE(reply.headers.find("Connection"));
  }
  client.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  const auto last = client.receive_response();
  EXPECT_EQ(last.body, "POST /x? hello");
  EXPECT_EQ(last.headers.find("Connection"), "close");
  EXPECT_TRUE(client.is_closed());
}

TEST_P(ServerByAnyWay, AnswersPipelinedRequestsInOrderOneAtATime) {
  Gate gate;
  RunningServer running{GetParam(), {}, behind(gate)};
  auto client = running.connect();
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  client.send(requests);
  wait_until_waiting(running, gate, 1);
  EXPECT_EQ(running.in_flight(), 1U);
  running.thread().call([&] { gate.open(); });
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(client.receive_response().body, "GET /" + std::to_string(i) + "? ");
}

TEST(ServerOverTcp, GivesTheHandlerThePeerAndAnIdentifier) {
  std::vector<Request> seen;
  const RunningServer running{{}, [&seen](Request request) {
                                seen.push_back(request);
                                return echo(std::move(request));
                              }};
  EXPECT_TRUE(running.serves());
  EXPECT_TRUE(running.serves());
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].remote_address, "127.0.0.1");
  EXPECT_EQ(seen[0].request_id.size(), 28U);
  EXPECT_TRUE(seen[0].request_id.starts_with("req_"));
  EXPECT_NE(seen[0].request_id, seen[1].request_id);
}

Task<void> discard(Task<bool> task) {
  co_await std::move(task);
}

// What comes while a handler runs is not told again: neither what the system tells of then nor what lies in
// TLS's buffers may be forgotten.
TEST_P(ServerByAnyWay, WhatArrivesDuringAHandlerIsReadAfterIt) {
  constexpr std::size_t record = 16 * 1024;  // TLS's
  Gate gate;
  RunningServer running{GetParam(), {}, behind(gate)};
  auto client = running.connect();
  std::string requests;
  int count = 0;
  while (requests.size() < 2 * record)
    requests += "GET /" + std::to_string(count++) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  client.send(requests.substr(0, record));
  wait_until_waiting(running, gate, 1);
  client.send(requests.substr(record));
  running.thread().run(discard(sleep_for(running.thread().loop(), 20ms, {})));  // the loop is told
  running.thread().call([&] { gate.open(); });
  for (int i = 0; i < count; ++i)
    ASSERT_EQ(client.receive_response().body, "GET /" + std::to_string(i) + "? ");
}

TEST_P(ServerByAnyWay, Http10IsAnsweredAndClosed) {
  const RunningServer running{GetParam()};
  const std::string reply = running.exchange("GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n")) << reply;
  EXPECT_NE(reply.find("Connection: close\r\n"), std::string::npos);
}

TEST_P(ServerByAnyWay, AHeadIsAnsweredWithoutABody) {
  const RunningServer running{GetParam()};
  auto client = running.connect();
  client.send("HEAD /h HTTP/1.1\r\nHost: h\r\n\r\nGET /g HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto head = client.receive_response(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.find("Content-Length"), "9");
  EXPECT_EQ(client.receive_response().body, "GET /g? ");
}

TEST_P(ServerByAnyWay, ExpectationsAreMet) {
  const RunningServer running{GetParam()};
  auto client = running.connect();
  client.send("PUT /k HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive_header(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_EQ(client.receive_response().body, "PUT /k? abc");
}

TEST_P(ServerByAnyWay, SeveralFieldsOfOneNameStaySeveral) {
  const RunningServer running{GetParam(), {}, [](Request) -> Task<Response> {
                                Response response;
                                response.headers.add("Set-Cookie", "a=1");
                                response.headers.add("Set-Cookie", "b=2");
                                co_return response;
                              }};
  auto client = running.connect();
  client.send(get);
  EXPECT_EQ(client.receive_response().headers.count("Set-Cookie"), 2U);
}

TEST_P(ServerByAnyWay, LargeBodiesPassBothWays) {
  ServerOptions options;
  options.body_bytes_max = 16 * 1024 * 1024;
  const RunningServer running{GetParam(), options};
  auto client = running.connect();
  std::string body(9'000'000, 'x');
  for (std::size_t i = 0; i < body.size(); i += 997) body[i] = static_cast<char>('a' + i % 26);
  client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
  client.send(body);
  EXPECT_TRUE(client.receive_response().body == "PUT /? " + body);
  client.send(get);
  EXPECT_EQ(client.receive_response().status, 200);
}

Task<Response> throw_late(EventLoop& loop) {
  co_await sleep_for(loop, 1ms, {});
  throw std::runtime_error{"secret detail"};
}

TEST_P(ServerByAnyWay, AnExceptionBecomesABare500AndTheConnectionStays) {
  LoopThread* thread = nullptr;
  RunningServer running{GetParam(), {}, [&thread](Request request) -> Task<Response> {
                          if (request.path == "/late") return throw_late(thread->loop());
                          if (request.path == "/early") throw std::runtime_error{"secret detail"};
                          if (request.path == "/odd") throw 1;
                          return echo(std::move(request));
                        }};
  thread = &running.thread();
  auto client = running.connect();
  for (const std::string path : {"/late", "/early", "/odd"}) {
    client.send("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    const auto reply = client.receive_response();
    EXPECT_EQ(reply.status, 500);
    EXPECT_EQ(reply.body, "500 Internal Server Error\n");
  }
  client.send(get);
  EXPECT_EQ(client.receive_response().status, 200);
}

TEST_P(ServerByAnyWay, AResponseThatBreaksTheFrameBecomesABare500) {
  const RunningServer running{GetParam(), {}, [](Request) -> Task<Response> {
                                Response response;
                                response.headers.add("Location", "/\r\nSet-Cookie: evil");
                                co_return response;
                              }};
  auto client = running.connect();
  client.send(get);
  const auto reply = client.receive_response();
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.headers.count("Set-Cookie"), 0U);
}

Task<Response> cut(int status) {
  Response response;
  response.status = status;
  response.body = "x";
  response.close_connection = true;
  co_return response;
}

TEST_P(ServerByAnyWay, HandlersCutConnections) {
  const RunningServer running{
      GetParam(), {}, [](Request request) { return cut(request.path == "/0" ? 0 : 503); }};
  EXPECT_EQ(running.exchange("GET /0 HTTP/1.1\r\nHost: h\r\n\r\n"), "");
  auto client = running.connect();
  client.send(get);
  EXPECT_EQ(client.receive_response().status, 503);
  EXPECT_TRUE(client.is_closed());
}

TEST_P(ServerByAnyWay, RendersItsOwnErrorsAsItIsTold) {
  ServerOptions options;
  options.error_response = [](int status, std::string_view request_id) {
    Response response;
    response.status = status;
    response.headers.add("Content-Type", "application/problem+json");
    response.body = std::string{request_id};
    return response;
  };
  const RunningServer running{GetParam(), options};
  auto client = running.connect();
  client.send("GET * HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto reply = client.receive_response();
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.headers.find("Content-Type"), "application/problem+json");
  EXPECT_TRUE(reply.body.starts_with("req_")) << reply.body;
  EXPECT_TRUE(client.is_closed());
}

TEST_P(ServerByAnyWay, RefusalsEndTheConnection) {
  const RunningServer running{GetParam()};
  const std::pair<const char*, int> cases[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET "
       "/smuggled HTTP/1.1\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: h\r\nExpect: other\r\n\r\n", 417},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n", 413},
      {"GET / HTTP/3.0\r\nHost: h\r\n\r\n", 505},
      {"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"\x16\x03\x01\x02", 400},
  };
  for (const auto& [bytes, status] : cases) {
    auto client = running.connect();
    client.send(bytes);
    const auto reply = client.receive_response();
    EXPECT_EQ(reply.status, status) << bytes;
    EXPECT_EQ(reply.headers.find("Connection"), "close");
    EXPECT_TRUE(client.is_closed()) << bytes;
  }
}

TEST_P(ServerByAnyWay, ServesAfterGarbage) {
  ServerOptions options;
  options.header_timeout = 50ms;
  options.linger_timeout = 50ms;
  RunningServer running{GetParam(), options};
  std::mt19937 engine{11};  // NOLINT(cert-msc51-cpp): repeatable
  std::vector<SocketClient> open;
  for (int i = 0; i < 300; ++i) {
    std::string bytes(engine() % 600, '\0');
    for (char& c : bytes) c = static_cast<char>(engine() & 0xffU);
    if (i % 3 == 0) bytes.insert(0, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    if (i % 3 == 1) bytes.insert(0, "GET /");
    auto client = running.connect();
    client.send(bytes);
    if (i % 4 == 0) client.reset();
    if (i % 4 == 1) client.end_sending();
    if (i % 4 == 2) open.push_back(std::move(client));
  }
  EXPECT_TRUE(running.serves());
}

TEST_P(ServerByAnyWay, AClientThatLeavesDoesNotEndTheHandler) {
  Gate gate;
  RunningServer running{GetParam(), {}, behind(gate)};
  auto leaves = running.connect();
  leaves.send(get);
  auto resets = running.connect();
  resets.send(get);
  wait_until_waiting(running, gate, 2);
  leaves.close();
  resets.reset();
  running.thread().call([&] { gate.open(); });
  EXPECT_TRUE(running.serves());
  EXPECT_EQ(running.in_flight(), 0U);
}

TEST_P(ServerByAnyWay, AHalfClosedClientGetsItsAnswer) {
  const RunningServer running{GetParam()};
  auto client = running.connect();
  client.send(get);
  client.end_sending();
  EXPECT_EQ(client.receive_response().status, 200);
  EXPECT_TRUE(client.is_closed());
}

TEST(ServerOverTcp, SaysWhyItCannotListen) {
  RealLoop real;
  Server first{real.loop(), {}, echo};
  ASSERT_TRUE(first.listen());
  ServerOptions same;
  same.port = first.port();
  Server second{real.loop(), same, echo};
  const auto taken = second.listen();
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().message,
            "cannot listen on `127.0.0.1:" + std::to_string(first.port()) + "`: Address already in use");
  ServerOptions wrong;
  wrong.address = "localhost";
  Server third{real.loop(), wrong, echo};
  EXPECT_EQ(third.listen().error().message, "cannot listen on `localhost`: not an IP address");
}

TEST_P(ServerByAnyWay, DescriptorsAreCloseOnExec) {
  constexpr int descriptors_max = 64;
  std::array<bool, descriptors_max> inherited{};
  for (int i = 0; i < descriptors_max; ++i)
    inherited.at(static_cast<std::size_t>(i)) = ::fcntl(i, F_GETFD) != -1;
  const RunningServer running{GetParam()};
  auto client = running.connect();
  client.send(get);
  EXPECT_EQ(client.receive_response().status, 200);
  int looked_at = 0;
  for (int i = 0; i < descriptors_max; ++i) {
    const int flags = ::fcntl(i, F_GETFD);
    if (flags == -1 || inherited.at(static_cast<std::size_t>(i))) continue;
    ++looked_at;
    EXPECT_TRUE((flags & FD_CLOEXEC) != 0) << i;
  }
  EXPECT_GE(looked_at, 4);  // the loop's, the listener, both ends of the connection
}

// ── The end ─────────────────────────────────────────────────────────────────────────────────────────────

TEST_P(ServerByAnyWay, DestructionWithHandlersInFlightIsSafe) {
  Gate gate;
  RunningServer running{GetParam(), {}, behind(gate)};
  auto client = running.connect();
  client.send(get);
  wait_until_waiting(running, gate, 1);
  running.destroy();
  EXPECT_TRUE(client.is_closed());
  running.thread().call([&] { gate.open(); });
}

TEST_P(ServerByAnyWay, DrainClosesIdleConnectionsAndFinishesWhatIsInFlight) {
  Gate gate;
  RunningServer running{GetParam(), {}, behind(gate)};
  auto idle = running.connect();
  idle.send(get);
  auto busy = running.connect();
  busy.send(get);
  wait_until_waiting(running, gate, 2);
  running.thread().call([&] { gate.open(); });
  EXPECT_EQ(idle.receive_response().status, 200);
  EXPECT_EQ(busy.receive_response().status, 200);

  Gate second;
  RunningServer other{GetParam(), {}, behind(second)};
  auto waiting = other.connect();
  waiting.send(std::string{get} + get);
  auto fresh = other.connect();
  wait_until_waiting(other, second, 1);
  std::jthread opener{[&] {
    EXPECT_TRUE(fresh.is_closed());  // the drain has begun
    other.thread().call([&] { second.open(); });
    const auto reply = waiting.receive_response();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.headers.find("Connection"), "close");
    EXPECT_TRUE(waiting.is_closed()) << "the request behind it is not begun";
    waiting.close();
  }};
  other.drain(20s);
  EXPECT_EQ(other.connections(), 0U);
  EXPECT_EQ(other.in_flight(), 0U);

  running.drain(20s);
  EXPECT_TRUE(idle.is_closed());
  EXPECT_TRUE(busy.is_closed());
}

TEST_P(ServerByAnyWay, DrainDoesNotWaitForAClientThatNeverEndsItsRequest) {
  ServerOptions options;
  options.finish_timeout = 20ms;
  RunningServer running{GetParam(), options};
  auto slow_header = running.connect();
  slow_header.send(std::string{get} + "GET ");
  auto slow_body = running.connect();
  slow_body.send(std::string{get} + "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n");
  for (auto* each : {&slow_header, &slow_body}) EXPECT_EQ(each->receive_response().status, 200);
  std::jthread reader{[&] {
    for (auto* each : {&slow_header, &slow_body}) {
      EXPECT_EQ(each->receive_response().status, 408) << "and not cut after the grace";
      each->close();
    }
  }};
  running.drain(20s);
  EXPECT_EQ(running.connections(), 0U);
}

TEST_P(ServerByAnyWay, DrainCutsWhatIsLeftAfterItsGrace) {
  Gate gate;
  RunningServer running{GetParam(), {}, behind(gate)};
  auto client = running.connect();
  client.send(get);
  wait_until_waiting(running, gate, 1);
  running.drain(10ms);
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(running.in_flight(), 1U);
  running.thread().call([&] { gate.open(); });
  EXPECT_EQ(running.in_flight(), 0U);
}

}  // namespace
}  // namespace deputy::http
