#include "aws/caller.hpp"

#include <algorithm>
#include <curl/curl.h>

#include "aws/error_answer.hpp"
#include "core/assert.hpp"

namespace deputy::aws {
namespace {

// Beyond this, the answer's Date is as little to be believed as our own clock.
constexpr std::chrono::hours clock_correction_max{24};

Protocol protocol_of(const Call& call) {
  if (call.path_style == PathStyle::as_sent) return Protocol::rest_xml;
  const bool is_json = std::ranges::any_of(
      call.headers, [](const auto& header) { return header.second.starts_with("application/x-amz-json"); });
  return is_json ? Protocol::json : Protocol::query;
}

// The Host header that goes with a URL: without the scheme's own port.
std::string host_of(const std::string& url) {
  const std::size_t begin = url.find("://") + 3;
  std::string host = url.substr(begin, url.find('/', begin) - begin);
  const std::string_view default_port = url.starts_with("https:") ? ":443" : ":80";
  if (host.ends_with(default_port)) host.resize(host.size() - default_port.size());
  return host;
}

std::string path_of(const std::string& url) {
  const std::size_t slash = url.find('/', url.find("://") + 3);
  return slash == std::string::npos ? std::string{} : url.substr(slash);
}

// Without an access key ID it goes out unsigned.
HttpRequest request_for(const Caller& caller, const Call& call, const Credentials& credentials,
                        Timestamp time) {
  const std::string base = caller.endpoints.url(call.service, call.region);
  const std::string path = call.path.empty() ? "/" : call.path;
  SignableRequest signable{.method = call.method,
                           .path = path_of(base) + path,
                           .query = call.query,
                           .headers = call.headers,
                           .body = call.body};
  signable.headers.emplace_back("host", host_of(base));
  std::vector<std::pair<std::string, std::string>> added;
  if (!credentials.access_key_id.empty())
    added = sign(signable, {call.region.text(), call.signing_name, time}, credentials, call.path_style);

  HttpRequest request;
  request.method = call.method;
  request.url = base + path;
  if (!call.query.empty()) request.url.append("?").append(call.query);
  request.headers = std::move(signable.headers);
  request.headers.insert(request.headers.end(), added.begin(), added.end());
  request.headers.emplace_back("user-agent", "deputy");
  request.body = call.body;
  request.timeout = caller.retry.attempt_timeout;
  return request;
}

AwsError no_answer(const Error& error) {
  return {.error_class = AwsErrorClass::unavailable,
          .status = 0,
          .code = transport_error_code(error),
          .message = error.detail,
          .request_id = {}};
}

bool may_send_again(const AwsError& error, bool idempotent) {
  if (error.error_class == AwsErrorClass::throttled) return true;
  if (error.code == "Closed" || error.error_class != AwsErrorClass::unavailable) return false;
  return idempotent && (error.status == 0 || error.status >= 500 || error.code.starts_with("RequestTimeout"));
}

std::chrono::milliseconds backoff(const Caller& caller, int attempt) {
  auto ceiling = caller.retry.backoff_base;
  for (int i = 1; i < attempt && ceiling < caller.retry.backoff_max; ++i) ceiling *= 2;
  return full_jitter(caller.random, std::min(ceiling, caller.retry.backoff_max));
}

// How far AWS's clock is ahead of ours, when the answer tells and it is not absurd.
std::optional<std::chrono::seconds> clock_correction(const HttpResponse& response, Timestamp now) {
  const auto date = date_of(response);
  if (!date) return std::nullopt;
  const auto ahead = *date - std::chrono::floor<std::chrono::seconds>(now);
  if (ahead > clock_correction_max || ahead < -clock_correction_max) return std::nullopt;
  return ahead;
}

Task<AwsResult<HttpResponse>> exchange(const Caller& caller, const Call& call,
                                       const Credentials& credentials) {
  std::optional<std::chrono::seconds> correction;
  for (int attempt = 1;;) {
    const Timestamp now = caller.clock.now();
    auto answer = co_await caller.transport.send(
        request_for(caller, call, credentials, now + correction.value_or(std::chrono::seconds{0})));
    AwsError error;
    if (answer.has_error()) {
      error = no_answer(answer.error());
    } else if (answer.value().status >= 200 && answer.value().status < 300) {
      co_return std::move(answer).value();
    } else {
      const auto suggested = clock_correction(answer.value(), now);
      error = read_error(std::move(answer).value(), protocol_of(call), credentials);
      if (is_clock_skew(error) && suggested && !correction) {
        correction = suggested;
        continue;
      }
    }
    if (attempt >= caller.retry.attempts_max || !may_send_again(error, call.idempotent))
      co_return std::move(error);
    co_await sleep_for(caller.loop, backoff(caller, attempt), std::stop_token{});
    ++attempt;
  }
}

}  // namespace

std::optional<std::chrono::sys_seconds> date_of(const HttpResponse& response) {
  const auto date = response.header("date");
  if (!date) return std::nullopt;
  const std::time_t seconds = curl_getdate(std::string{*date}.c_str(), nullptr);
  if (seconds < 0) return std::nullopt;
  return std::chrono::sys_seconds{std::chrono::seconds{seconds}};
}

Task<AwsResult<HttpResponse>> perform(const Caller& caller, Call call, Credentials credentials) {
  DEPUTY_ASSERT(!credentials.access_key_id.empty());  // else it would go out unsigned
  co_return co_await exchange(caller, call, credentials);
}

Task<AwsResult<HttpResponse>> perform_unsigned(const Caller& caller, Call call, SecretString proof) {
  const Credentials nobody{.access_key_id = {},
                           .secret_access_key = {},
                           .session_token = std::move(proof),
                           .expires_at = std::nullopt};
  auto answer = co_await exchange(caller, call, nobody);
  wipe(call.body);
  co_return std::move(answer);
}

}  // namespace deputy::aws
