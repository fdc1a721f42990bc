#include "command.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <iostream>

namespace deputy::cli {
namespace {

enum class Format { process, env, json };

struct CredentialsArguments {
  std::string connection;
  Format format = Format::process;  // so that a profile needs nothing but the connection
  std::optional<std::int64_t> duration_seconds;
  std::string region;
  std::string session_name;
  std::string session_policy_file;
  std::string reason;
};

Result<boost::json::object> body_of(const CredentialsArguments& arguments) {
  boost::json::object body;
  if (arguments.duration_seconds) body["duration_seconds"] = *arguments.duration_seconds;
  if (!arguments.region.empty()) body["region"] = arguments.region;
  if (!arguments.session_name.empty()) body["session_name"] = arguments.session_name;
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

// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
std::string for_process(const app::ApiAnswer& answer) {
  return boost::json::serialize(boost::json::object{{"Version", 1},
                                                    {"AccessKeyId", answer.member("access_key_id")},
                                                    {"SecretAccessKey", answer.member("secret_access_key")},
                                                    {"SessionToken", answer.member("session_token")},
                                                    {"Expiration", answer.member("expires_at")}});
}

// One word for a POSIX shell: this output is evaluated, and whoever answers at DEPUTY_URL must not run
// commands.
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

std::string for_shell(const app::ApiAnswer& answer) {
  return fmt::format(
      "export AWS_ACCESS_KEY_ID={}\nexport AWS_SECRET_ACCESS_KEY={}\nexport AWS_SESSION_TOKEN={}",
      shell_word(answer.member("access_key_id")), shell_word(answer.member("secret_access_key")),
      shell_word(answer.member("session_token")));
}

int print_credentials(const CredentialsArguments& arguments) {
  auto body = body_of(arguments);
  if (!body) return tell(body.error());
  const auto answer = call_api("POST", "/v1/connections/" + url_part(arguments.connection) + "/credentials",
                               std::move(body).value());
  if (!answer) return tell(answer.error());
  if (!answer.value().ok()) return tell_problem(answer.value());
  switch (arguments.format) {
    case Format::process:
      std::cout << for_process(answer.value()) << "\n";
      break;
    case Format::env:
      std::cout << for_shell(answer.value()) << "\n";
      break;
    case Format::json:
      std::cout << answer.value().text << "\n";
      break;
  }
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
  command->add_option("--duration-seconds", arguments->duration_seconds, "1800 to 43200");
  command->add_option("--region", arguments->region, "Where STS is asked");
  command->add_option("--session-name", arguments->session_name, "Suffix of the session's name");
  command->add_option("--session-policy", arguments->session_policy_file,
                      "File with a policy that narrows the session");
  command->add_option("--reason", arguments->reason, "For the record");
  command->callback([&context, arguments] { context.status = print_credentials(*arguments); });
}

}  // namespace deputy::cli
