#include "aws/sigv4.hpp"

#include "support/source_folder.hpp"

#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>

namespace deputy::aws {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

std::string read(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  EXPECT_TRUE(in) << file;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// A request as it is on the wire. `body` is kept beside, since SignableRequest only views it.
struct Case {
  SignableRequest request;
  std::string body;
  SigningScope scope;
  Credentials credentials;
  PathStyle style = PathStyle::normalized_twice_encoded;
};

Timestamp amz_time(const std::string& date) {
  return parse_rfc3339(date.substr(0, 4) + "-" + date.substr(4, 2) + "-" + date.substr(6, 5) + ":" +
                       date.substr(11, 2) + ":" + date.substr(13))
      .value();
}

void read_request(const std::string& text, Case& out) {
  std::istringstream lines{text};
  std::string line;
  std::getline(lines, line);
  out.request.method = line.substr(0, line.find(' '));
  const std::size_t begin = line.find(' ') + 1;
  const std::string target = line.substr(begin, line.rfind(' ') - begin);
  const std::size_t question = target.find('?');
  out.request.path = target.substr(0, question);
  if (question != std::string::npos) out.request.query = target.substr(question + 1);
  while (std::getline(lines, line) && !line.empty()) {
    const std::size_t colon = line.find(':');
    out.request.headers.emplace_back(line.substr(0, colon), line.substr(colon + 1));
  }
  std::ostringstream body;
  if (lines.peek() != std::char_traits<char>::eof()) body << lines.rdbuf();
  out.body = body.str();
}

Case read_case(const std::filesystem::path& folder) {
  Case out;
  read_request(read(folder / "request.txt"), out);
  out.request.body = out.body;
  std::istringstream keys{read(folder / "credentials.txt")};
  std::string secret;
  std::getline(keys, out.credentials.access_key_id);
  std::getline(keys, secret);
  std::getline(keys, out.scope.service);
  out.credentials.secret_access_key = SecretString{secret};
  out.scope.region = "us-east-1";
  if (out.scope.service == "s3") out.style = PathStyle::as_sent;
  return out;
}

// What `sign` adds by itself is taken off the request, so that it can add it again.
void take_added_headers(Case& of) {
  std::erase_if(of.request.headers, [&of](const auto& header) {
    if (header.first == "X-Amz-Security-Token") of.credentials.session_token = SecretString{header.second};
    if (header.first == "X-Amz-Date" || header.first == "x-amz-date") of.scope.time = amz_time(header.second);
    return header.first.starts_with("X-Amz-") || header.first == "x-amz-date" ||
           header.first == "x-amz-content-sha256";
  });
}

TEST(SigV4, EveryStageEqualsWhatAwsDocuments) {
  int cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator{in_source_folder("tests/data/sigv4")}) {
    if (!entry.is_directory()) continue;
    SCOPED_TRACE(entry.path().filename().string());
    ++cases;
    Case test = read_case(entry.path());
    const std::string canonical = canonical_request(test.request, sha256_hex(test.body), test.style);
    EXPECT_EQ(canonical, read(entry.path() / "canonical_request.txt"));
    take_added_headers(test);
    const std::string to_sign = string_to_sign(test.scope, canonical);
    EXPECT_EQ(to_sign, read(entry.path() / "string_to_sign.txt"));
    const std::string authorization = read(entry.path() / "authorization.txt");
    EXPECT_EQ(signature(test.scope, test.credentials.secret_access_key, to_sign),
              authorization.substr(authorization.rfind('=') + 1));
    EXPECT_EQ(sign(test.request, test.scope, test.credentials, test.style).back(),
              (std::pair<std::string, std::string>{"authorization", authorization}));
  }
  EXPECT_EQ(cases, 34);
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16));
  }
  return bytes;
}

std::string text_of(const boost::json::object& object, std::string_view name) {
  return boost::json::value_to<std::string>(object.at(name));
}

