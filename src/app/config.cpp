#include "app/config.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <toml++/toml.h>
#include <unistd.h>

#include "http/certificate.hpp"
#include "storage/sqlite_store.hpp"
#include "templates/template.hpp"

namespace deputy::app {
namespace {

// A setting's value before it means anything: text, or a list of texts. TOML's numbers and booleans come as
// their text.
struct RawValue {
  std::vector<std::string> items;
  bool is_list = false;
  std::string where;
};

Result<std::string> single(const RawValue& value) {
  if (value.is_list) return Error{ErrorKind::invalid_request, "one value is needed, not a list"};
  return value.items.front();
}

Result<double> positive_number(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !(number >= 0.001) || number > 1e9)
    return Error{ErrorKind::invalid_request,
                 in_backticks(text) + " is not a number from 0.001 to 1,000,000,000"};
  return number;
}

Result<Config::Listen> parse_listen(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  unsigned port = 0;
  const char* const begin = text.data() + (colon == std::string::npos ? text.size() : colon + 1);
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), port);
  if (colon == std::string::npos || colon == 0 || error != std::errc{} || end != text.data() + text.size() ||
      port > 65'535)
    return Error{ErrorKind::invalid_request,
                 in_backticks(text) + " is not an address and a port, such as `127.0.0.1:8180`"};
  std::string address = text.substr(0, colon);
  if (address.size() > 2 && address.front() == '[' && address.back() == ']')
    address = address.substr(1, address.size() - 2);
  return Config::Listen{std::move(address), static_cast<std::uint16_t>(port)};
}

