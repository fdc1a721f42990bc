#include "app/server_url.hpp"

#include <gmock/gmock.h>

namespace deputy::app {
namespace {

using ::testing::HasSubstr;

std::string read(std::string_view text, bool http_allowed = false) {
  const auto url = read_server_url(text, http_allowed);
  if (!url) return "error: " + url.error().message;
  return url.value().unix_socket.empty() ? url.value().url : "socket " + url.value().unix_socket;
}

TEST(ServerUrl, IsHttpsWithAnyHost) {
  EXPECT_EQ(read("https://deputy.internal"), "https://deputy.internal");
  EXPECT_EQ(read("HTTPS://deputy.internal:8443/under//"), "HTTPS://deputy.internal:8443/under");
}

TEST(ServerUrl, IsHttpToThisMachine) {
  for (const char* here : {"http://localhost", "http://localhost:8180", "http://127.0.0.1:8180/x",
                           "http://127.255.0.9", "http://[::1]", "http://[::1]:8180", "HTTP://localhost"})
    EXPECT_EQ(read(here), here);
}

TEST(ServerUrl, HttpToAnotherMachineIsRefused) {
  // Some look like this machine, and are not, or not for every resolver.
  for (const char* there :
       {"http://deputy.internal", "HTTP://deputy.internal:8180", "http://10.0.0.1", "http://[fd00::1]",
        "http://0.0.0.0", "http://localhost.example.com", "http://127.0.0.1.example.com",
        "http://127.0.0.256", "http://127.1", "http://1270.0.0.1", "http://[::1].example.com",
        "http://[::ffff:10.0.0.1]", "http://example.com#http://localhost", "http://example.com?localhost",
        "http://example.com\\localhost", "http:///localhost", "http://"})
    EXPECT_THAT(read(there), HasSubstr("DEPUTY_ALLOW_HTTP=1")) << there;
}

TEST(ServerUrl, HttpToAnotherMachineMayBeAllowed) {
  EXPECT_EQ(read("http://deputy.internal:8180/", true), "http://deputy.internal:8180");
}

TEST(ServerUrl, UsersAndPasswordsAreRefusedAndNotRepeated) {
  for (const char* url : {"http://localhost:secret@example.com", "https://user:secret@deputy.internal",
                          "http://secret@localhost"}) {
    EXPECT_THAT(read(url, true), HasSubstr("a user or a password")) << url;
    EXPECT_EQ(read(url, true).find("secret"), std::string::npos);
  }
}

TEST(ServerUrl, ASchemeIsNeeded) {
  // libcurl would take them for http.
  for (const char* text : {"deputy.internal", "localhost:8180", " http://localhost", "ftp://localhost", "",
                           "http:/localhost", "//localhost"})
    EXPECT_THAT(read(text, true), HasSubstr("must say where the server is")) << text;
}

TEST(ServerUrl, IsAUnixSocket) {
  EXPECT_EQ(read("unix:/run/deputy.sock"), "socket /run/deputy.sock");
  EXPECT_EQ(read("unix:///run/deputy.sock"), "socket /run/deputy.sock");
  EXPECT_EQ(read("unix:rel/sock"), "socket rel/sock");
  EXPECT_THAT(read("unix:"), HasSubstr("names no socket"));
}

}  // namespace
}  // namespace deputy::app
