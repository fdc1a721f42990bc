#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "api/authentication.hpp"
#include "app/log_sink_spec.hpp"
#include "aws/base_credentials.hpp"
#include "core/identifiers.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"
#include "registry/registry.hpp"
#include "verify/verifier.hpp"

namespace deputy::app {

// All settings, checked. Names, meanings and defaults: docs/configuration.md. Paths are absolute, resolved
// against the file's folder.
struct Config {
  struct Listen {
    std::string address = "127.0.0.1";
    std::uint16_t port = 8180;
  };
  struct Server {
    Listen listen;
    std::optional<std::string> public_url;
    std::filesystem::path unix_socket;  // empty: none
    api::WorkloadUsers unix_socket_users;
    std::filesystem::path tls_cert_file;  // with the key's file, or both empty
    std::filesystem::path tls_key_file;
    std::size_t connections_max = 16'384;
  } server;
  struct Storage {
    std::filesystem::path sqlite_file;
  } storage;
  struct Security {
    std::optional<std::filesystem::path> master_key_file;
    std::optional<SecretString> master_key;  // DEPUTY_SECURITY__MASTER_KEY: the key itself, base64
  } security;
  struct Aws {
    std::optional<Region> region;
    std::optional<RoleArn> partner_principal;
    std::set<AccountId> partner_accounts;
  } aws;
  struct Registry {
    registry::AccountPolicy account_policy = registry::AccountPolicy::exclusive;
  } registry;
  struct Verification {
    std::chrono::milliseconds interval = std::chrono::hours{24};
    std::chrono::milliseconds max_age = std::chrono::hours{72};
    std::chrono::milliseconds propagation_window = std::chrono::seconds{120};
    std::chrono::milliseconds min_interval = std::chrono::seconds{10};
    std::size_t per_tenant_per_hour = 20;
    double sts_share = 0.2;  // of credentials.sts_rate
    verify::ExcessPolicy excess = verify::ExcessPolicy::note;
  } verification;
  struct Rotation {
    std::chrono::milliseconds retire_after = std::chrono::days{7};
  } rotation;
  struct Credentials {
    double sts_rate = 100;
    std::size_t cache_entries = 100'000;
  } credentials;
  struct Connect {
    std::optional<std::string> template_url;
    std::string console_url;  // of the sandbox's stand-in; empty: AWS's own console
    std::optional<std::string> brand_name;
    std::optional<std::string> brand_colour;
    std::optional<std::filesystem::path> brand_logo_file;
    std::vector<registry::ReturnUrl> return_urls;
  } connect;
  struct Webhooks {
    std::optional<std::string> url;  // https, or http on this machine
    std::optional<std::filesystem::path> secret_file;
  } webhooks;
  struct Logs {
    std::filesystem::path directory;  // `logs` beside the database, unless it is set
    bool collect = false;             // in this process
    std::size_t spool_mib_max = 10'240;
    std::chrono::milliseconds lookback = std::chrono::hours{1};
    std::chrono::milliseconds discovery = std::chrono::minutes{5};
    std::chrono::milliseconds poll_max = std::chrono::seconds{60};
    std::vector<LogSinkSpec> sinks;                               // `search` alone, unless they are set
    std::chrono::milliseconds retention = std::chrono::days{30};  // of what can be searched
  } logs;
};

// One thing that is wrong with the configuration, and where: `deputy.toml:12` or the environment variable's
// name.
struct ConfigProblem {
  std::string where;
  std::string what;
};

struct LoadedConfig {
  Config config;
  std::vector<ConfigProblem> problems;  // empty: the configuration can be used
  std::vector<std::string> notes;       // settings that are known and have no effect in this version
  bool unreadable = false;              // one of the problems is that the file is missing or not TOML
};

// Reads the file, if one is given, then the environment (`DEPUTY_<SECTION>__<KEY>`), which wins. Never
// throws, never stops at the first problem.
LoadedConfig load_config(const std::optional<std::filesystem::path>& file,
                         const aws::Environment& environment,
                         const std::vector<std::string>& environment_names);

// The names of all variables of this process's environment.
std::vector<std::string> environment_names();

// The problems as one `invalid_request`, a line each.
Error to_error(const std::vector<ConfigProblem>& problems);

}  // namespace deputy::app
