#include "command.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <fstream>
#include <iostream>

#include "aws/base_credentials.hpp"
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

int status_of(ErrorKind kind) {
  switch (kind) {
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

}  // namespace

void add_output_option(CLI::App& command, Output& output) {
  static const std::map<std::string, Output> forms{{"text", Output::text}, {"json", Output::json}};
  command.add_option("--output", output, "text or json")
      ->transform(CLI::CheckedTransformer(forms).description(""));
}

int tell(const Error& error) {
  std::cerr << "deputy: " << error.message << "\n";
  if (!error.detail.empty()) std::cerr << "        " << error.detail << "\n";
  return status_of(error.kind);
}

int tell_problem(const app::ApiAnswer& answer) {
  const std::string code = answer.member("code");
  std::cerr << "deputy: " << (code.empty() ? fmt::format("the server answered {}", answer.status) : code)
            << ": " << answer.member("detail") << "\n";
  return answer.status >= 500 || answer.status == 429 ? undetermined : found_something;
}

Result<app::ApiAnswer> call_api(const std::string& method, const std::string& path,
                                std::optional<boost::json::value> body) {
  const auto environment = aws::process_environment();
  const auto url = environment("DEPUTY_URL");
  auto key = environment("DEPUTY_KEY");
  if (!url || !key)
    return Error{ErrorKind::invalid_request,
                 "DEPUTY_URL and DEPUTY_KEY must be set: the server's address and one of its keys"};
  std::string base = *url;
  while (base.ends_with('/')) base.pop_back();
  http::AsioLoop loop;
  aws::CurlTransport transport{loop};
  app::ApiClient client{transport, base, SecretString::take(*key)};
  std::optional<Result<app::ApiAnswer>> answer;
  TaskGroup group;
  group.spawn(call(client, method, path, std::move(body), answer, loop));
  loop.run();
  return *std::move(answer);
}

Result<std::string> read_input(const std::string& file, std::size_t bytes_max) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file, std::ios::binary);
    if (!opened) return Error{ErrorKind::invalid_request, in_backticks(file) + " cannot be opened"};
  }
  std::istream& in = file == "-" ? std::cin : opened;
  std::string text(bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > bytes_max)
    return Error{ErrorKind::invalid_request,
                 fmt::format("{} is longer than {} bytes", in_backticks(file), bytes_max)};
  if (in.bad()) return Error{ErrorKind::invalid_request, in_backticks(file) + " cannot be read"};
  return text;
}

std::string url_part(const std::string& text) {
  return aws::uri_encode(text, false);
}

}  // namespace deputy::cli
