#include "command.hpp"

#include "scan/safe_text.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <fstream>
#include <iostream>

#include "app/server_url.hpp"
#include "aws/curl_transport.hpp"
#include "aws/sigv4.hpp"
#include "core/task_group.hpp"
#include "http/asio_loop.hpp"

namespace deputy::cli {
namespace {

Task<void> call(app::ApiClient& client, std::string method, std::string path,
                std::optional<boost::json::value> body, std::optional<Result<app::ApiAnswer>>& answer,
                http::AsioLoop& loop) {
  answer.emplace(co_await client.call(std::move(method), std::move(path), std::move(body)));
  loop.stop();
}

constexpr std::size_t key_file_bytes_max = 4096;
// A page of log records has 4 MiB of messages, and a control character is six bytes of JSON.
constexpr std::size_t answer_bytes_max = std::size_t{32} * 1024 * 1024;

// One key, perhaps with a line end; never shown, whatever else it is.
Result<SecretString> read_key_file(const std::string& file) {
  DEPUTY_TRY(auto text, read_input(file, key_file_bytes_max));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const bool is_word =
      !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
  auto key = SecretString::take(text);
  if (!is_word)
    return Error{ErrorKind::invalid_request,
                 in_backticks(file) + " does not hold a key: one line, nothing else"};
  return key;
}

}  // namespace

int status_of(const Error& error) {
  switch (error.kind) {
    case ErrorKind::upstream_throttled:
    case ErrorKind::upstream_unavailable:
    case ErrorKind::overloaded:
      return undetermined;
    case ErrorKind::invalid_request:
    case ErrorKind::unknown_field:
    case ErrorKind::role_arn_invalid:
      return wrong_use;
    default:
      return found_something;
  }
}

int status_of(const app::ApiAnswer& problem) {
  return problem.status >= 500 || problem.status == 429 ? undetermined : found_something;
}

std::string text_of(const Error& error) {
  std::string text = "deputy: " + error.message + "\n";
  if (!error.detail.empty()) text += "        " + error.detail + "\n";
  return text;
}

std::string text_of(const app::ApiAnswer& problem) {
  const std::string code = problem.member("code");
  return fmt::format(
      "deputy: {}: {}\n",
      code.empty() ? fmt::format("the server answered {}", problem.status) : scan::for_terminal(code),
      scan::for_terminal(problem.member("detail")));
}

void add_output_option(CLI::App& command, Output& output) {
  static const std::map<std::string, Output> forms{{"text", Output::text}, {"json", Output::json}};
  command.add_option("--output", output, "text or json")
      ->transform(CLI::CheckedTransformer(forms).description(""));
}

int tell(const Error& error) {
  std::cerr << text_of(error);
  return status_of(error);
}

int tell_problem(const app::ApiAnswer& answer) {
  std::cerr << text_of(answer);
  return status_of(answer);
}

bool may_use_http(const aws::Environment& environment) {
  return environment("DEPUTY_ALLOW_HTTP").value_or("") == "1";
}

Result<ServerAccess> server_access(const std::string& url_option, const std::string& key_file_option) {
  const auto environment = aws::process_environment();
  const std::string url = url_option.empty() ? environment("DEPUTY_URL").value_or("") : url_option;
  ServerAccess access{.url = {}, .key = {}};
  if (!url.empty()) {
    DEPUTY_TRY(auto read, app::read_server_url(url, may_use_http(environment)));
    access.url = std::move(read.url);
    access.unix_socket = std::move(read.unix_socket);
  }
  access.ca_file = environment("DEPUTY_CA_FILE").value_or("");
  auto key = environment("DEPUTY_KEY");
  const std::string key_file = environment("DEPUTY_KEY_FILE").value_or("");
  if (!key_file_option.empty()) {
    DEPUTY_TRY(access.key, read_key_file(key_file_option));
  } else if (key && !key->empty()) {
    access.key = SecretString::take(*key);
  } else if (!key_file.empty()) {
    DEPUTY_TRY(access.key, read_key_file(key_file));
  }
  if (access.url.empty() || (access.key.empty() && access.unix_socket.empty()))
    return Error{ErrorKind::invalid_request,
                 "DEPUTY_URL and DEPUTY_KEY (or DEPUTY_KEY_FILE) must be set: the server's address and one "
                 "of its keys"};
  return access;
}

Result<app::ApiAnswer> call_api(const ServerAccess& access, const std::string& method,
                                const std::string& path, std::optional<boost::json::value> body) {
  http::AsioLoop loop;
  aws::CurlTransport transport{loop, aws::CurlTransport::Options{.response_bytes_max = answer_bytes_max,
                                                                 .unix_socket = access.unix_socket,
                                                                 .ca_file = access.ca_file}};
  app::ApiClient client{transport, access.url, access.key};
  std::optional<Result<app::ApiAnswer>> answer;
  TaskGroup group;
  group.spawn(call(client, method, path, std::move(body), answer, loop));
  loop.run();
  return *std::move(answer);
}

Result<app::ApiAnswer> call_api(const std::string& method, const std::string& path,
                                std::optional<boost::json::value> body) {
  DEPUTY_TRY(const auto access, server_access());
  return call_api(access, method, path, std::move(body));
}

Result<std::string> read_beginning(const std::string& file, std::size_t bytes_max) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file, std::ios::binary);
    if (!opened) return Error{ErrorKind::invalid_request, in_backticks(file) + " cannot be opened"};
  }
  std::istream& in = file == "-" ? std::cin : opened;
  std::string text(bytes_max, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (in.bad()) return Error{ErrorKind::invalid_request, in_backticks(file) + " cannot be read"};
  return text;
}

Result<std::string> read_input(const std::string& file, std::size_t bytes_max) {
  DEPUTY_TRY(auto text, read_beginning(file, bytes_max + 1));
  if (text.size() > bytes_max)
    return Error{ErrorKind::invalid_request,
                 fmt::format("{} is longer than {} bytes", in_backticks(file), bytes_max)};
  return text;
}

std::string url_part(const std::string& text) {
  return aws::uri_encode(text, false);
}

std::string shell_word(const std::string& text) {
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word + "'";
}

}  // namespace deputy::cli
