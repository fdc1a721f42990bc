#include "app/api_client.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "app/server_url.hpp"

namespace deputy::app {

std::string ApiAnswer::member(std::string_view name) const {
  const auto* object = body.if_object();
  const auto* value = object == nullptr ? nullptr : object->if_contains(name);
  if (value == nullptr || value->is_null()) return {};
  if (const auto* text_value = value->if_string()) return {text_value->data(), text_value->size()};
  return boost::json::serialize(*value);
}

namespace {

std::optional<std::chrono::seconds> retry_after_of(const aws::HttpResponse& response) {
  const std::string_view said = response.header("retry-after").value_or("");
  std::uint32_t seconds = 0;
  const auto [end, failed] = std::from_chars(said.data(), said.data() + said.size(), seconds);
  if (failed != std::errc{} || end != said.data() + said.size()) return std::nullopt;
  return std::chrono::seconds{seconds};
}

}  // namespace

Task<Result<ApiAnswer>> ApiClient::call(std::string method, std::string path,
                                        std::optional<boost::json::value> body) {
  aws::HttpRequest request;
  request.method = std::move(method);
  request.url = url_ + path;
  request.direct = is_plain_http(url_);  // a proxy could read the key
  if (!key_.empty()) request.headers.emplace_back("Authorization", "Bearer " + std::string{key_.reveal()});
  if (body) {
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = boost::json::serialize(*body);
  }
  auto sent = co_await transport_.send(std::move(request));
  if (!sent && aws::transport_error_code(sent.error()) == "ResponseTooLarge")
    co_return Error{ErrorKind::upstream_unavailable,
                    "the answer of the server at " + in_backticks(url_) + " is too large to be read",
                    sent.error().detail};
  if (!sent)  // the transport is AWS's and speaks of AWS
    co_return Error{ErrorKind::upstream_unavailable,
                    "the server at " + in_backticks(url_) + " could not be reached: is DEPUTY_URL right?",
                    sent.error().detail};
  const aws::HttpResponse response = std::move(sent).value();
  ApiAnswer answer{.status = response.status,
                   .body = nullptr,
                   .text = response.body,
                   .retry_after = retry_after_of(response)};
  boost::system::error_code not_json;
  auto parsed = boost::json::parse(answer.text, not_json);
  if (!not_json) answer.body = std::move(parsed);
  co_return answer;
}

}  // namespace deputy::app
