#include "client/credential_cache.hpp"
#include "client/patience.hpp"
#include "command.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <iostream>
#include <thread>

#include "aws/base_credentials.hpp"

namespace deputy::cli {
namespace {

enum class Format { process, env, json };

struct CredentialsArguments {
  std::string connection;
  Format format = Format::process;  // so that a profile needs nothing but the connection
  std::string url;
  std::string key_file;
  bool no_cache = false;
  std::optional<std::int64_t> duration_seconds;
  std::string region;
  std::string session_name;
  std::string session_policy_file;
  std::string source_identity;
  std::vector<std::string> tags;  // `KEY=VALUE`
  std::string reason;
};

Result<boost::json::object> tags_of(const std::vector<std::string>& pairs) {
  boost::json::object tags;
  for (const std::string& pair : pairs) {
    const std::size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos)
      return Error{ErrorKind::invalid_request, "--tag takes KEY=VALUE, not " + in_backticks(pair)};
    if (!tags.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second)
      return Error{ErrorKind::invalid_request,
                   "the tag " + in_backticks(pair.substr(0, equals)) + " is given twice"};
  }
  return tags;
}

Result<boost::json::object> body_of(const CredentialsArguments& arguments) {
  boost::json::object body;
  if (arguments.duration_seconds) body["duration_seconds"] = *arguments.duration_seconds;
  if (!arguments.region.empty()) body["region"] = arguments.region;
  if (!arguments.session_name.empty()) body["session_name"] = arguments.session_name;
  if (!arguments.source_identity.empty()) body["source_identity"] = arguments.source_identity;
  if (!arguments.tags.empty()) {
    DEPUTY_TRY(body["tags"], tags_of(arguments.tags));
  }
  if (!arguments.reason.empty()) body["reason"] = arguments.reason;
  if (!arguments.session_policy_file.empty()) {
    DEPUTY_TRY(const auto policy, read_input(arguments.session_policy_file));
    boost::system::error_code not_json;
    body["session_policy"] = boost::json::parse(policy, not_json);
    if (not_json)
      return Error{ErrorKind::invalid_request, in_backticks(arguments.session_policy_file) + " is not JSON"};
  }
  return body;
}

struct Asking {
  ServerAccess access;
  std::string path;
  boost::json::object body;
};

Result<Asking> asking_of(const CredentialsArguments& arguments) {
  DEPUTY_TRY(auto access, server_access(arguments.url, arguments.key_file));
  DEPUTY_TRY(auto body, body_of(arguments));
  return Asking{.access = std::move(access),
                .path = "/v1/connections/" + url_part(arguments.connection) + "/credentials",
                .body = std::move(body)};
}

client::Obtained refused(int status, std::string message) {
  return client::Refusal{.status = status, .message = std::move(message)};
}

constexpr std::string_view no_credentials =
    "deputy: the server's answer is not credentials: is DEPUTY_URL right?\n";

// Whoever answers at DEPUTY_URL may be somebody else: a page that came with a 200 is no credentials.
bool holds_credentials(const app::ApiAnswer& answer) {
  return !answer.member("access_key_id").empty() && !answer.member("secret_access_key").empty() &&
         !answer.member("session_token").empty() && parse_rfc3339(answer.member("expires_at"));
}

void pause(std::chrono::milliseconds time) {
  std::this_thread::sleep_for(time);
}

// A throttle passes; whoever wanted the credentials does not ask again.
Result<app::ApiAnswer> call_patiently(const Asking& asking) {
  constexpr int too_many_requests = 429;
  constexpr int service_unavailable = 503;
  SystemClock clock;
  SystemRandom random;
  client::Patience patience{clock, random, pause};
  for (;;) {
    auto answer = call_api(asking.access, "POST", asking.path, asking.body);
    if (!answer) return answer;
    const int status = answer.value().status;
    if (status != too_many_requests && status != service_unavailable) return answer;
    if (!patience.wait(answer.value().retry_after)) return answer;
  }
}

client::Obtained ask(const Asking& asking) {
  const auto answer = call_patiently(asking);
  if (!answer) return refused(status_of(answer.error()), text_of(answer.error()));
  if (!answer.value().ok()) return refused(status_of(answer.value()), text_of(answer.value()));
  if (!holds_credentials(answer.value())) return refused(undetermined, std::string{no_credentials});
  std::string secret = answer.value().member("secret_access_key");
  std::string token = answer.value().member("session_token");
  return client::ProcessCredentials{.access_key_id = answer.value().member("access_key_id"),
                                    .secret_access_key = SecretString::take(secret),
                                    .session_token = SecretString::take(token),
                                    .expires_at = parse_rfc3339(answer.value().member("expires_at")).value()};
}

void warn(const Error& error) {
  std::cerr << "deputy: warning: " << error.message << "; the cache is not used\n";
}

// nullopt: without a cache, because of what `warn` said or because there is no place for one.
std::optional<client::PrivateFolder> cache_folder() {
  const auto environment = aws::process_environment();
  const auto home = client::cache_home(environment("XDG_CACHE_HOME"), environment("HOME"));
  if (!home) return std::nullopt;
  auto folder = client::PrivateFolder::open(*home);
  if (folder) return std::move(folder).value();
  if (folder.error().kind != ErrorKind::not_found) warn(folder.error());
  return std::nullopt;
}

client::Obtained obtain(const Asking& asking, bool no_cache) {
  auto folder = no_cache ? std::nullopt : cache_folder();
  if (!folder) return ask(asking);
  SystemClock clock;
  SystemRandom random;
  client::CredentialCache cache{*std::move(folder), clock, random, pause, client::CredentialCache::Limits{}};
  const std::string key =
      client::cache_key({asking.access.url, asking.access.unix_socket, asking.access.key.reveal(),
                         asking.path, boost::json::serialize(asking.body)});
  return cache.get(key, [&asking] { return ask(asking); }, warn);
}

// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
int print_for_process(const Asking& asking, bool no_cache) {
  const auto obtained = obtain(asking, no_cache);
  if (!obtained) {
    std::cerr << obtained.error().message;
    return obtained.error().status;
  }
  const client::ProcessCredentials& credentials = obtained.value();
  std::cout << boost::json::serialize(
                   boost::json::object{{"Version", 1},
                                       {"AccessKeyId", credentials.access_key_id},
                                       {"SecretAccessKey", credentials.secret_access_key.reveal()},
                                       {"SessionToken", credentials.session_token.reveal()},
                                       {"Expiration", to_rfc3339(credentials.expires_at)}})
            << "\n";
  return done;
}

std::string for_shell(const app::ApiAnswer& answer) {
  return fmt::format(
      "export AWS_ACCESS_KEY_ID={}\nexport AWS_SECRET_ACCESS_KEY={}\nexport AWS_SESSION_TOKEN={}",
      shell_word(answer.member("access_key_id")), shell_word(answer.member("secret_access_key")),
      shell_word(answer.member("session_token")));
}

int print_credentials(const CredentialsArguments& arguments) {
  const auto asking = asking_of(arguments);
  if (!asking) return tell(asking.error());
  if (arguments.format == Format::process) return print_for_process(asking.value(), arguments.no_cache);
  const auto answer = call_patiently(asking.value());
  if (!answer) return tell(answer.error());
  if (!answer.value().ok()) return tell_problem(answer.value());
  if (!holds_credentials(answer.value())) {
    std::cerr << no_credentials;
    return undetermined;
  }
  std::cout << (arguments.format == Format::env ? for_shell(answer.value())
                                                : boost::json::serialize(answer.value().body))
            << "\n";
  return done;
}

}  // namespace