Case read_case(const boost::json::object& line) {
  Case out;
  out.request = {.method = text_of(line, "method"),
                 .path = text_of(line, "path"),
                 .query = text_of(line, "query"),
                 .headers = {},
                 .body = {}};
  for (const auto& header : line.at("headers").as_array()) {
    out.request.headers.emplace_back(header.at(0).as_string(), header.at(1).as_string());
  }
  out.body = from_hex(text_of(line, "body"));
  out.scope = {text_of(line, "region"), text_of(line, "service"),
               parse_rfc3339(text_of(line, "time")).value()};
  out.credentials = {.access_key_id = text_of(line, "access_key_id"),
                     .secret_access_key = SecretString{text_of(line, "secret_access_key")},
                     .session_token = SecretString{text_of(line, "session_token")},
                     .expires_at = std::nullopt};
  if (out.scope.service == "s3") out.style = PathStyle::as_sent;
  return out;
}

TEST(SigV4, SignsRandomRequestsAsBotocoreDoes) {
  constexpr int count = 2'000;
  const std::string command = "/usr/bin/python3 " + in_source_folder("tests/support/botocore_signer.py") +
                              " " + std::to_string(count) + " 20261122";
  FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  std::array<char, 65'536> chunk{};
  for (std::size_t got = 0; (got = fread(chunk.data(), 1, chunk.size(), pipe)) > 0;)
    output.append(chunk.data(), got);
  ASSERT_EQ(pclose(pipe), 0) << "needs Debian's python3-botocore: scripts/install-packages test";

  std::istringstream lines{output};
  std::string line;
  int compared = 0;
  for (; std::getline(lines, line); ++compared) {
    const boost::json::object expected = boost::json::parse(line).as_object();
    Case test = read_case(expected);
    test.request.body = test.body;
    const Headers added = sign(test.request, test.scope, test.credentials, test.style);
    if (added.back().second == text_of(expected, "authorization")) continue;
    SignableRequest whole = test.request;
    whole.headers.insert(whole.headers.end(), added.begin(), added.end() - 1);
    ASSERT_EQ(canonical_request(whole, sha256_hex(test.body), test.style),
              text_of(expected, "canonical_request"))
        << line;
    ASSERT_EQ(added.back().second, text_of(expected, "authorization")) << line;
  }
  EXPECT_EQ(compared, count);
}

TEST(SigV4, AddsWhatTheRequestNeeds) {
  const SignableRequest request{
      .method = "GET", .path = "", .query = "", .headers = {{"host", "h"}}, .body = "x"};
  const SigningScope scope{"us-east-1", "s3", Timestamp{std::chrono::seconds{1'400'000'000}}};
  const Credentials session{"AKIDEXAMPLE", SecretString{"secret"}, SecretString{"token"}, std::nullopt};
  const Headers added = sign(request, scope, session, PathStyle::as_sent);
  ASSERT_EQ(added.size(), 4U);
  EXPECT_EQ(added[0], (std::pair<std::string, std::string>{"x-amz-date", "20140513T165320Z"}));
  EXPECT_EQ(added[1], (std::pair<std::string, std::string>{"x-amz-security-token", "token"}));
  EXPECT_EQ(added[2], (std::pair<std::string, std::string>{"x-amz-content-sha256", sha256_hex("x")}));
  EXPECT_NE(added[3].second.find("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,"),
            std::string::npos);
  EXPECT_EQ(sign(request, scope, session, PathStyle::normalized_twice_encoded).size(), 3U);
}

TEST(SigV4, EncodesAllButTheUnreserved) {
  EXPECT_EQ(uri_encode("aZ9-._~", false), "aZ9-._~");
  EXPECT_EQ(uri_encode("a/b c+\x7f\xc3\xa9", false), "a%2Fb%20c%2B%7F%C3%A9");
  EXPECT_EQ(uri_encode("a/b", true), "a/b");
}

TEST(SigV4, EqualQueriesSignAlike) {
  const auto canonical = [](std::string query) {
    return canonical_request(
        {.method = "GET", .path = "/", .query = std::move(query), .headers = {}, .body = {}}, "hash",
        PathStyle::as_sent);
  };
  EXPECT_EQ(canonical("b=%2f&a"), canonical("a=&b=/"));
  EXPECT_EQ(canonical("a=%zz%4"), canonical("a=%25zz%254"));
  EXPECT_NE(canonical("a=1&a=2"), canonical("a=1"));
}

}  // namespace
}  // namespace deputy::aws
