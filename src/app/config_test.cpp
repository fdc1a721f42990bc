#include "app/config.hpp"

#include "support/temporary_folder.hpp"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <map>

namespace deputy::app {
namespace {

using namespace std::chrono_literals;

class ConfigTest : public testing::Test {
 protected:
  LoadedConfig load(const std::string& text, const std::map<std::string, std::string>& variables = {}) {
    const auto file = folder_.path() / "deputy.toml";
    std::ofstream{file} << text;
    std::vector<std::string> names;
    names.reserve(variables.size());
    for (const auto& [name, value] : variables) names.push_back(name);
    const auto environment = [&](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional{found->second};
    };
    return load_config(file, environment, names);
  }
  TemporaryFolder folder_;
};

TEST_F(ConfigTest, HasTheDocumentedDefaults) {
  const auto [config, problems, notes, unreadable] = load("");
  EXPECT_FALSE(unreadable);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(config.server.listen.address, "127.0.0.1");
  EXPECT_EQ(config.server.listen.port, 8180);
  EXPECT_EQ(config.verification.interval, 24h);
  EXPECT_EQ(config.verification.propagation_window, 120s);
  EXPECT_EQ(config.rotation.retire_after, 168h);
  EXPECT_EQ(config.verification.excess, verify::ExcessPolicy::note);
  EXPECT_EQ(config.storage.sqlite_file, folder_.path() / "deputy.db");
}

TEST_F(ConfigTest, ReadsEverySection) {
  const auto [config, problems, notes, unreadable] = load(R"(
[server]
listen = "[::1]:9000"
public_url = "https://deputy.example/"
[storage]
url = "sqlite:data/x.db"
[security]
master_key_file = "master.key"
[aws]
region = "eu-central-1"
partner_principal = "arn:aws:iam::111111111111:role/team/deputy"
partner_accounts = ["111111111111", "999999999999"]
[registry]
account_policy = "shared"
[verification]
interval = "1h"
per_tenant_per_hour = 7
sts_share = 0.5
excess = "fail"
[credentials]
sts_rate = 50
)");
  for (const auto& problem : problems) ADD_FAILURE() << problem.where << ": " << problem.what;
  EXPECT_EQ(config.server.listen.address, "::1");
  EXPECT_EQ(config.server.public_url, "https://deputy.example");
  EXPECT_EQ(config.storage.sqlite_file, folder_.path() / "data/x.db");
  EXPECT_EQ(config.security.master_key_file, folder_.path() / "master.key");
  EXPECT_EQ(config.aws.partner_accounts.size(), 2U);
  EXPECT_EQ(config.registry.account_policy, registry::AccountPolicy::shared);
  EXPECT_EQ(config.verification.per_tenant_per_hour, 7U);
  EXPECT_EQ(config.verification.excess, verify::ExcessPolicy::fail);
}

TEST_F(ConfigTest, ReadsTheConnectPageAndWebhooks) {
  const auto [config, problems, notes, unreadable] = load(
      "[connect]\nbrand_name = \"Loglux\"\nbrand_colour = \"#2457d6\"\nbrand_logo_file = \"logo.svg\"\n"
      "return_urls = [\"https://app.example/aws\"]\n"
      "[webhooks]\nurl = \"https://app.example/hook\"\nsecret_file = \"webhook.secret\"\n");
  for (const auto& problem : problems) ADD_FAILURE() << problem.where << ": " << problem.what;
  EXPECT_TRUE(notes.empty());
  EXPECT_EQ(config.connect.brand_name, "Loglux");
  EXPECT_EQ(config.connect.brand_logo_file, folder_.path() / "logo.svg");
  ASSERT_EQ(config.connect.return_urls.size(), 1U);
  EXPECT_EQ(config.connect.return_urls[0].text(), "https://app.example/aws");
  EXPECT_EQ(config.webhooks.url, "https://app.example/hook");
  EXPECT_EQ(config.webhooks.secret_file, folder_.path() / "webhook.secret");
}

// THREATS 30: events go to https, or to this machine, and never unsigned.
TEST_F(ConfigTest, RefusesAddressesThatEventsMustNotGoTo) {
  const std::string secret = "secret_file = \"webhook.secret\"\n";
  for (const char* url :
       {"http://app.example/hook", "ftp://app.example/", "https://user@app.example/", "app.example"})
    EXPECT_EQ(load("[webhooks]\nurl = \"" + std::string{url} + "\"\n" + secret).problems.empty(), false)
        << url;
  EXPECT_TRUE(load("[webhooks]\nurl = \"http://127.0.0.1:9000/hook\"\n" + secret).problems.empty());
  EXPECT_EQ(load("[webhooks]\nurl = \"https://app.example/hook\"\n").problems.size(), 1U);
  EXPECT_EQ(load("[webhooks]\n" + secret).problems.size(), 1U);
  EXPECT_FALSE(load("[connect]\nreturn_urls = [\"http://app.example/\"]\n").problems.empty());
}

TEST_F(ConfigTest, TheEnvironmentWins) {
  const auto [config, problems, notes, unreadable] = load(
      "[server]\nlisten = \"127.0.0.1:1\"\n", {{"DEPUTY_SERVER__LISTEN", "0.0.0.0:2"},
                                               {"DEPUTY_AWS__PARTNER_ACCOUNTS", "111111111111,222222222222"},
                                               {"DEPUTY_URL", "http://x"}});
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(config.server.listen.port, 2);
  EXPECT_EQ(config.aws.partner_accounts.size(), 2U);
}

TEST_F(ConfigTest, NamesEveryProblemWithItsLine) {
  const auto loaded = load(
      "[server]\nlisten = \"nowhere\"\n[aws]\npartner_principal = \"arn:aws:iam::111111111111:user/x\"\n"
      "colour = 3\n[verification]\ninterval = \"soon\"\n",
      {{"DEPUTY_ROTATION__RETIRE_AFTER", "never"}, {"DEPUTY_NO__SUCH", "1"}});
  std::vector<std::string> places;
  places.reserve(loaded.problems.size());
  for (const auto& problem : loaded.problems)
    places.push_back(problem.where.substr(problem.where.find_last_of('/') + 1));
  EXPECT_EQ(places.size(), 6U);
  for (const char* place : {"deputy.toml:2", "deputy.toml:4", "deputy.toml:5", "deputy.toml:7",
                            "DEPUTY_ROTATION__RETIRE_AFTER", "DEPUTY_NO__SUCH"})
    EXPECT_NE(std::ranges::find(places, place), places.end()) << place;
}

TEST_F(ConfigTest, ReadsWhatConcernsLogs) {
  const auto defaults = load("").config.logs;
  EXPECT_FALSE(defaults.collect);
  EXPECT_EQ(defaults.directory, folder_.path() / "logs");
  ASSERT_EQ(defaults.sinks.size(), 1U);
  EXPECT_EQ(defaults.sinks[0].name, "search");
  const auto [config, problems, notes, unreadable] = load(
      "[logs]\ncollect = true\ndirectory = \"there\"\nsinks = [\"search\", \"files:out\"]\nretention = "
      "\"7d\"\n"
      "spool_mib_max = 256\nlookback = \"14d\"\ndiscovery = \"1s\"\npoll_max = \"1h\"\n");
  EXPECT_TRUE(problems.empty());
  EXPECT_TRUE(config.logs.collect);
  EXPECT_EQ(config.logs.directory, folder_.path() / "there");
  ASSERT_EQ(config.logs.sinks.size(), 2U);
  EXPECT_EQ(config.logs.sinks[1].folder, folder_.path() / "out");
  EXPECT_EQ(config.logs.retention, 168h);
  EXPECT_EQ(config.logs.spool_mib_max, 256U);
  EXPECT_EQ(config.logs.lookback, 336h);
  EXPECT_EQ(config.logs.discovery, 1s);
  EXPECT_EQ(config.logs.poll_max, 1h);
}

TEST_F(ConfigTest, BoundsWhatConcernsLogs) {
  const std::pair<std::string, std::string> wrong[] = {
      {"spool_mib_max = 255", "less than 256"},
      {"poll_max = \"999ms\"", "between a second and an hour"},
      {"poll_max = \"61m\"", "between a second and an hour"},
      {"discovery = \"0s\"", "between a second and a day"},
      {"discovery = \"25h\"", "between a second and a day"},
      {"retention = \"23h\"", "shorter than a day"},
      {"lookback = \"15d\"", "longer than 14 days"},
      {"sinks = [\"files:\"]", "is no sink"},
      {"sinks = [\"otlp:ftp://there\"]", "is no sink"},
      {"sinks = [\"search\", \"search\"]", ""},
      {"sinks = [\"files:out\", \"files+zstd:./out/\"]", "one folder"},
      {"collect = \"perhaps\"", ""},
      {"colour = 1", ""}};
  for (const auto& [line, words] : wrong) {
    const auto loaded = load("[logs]\n" + line + "\n");
    ASSERT_EQ(loaded.problems.size(), 1U) << line;
    EXPECT_NE(loaded.problems[0].what.find(words), std::string::npos) << loaded.problems[0].what;
  }
}

TEST_F(ConfigTest, RefusesBrokenTomlAndUnsupportedDatabases) {
  EXPECT_FALSE(load("[server\n").problems.empty());
  EXPECT_FALSE(load("listen = 1\n").problems.empty());
  EXPECT_FALSE(load("[storage]\nurl = \"postgresql://db/x\"\n").problems.empty());
  EXPECT_FALSE(load("[verification]\nsts_share = 1.5\n").problems.empty());
  EXPECT_FALSE(load("[verification]\nexcess = \"warn\"\n").problems.empty());
  EXPECT_FALSE(load("[server]\ntls_cert_file = \"x\"\n").problems.empty());
  EXPECT_FALSE(load("[connect]\nconsole_url = \"https://console.example\"\n").problems.empty());
}

TEST_F(ConfigTest, ReadsTheUsersOfTheUnixSocket) {
  const auto [config, problems, notes, unreadable] = load(
      "[server]\nunix_socket = \"run/deputy.sock\"\n[server.unix_socket_users]\n1001 = \"log-loader\"\n"
      "\"1002\" = \"reporter\"\n");
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(config.server.unix_socket, folder_.path() / "run/deputy.sock");
  ASSERT_EQ(config.server.unix_socket_users.size(), 2U);
  EXPECT_EQ(config.server.unix_socket_users.at(1001).text(), "log-loader");
  const auto by_variable = load("", {{"DEPUTY_SERVER__UNIX_SOCKET", "/run/deputy.sock"},
                                     {"DEPUTY_SERVER__UNIX_SOCKET_USERS", "1001=log-loader,0=root-job"}});
  EXPECT_TRUE(by_variable.problems.empty());
  EXPECT_EQ(by_variable.config.server.unix_socket_users.at(0).text(), "root-job");
}

TEST_F(ConfigTest, RefusesUsersThatAreNobodysIdentity) {
  const auto problem = [&](const std::string& users) {
    const auto loaded = load("[server]\nunix_socket = \"x\"\nunix_socket_users = " + users + "\n");
    return loaded.problems.empty() ? std::string{"none"} : loaded.problems.front().what;
  };
  EXPECT_EQ(problem("{1001 = \"log-loader\"}"), "none");
  for (const char* users : {"{65534 = \"log-loader\"}", "{4294967295 = \"log-loader\"}"})
    EXPECT_NE(problem(users).find("nobody's identity"), std::string::npos) << users;
  for (const char* users :
       {"{-1 = \"log-loader\"}", "{4294967296 = \"log-loader\"}", "{app = \"log-loader\"}",
        "{1001 = \"Log Loader\"}", "{1001 = \"\"}", "\"1001\"", "[\"1001=a\", \"1001=b\"]"})
    EXPECT_NE(problem(users), "none") << users;
  EXPECT_FALSE(load("[server]\nunix_socket_users = {1001 = \"log-loader\"}\n").problems.empty())
      << "without the socket they mean nothing";
  EXPECT_FALSE(load("[server]\nunix_socket = \"@abstract\"\n").problems.empty());
}

TEST_F(ConfigTest, NamesWhatIsWrongWithTheCertificateAndWhere) {
  const auto loaded = load("[server]\ntls_cert_file = \"c.pem\"\ntls_key_file = \"k.pem\"\n");
  ASSERT_EQ(loaded.problems.size(), 2U);
  EXPECT_TRUE(loaded.problems[0].where.ends_with("deputy.toml:2"));
  EXPECT_NE(loaded.problems[0].what.find("c.pem` cannot be read"), std::string::npos);
  const auto half = load("[server]\ntls_key_file = \"k.pem\"\n");
  ASSERT_EQ(half.problems.size(), 1U);
  EXPECT_EQ(half.problems[0].what, "`server.tls_key_file` needs `server.tls_cert_file` beside it");
}

// What is wrong together with another value is told where it was set, be it in a variable.
TEST_F(ConfigTest, NamesTheVariableOrLineOfWhatDoesNotFit) {
  const auto place = [&](const std::string& text, const std::map<std::string, std::string>& variables) {
    const auto loaded = load(text, variables);
    EXPECT_EQ(loaded.problems.size(), 1U);
    const std::string where = loaded.problems.empty() ? "" : loaded.problems[0].where;
    return where.substr(where.find_last_of('/') + 1);
  };
  EXPECT_EQ(place("", {{"DEPUTY_VERIFICATION__INTERVAL", "0s"}}), "DEPUTY_VERIFICATION__INTERVAL");
  EXPECT_EQ(place("[verification]\ninterval = \"0s\"\n", {}), "deputy.toml:2");
  EXPECT_EQ(place("[verification]\ninterval = \"1h\"\n", {{"DEPUTY_VERIFICATION__MAX_AGE", "1m"}}),
            "DEPUTY_VERIFICATION__MAX_AGE");
  EXPECT_EQ(place("", {{"DEPUTY_VERIFICATION__INTERVAL", "100h"}}), "DEPUTY_VERIFICATION__INTERVAL");
  EXPECT_EQ(place("", {{"DEPUTY_LOGS__RETENTION", "1h"}}), "DEPUTY_LOGS__RETENTION");
  EXPECT_EQ(place("", {{"DEPUTY_WEBHOOKS__SECRET_FILE", "x"}}), "DEPUTY_WEBHOOKS__SECRET_FILE");
}

TEST_F(ConfigTest, AVerificationMayNotExpireBetweenTwo) {
  EXPECT_EQ(load("[verification]\ninterval = \"48h\"\nmax_age = \"24h\"\n").problems.size(), 1U);
}

}  // namespace
}  // namespace deputy::app
