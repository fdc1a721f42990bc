#include "http/admission.hpp"

#include <gtest/gtest.h>
#include <thread>

#include "http/running_server.hpp"

namespace deputy::http {
namespace {

Request request_of(std::string authorization, std::string path = "/") {
  Request request;
  request.path = std::move(path);
  request.remote_address = "192.0.2.1";
  if (!authorization.empty()) request.headers.add("Authorization", std::move(authorization));
  return request;
}

std::size_t by_path(const Request& request) {
  return request.path == "/slow" ? 1 : 0;
}

TEST(Admission, ALaneHasItsBoundAndNotAnothers) {
  Admission admission{{{"fast", 2, 2}, {"slow", 1, 1}}, by_path, 7};
  const auto slow = admission.admit(request_of("a", "/slow"));
  ASSERT_TRUE(slow.place);
  EXPECT_EQ(admission.admit(request_of("b", "/slow")).refusal, 503);
  EXPECT_TRUE(admission.admit(request_of("b")).place);
  admission.leave(*slow.place);
  EXPECT_TRUE(admission.admit(request_of("b", "/slow")).place);
  EXPECT_EQ(admission.counts().at(1).refused_full, 1U);
  EXPECT_EQ(admission.counts().at(0).in_flight, 1U);
}

TEST(Admission, OneClientDoesNotTakeAllOfALane) {
  Admission admission{{{"all", 10, 3}}, {}, 7};
  std::vector<Admission::Place> places;
  for (int i = 0; i < 3; ++i) places.push_back(*admission.admit(request_of("Bearer greedy")).place);
  EXPECT_EQ(admission.admit(request_of("Bearer greedy")).refusal, 429);
  EXPECT_TRUE(admission.admit(request_of("Bearer modest")).place);
  EXPECT_TRUE(admission.admit(request_of("")).place) << "by its address";
  admission.leave(places.back());
  EXPECT_TRUE(admission.admit(request_of("Bearer greedy")).place);
  EXPECT_EQ(admission.counts().at(0).refused_client, 1U);
}

TEST(Admission, UsersOfTheMachineAreClientsOfTheirOwn) {
  Admission admission{{{"all", 10, 1}}, {}, 7};
  auto first = request_of("");
  first.peer_user_id = 1001;
  auto second = request_of("");
  second.peer_user_id = 1002;
  EXPECT_TRUE(admission.admit(first).place);
  EXPECT_EQ(admission.admit(first).refusal, 429);
  EXPECT_TRUE(admission.admit(second).place);
}

TEST(Admission, WhoSharesACountDependsOnTheSecret) {
  // With one secret some two of these share a count; hardly with another, too.
  const auto collides = [](std::uint64_t secret, int a, int b) {
    Admission admission{{{"all", 10, 1}}, {}, secret};
    EXPECT_TRUE(admission.admit(request_of(std::to_string(a))).place);
    return admission.admit(request_of(std::to_string(b))).refusal == 429;
  };
  int found = 0;
  int both = 0;
  for (int b = 1; b < 20'000 && found < 3; ++b) {
    if (!collides(1, 0, b)) continue;
    ++found;
    both += collides(2, 0, b) ? 1 : 0;
  }
  EXPECT_GE(found, 1);
  EXPECT_LT(both, found);
}

TEST(AdmissionOfTheListener, AFloodOfOneKindLeavesAnotherAlone) {
  ServerOptions options;
  options.lanes = {{"fast", 10, 10}, {"slow", 2, 2}};
  options.lane_of = by_path;
  Gate gate;
  RunningServer running{options, [&gate](Request request) -> Task<Response> {
                          if (request.path == "/slow") return echo_after(gate, std::move(request));
                          return echo(std::move(request));
                        }};
  const std::string slow = "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n";
  std::vector<SocketClient> flood;
  for (int i = 0; i < 20; ++i) {
    flood.push_back(running.connect());
    flood.back().send(slow);
  }
  for (std::size_t i = 2; i < flood.size(); ++i) {
    const auto reply = flood[i].receive_response();
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.headers.find("Retry-After"), "1");
  }
  EXPECT_TRUE(running.serves());
  running.thread().call([&] { gate.open(); });
  EXPECT_EQ(flood[0].receive_response().status, 200);
}

TEST(AdmissionOfTheListener, AGreedyClientIsToldToWait) {
  ServerOptions options;
  options.lanes = {{"all", 10, 1}};
  Gate gate;
  RunningServer running{options, behind(gate)};
  const std::string get = "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer greedy\r\n\r\n";
  auto first = running.connect();
  first.send(get);
  wait_until_waiting(running, gate, 1);
  auto second = running.connect();
  second.send(get);
  const auto reply = second.receive_response();
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.headers.find("Retry-After"), "1");
  running.thread().call([&] { gate.open(); });
  EXPECT_EQ(first.receive_response().status, 200);
}

TEST(AdmissionOfTheListener, AnIdleConnectionGivesWayToANewOne) {
  ServerOptions options;
  options.connections_max = 2;
  options.idle_protected = std::chrono::milliseconds{0};
  RunningServer running{options};
  auto first = running.connect();
  first.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(first.receive_response().status, 200);
  auto second = running.connect();
  while (running.connections() < 2) std::this_thread::yield();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(running.serves());
  EXPECT_GE(running.counts().tally.idle_evicted, 1U);
}

TEST(AdmissionOfTheListener, ConnectionsAreAcceptedAtARate) {
  ServerOptions options;
  options.connections_per_second_max = 20;
  const RunningServer running{options};
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 25; ++i) EXPECT_TRUE(running.serves());
  // The first twenty at once, the others at 20 a second.
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds{200});
}

}  // namespace
}  // namespace deputy::http
