#include <gtest/gtest.h>
#include <sys/resource.h>
#include <thread>

#include "http/running_server.hpp"

// What a hostile client can do to the listener, each against its bound. THREATS: class 36.
namespace deputy::http {
namespace {

using namespace std::chrono_literals;

class ServerLimits : public testing::TestWithParam<Way> {};
INSTANTIATE_TEST_SUITE_P(By, ServerLimits, every_way(), name_of);

constexpr const char* get_request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

// Every time-out but the one under test stays long, so that only that one can end the connection.
ServerOptions with(std::chrono::milliseconds ServerOptions::* timeout) {
  ServerOptions options;
  options.*timeout = 60ms;
  return options;
}

TEST_P(ServerLimits, AConnectionWithoutARequestIsClosed) {
  const RunningServer running{GetParam(), with(&ServerOptions::header_timeout)};
  auto client = running.connect();
  EXPECT_TRUE(client.is_closed());
}

TEST_P(ServerLimits, ASlowHeaderIsCutOffHoweverSteadilyItTrickles) {
  const RunningServer running{GetParam(), with(&ServerOptions::header_timeout)};
  auto client = running.connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\n");
  while (!client.answers_within(5) && client.send("X: y\r\n")) continue;
  EXPECT_EQ(client.receive_response().status, 408);
}

TEST_P(ServerLimits, ASlowHeaderOfALaterRequestIsCutOff) {
  const RunningServer running{GetParam(), with(&ServerOptions::header_timeout)};
  auto client = running.connect();
  client.send(std::string{get_request} + "GET ");
  EXPECT_EQ(client.receive_response().status, 200);
  EXPECT_EQ(client.receive_response().status, 408);
  EXPECT_TRUE(client.is_closed());
}

TEST_P(ServerLimits, ASlowBodyIsCutOff) {
  const RunningServer running{GetParam(), with(&ServerOptions::body_timeout)};
  auto client = running.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nsome");
  EXPECT_EQ(client.receive_response().status, 408);
  EXPECT_TRUE(client.is_closed());
  auto chunked = running.connect();
  chunked.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
  EXPECT_EQ(chunked.receive_response().status, 408);
}

TEST_P(ServerLimits, AnIdleConnectionIsClosed) {
  const RunningServer running{GetParam(), with(&ServerOptions::idle_timeout)};
  auto client = running.connect();
  client.send(get_request);
  EXPECT_EQ(client.receive_response().status, 200);
  EXPECT_TRUE(client.is_closed());
}

TEST_P(ServerLimits, AClientThatDoesNotReadIsCutOff) {
  RunningServer running{GetParam(), with(&ServerOptions::write_timeout), [](Request) -> Task<Response> {
                          Response response;
                          response.body.assign(64 * 1024 * 1024, 'x');
                          co_return response;
                        }};
  const auto client = running.connect(4096);
  client.send(get_request);
  // Bounded by the test's own time-out.
  while (running.counts().tally.not_reading == 0) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(running.connections(), 0U);
}

TEST_P(ServerLimits, ARefusedClientThatGoesOnSendingIsCutOff) {
  RunningServer running{GetParam(), with(&ServerOptions::linger_timeout)};
  auto client = running.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_EQ(client.receive_response().status, 413);
  while (client.send(std::string(1000, 'x'))) std::this_thread::sleep_for(1ms);
}

TEST_P(ServerLimits, ARefusalReachesAClientThatSendsItsBodyFirst) {
  const RunningServer running{GetParam()};
  auto client = running.connect();
  const std::string body(8 * 1024 * 1024, 'x');
  EXPECT_TRUE(client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
                          "\r\n\r\n"));
  EXPECT_TRUE(client.send(body));
  EXPECT_EQ(client.receive_response().status, 413);
}

TEST_P(ServerLimits, AnAnnouncedBodyThatIsTooLargeIsRefusedBeforeItIsSent) {
  const RunningServer running{GetParam()};
  auto client = running.connect();
  client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive_response().status, 413);
}