void add_credentials_command(CLI::App& program, Context& context) {
  auto* command = program.add_subcommand("credentials", "Short-lived credentials of one connection");
  auto arguments = std::make_shared<CredentialsArguments>();
  static const std::map<std::string, Format> formats{
      {"process", Format::process}, {"env", Format::env}, {"json", Format::json}};
  command->add_option("connection", arguments->connection)->required();
  command
      ->add_option("--format", arguments->format,
                   "process (for credential_process; the default), env or json")
      ->transform(CLI::CheckedTransformer(formats).description(""));
  command->add_option("--url", arguments->url, "The server; by default DEPUTY_URL");
  command->add_option("--key-file", arguments->key_file,
                      "File with the key; by default DEPUTY_KEY, or the file DEPUTY_KEY_FILE");
  command->add_flag("--no-cache", arguments->no_cache,
                    "Ask the server; with --format process the answer is else kept, for this user alone, "
                    "until it has less than 15 minutes to live");
  command->add_option("--duration-seconds", arguments->duration_seconds, "1800 to 43200");
  command->add_option("--region", arguments->region, "Where STS is asked");
  command->add_option("--session-name", arguments->session_name, "Suffix of the session's name");
  command->add_option("--session-policy", arguments->session_policy_file,
                      "File with a policy that narrows the session");
  command->add_option("--tag", arguments->tags, "KEY=VALUE: a session tag; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--source-identity", arguments->source_identity,
                      "Who stands behind the session, for CloudTrail");
  command->add_option("--reason", arguments->reason, "For the record");
  command->callback([&context, arguments] { context.status = print_credentials(*arguments); });
}

}  // namespace deputy::cli
