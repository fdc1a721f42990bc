#include <algorithm>
#include <arpa/inet.h>
#include <array>

#include "aws/base/bounded_file.hpp"
#include "aws/base/container_endpoint.hpp"
#include "aws/base/credential_source.hpp"
#include "aws/base/credentials_document.hpp"

namespace deputy::aws {
namespace {

constexpr std::string_view relative_variable = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
constexpr std::string_view full_variable = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
constexpr std::string_view token_variable = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
constexpr std::string_view token_file_variable = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
constexpr std::string_view ecs_address = "169.254.170.2";
constexpr std::string_view eks_address = "169.254.170.23";
constexpr std::string_view eks_address_v6 = "fd00:ec2::23";

constexpr std::size_t uri_bytes_max = 2'048;
constexpr std::size_t token_bytes_max = 16 * 1024;
constexpr std::size_t answer_bytes_max = 64 * 1024;
constexpr int attempts_max = 3;
constexpr std::chrono::milliseconds connect_timeout{1'000};
constexpr std::chrono::milliseconds timeout{2'000};
constexpr std::chrono::milliseconds backoff_base{200};

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

struct Address {
  bool is_loopback = false;
  bool is_of_aws = false;
};

// Only what is written as an address is one; every form that resolvers know besides (`0x7f.1`) is not.
Address address_of(std::string_view host) {
  const std::string text{host.starts_with('[') ? host.substr(1, host.size() - 2) : host};
  in6_addr v6{};
  if (host.starts_with('[')) {
    if (!host.ends_with(']') || inet_pton(AF_INET6, text.c_str(), &v6) != 1) return {};
    in6_addr eks{};
    inet_pton(AF_INET6, std::string{eks_address_v6}.c_str(), &eks);
    const auto same = [&v6](const in6_addr& other) { return std::ranges::equal(v6.s6_addr, other.s6_addr); };
    return {.is_loopback = same(in6addr_loopback), .is_of_aws = same(eks)};
  }
  in_addr v4{};
  const bool is_v4 = inet_pton(AF_INET, text.c_str(), &v4) == 1;
  return {.is_loopback = text == "localhost" || (is_v4 && (ntohl(v4.s_addr) >> 24U) == 127U),
          .is_of_aws = text == ecs_address || text == eks_address};
}

// `host` or `host:port`; empty when it is neither.
std::string_view host_of(std::string_view authority) {
  const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
  if (bracket == std::string_view::npos) return {};
  const std::size_t colon = authority.find(':', bracket);
  const std::string_view host = authority.substr(0, colon);
  if (host.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_[]:") !=
      std::string_view::npos)
    return {};
  if (colon == std::string_view::npos) return host;
  const std::string_view port = authority.substr(colon + 1);
  const bool is_port =
      !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string_view::npos;
  return is_port ? host : std::string_view{};
}

Result<ContainerEndpoint> full_endpoint(const std::string& uri) {
  const std::string where = std::string{full_variable} + ": ";
  const std::size_t scheme = uri.starts_with("https://") ? 8 : uri.starts_with("http://") ? 7 : 0;
  // A reader of URLs that takes `\` or `@` differently from another would see another host.
  if (scheme == 0 || uri.size() > uri_bytes_max || !is_visible(uri) ||
      uri.find_first_of("\\@#\"<>") != std::string::npos)
    return broken_source(where + "no address such as `http://169.254.170.23/v1/credentials`");
  const std::string_view authority =
      std::string_view{uri}.substr(scheme, uri.find_first_of("/?", scheme) - scheme);
  const std::string_view host = host_of(authority);
  if (host.empty()) return broken_source(where + "no host can be read in it");
  const Address address = address_of(host);
  if (scheme == 7 && !address.is_loopback && !address.is_of_aws)
    return broken_source(where +
                         "plain http is for `localhost`, 127.0.0.0/8, [::1], 169.254.170.2, "
                         "169.254.170.23 and [fd00:ec2::23]; elsewhere use https");
  return ContainerEndpoint{uri, address.is_of_aws};
}

// What the answer says besides is not repeated: it may hold anything.
std::string refusal(const HttpResponse& response) {
  return "the endpoint answered " + std::to_string(response.status);
}

// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI.
class ContainerSource final : public CredentialSource {
 public:
  explicit ContainerSource(const SourceContext& context) : context_(context) {}

  std::string_view name() const override { return "container"; }

  Task<Result<Found>> fetch(std::stop_token stop) override {
    DEPUTY_CO_TRY(const auto endpoint, container_endpoint(context_.environment));
    if (endpoint.url.empty()) {
      co_return Found{NotConfigured{std::string{relative_variable} + " and " + std::string{full_variable} +
                                    " are not set"}};
    }
    // Read at each fetch: its writer replaces the file.
    const Environment& environment = context_.environment;
    auto token_work = [&environment] { return authorization(environment); };
    DEPUTY_CO_TRY(const auto token, co_await run_on(context_.pool, context_.caller.loop, token_work));
    DEPUTY_CO_TRY(auto body, co_await ask(endpoint.url, token, stop));
    auto credentials = read_credentials_document(body, DocumentForm::container, context_.caller.clock.now());
    if (!credentials) co_return prefixed("the endpoint's answer", std::move(credentials).error());
    credentials.value().is_role_session = endpoint.is_of_aws;
    co_return Found{Supply{std::move(credentials).value(), std::nullopt}};
  }

 private:
  static Result<SecretString> authorization(const Environment& environment);
  Task<Result<std::string>> ask(std::string url, SecretString token, std::stop_token stop) const;

  const SourceContext context_;
};

// The token's file wins over the token itself. Neither: no header.
Result<SecretString> ContainerSource::authorization(const Environment& environment) {
  std::string token;
  std::string from{token_variable};
  if (const auto path = non_empty(environment, std::string{token_file_variable})) {
    from = token_file_variable;
    auto read = read_bounded_file(*path, token_bytes_max);
    if (!read) return broken_source(from + ": " + read.error().message);
    if (!read.value() || read.value()->empty())
      return broken_source(from + ": " + in_backticks(*path) + " is not there, or empty");
    token = *std::move(read.value());
  } else {
    token = environment(from).value_or("");
  }
  const bool has_line_break = token.find_first_of("\r\n") != std::string::npos;
  const bool is_header_value = token.size() <= token_bytes_max &&
                               std::ranges::all_of(token, [](char c) { return c >= ' ' && c < '\x7f'; });
  SecretString secret = SecretString::take(token);
  if (has_line_break) return broken_source(from + ": the token holds a line break; write it without one");
  if (!is_header_value) return broken_source(from + ": the token cannot be a header's value");
  return secret;
}

// 429, 5xx and no answer may pass, and are asked again; what else is no 200 is an answer.
Task<Result<std::string>> ContainerSource::ask(std::string url, SecretString token,
                                               std::stop_token stop) const {
  std::string failure;
  for (int attempt = 1; attempt <= attempts_max; ++attempt) {
    if (attempt > 1) {
      const auto wait = full_jitter(context_.caller.random, backoff_base * attempt);
      if (!co_await sleep_for(context_.caller.loop, wait, stop)) break;
    }
    HttpRequest request{.url = url, .headers = {{"accept", "application/json"}, {"user-agent", "deputy"}}};
    if (!token.empty()) request.headers.emplace_back("authorization", std::string{token.reveal()});
    request.connect_timeout = connect_timeout;
    request.timeout = timeout;
    request.direct = url.starts_with("http:");
    request.response_bytes_max = answer_bytes_max;
    auto answer = co_await context_.caller.transport.send(std::move(request));
    if (!answer) {
      failure = "the endpoint gave no answer: " + answer.error().detail;
      if (transport_error_code(answer.error()) == "ResponseTooLarge") break;
      continue;
    }
    const int status = answer.value().status;
    if (status == 200) co_return std::move(answer.value().body);
    failure = refusal(answer.value());
    wipe(answer.value().body);
    if (status != 429 && status < 500) break;
  }
  co_return broken_source(std::move(failure));
}

}  // namespace

Result<ContainerEndpoint> container_endpoint(const Environment& environment) {
  if (const auto path = non_empty(environment, std::string{relative_variable})) {
    if (!path->starts_with('/') || path->size() > uri_bytes_max || !is_visible(*path) ||
        path->find_first_of("\\#\"<>") != std::string::npos)
      return broken_source(std::string{relative_variable} + ": no path such as `/v2/credentials/...`");
    return ContainerEndpoint{"http://" + std::string{ecs_address} + *path, true};
  }
  const auto uri = non_empty(environment, std::string{full_variable});
  if (!uri) return ContainerEndpoint{};
  return full_endpoint(*uri);
}

std::unique_ptr<CredentialSource> container_source(const SourceContext& context) {
  return std::make_unique<ContainerSource>(context);
}

}  // namespace deputy::aws