Result<std::string> parse_url(const std::string& text) {
  const bool web = text.starts_with("https://") || text.starts_with("http://");
  if (!web || text.find_first_of(" \t\r\n\"<>") != std::string::npos || text.size() > 2'000)
    return Error{ErrorKind::invalid_request, in_backticks(text) + " is not an http or https address"};
  return text.back() == '/' ? text.substr(0, text.size() - 1) : text;
}

Result<registry::AccountPolicy> parse_account_policy(const std::string& text) {
  if (text == "exclusive") return registry::AccountPolicy::exclusive;
  if (text == "shared") return registry::AccountPolicy::shared;
  return Error{ErrorKind::invalid_request, in_backticks(text) + " is neither `exclusive` nor `shared`"};
}

Result<verify::ExcessPolicy> parse_excess(const std::string& text) {
  if (text == "note") return verify::ExcessPolicy::note;
  if (text == "fail") return verify::ExcessPolicy::fail;
  return Error{ErrorKind::invalid_request, in_backticks(text) + " is neither `note` nor `fail`"};
}

using Apply = std::function<Result<void>(Config&, const RawValue&, const std::filesystem::path& base)>;

struct Setting {
  std::string_view name;  // `server.listen`
  Apply apply;            // empty: known, without effect in this version
};

// Makes an Apply from a parser of one text and the place it goes to.
template <class Parse, class Place>
Apply one(Parse parse, Place place) {
  return [parse, place](Config& config, const RawValue& value, const std::filesystem::path&) -> Result<void> {
    DEPUTY_TRY(const auto text, single(value));
    DEPUTY_TRY(auto parsed, parse(text));
    place(config) = std::move(parsed);
    return success();
  };
}

Apply storage_url() {
  return [](Config& config, const RawValue& value, const std::filesystem::path& base) -> Result<void> {
    DEPUTY_TRY(const auto text, single(value));
    DEPUTY_TRY(config.storage.sqlite_file, storage::parse_sqlite_url(text, base));
    return success();
  };
}

// A file's path, against the folder of the configuration.
template <class Place>
Apply path_of(Place place) {
  return [place](Config& config, const RawValue& value, const std::filesystem::path& base) -> Result<void> {
    DEPUTY_TRY(const auto text, single(value));
    if (text.empty()) return Error{ErrorKind::invalid_request, "a path is needed"};
    if (text.front() == '@')
      return Error{ErrorKind::invalid_request,
                   in_backticks(text) + " is no path: a name without a file has no permissions"};
    place(config) = base / text;
    return success();
  };
}

// `1001=log-loader`.
Result<std::pair<std::uint32_t, WorkloadName>> parse_user(const std::string& text) {
  // What the kernel shows of every user that it cannot name here.
  constexpr std::uint32_t nobody = 65'534;
  const std::size_t equals = text.find('=');
  std::uint32_t user = 0;
  const char* const end_of_number = text.data() + std::min(equals, text.size());
  const auto [end, error] = std::from_chars(text.data(), end_of_number, user);
  if (equals == std::string::npos || error != std::errc{} || end != end_of_number)
    return Error{
        ErrorKind::invalid_request,
        in_backticks(text) + " is not a user's number and a workload, such as `1001 = \"log-loader\"`"};
  if (user == nobody || user == std::numeric_limits<std::uint32_t>::max())
    return Error{
        ErrorKind::invalid_request,
        fmt::format("{} stands for users of other name spaces too, so it is nobody's identity", user)};
  DEPUTY_TRY(auto workload, WorkloadName::parse(text.substr(equals + 1)));
  return std::pair{user, std::move(workload)};
}

Apply unix_socket_users() {
  return [](Config& config, const RawValue& value, const std::filesystem::path&) -> Result<void> {
    auto& users = config.server.unix_socket_users;
    users.clear();
    for (const std::string& item : value.items) {
      DEPUTY_TRY(auto user, parse_user(item));
      if (!users.insert(std::move(user)).second)
        return Error{ErrorKind::invalid_request, in_backticks(item) + " names a user that is there already"};
    }
    return success();
  };
}

Result<std::string> plain_text(const std::string& text) {
  return text;
}

Apply return_urls() {
  return [](Config& config, const RawValue& value, const std::filesystem::path&) -> Result<void> {
    config.connect.return_urls.clear();
    for (const std::string& item : value.items) {
      DEPUTY_TRY(auto url, registry::ReturnUrl::parse(item));
      config.connect.return_urls.push_back(std::move(url));
    }
    return success();
  };
}

// The rules of a return address: https or this machine, nothing that two programs read differently.
Result<std::string> parse_webhook_url(const std::string& text) {
  DEPUTY_TRY(const auto url, registry::ReturnUrl::parse(text));
  return url.text();
}

Apply partner_accounts() {
  return [](Config& config, const RawValue& value, const std::filesystem::path&) -> Result<void> {
    config.aws.partner_accounts.clear();
    for (const std::string& item : value.items) {
      DEPUTY_TRY(auto account, AccountId::parse(item));
      config.aws.partner_accounts.insert(std::move(account));
    }
    return success();
  };
}

Result<std::size_t> whole_number(const std::string& text) {
  DEPUTY_TRY(const double number, positive_number(text));
  if (number != static_cast<double>(static_cast<std::size_t>(number)))
    return Error{ErrorKind::invalid_request, in_backticks(text) + " is not a whole number"};
  return static_cast<std::size_t>(number);
}

Result<double> share(const std::string& text) {
  DEPUTY_TRY(const double number, positive_number(text));
  if (number > 1)
    return Error{ErrorKind::invalid_request, in_backticks(text) + " is not a share: above 0, at most 1"};
  return number;
}

Apply log_sinks() {
  return [](Config& config, const RawValue& value, const std::filesystem::path& base) -> Result<void> {
    config.logs.sinks.clear();
    for (const std::string& item : value.items) {
      DEPUTY_TRY(auto sink, parse_log_sink(item, base));
      for (const LogSinkSpec& other : config.logs.sinks)
        if (other.name == sink.name)
          return Error{ErrorKind::invalid_request, in_backticks(item) + " is given twice"};
      for (const LogSinkSpec& other : config.logs.sinks)
        if (!sink.folder.empty() && other.folder == sink.folder)
          return Error{ErrorKind::invalid_request,
                       in_backticks(item) + " and " + in_backticks(other.name) +
                           " are one folder: each sink of files needs one of its own"};
      config.logs.sinks.push_back(std::move(sink));
    }
    return success();
  };
}

Result<bool> parse_bool(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  return Error{ErrorKind::invalid_request, in_backticks(text) + " is neither `true` nor `false`"};
}

const std::vector<Setting>& settings() {
  static const std::vector<Setting> all{
      {"server.listen", one(parse_listen, [](Config& c) -> auto& { return c.server.listen; })},
      {"server.public_url", one(parse_url, [](Config& c) -> auto& { return c.server.public_url; })},
      {"server.unix_socket", path_of([](Config& c) -> auto& { return c.server.unix_socket; })},
      {"server.unix_socket_users", unix_socket_users()},
      {"server.tls_cert_file", path_of([](Config& c) -> auto& { return c.server.tls_cert_file; })},
      {"server.tls_key_file", path_of([](Config& c) -> auto& { return c.server.tls_key_file; })},
      {"server.connections_max",
       one(whole_number, [](Config& c) -> auto& { return c.server.connections_max; })},
      {"storage.url", storage_url()},
      {"security.master_key_file", path_of([](Config& c) -> auto& { return c.security.master_key_file; })},
      {"aws.region", one(&Region::parse, [](Config& c) -> auto& { return c.aws.region; })},
      {"aws.partner_principal",
       one(&RoleArn::parse, [](Config& c) -> auto& { return c.aws.partner_principal; })},
      {"aws.partner_accounts", partner_accounts()},
      {"registry.account_policy",
       one(parse_account_policy, [](Config& c) -> auto& { return c.registry.account_policy; })},
      {"verification.interval",
       one(parse_duration, [](Config& c) -> auto& { return c.verification.interval; })},
      {"verification.max_age",
       one(parse_duration, [](Config& c) -> auto& { return c.verification.max_age; })},
      {"verification.propagation_window",
       one(parse_duration, [](Config& c) -> auto& { return c.verification.propagation_window; })},
      {"verification.min_interval",
       one(parse_duration, [](Config& c) -> auto& { return c.verification.min_interval; })},
      {"verification.per_tenant_per_hour",
       one(whole_number, [](Config& c) -> auto& { return c.verification.per_tenant_per_hour; })},
      {"verification.sts_share", one(share, [](Config& c) -> auto& { return c.verification.sts_share; })},
      {"verification.excess", one(parse_excess, [](Config& c) -> auto& { return c.verification.excess; })},
      {"rotation.retire_after",
       one(parse_duration, [](Config& c) -> auto& { return c.rotation.retire_after; })},
      {"credentials.sts_rate",
       one(positive_number, [](Config& c) -> auto& { return c.credentials.sts_rate; })},
      {"credentials.cache_entries",
       one(whole_number, [](Config& c) -> auto& { return c.credentials.cache_entries; })},
      {"connect.template_url", one(parse_url, [](Config& c) -> auto& { return c.connect.template_url; })},
      {"connect.console_url",
       one(&templates::parse_console_url, [](Config& c) -> auto& { return c.connect.console_url; })},
      {"connect.brand_name", one(plain_text, [](Config& c) -> auto& { return c.connect.brand_name; })},
      {"connect.brand_colour", one(plain_text, [](Config& c) -> auto& { return c.connect.brand_colour; })},
      {"connect.brand_logo_file", path_of([](Config& c) -> auto& { return c.connect.brand_logo_file; })},
      {"connect.return_urls", return_urls()},
      {"webhooks.url", one(parse_webhook_url, [](Config& c) -> auto& { return c.webhooks.url; })},
      {"webhooks.secret_file", path_of([](Config& c) -> auto& { return c.webhooks.secret_file; })},
      {"logs.directory", path_of([](Config& c) -> auto& { return c.logs.directory; })},
      {"logs.collect", one(parse_bool, [](Config& c) -> auto& { return c.logs.collect; })},
      {"logs.spool_mib_max", one(whole_number, [](Config& c) -> auto& { return c.logs.spool_mib_max; })},
      {"logs.lookback", one(parse_duration, [](Config& c) -> auto& { return c.logs.lookback; })},
      {"logs.discovery", one(parse_duration, [](Config& c) -> auto& { return c.logs.discovery; })},
      {"logs.poll_max", one(parse_duration, [](Config& c) -> auto& { return c.logs.poll_max; })},
      {"logs.retention", one(parse_duration, [](Config& c) -> auto& { return c.logs.retention; })},
      {"logs.sinks", log_sinks()},
  };
  return all;
}

class Loader {
 public:
  explicit Loader(LoadedConfig& loaded) : loaded_(loaded) {}

  std::map<std::string, std::string> places;  // where each setting is

  void read_file(const std::filesystem::path& file) {
    toml::table parsed;
    std::error_code unreadable;
    if (std::filesystem::is_directory(file, unreadable)) {  // it would be read as an empty file
      problem(file.string(), "this is a folder, not a configuration file");
      loaded_.unreadable = true;
      return;
    }
    try {
      parsed = toml::parse_file(file.string());
    } catch (const toml::parse_error& error) {
      problem(fmt::format("{}:{}", file.string(), error.source().begin.line),
              std::string{error.description()});
      loaded_.unreadable = true;
      return;
    }
    const std::filesystem::path base = std::filesystem::absolute(file).parent_path();
    for (const auto& [section, node] : parsed) {
      const auto* table = node.as_table();
      if (table == nullptr) {
        problem(place(file, node),
                in_backticks(section.str()) + " is not a section; write `[section]` above it");
        continue;
      }
      for (const auto& [key, value] : *table)
        apply(std::string{section.str()} + "." + std::string{key.str()}, raw(value, place(file, value)),
              base);
    }
  }

  void read_environment(const aws::Environment& environment, const std::vector<std::string>& names) {
    const std::filesystem::path base = std::filesystem::current_path();
    for (const std::string& variable : names) {
      constexpr std::string_view prefix = "DEPUTY_";
      const std::size_t divider = variable.find("__");
      if (!variable.starts_with(prefix) || divider == std::string::npos) continue;
      const auto value = environment(variable);
      if (!value) continue;
      if (variable == "DEPUTY_SECURITY__MASTER_KEY") {
        loaded_.config.security.master_key = SecretString{*value};
        continue;
      }
      std::string name =
          variable.substr(prefix.size(), divider - prefix.size()) + "." + variable.substr(divider + 2);
      std::ranges::transform(name, name.begin(),
                             [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      apply(name, from_environment(name, *value, variable), base);
    }
  }

 private:
  static std::string place(const std::filesystem::path& file, const toml::node& node) {
    return fmt::format("{}:{}", file.string(), node.source().begin.line);
  }

  static std::string text_of(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
    if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
    if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
    return {};
  }

  static RawValue raw(const toml::node& node, std::string where) {
    RawValue value{{}, node.is_array(), std::move(where)};
    if (const auto* array = node.as_array()) {
      for (const auto& item : *array) value.items.push_back(text_of(item));
    } else if (const auto* table = node.as_table()) {
      value.is_list = true;
      for (const auto& [key, item] : *table)
        value.items.push_back(std::string{key.str()} + "=" + text_of(item));
    } else {
      value.items.push_back(text_of(node));
    }
    return value;
  }

  static RawValue from_environment(const std::string& name, const std::string& text,
                                   const std::string& variable) {
    const bool list = name == "aws.partner_accounts" || name == "connect.return_urls" ||
                      name == "logs.sinks" || name == "server.unix_socket_users";
    RawValue value{{}, list, variable};
    if (!list) {
      value.items.push_back(text);
      return value;
    }
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t comma = std::min(text.find(',', begin), text.size());
      value.items.push_back(text.substr(begin, comma - begin));
      begin = comma + 1;
    }
    return value;
  }

  void apply(const std::string& name, const RawValue& value, const std::filesystem::path& base) {
    const auto setting = std::ranges::find(settings(), std::string_view{name}, &Setting::name);
    if (setting == settings().end()) {
      problem(value.where, "there is no setting " + in_backticks(name));
      return;
    }
    if (!setting->apply) {
      loaded_.notes.push_back(fmt::format("{}: `{}` has no effect in this version", value.where, name));
      return;
    }
    places[name] = value.where;
    const auto applied = setting->apply(loaded_.config, value, base);
    if (!applied) problem(value.where, in_backticks(name) + ": " + applied.error().message);
  }

  void problem(std::string where, std::string what) {
    loaded_.problems.push_back({std::move(where), std::move(what)});
  }

  LoadedConfig& loaded_;
};

// Where the values came from that are wrong together with others.
struct Places {
  const std::map<std::string, std::string>& of_settings;
  std::string otherwise;  // for what was not set at all

  std::string first_of(std::initializer_list<std::string> settings) const {
    for (const std::string& setting : settings)
      if (const auto place = of_settings.find(setting); place != of_settings.end()) return place->second;
    return otherwise;
  }
};

void check_server(LoadedConfig& loaded, const std::map<std::string, std::string>& places) {
  const Config::Server& server = loaded.config.server;
  const auto problem = [&](const std::string& setting, std::string what) {
    const auto place = places.find(setting);
    loaded.problems.push_back({place == places.end() ? setting : place->second, std::move(what)});
  };
  if (!server.unix_socket_users.empty() && server.unix_socket.empty())
    problem("server.unix_socket_users",
            "`server.unix_socket_users` means nothing without `server.unix_socket`");
  if (server.tls_cert_file.empty() && server.tls_key_file.empty()) return;
  if (server.tls_cert_file.empty() || server.tls_key_file.empty()) {
    const bool has_key = server.tls_cert_file.empty();
    return problem(has_key ? "server.tls_key_file" : "server.tls_cert_file",
                   fmt::format("`server.tls_{}_file` needs `server.tls_{}_file` beside it",
                               has_key ? "key" : "cert", has_key ? "cert" : "key"));
  }
  for (const std::string& what : http::problems_of({server.tls_cert_file, server.tls_key_file}))
    problem("server.tls_cert_file", what);
}

void check_logs(LoadedConfig& loaded, const Places& places) {
  constexpr std::size_t spool_mib_least = 256;
  const Config::Logs& logs = loaded.config.logs;
  const auto problem = [&](const std::string& setting, std::string_view what) {
    loaded.problems.push_back({places.first_of({setting}), fmt::format("`{}` is {}", setting, what)});
  };
  if (logs.spool_mib_max < spool_mib_least) problem("logs.spool_mib_max", "less than 256");
  if (logs.poll_max < std::chrono::seconds{1} || logs.poll_max > std::chrono::hours{1})
    problem("logs.poll_max", "not between a second and an hour");
  if (logs.discovery < std::chrono::seconds{1} || logs.discovery > std::chrono::hours{24})
    problem("logs.discovery", "not between a second and a day");
  if (logs.retention < std::chrono::days{1}) problem("logs.retention", "shorter than a day");
  if (logs.lookback > std::chrono::days{14}) problem("logs.lookback", "longer than 14 days");
}

void check_together(LoadedConfig& loaded, const Places& places) {
  const Config& config = loaded.config;
  check_logs(loaded, places);
  if (config.verification.interval < std::chrono::seconds{1})
    loaded.problems.push_back(
        {places.first_of({"verification.interval"}), "`verification.interval` is shorter than a second"});
  if (config.verification.max_age < config.verification.interval)
    loaded.problems.push_back(
        {places.first_of({"verification.max_age", "verification.interval"}),
         "`verification.max_age` is shorter than `verification.interval`: every connection would expire "
         "between two verifications"});
  if (config.webhooks.url.has_value() != config.webhooks.secret_file.has_value())
    loaded.problems.push_back(
        {places.first_of({"webhooks.url", "webhooks.secret_file"}),
         "`webhooks.url` and `webhooks.secret_file` belong together: unsigned events are not sent"});
}

}  // namespace

std::vector<std::string> environment_names() {
  std::vector<std::string> names;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    names.emplace_back(text.substr(0, text.find('=')));
  }
  return names;
}

LoadedConfig load_config(const std::optional<std::filesystem::path>& file,
                         const aws::Environment& environment, const std::vector<std::string>& names) {
  LoadedConfig loaded;
  const std::filesystem::path base =
      file ? std::filesystem::absolute(*file).parent_path() : std::filesystem::current_path();
  loaded.config.storage.sqlite_file = base / "deputy.db";
  Loader loader{loaded};
  if (file) loader.read_file(*file);
  loader.read_environment(environment, names);
  if (loaded.config.logs.sinks.empty())
    loaded.config.logs.sinks.push_back(
        {.kind = LogSinkSpec::Kind::search, .name = "search", .folder = {}, .url = {}});
  if (loaded.config.logs.directory.empty())
    loaded.config.logs.directory = loaded.config.storage.sqlite_file.parent_path() / "logs";
  check_server(loaded, loader.places);
  check_together(loaded, {loader.places, file ? file->string() : "environment"});
  return loaded;
}

Error to_error(const std::vector<ConfigProblem>& problems) {
  std::string text = "the configuration cannot be used:";
  for (const auto& [where, what] : problems) text += fmt::format("\n  {}: {}", where, what);
  return Error{ErrorKind::invalid_request, std::move(text)};
}

}  // namespace deputy::app
