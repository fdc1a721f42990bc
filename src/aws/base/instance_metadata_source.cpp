#include <algorithm>

#include "aws/base/credential_source.hpp"
#include "aws/base/credentials_document.hpp"
#include "aws/shared_files.hpp"
#include "core/ascii.hpp"

namespace deputy::aws {
namespace {

constexpr std::string_view default_endpoint = "http://169.254.169.254";
constexpr std::string_view default_endpoint_v6 = "http://[fd00:ec2::254]";
constexpr std::string_view token_path = "/latest/api/token";
constexpr std::string_view roles_path = "/latest/meta-data/iam/security-credentials/";
constexpr std::chrono::seconds token_life{21'600};  // the longest that can be had
constexpr std::chrono::seconds token_margin{60};
constexpr std::size_t token_bytes_max = 1'024;
constexpr std::size_t answer_bytes_max = 64 * 1024;
constexpr int attempts_max = 2;
constexpr std::chrono::milliseconds timeout{1'000};
constexpr std::chrono::milliseconds backoff_max{200};

// What EC2 answers when the instance's metadata is switched off (403), and what others answer who have that
// address: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-returns.html
bool gives_no_tokens(int status) {
  return status == 403 || status == 404 || status == 405;
}

bool is_endpoint(std::string_view url) {
  const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  return scheme != 0 && url.size() > scheme && url[scheme] != '/' && url.size() <= 256 &&
         std::ranges::all_of(url, [](char c) { return c > ' ' && c < '\x7f'; }) &&
         url.find_first_of("?#@\\\"<>") == std::string_view::npos;
}

bool is_role_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view{"_+=,.@-"}.find(c) != std::string_view::npos;
  });
}

// Where the instance's metadata is, without a slash at the end: the environment's word, then the profile's.
Result<std::string> endpoint_of(const Environment& environment) {
  auto profile = read_profile(environment);
  if (!profile) return prefixed("shared files", std::move(profile).error());
  const auto setting = [&](const std::string& variable, const std::string& name) -> std::string {
    if (const auto value = non_empty(environment, variable)) return *value;
    const std::string* value = profile.value() ? profile.value()->find(name) : nullptr;
    return value != nullptr ? *value : std::string{};
  };
  std::string endpoint = setting("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
  if (!endpoint.empty()) {
    if (!is_endpoint(endpoint))
      return broken_source("AWS_EC2_METADATA_SERVICE_ENDPOINT is no address such as " +
                           std::string{default_endpoint});
    while (endpoint.ends_with('/')) endpoint.pop_back();
    return endpoint;
  }
  const std::string mode =
      to_lower(setting("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode"));
  if (mode.empty() || mode == "ipv4") return std::string{default_endpoint};
  if (mode == "ipv6") return std::string{default_endpoint_v6};
  return broken_source("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is neither `IPv4` nor `IPv6`");
}

// The role of an EC2 instance, by version 2 of its metadata service alone: a token first, with PUT, then what
// is asked carries it. There is no way back to version 1, which whoever gets us to send a GET could use.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
class InstanceMetadataSource final : public CredentialSource {
 public:
  explicit InstanceMetadataSource(const SourceContext& context) : context_(context) {}

  std::string_view name() const override { return "instance metadata"; }

  Task<Result<Found>> fetch(std::stop_token stop) override {
    if (to_lower(context_.environment("AWS_EC2_METADATA_DISABLED").value_or("")) == "true")
      co_return Found{NotConfigured{"AWS_EC2_METADATA_DISABLED is set"}};
    const Environment& environment = context_.environment;
    auto endpoint_work = [&environment] { return endpoint_of(environment); };
    DEPUTY_CO_TRY(endpoint_, co_await run_on(context_.pool, context_.caller.loop, endpoint_work));
    auto role = co_await get(std::string{roles_path}, stop);
    // Nobody configures it, so nobody being there, or wanting to serve, is no fault.
    if (!role && role.error().kind == ErrorKind::not_found)
      co_return Found{NotConfigured{role.error().detail}};
    if (!role) co_return std::move(role).error();
    if (role.value().status == 404)
      co_return Found{NotConfigured{"this instance has no role; attach an instance profile"}};
    DEPUTY_CO_TRY(const auto name, role_name(role.value()));
    DEPUTY_CO_TRY(auto answer, co_await get(std::string{roles_path} + name, stop));
    if (answer.status != 200) co_return refused(answer.status);
    auto credentials =
        read_credentials_document(answer.body, DocumentForm::instance, context_.caller.clock.now());
    if (!credentials)
      co_return prefixed("the answer for " + in_backticks(name), std::move(credentials).error());
    co_return Found{Supply{std::move(credentials).value(), std::nullopt}};
  }

 private:
  static Error refused(int status) {
    return broken_source("the metadata service answered " + std::to_string(status));
  }
  // The list of roles: one line of one name.
  static Result<std::string> role_name(const HttpResponse& answer) {
    if (answer.status != 200) return refused(answer.status);
    const std::string name = answer.body.substr(0, answer.body.find_first_of("\r\n"));
    if (!is_role_name(name)) return broken_source("the metadata service named no role");
    return name;
  }

  Task<Result<HttpResponse>> get(std::string path, std::stop_token stop);
  Task<Result<void>> ensure_token(std::stop_token stop);  // `not_found`: nobody gives one
  Task<Result<HttpResponse>> send(HttpRequest request, std::stop_token stop) const;

  const SourceContext context_;
  std::string endpoint_;
  std::string token_endpoint_;  // that gave the token
  SecretString token_;
  std::chrono::steady_clock::time_point token_until_;
};

// Asks with the token; with a new one, once, when it is no longer taken.
Task<Result<HttpResponse>> InstanceMetadataSource::get(std::string path, std::stop_token stop) {
  for (bool is_second = false;; is_second = true) {
    DEPUTY_CO_TRY(co_await ensure_token(stop));
    HttpRequest request{.url = endpoint_ + path};
    request.headers.emplace_back("x-aws-ec2-metadata-token", std::string{token_.reveal()});
    DEPUTY_CO_TRY(auto answer, co_await send(std::move(request), stop));
    if (answer.status != 401 || is_second) co_return std::move(answer);
    token_ = {};
  }
}

Task<Result<void>> InstanceMetadataSource::ensure_token(std::stop_token stop) {
  const auto now = context_.caller.clock.steady_now();
  if (!token_.empty() && token_endpoint_ == endpoint_ && now < token_until_) co_return success();
  token_ = {};
  HttpRequest request{.method = "PUT", .url = endpoint_ + std::string{token_path}};
  request.headers.emplace_back("x-aws-ec2-metadata-token-ttl-seconds", std::to_string(token_life.count()));
  auto answer = co_await send(std::move(request), stop);
  if (!answer) {
    co_return Error{ErrorKind::not_found, answer.error().message,
                    answer.error().detail +
                        "; this is no EC2 instance, or its metadata's hop limit is too "
                        "small for a container (it takes 2)"};
  }
  if (gives_no_tokens(answer.value().status)) {
    co_return Error{ErrorKind::not_found, "the metadata service gives no tokens",
                    "the metadata service gives no tokens (" + std::to_string(answer.value().status) +
                        "): it is switched off for this instance, or this is no EC2 instance"};
  }
  std::string& body = answer.value().body;
  const bool is_token = answer.value().status == 200 && !body.empty() && body.size() <= token_bytes_max &&
                        std::ranges::all_of(body, [](char c) { return c > ' ' && c < '\x7f'; });
  SecretString token = SecretString::take(body);
  if (!is_token) {
    co_return broken_source("the metadata service gave no token (" + std::to_string(answer.value().status) +
                            "); version 2 of it is needed");
  }
  token_ = std::move(token);
  token_endpoint_ = endpoint_;
  token_until_ = now + token_life - token_margin;
  co_return success();
}

// What may pass is asked once more. On this machine's own address: never through a proxy.
Task<Result<HttpResponse>> InstanceMetadataSource::send(HttpRequest request, std::stop_token stop) const {
  request.headers.emplace_back("user-agent", "deputy");
  request.connect_timeout = timeout;
  request.timeout = timeout;
  request.direct = true;
  request.response_bytes_max = answer_bytes_max;
  for (int attempt = 1;; ++attempt) {
    auto answer = co_await context_.caller.transport.send(request);
    const bool may_pass = answer ? answer.value().status >= 500 || answer.value().status == 429
                                 : transport_error_code(answer.error()) != "ResponseTooLarge";
    if (may_pass && attempt < attempts_max &&
        co_await sleep_for(context_.caller.loop, full_jitter(context_.caller.random, backoff_max), stop))
      continue;
    for (auto& [name, value] : request.headers) wipe(value);
    if (!answer) co_return broken_source("the metadata service gave no answer: " + answer.error().detail);
    co_return std::move(answer).value();
  }
}

}  // namespace

std::unique_ptr<CredentialSource> instance_metadata_source(const SourceContext& context) {
  return std::make_unique<InstanceMetadataSource>(context);
}

}  // namespace deputy::aws
