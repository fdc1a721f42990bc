#include "command.hpp"
#include "object_view.hpp"
#include "scan/safe_text.hpp"
#include "verification_view.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <charconv>
#include <fmt/format.h>
#include <iostream>

#include "core/clock.hpp"
#include "registry/model.hpp"
#include "templates/template.hpp"

// The commands that are clients of the API: each is one call, described here and made in one place.
namespace deputy::cli {
namespace {

// One command: `path` has `{}` for each positional argument in turn; options named here go into the query of
// a GET or the body of everything else.
struct ObjectCommand {
  struct Option {
    std::string_view flag;    // `--name`
    std::string_view member;  // of the body, or of the query
    std::string_view help;
    enum class Form { text, duration, json_file } form = Form::text;
    bool required = false;
    // What is wrong with a value, where that is known before the server is asked.
    Result<void> (*check)(const std::string& value) = nullptr;
  };
  std::string_view group;
  std::string_view verb;
  std::string_view help;
  std::string_view method;
  std::string_view path;
  std::vector<std::string_view> positionals;
  std::vector<Option> options;
  // In text, instead of the answer's members; returns the exit status.
  int (*show)(const app::ApiAnswer& answer) = nullptr;
  // The answer once what it began is over, in place of the first; `--no-wait` leaves it out.
  Result<app::ApiAnswer> (*follow)(const app::ApiAnswer& begun) = nullptr;
  int (*status)(const app::ApiAnswer& followed) = nullptr;
};

using Form = ObjectCommand::Option::Form;

template <class Enum>
Result<void> is_one_of(const std::string& value) {
  const auto parsed = registry::parse_enum<Enum>(value);
  if (!parsed) return parsed.error();
  return success();
}

Result<void> is_format(const std::string& value) {
  const auto parsed = templates::parse_format(value);
  if (!parsed) return parsed.error();
  return success();
}

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  if (std::from_chars(text.data(), end, number) != std::from_chars_result{end, {}}) return std::nullopt;
  return number;
}

Result<void> is_limit(const std::string& value) {
  const auto number = whole_number(value);
  if (!number || *number < 1 || *number > 200)
    return Error{ErrorKind::invalid_request, in_backticks(value) + " is not a number from 1 to 200"};
  return success();
}

std::vector<ObjectCommand::Option> paging(std::vector<ObjectCommand::Option> more = {}) {
  more.push_back({"--limit", "limit", "Items a page, 1 to 200", Form::text, false, is_limit});
  more.push_back({"--cursor", "cursor", "Where the page before ended", Form::text});
  return more;
}

std::vector<ObjectCommand> tenant_commands() {
  return {
      {"tenant",
       "create",
       "Sign up a customer",
       "POST",
       "/v1/tenants",
       {},
       {{"--name", "name", "The customer's name", Form::text, true},
        {"--reference", "reference", "Your own key for it, unique"}}},
      {"tenant", "list", "All tenants", "GET", "/v1/tenants", {}, paging()},
      {"tenant", "show", "One tenant", "GET", "/v1/tenants/{}", {"tenant"}, {}},
  };
}

std::vector<ObjectCommand> integration_commands() {
  return {
      {"integration",
       "create",
       "Make an integration, or a new version of it",
       "PUT",
       "/v1/integrations/{}",
       {"name"},
       {{"--description", "description", "What it does, for your customers; by default its name"},
        {"--policy", "policy", "File with the IAM policy document", Form::json_file, true},
        {"--reasons", "reasons", "File with {Sid: plain words}", Form::json_file},
        {"--role-name", "role_name", "Name of the customers' role"},
        {"--trust-form", "trust_form", "role or account_with_principal_arn", Form::text, false,
         is_one_of<registry::TrustForm>},
        {"--logs", "logs", "File with {regions, groups}", Form::json_file},
        {"--accept-risk", "accept_risk", "Why it must be as broad as it is"}}},
      {"integration", "list", "All integrations", "GET", "/v1/integrations", {}, paging()},
      {"integration",
       "show",
       "One integration",
       "GET",
       "/v1/integrations/{}",
       {"name"},
       {{"--version", "version", "An older version"}}},
  };
}

std::vector<ObjectCommand> connection_commands() {
  const std::string_view one = "/v1/connections/{}";
  return {
      {"connection",
       "create",
       "Issue a connection and its external ID",
       "POST",
       "/v1/connections",
       {},
       {{"--tenant", "tenant_id", "The tenant", Form::text, true},
        {"--integration", "integration", "The integration", Form::text, true},
        {"--account-id", "account_id", "The customer's AWS account, where known"}}},
      {"connection",
       "list",
       "All connections",
       "GET",
       "/v1/connections",
       {},
       paging(
           {{"--tenant", "tenant_id", "Of one tenant"},
            {"--reference", "reference", "Of the tenant with this key of your own"},
            {"--state", "state", "In one state", Form::text, false, is_one_of<registry::ConnectionState>}})},
      {"connection",
       "show",
       "One connection, and the checks of its last verification",
       "GET",
       one,
       {"connection"},
       {},
       show_connection},
      {"connection",
       "set-role",
       "Give the customer's role",
       "PUT",
       "/v1/connections/{}/role",
       {"connection"},
       {{"--role-arn", "role_arn", "Its ARN", Form::text, true}}},
      {"connection",
       "verify",
       "Verify now, and wait for the checks",
       "POST",
       "/v1/connections/{}/verifications",
       {"connection"},
       {},
       show_verification,
       finished_verification,
       status_of_verification},
      {"connection",
       "verifications",
       "Its verifications, newest first",
       "GET",
       "/v1/connections/{}/verifications",
       {"connection"},
       paging(),
       show_verifications},
      {"connection",
       "rotate",
       "Issue the next external ID",
       "POST",
       "/v1/connections/{}/external-id/rotation",
       {"connection"},
       {}},
      {"connection",
       "promote",
       "Make the next external ID the connection's",
       "POST",
       "/v1/connections/{}/external-id/rotation/promotion",
       {"connection"},
       {}},
      {"connection",
       "cancel-rotation",
       "Drop the next external ID",
       "DELETE",
       "/v1/connections/{}/external-id/rotation",
       {"connection"},
       {}},
      {"connection",
       "release",
       "End the review of a connection",
       "POST",
       "/v1/connections/{}/release",
       {"connection"},
       {}},
      {"connection",
       "launch-url",
       "The link that launches the template",
       "GET",
       "/v1/connections/{}/launch-url",
       {"connection"},
       {}},
      {"connection",
       "issuances",
       "Who got credentials",
       "GET",
       "/v1/connections/{}/issuances",
       {"connection"},
       paging()},
      {"connection", "disconnect", "End it for good", "DELETE", one, {"connection"}, {}},
  };
}

std::vector<ObjectCommand> key_commands() {
  return {
      {"workload",
       "create",
       "Make a workload, or replace its grants",
       "PUT",
       "/v1/workloads/{}",
       {"name"},
       {{"--grants", "grants", "File with the list of grants", Form::json_file, true}}},
      {"workload", "list", "All workloads", "GET", "/v1/workloads", {}, paging()},
      {"workload", "show", "One workload", "GET", "/v1/workloads/{}", {"name"}, {}},
      {"key",
       "create",
       "Make a key; its secret is shown this once",
       "POST",
       "/v1/keys",
       {},
       {{"--role", "role", "admin, onboarding, workload or auditor", Form::text, true,
         is_one_of<registry::KeyRole>},
        {"--workload", "workload", "Of which workload"},
        {"--connection", "connection_id", "Good for this connection alone"},
        {"--expires-in", "expires_in", "Seconds, or 30m, 12h, 90d", Form::duration}}},
      {"key", "list", "All keys, without secrets", "GET", "/v1/keys", {}, paging()},
      {"key", "show", "One key", "GET", "/v1/keys/{}", {"key"}, {}},
      {"key", "revoke", "Revoke a key", "DELETE", "/v1/keys/{}", {"key"}, {}},
      {"",
       "template",
       "The customer's role as a template",
       "GET",
       "/v1/connections/{}/template",
       {"connection"},
       {{"--format", "format", "cloudformation, terraform or aws-cli", Form::text, true, is_format}}},
  };
}

std::vector<ObjectCommand> connect_session_commands() {
  const std::string_view one = "/v1/connect-sessions/{}";
  return {
      {"connect-session",
       "create",
       "Make a link for a customer's administrator; it is shown this once",
       "POST",
       "/v1/connect-sessions",
       {},
       {{"--tenant", "tenant_id", "The tenant", Form::text, true},
        {"--integration", "integration", "The integration", Form::text, true},
        {"--connection", "connection_id", "About this connection"},
        {"--return-url", "return_url", "Where the page leads back to"},
        {"--expires-in", "expires_in", "Seconds, or 30m, 12h; 7d at most", Form::duration}}},
      {"connect-session",
       "list",
       "All connect sessions, without links",
       "GET",
       "/v1/connect-sessions",
       {},
       paging({{"--tenant", "tenant_id", "Of one tenant"}})},
      {"connect-session", "show", "One connect session", "GET", one, {"session"}, {}},
      {"connect-session", "end", "End it: link and page are over at once", "DELETE", one, {"session"}, {}},
  };
}

// The values that a command was given.
struct Given {
  std::vector<std::string> positionals;
  std::vector<std::string> options;
  bool require_proof = false;
  bool no_wait = false;
  Output output = Output::text;
};

std::string filled_path(const ObjectCommand& command, const Given& given) {
  std::string path;
  std::size_t next = 0;
  for (std::size_t i = 0; i < command.path.size(); ++i) {
    if (command.path.substr(i, 2) == "{}") {
      path += url_part(given.positionals[next++]);
      ++i;
    } else {
      path += command.path[i];
    }
  }
  return path;
}

std::string query_of(const ObjectCommand& command, const Given& given) {
  std::string query;
  for (std::size_t i = 0; i < command.options.size(); ++i) {
    if (given.options[i].empty()) continue;
    query += fmt::format("{}{}={}", query.empty() ? "?" : "&", command.options[i].member,
                         url_part(given.options[i]));
  }
  return query;
}

Result<void> check_options(const ObjectCommand& command, const Given& given) {
  for (std::size_t i = 0; i < command.options.size(); ++i) {
    const auto& option = command.options[i];
    if (option.check == nullptr || given.options[i].empty()) continue;
    const auto checked = option.check(given.options[i]);
    if (!checked)
      return Error{ErrorKind::invalid_request, fmt::format("{}: {}", option.flag, checked.error().message)};
  }
  return success();
}

Result<boost::json::value> value_of(const ObjectCommand::Option& option, const std::string& text) {
  boost::system::error_code wrong;
  switch (option.form) {
    case Form::text:
      return boost::json::value(text);
    case Form::duration: {
      if (const auto seconds = whole_number(text); seconds && *seconds > 0)
        return boost::json::value(*seconds);
      const auto duration = parse_duration(text);
      if (!duration)
        return Error{ErrorKind::invalid_request,
                     fmt::format("{}: {}, or seconds alone", option.flag, duration.error().message)};
      return boost::json::value(text);
    }
    case Form::json_file: {
      DEPUTY_TRY(const auto content, read_input(text));
      auto document = boost::json::parse(content, wrong);
      if (wrong)
        return Error{ErrorKind::invalid_request, in_backticks(text) + " is not JSON: " + wrong.message()};
      return document;
    }
  }
  return Error{ErrorKind::internal, "unknown form"};
}

Result<boost::json::object> body_of(const ObjectCommand& command, const Given& given) {
  boost::json::object body;
  for (std::size_t i = 0; i < command.options.size(); ++i) {
    if (given.options[i].empty()) continue;
    DEPUTY_TRY(body[command.options[i].member], value_of(command.options[i], given.options[i]));
  }
  if (given.require_proof) body["require_proof"] = true;
  return body;
}

// JSON as it came; an object's members a line each, a list's items a line each.
int print(const ObjectCommand& command, const app::ApiAnswer& answer, Output output) {
  if (!answer.ok()) return tell_problem(answer);
  if (output == Output::json || !answer.body.is_object()) {
    print_as_it_is(answer.text);
    return done;
  }
  const auto& object = answer.body.as_object();
  const auto* const items = object.if_contains("items");
  const bool is_list = items != nullptr && items->is_array();
  int status = done;
  if (command.show != nullptr) {
    status = command.show(answer);
  } else if (is_list) {
    for (const auto& item : items->get_array())
      if (item.is_object()) print_row(item.get_object());
  } else {
    print_members(object);
  }
  if (const auto* next = object.if_contains("next_cursor"); is_list && next != nullptr && next->is_string())
    std::cerr << "more: --cursor " << shown(*next) << "\n";
  return status;
}

// What was done stays done, though nobody saw the answer: a key, say, whose secret is in no other place.
void tell_what_was_done(const ObjectCommand& command, const app::ApiAnswer& answer) {
  if (command.method == "GET" || !answer.ok() || finish_output()) return;
  const std::string id = answer.member("id");
  std::cerr << fmt::format("deputy: `{} {}` was done{}\n", command.group, command.verb,
                           id.empty() ? "" : ": " + scan::for_terminal(id));
}

// Waits for what was begun, says how that ended, and returns the exit status that fits.
int follow(const ObjectCommand& command, const app::ApiAnswer& begun, Output output) {
  const auto followed = command.follow(begun);
  if (!followed) return tell(followed.error());
  const int status = print(command, followed.value(), output);
  return followed.value().ok() ? command.status(followed.value()) : status;
}

int run(const ObjectCommand& command, const Given& given) {
  const auto checked = check_options(command, given);
  if (!checked) return tell(checked.error());
  std::string path = filled_path(command, given);
  std::optional<boost::json::value> body;
  if (command.method == "GET") {
    path += query_of(command, given);
  } else if (!command.options.empty()) {
    auto made = body_of(command, given);
    if (!made) return tell(made.error());
    body = std::move(made).value();
  }
  const auto answer = call_api(std::string{command.method}, path, std::move(body));
  if (!answer) return tell(answer.error());
  const bool waits = command.follow != nullptr && answer.value().ok() && !given.no_wait;
  const int status =
      waits ? follow(command, answer.value(), given.output) : print(command, answer.value(), given.output);
  tell_what_was_done(command, answer.value());
  return status;
}

CLI::App* group_of(CLI::App& program, std::string_view name) {
  static const std::map<std::string, std::string, std::less<>> helps{
      {"tenant", "Your customers"},
      {"integration", "What your product needs in an account"},
      {"connection", "One tenant, one integration, one AWS account"},
      {"connect-session", "Links that let a customer's administrator connect an account"},
      {"workload", "Who may ask for credentials, and of whom"},
      {"key", "Keys of the API"}};
  if (name.empty()) return &program;
  for (CLI::App* existing : program.get_subcommands({})) {
    if (existing->get_name() == name) return existing;
  }
  return program.add_subcommand(std::string{name}, helps.find(name)->second)->require_subcommand(1);
}

void add(CLI::App& program, Context& context, ObjectCommand command) {
  auto* added =
      group_of(program, command.group)->add_subcommand(std::string{command.verb}, std::string{command.help});
  auto given = std::make_shared<Given>();
  given->positionals.resize(command.positionals.size());
  given->options.resize(command.options.size());
  for (std::size_t i = 0; i < command.positionals.size(); ++i)
    added->add_option(std::string{command.positionals[i]}, given->positionals[i])->required();
  for (std::size_t i = 0; i < command.options.size(); ++i) {
    auto* option = added->add_option(std::string{command.options[i].flag}, given->options[i],
                                     std::string{command.options[i].help});
    if (command.options[i].required) option->required();
  }
  if (command.group == "integration" && command.verb == "create")
    added->add_flag("--require-proof", given->require_proof,
                    "Activate only what the trust policy itself proves");
  if (command.follow != nullptr) added->add_flag("--no-wait", given->no_wait, "Do not wait for how it ends");
  add_output_option(*added, given->output);
  added->callback([&context, command = std::move(command), given] { context.status = run(command, *given); });
}

}  // namespace

void add_object_commands(CLI::App& program, Context& context) {
  for (auto commands :
       {tenant_commands, integration_commands, connection_commands, connect_session_commands, key_commands})
    for (const ObjectCommand& command : commands()) add(program, context, command);
}

}  // namespace deputy::cli