TEST_P(ServerLimits, AChunkedBodyThatIsTooLargeIsRefusedWhileReading) {
  ServerOptions options;
  options.body_bytes_max = 100;
  const RunningServer running{GetParam(), options};
  auto client = running.connect();
  client.send("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 6; ++i) client.send("14\r\n01234567890123456789\r\n");
  EXPECT_EQ(client.receive_response().status, 413);
}

TEST_P(ServerLimits, AHeaderThatIsTooLargeIsRefused) {
  const RunningServer running{GetParam()};
  auto client = running.connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(20'000, 'x'));
  EXPECT_EQ(client.receive_response().status, 431);
  EXPECT_TRUE(client.is_closed());
}

TEST_P(ServerLimits, BodiesTogetherAreBounded) {
  ServerOptions options;
  options.bodies_bytes_max = 1000;
  Gate gate;
  RunningServer running{GetParam(), options, behind(gate)};
  const std::string post =
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 600\r\n\r\n" + std::string(600, 'x');
  auto first = running.connect();
  first.send(post);
  wait_until_waiting(running, gate, 1);
  auto second = running.connect();
  second.send(post);
  const auto refused = second.receive_response();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers.find("Retry-After"), "1");
  EXPECT_TRUE(second.is_closed());
  running.thread().call([&] { gate.open(); });
  EXPECT_EQ(first.receive_response().status, 200);
  for (int i = 0; i < 3; ++i) {
    first.send(post);  // what is done no longer counts
    EXPECT_EQ(first.receive_response().status, 200);
  }
}

TEST(ServerLimitsOverTcp, TooManyConnectionsAreRefusedUntilOneCloses) {
  ServerOptions options;
  options.connections_max = 2;
  RunningServer running{options};
  auto first = running.connect();
  auto second = running.connect();
  while (running.connections() < 2) std::this_thread::yield();
  auto third = running.connect();
  const auto refused = third.receive_response();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers.find("Retry-After"), "1");
  EXPECT_TRUE(third.is_closed());
  third.close();
  first.close();
  while (running.connections() > 1) std::this_thread::yield();
  EXPECT_TRUE(running.serves());
  second.send(get_request);
  EXPECT_EQ(second.receive_response().status, 200);
}

TEST(ServerLimitsOverTcp, ARefusedConnectionIsClosedAndDoesNotCountForLong) {
  ServerOptions options;
  options.connections_max = 0;
  options.linger_timeout = 50ms;
  RunningServer running{options};
  std::vector<SocketClient> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(running.connect());  // more than may wait for their 503
  for (auto& client : clients) {
    const auto reply = client.receive_response();
    EXPECT_TRUE(reply.status == 503 || reply.status == 0);
    EXPECT_TRUE(client.is_closed());
  }
  while (running.connections() > 0) std::this_thread::sleep_for(1ms);
}

TEST_P(ServerLimits, TooManyRequestsInFlightAreRefusedAndTheConnectionStays) {
  ServerOptions options;
  options.requests_in_flight_max = 1;
  Gate gate;
  RunningServer running{GetParam(), options, behind(gate)};
  auto first = running.connect();
  first.send(std::string{get_request} + get_request);
  wait_until_waiting(running, gate, 1);
  auto second = running.connect();
  second.send(get_request);
  const auto refused = second.receive_response();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers.find("Retry-After"), "1");
  running.thread().call([&] { gate.open(); });
  second.send(get_request);
  EXPECT_EQ(second.receive_response().status, 200);
  EXPECT_EQ(first.receive_response().status, 200);
  EXPECT_EQ(first.receive_response().status, 200) << "the one behind it finds its place free";
}

// While descriptors are out, the listener must neither spin nor give up.
TEST(ServerLimitsOverTcp, OutOfDescriptorsItWaitsAndGoesOn) {
#if __has_feature(undefined_behavior_sanitizer)
  GTEST_SKIP() << "the sanitizer opens pipes to look at memory";
#endif
  RunningServer running;
  EXPECT_TRUE(running.serves());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const rlimit tight{.rlim_cur = static_cast<rlim_t>(client) + 1, .rlim_max = before.rlim_max};
  // Descriptors below the limit that are free are taken.
  std::vector<int> taken;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  for (int fd = ::dup(client); fd >= 0; fd = ::dup(client)) taken.push_back(fd);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(running.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  while (running.accept_failures() < 2) std::this_thread::sleep_for(10ms);  // it tries again
  EXPECT_LT(running.accept_failures(), 20U);                                // but does not spin
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  for (const int fd : taken) ::close(fd);
  EXPECT_TRUE(running.serves());
  ::close(client);
}

}  // namespace
}  // namespace deputy::http
