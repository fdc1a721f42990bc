#include "http/unix_socket.hpp"

#include "support/temporary_folder.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/running_server.hpp"

namespace deputy::http {
namespace {

namespace fs = std::filesystem;

// Answers with the user that the listener saw.
Task<Response> tell_user(Request request) {
  Response response;
  response.body = request.remote_address + " " +
                  (request.peer_user_id ? std::to_string(*request.peer_user_id) : std::string{"nobody"});
  co_return response;
}

class UnixSocketTest : public testing::Test {
 protected:
  static std::string refusal(const fs::path& path) {
    auto made = UnixSocket::listen(path);
    return made ? "none" : made.error().message;
  }
  static unsigned mode_of(const fs::path& path) {
    struct stat about{};
    return ::lstat(path.c_str(), &about) == 0 ? about.st_mode & 07777U : 0;
  }

  TemporaryFolder folder_;
  fs::path path_ = folder_.path() / "deputy.sock";
};

TEST_F(UnixSocketTest, HasMode0660WhateverTheUmask) {
  for (const mode_t mask : {0000U, 0022U, 0077U, 0777U}) {
    const mode_t before = ::umask(mask);
    const auto made = UnixSocket::listen(path_);
    ::umask(before);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(mode_of(path_), 0660U) << mask;
  }
}

TEST_F(UnixSocketTest, IsRemovedAtItsEnd) {
  {
    const auto made = UnixSocket::listen(path_);
    ASSERT_TRUE(made);
    EXPECT_TRUE(fs::is_socket(path_));
  }
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(UnixSocketTest, LeavesWhatIsAnothersAtItsEnd) {
  {
    const auto made = UnixSocket::listen(path_);
    ASSERT_TRUE(made);
    fs::remove(path_);
    std::ofstream{path_} << "another's";
  }
  EXPECT_TRUE(fs::is_regular_file(path_));
}

TEST_F(UnixSocketTest, AStaleOneIsTakenOver) {
  {
    // As a killed process leaves it.
    const pid_t child = ::fork();
    if (child == 0) {
      auto made = UnixSocket::listen(path_);
      ::_exit(made ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }
  ASSERT_TRUE(fs::is_socket(path_));
  const auto made = UnixSocket::listen(path_);
  EXPECT_TRUE(made) << made.error().message;
}

TEST_F(UnixSocketTest, OneThatIsAnsweredIsNot) {
  const auto first = UnixSocket::listen(path_);
  ASSERT_TRUE(first);
  EXPECT_EQ(refusal(path_), "cannot listen on `" + path_.string() +
                                "`: another process answers there; end it, or choose another path");
  EXPECT_TRUE(fs::is_socket(path_));
}

TEST_F(UnixSocketTest, WhatIsNoSocketStays) {
  std::ofstream{path_} << "precious";
  EXPECT_NE(refusal(path_).find("something that is no socket is there"), std::string::npos);
  EXPECT_TRUE(fs::is_regular_file(path_));
  fs::remove(path_);
  fs::create_symlink(folder_.path() / "elsewhere", path_);
  EXPECT_NE(refusal(path_).find("something that is no socket is there"), std::string::npos);
  EXPECT_TRUE(fs::is_symlink(path_));
}

TEST_F(UnixSocketTest, AFolderThatEverybodyMayWriteToIsRefused) {
  fs::permissions(folder_.path(), fs::perms::all);
  EXPECT_NE(refusal(path_).find("everybody may write to its folder"), std::string::npos);
  fs::permissions(folder_.path(), fs::perms::all | fs::perms::sticky_bit);
  EXPECT_EQ(refusal(path_), "none");
}

TEST_F(UnixSocketTest, APathThatCannotBeIsToldWhy) {
  EXPECT_NE(refusal(folder_.path() / std::string(108, 'x')).find("1 to 107 bytes"), std::string::npos);
  EXPECT_NE(refusal(folder_.path() / "missing" / "x").find("its folder cannot be opened"), std::string::npos);
}

TEST(UnixSocketListener, TellsTheHandlerTheUser) {
  const RunningServer running{Way::unix_socket, {}, tell_user};
  auto client = running.connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.receive_response().body, "unix " + std::to_string(::getuid()));
}

TEST(UnixSocketListener, NobodyHasAUserOverTcp) {
  for (const Way way : {Way::tcp, Way::tls}) {
    const RunningServer running{way, {}, tell_user};
    auto client = running.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\nX-Peer-User-Id: 0\r\n\r\n");
    EXPECT_EQ(client.receive_response().body, "127.0.0.1 nobody");
  }
}

TEST(UnixSocketListener, TheAddressIsServedBesideIt) {
  const RunningServer running{Way::unix_socket, {}, tell_user};
  SocketClient by_tcp{running.port()};
  by_tcp.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(by_tcp.receive_response().body, "127.0.0.1 nobody");
}

TEST(UnixSocketListener, IsGoneAfterADrain) {
  RunningServer running{Way::unix_socket};
  EXPECT_TRUE(running.serves());
  running.drain(std::chrono::seconds{1});
  EXPECT_FALSE(fs::exists(running.place().unix_socket));
}

TEST(UnixSocketListener, AServerThatCannotHaveItDoesNotListenAtAll) {
  RealLoop real;
  TemporaryFolder folder;
  ServerOptions options;
  options.unix_socket = folder.path() / "missing" / "socket";
  Server server{real.loop(), options, echo};
  const auto listening = server.listen();
  ASSERT_FALSE(listening);
  EXPECT_NE(listening.error().message.find("its folder cannot be opened"), std::string::npos);
}

}  // namespace
}  // namespace deputy::http
