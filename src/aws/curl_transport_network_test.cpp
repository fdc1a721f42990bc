#include "support/loopback_server.hpp"
#include "support/poll_loop.hpp"

#include <array>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/curl_transport.hpp"
#include "http/asio_loop.hpp"

// TLS, against `openssl s_server`; proxies; and the loop of the running process.
namespace deputy::aws {
namespace {

class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { unsetenv(name_); }

 private:
  const char* name_;
};

// A server whose certificate is good for one name and signed by itself.
class TlsServer {
 public:
  explicit TlsServer(const std::string& alternative_name) {
    std::string pattern = std::filesystem::temp_directory_path() / "deputy-tls-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    const std::string make =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test"
        " -addext subjectAltName=" +
        alternative_name + " -keyout " + key() + " -out " + certificate() + " 2>/dev/null";
    DEPUTY_ASSERT(std::system(make.c_str()) == 0);  // NOLINT: a fixed command
    start();
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  ~TlsServer() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    close(output_);
    std::filesystem::remove_all(folder_);
  }

  std::string certificate() const { return folder_ / "certificate.pem"; }
  std::string url() const { return "https://127.0.0.1:" + port_ + "/"; }

 private:
  std::string key() const { return folder_ / "key.pem"; }

  void start() {
    std::array<int, 2> ends{};
    DEPUTY_ASSERT(pipe2(ends.data(), O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    std::vector<std::string> words{"openssl",     "s_server", "-accept", "127.0.0.1:0", "-cert",
                                   certificate(), "-key",     key(),     "-www"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    DEPUTY_ASSERT(posix_spawnp(&process_, "openssl", &actions, nullptr, arguments.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    output_ = ends[0];
    std::string said;
    const std::string_view mark = "ACCEPT 127.0.0.1:";
    while (said.find('\n', std::min(said.find(mark), said.size())) == std::string::npos) {
      char c = 0;
      DEPUTY_ASSERT(::read(output_, &c, 1) == 1);
      said += c;
    }
    port_ = said.substr(said.find(mark) + mark.size());
    port_.resize(port_.find('\n'));
  }

  std::filesystem::path folder_;
  std::string port_;
  pid_t process_ = 0;
  int output_ = -1;
};

std::string outcome(CurlTransport::Options options, const std::string& url, bool direct = false) {
  PollLoop loop;
  CurlTransport transport{loop, std::move(options)};
  HttpRequest request;
  request.url = url;
  request.direct = direct;
  const auto result = loop.run(transport.send(request));
  return result.has_value() ? std::to_string(result.value().status) : transport_error_code(result.error());
}

TEST(CurlTransportTls, AlwaysVerifiesWhoAnswers) {
  const TlsServer server{"IP:127.0.0.1"};
  EXPECT_EQ(outcome({.ca_file = {}}, server.url()), "TlsFailed");
  EXPECT_EQ(outcome({.ca_file = server.certificate()}, server.url()), "200");
  EXPECT_EQ(outcome({.ca_file = "/nonexistent"}, server.url()), "TlsFailed");
  const Variable bundle{"AWS_CA_BUNDLE", server.certificate()};
  EXPECT_EQ(outcome({.ca_file = {}}, server.url()), "200");
}

TEST(CurlTransportTls, AlwaysVerifiesTheName) {
  const TlsServer server{"DNS:sts.amazonaws.com"};
  EXPECT_EQ(outcome({.ca_file = server.certificate()}, server.url()), "TlsFailed");
}

TEST(CurlTransportProxy, IsAskedForTheWorldButNotForThisMachine) {
  std::mutex mutex;
  std::string seen;
  LoopbackServer proxy{[&](const std::string& request) {
    const std::lock_guard lock{mutex};
    seen = request.substr(0, request.find("\r\n"));
    return LoopbackServer::response("403 Forbidden", "");
  }};
  LoopbackServer here{[](const std::string&) { return LoopbackServer::ok(""); }};
  const Variable http{"http_proxy", proxy.url()};
  const Variable https{"HTTPS_PROXY", proxy.url()};
  EXPECT_EQ(outcome({.ca_file = {}}, "http://sts.example.invalid/x"), "403");
  EXPECT_EQ(seen, "GET http://sts.example.invalid/x HTTP/1.1");
  EXPECT_EQ(outcome({.ca_file = {}}, "https://sts.example.invalid/x"), "ConnectionCut");
  EXPECT_EQ(seen, "CONNECT sts.example.invalid:443 HTTP/1.1");
  seen.clear();
  EXPECT_EQ(outcome({.ca_file = {}}, here.url()), "200");
  EXPECT_EQ(seen, "");
  // What must not pass through a proxy does not, wherever it is.
  EXPECT_EQ(outcome({.ca_file = {}}, "http://sts.example.invalid/x", true), "ConnectionFailed");
  EXPECT_EQ(seen, "");
}

Task<void> count_success(CurlTransport& transport, std::string url, int& succeeded) {
  HttpRequest request;
  request.url = std::move(url);
  const auto result = co_await transport.send(std::move(request));
  if (result.has_value()) ++succeeded;
}

Task<void> stop_after(TaskGroup& group, http::AsioLoop& loop) {
  co_await group.join();
  loop.stop();
}

TEST(CurlTransportOnAsio, CarriesHundredsAtOnceAgainAndAgain) {
  LoopbackServer server{[](const std::string&) { return LoopbackServer::ok("x"); }};
  http::AsioLoop loop;
  CurlTransport transport{loop, {.connections_max = 64, .ca_file = {}}};
  int succeeded = 0;
  TaskGroup sending, waiting;
  loop.post([&] {
    for (int i = 0; i < 300; ++i) sending.spawn(count_success(transport, server.url(), succeeded));
    waiting.spawn(stop_after(sending, loop));
  });
  loop.run();
  EXPECT_EQ(succeeded, 300);
  EXPECT_LE(server.connections(), 64);
}

}  // namespace
}  // namespace deputy::aws
