#include "app/demo/story.hpp"

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/demo/world.hpp"

namespace deputy::app {
namespace {

constexpr std::string_view stack_name = "deputy-log-reader";
constexpr std::string_view careless_trust =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/deputy-broker"},"Action":"sts:AssumeRole"}]})";

const boost::json::value& log_reader() {
  static const boost::json::value integration = boost::json::parse(R"({
    "description": "Reads your CloudWatch Logs",
    "policy": {"Version": "2012-10-17", "Statement": [
      {"Sid": "FindLogGroups", "Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"},
      {"Sid": "ReadLogEvents", "Effect": "Allow", "Action": "logs:FilterLogEvents", "Resource": "arn:aws:logs:*:*:log-group:/acme/*"},
      {"Sid": "ListBuckets", "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]},
    "logs": {"regions": ["eu-central-1"], "groups": ["/acme/*"]},
    "reasons": {"FindLogGroups": "to find the log groups of your applications", "ReadLogEvents": "to show and search your log events",
                "ListBuckets": "to offer your buckets as archives"}})");
  return integration;
}

Error not_as_told(std::string what) {
  return Error{ErrorKind::internal, std::move(what)};
}

Error aws_refused(std::string_view who, const aws::AwsError& error) {
  return not_as_told(fmt::format("{}: AWS answered {} ({})", who, error.code, error.message));
}

std::string text_of(const boost::json::value& object, std::string_view member) {
  const auto* value = object.is_object() ? object.as_object().if_contains(member) : nullptr;
  return value != nullptr && value->is_string() ? std::string{value->as_string().c_str()} : std::string{};
}

std::string trust_with(std::string_view external_id) {
  const boost::json::value document{
      {"Version", "2012-10-17"},
      {"Statement",
       {{{"Effect", "Allow"},
         {"Principal", {{"AWS", partner_role}}},
         {"Action", {"sts:AssumeRole", "sts:TagSession"}},
         {"Condition", {{"StringEquals", {{"sts:ExternalId", external_id}}}}}}}}};
  return boost::json::serialize(document);
}

// Right today, and for every external ID but the issued one: but a second statement opens the role next year.
std::string trust_with_a_door(std::string_view external_id) {
  boost::json::value document = boost::json::parse(trust_with(external_id));
  document.as_object()
      .at("Statement")
      .as_array()
      .push_back({{"Effect", "Allow"},
                  {"Principal", {{"AWS", partner_role}}},
                  {"Action", "sts:AssumeRole"},
                  {"Condition", {{"DateGreaterThan", {{"aws:CurrentTime", "2099-01-01T00:00:00Z"}}}}}});
  return boost::json::serialize(document);
}

// The records of a page, as `deputy logs` shows them.
std::vector<std::string> lines_of(const ApiAnswer& page) {
  std::vector<std::string> lines;
  const auto* items = page.body.is_object() ? page.body.get_object().if_contains("items") : nullptr;
  if (items == nullptr || !items->is_array()) return lines;
  for (const auto& record : items->get_array())
    lines.push_back(fmt::format("{}  {}", text_of(record, "group"), text_of(record, "message")));
  return lines;
}

std::string role_name_of(const std::string& arn) {
  return arn.substr(arn.rfind('/') + 1);
}

}  // namespace

Story::Story(const aws::Caller& caller, Service& service, ApiClient api, Narrator& narrator)
    : caller_(caller),
      service_(service),
      api_(std::move(api)),
      narrator_(narrator),
      region_(Region::parse(demo_region).value()),
      acme_(caller, region_, acme_admin.credentials()),
      globex_(caller, region_, globex_admin.credentials()) {}

Task<Result<void>> Story::tell(std::stop_token stop) {
  using Chapter = Task<Result<void>> (Story::*)();
  static constexpr std::array<Chapter, 12> chapters{&Story::define_integration,
                                                    &Story::connect_acme,
                                                    &Story::refuse_a_chosen_external_id,
                                                    &Story::reject_globex,
                                                    &Story::find_a_hidden_door,
                                                    &Story::refuse_mallory,
                                                    &Story::use_acmes_account,
                                                    &Story::collect_acmes_logs,
                                                    &Story::suspend_on_drift,
                                                    &Story::repair,
                                                    &Story::rotate,
                                                    &Story::verify_journal};
  for (const Chapter chapter : chapters) {
    if (stop.stop_requested()) co_return Error{ErrorKind::internal, "ended before the story was told"};
    DEPUTY_CO_TRY(co_await (this->*chapter)());
  }
  co_return success();
}

// ── The chapters
// ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

Task<Result<void>> Story::define_integration() {
  narrator_.chapter("The partner says what its product needs: the integration log-reader");
  DEPUTY_CO_TRY(const auto answer,
                co_await ask("partner", "PUT", "/v1/integrations/log-reader", 201, log_reader()));
  narrator_.came_back(fmt::format("version {}: three least-privilege statements, each with its reason",
                                  answer.member("version")));
  co_return success();
}

Task<Result<void>> Story::connect_acme() {
  narrator_.chapter("Acme connects its AWS account");
  DEPUTY_CO_TRY(acme_connection_, co_await sign_up("Acme"));
  const std::string path = "/v1/connections/" + acme_connection_.id + "/template?format=cloudformation";
  DEPUTY_CO_TRY(auto stack_template, co_await ask("Acme", "GET", path, 200));
  narrator_.came_back(fmt::format("a CloudFormation template of {} bytes", stack_template.text.size()));
  narrator_.asked("Acme's administrator", "cloudformation:CreateStack with that template");
  auto launched =
      co_await acme_.launch_stack("CreateStack", std::string{stack_name}, std::move(stack_template.text));
  if (!launched) co_return aws_refused("Acme's stack", launched.error());
  acme_role_arn_ = launched.value();
  narrator_.came_back("the stack's output: " + acme_role_arn_);
  DEPUTY_CO_TRY(co_await give_role(acme_connection_, acme_role_arn_));
  DEPUTY_CO_TRY(const auto verification, co_await verification_of(acme_connection_.id));
  tell_checks(verification);
  co_return co_await expect_state(acme_connection_.id, "active");
}

Task<Result<void>> Story::refuse_a_chosen_external_id() {
  narrator_.chapter("Somebody tries to choose the external ID");
  const boost::json::value body{{"tenant_id", acme_connection_.tenant_id},
                                {"integration", "log-reader"},
                                {"external_id", "one-of-my-own"}};
  DEPUTY_CO_TRY(const auto answer, co_await ask("somebody", "POST", "/v1/connections", 400, body));
  if (answer.member("code") != "external_id_not_settable")
    co_return not_as_told("the code is " + answer.member("code"));
  narrator_.refused("400 external_id_not_settable: " + answer.member("detail"));
  co_return success();
}

Task<Result<void>> Story::reject_globex() {
  narrator_.chapter("Globex makes its role by hand, and forgets the condition");
  DEPUTY_CO_TRY(globex_connection_, co_await sign_up("Globex"));
  narrator_.asked("Globex's administrator", "iam:CreateRole trusting the partner, without a condition");
  const auto role = co_await globex_.create_role("log-access", std::string{careless_trust});
  if (!role) co_return aws_refused("Globex's role", role.error());
  narrator_.came_back(role.value());
  DEPUTY_CO_TRY(co_await give_role(globex_connection_, role.value()));
  DEPUTY_CO_TRY(const auto verification, co_await verification_of(globex_connection_.id));
  tell_checks(verification);
  co_return co_await expect_state(globex_connection_.id, "rejected");
}

Task<Result<void>> Story::find_a_hidden_door() {
  narrator_.chapter("Globex takes the template, and adds a statement that no try can see: it opens in 2099");
  const std::string path = "/v1/connections/" + globex_connection_.id + "/template?format=cloudformation";
  DEPUTY_CO_TRY(auto stack_template, co_await ask("Globex", "GET", path, 200));
  const auto role =
      co_await globex_.launch_stack("CreateStack", std::string{stack_name}, std::move(stack_template.text));
  if (!role) co_return aws_refused("Globex's stack", role.error());
  narrator_.asked("Globex's administrator", "iam:UpdateAssumeRolePolicy, with a second statement");
  const auto opened = co_await globex_.update_trust(role_name_of(role.value()),
                                                    trust_with_a_door(globex_connection_.external_id));
  if (!opened) co_return aws_refused("UpdateAssumeRolePolicy", opened.error());
  DEPUTY_CO_TRY(const auto found, co_await answer_to(globex_connection_, role.value()));
  tell_checks(found);
  const boost::json::value trust_check = check_of(found, "trust_policy");
  if (text_of(trust_check, "result") != "failed") co_return not_as_told("the door was not found");
  for (const char* probe : {"external_id_required", "external_id_exact", "role_still_assumable"})
    if (text_of(check_of(found, probe), "result") != "passed") co_return not_as_told("a probe did not pass");
  DEPUTY_CO_TRY(co_await expect_state(globex_connection_.id, "rejected"));
  narrator_.meaning(
      "every try was denied, as it should be; reading the trust policy found the door all the same");
  narrator_.asked("Globex's administrator",
                  "iam:UpdateAssumeRolePolicy, with the corrected policy of the check");
  const auto mended = co_await globex_.update_trust(role_name_of(role.value()), text_of(trust_check, "mend"));
  if (!mended) co_return aws_refused("UpdateAssumeRolePolicy", mended.error());
  DEPUTY_CO_TRY(co_await verify_now(globex_connection_.id));
  co_return co_await expect_state(globex_connection_.id, "active");
}

Task<Result<void>> Story::refuse_mallory() {
  narrator_.chapter("Mallory signs up as a customer and submits Acme's role");
  DEPUTY_CO_TRY(const auto mallory, co_await sign_up("Mallory"));
  DEPUTY_CO_TRY(const auto real, co_await answer_to(mallory, acme_role_arn_));
  tell_checks(real);
  DEPUTY_CO_TRY(co_await expect_state(mallory.id, "rejected"));
  narrator_.meaning("and now a role that does not exist:");
  DEPUTY_CO_TRY(const auto missing,
                co_await answer_to(mallory, "arn:aws:iam::222222222222:role/no-such-role"));
  const auto words = [](const boost::json::value& verification) {
    std::string all;
    for (const auto& check : verification.as_object().at("checks").as_array())
      all += text_of(check, "name") + text_of(check, "result") + text_of(check, "message") + "\n";
    return all;
  };
  if (words(real) != words(missing))
    co_return not_as_told("the two answers differ: Mallory learns that Acme's role exists");
  narrator_.refused("the same answer, word for word: Mallory does not learn whether Acme's role exists");
  co_return success();
}

Task<Result<void>> Story::use_acmes_account() {
  narrator_.chapter("The partner's log loader uses Acme's account");
  const boost::json::value grants{
      {"grants", {{{"integration", "log-reader"}, {"tenants", "*"}, {"may", boost::json::array{}}}}}};
  DEPUTY_CO_TRY(co_await ask("partner", "PUT", "/v1/workloads/log-loader", 201, grants));
  const boost::json::value wanted{{"role", "workload"}, {"workload", "log-loader"}};
  DEPUTY_CO_TRY(const auto key, co_await ask("partner", "POST", "/v1/keys", 201, wanted));
  workload_key_ = key.member("secret");
  DEPUTY_CO_TRY(auto acme, co_await credentials_for_acme());
  narrator_.asked("log loader", "s3:ListBuckets with the three values");
  const auto buckets = co_await acme.list_buckets();
  if (!buckets) co_return aws_refused("ListBuckets", buckets.error());
  narrator_.came_back(fmt::format("{}", fmt::join(buckets.value(), ", ")));
  narrator_.asked("log loader", fmt::format("logs:FilterLogEvents of {}", log_group));
  const auto messages = co_await acme.read_logs(std::string{log_group});
  if (!messages) co_return aws_refused("FilterLogEvents", messages.error());
  for (const auto& message : messages.value()) narrator_.came_back(message);
  if (buckets.value().size() != 2 || messages.value().size() != 2) co_return not_as_told("not what Acme has");
  co_return success();
}

Task<Result<void>> Story::collect_acmes_logs() {
  narrator_.chapter("What Acme's web shop writes to its log is collected, and can be searched");
  const std::string of_acme = "tenant_id=" + acme_connection_.tenant_id;
  narrator_.asked("partner", "deputy logs tail --tenant " + acme_connection_.tenant_id);
  DEPUTY_CO_TRY(const auto begin, co_await api_.call("GET", "/v1/logs/tail?" + of_acme));
  if (!begin.ok()) co_return not_as_told(begin.text);
  narrator_.asked("Acme's web shop", fmt::format("logs:PutLogEvents to {}", log_group));
  const auto written =
      co_await acme_.write_logs(std::string{log_group}, "web-1",
                                {"POST /checkout 200 87ms", "POST /checkout 502 payment provider refused"});
  if (!written) co_return aws_refused("PutLogEvents", written.error());
  DEPUTY_CO_TRY(const auto followed, co_await followed_logs(of_acme, begin.member("next_cursor"), 2));
  for (const std::string& message : followed) narrator_.came_back(message);
  DEPUTY_CO_TRY(const auto found, co_await found_logs(of_acme, "refused"));
  if (found.size() != 1 || found.front().find("502") == std::string::npos)
    co_return not_as_told("the search found another record");
  narrator_.came_back(found.front());
  DEPUTY_CO_TRY(const auto of_globex,
                co_await found_logs("tenant_id=" + globex_connection_.tenant_id, "refused"));
  if (!of_globex.empty()) co_return not_as_told("a search of Globex's logs found Acme's");
  narrator_.refused("nothing: Acme's records are in Acme's searches alone");
  co_return success();
}

Task<Result<void>> Story::suspend_on_drift() {
  narrator_.chapter("Months later Acme loosens its trust policy");
  narrator_.asked("Acme's administrator", "iam:UpdateAssumeRolePolicy, without the condition");
  const auto loosened =
      co_await acme_.update_trust(role_name_of(acme_role_arn_), std::string{careless_trust});
  if (!loosened) co_return aws_refused("UpdateAssumeRolePolicy", loosened.error());
  narrator_.came_back("done");
  DEPUTY_CO_TRY(const auto verification, co_await verify_now(acme_connection_.id));
  tell_checks(verification);
  DEPUTY_CO_TRY(co_await expect_state(acme_connection_.id, "suspended"));
  const std::string path = "/v1/connections/" + acme_connection_.id + "/credentials";
  DEPUTY_CO_TRY(const auto refused, co_await ask("log loader", "POST", path, 409, boost::json::object{}));
  if (refused.member("code") != "connection_not_active")
    co_return not_as_told("the code is " + refused.member("code"));
  narrator_.refused("409 connection_not_active: issuing has stopped");
  co_return success();
}

Task<Result<void>> Story::repair() {
  narrator_.chapter("Acme repairs it");
  narrator_.asked("Acme's administrator", "iam:UpdateAssumeRolePolicy, with the condition");
  const auto repaired =
      co_await acme_.update_trust(role_name_of(acme_role_arn_), trust_with(acme_connection_.external_id));
  if (!repaired) co_return aws_refused("UpdateAssumeRolePolicy", repaired.error());
  narrator_.came_back("done");
  DEPUTY_CO_TRY(const auto verification, co_await verify_now(acme_connection_.id));
  tell_checks(verification);
  DEPUTY_CO_TRY(co_await expect_state(acme_connection_.id, "active"));
  DEPUTY_CO_TRY(co_await credentials_for_acme());
  co_return success();
}

Task<Result<void>> Story::rotate() {
  narrator_.chapter("The external ID is rotated, without a moment without access");
  const std::string rotation = "/v1/connections/" + acme_connection_.id + "/external-id/rotation";
  DEPUTY_CO_TRY(const auto begun, co_await ask("partner", "POST", rotation, 201));
  const std::string next = text_of(begun.body.as_object().at("rotation"), "next_external_id");
  narrator_.came_back("the next external ID is " + next);
  DEPUTY_CO_TRY(co_await relaunch_acmes_stack("the new template lists both IDs"));
  DEPUTY_CO_TRY(const auto both, co_await verify_now(acme_connection_.id));
  tell_checks(both);
  DEPUTY_CO_TRY(co_await credentials_for_acme());
  DEPUTY_CO_TRY(const auto promoted, co_await ask("partner", "POST", rotation + "/promotion", 200));
  if (promoted.member("external_id") != next) co_return not_as_told("the next external ID was not promoted");
  narrator_.came_back("the next one is now the connection's; the old one retires");
  DEPUTY_CO_TRY(co_await credentials_for_acme());
  DEPUTY_CO_TRY(co_await relaunch_acmes_stack("the template lists the new ID alone"));
  // The promotion asked for a verification of its own: one that began before the stack was changed may still
  // be running, and is then the one that we are given.
  constexpr int looks_max = 3;
  bool over = false;
  for (int looks = 0; looks < looks_max && !over; ++looks) {
    DEPUTY_CO_TRY(const auto retired, co_await verify_now(acme_connection_.id));
    const std::string path = "/v1/connections/" + acme_connection_.id;
    DEPUTY_CO_TRY(const auto connection, co_await ask("partner", "GET", path, 200));
    over = connection.member("rotation").empty();
    if (over) tell_checks(retired);
  }
  if (!over) co_return not_as_told("the old external ID has not retired");
  narrator_.came_back("the old ID is denied: the rotation is over");
  co_return success();
}

Task<Result<void>> Story::verify_journal() {
  narrator_.chapter("The journal verifies");
  narrator_.asked("auditor", "deputy journal verify");
  const auto checked = co_await service_.check_integrity();
  if (!checked) co_return checked.error();
  narrator_.came_back(
      fmt::format("{} entries, none removed, changed, reordered or added; the database's rows are authentic",
                  checked.value().sequence));
  co_return success();
}

// ── What the chapters share
// ──────────────────────────────────────────────────────────────────────────────────────────────────────────

Task<Result<ApiAnswer>> Story::ask(std::string who, std::string method, std::string path, int status,
                                   std::optional<boost::json::value> body) {
  narrator_.asked(who, fmt::format("{} {}", method, path));
  DEPUTY_CO_TRY(auto answer, co_await api_.call(method, path, std::move(body)));
  if (answer.status != status)
    co_return not_as_told(
        fmt::format("{} {} answered {}, not {}: {}", method, path, answer.status, status, answer.text));
  co_return answer;
}

Task<Result<Story::CustomerConnection>> Story::sign_up(std::string name) {
  const boost::json::value new_tenant{{"name", name}};
  DEPUTY_CO_TRY(const auto tenant, co_await ask("partner", "POST", "/v1/tenants", 201, new_tenant));
  const boost::json::value wanted{{"tenant_id", tenant.member("id")}, {"integration", "log-reader"}};
  DEPUTY_CO_TRY(const auto connection, co_await ask("partner", "POST", "/v1/connections", 201, wanted));
  narrator_.came_back(fmt::format("{} for {}, external ID {}", connection.member("id"), name,
                                  connection.member("external_id")));
  co_return CustomerConnection{tenant.member("id"), connection.member("id"),
                               connection.member("external_id")};
}

Task<Result<void>> Story::give_role(CustomerConnection connection, std::string role_arn) {
  const boost::json::value body{{"role_arn", role_arn}};
  DEPUTY_CO_TRY(co_await ask("customer", "PUT", "/v1/connections/" + connection.id + "/role", 202, body));
  co_return success();
}

Task<Result<boost::json::value>> Story::verification_of(std::string connection_id) {
  constexpr std::chrono::milliseconds pause{50};
  constexpr int looks_max = 200;
  const std::string path = "/v1/connections/" + connection_id + "/verifications?limit=1";
  for (int looks = 0; looks < looks_max; ++looks) {
    DEPUTY_CO_TRY(const auto answer, co_await api_.call("GET", path));
    if (!answer.ok()) co_return not_as_told(answer.text);
    const auto& items = answer.body.as_object().at("items").as_array();
    if (!items.empty() && text_of(items.front(), "status") == "done" &&
        !text_of(items.front(), "outcome").empty()) {
      DEPUTY_CO_TRY(const auto state, co_await state_of(connection_id));
      if (state != "verifying") co_return items.front();
    }
    co_await sleep_for(caller_.loop, pause, {});
  }
  co_return not_as_told("the verification did not end in time");
}

// What arrives after the cursor, in `group  message`, once there is as much as is waited for.
Task<Result<std::vector<std::string>>> Story::followed_logs(std::string whose, std::string cursor,
                                                            std::size_t wanted) {
  constexpr std::chrono::milliseconds pause{100};
  constexpr int looks_max = 150;
  std::vector<std::string> lines;
  for (int looks = 0; looks < looks_max && lines.size() < wanted; ++looks) {
    DEPUTY_CO_TRY(const auto page, co_await api_.call("GET", "/v1/logs/tail?" + whose + "&cursor=" + cursor));
    if (!page.ok()) co_return not_as_told(page.text);
    for (std::string& line : lines_of(page)) lines.push_back(std::move(line));
    cursor = page.member("next_cursor");
    if (lines.size() < wanted) co_await sleep_for(caller_.loop, pause, {});
  }
  if (lines.size() != wanted) co_return not_as_told("what Acme wrote was not collected in time, or not once");
  co_return lines;
}

Task<Result<std::vector<std::string>>> Story::found_logs(std::string whose, std::string words) {
  narrator_.asked("partner",
                  fmt::format("deputy logs search --tenant {} {}", whose.substr(whose.find('=') + 1), words));
  DEPUTY_CO_TRY(const auto page, co_await api_.call("GET", "/v1/logs/search?" + whose + "&q=" + words));
  if (!page.ok()) co_return not_as_told(page.text);
  co_return lines_of(page);
}

Task<Result<boost::json::value>> Story::answer_to(CustomerConnection connection, std::string role_arn) {
  DEPUTY_CO_TRY(co_await give_role(connection, std::move(role_arn)));
  co_return co_await verification_of(connection.id);
}

Task<Result<boost::json::value>> Story::verify_now(std::string connection_id) {
  const std::string path = "/v1/connections/" + connection_id + "/verifications";
  DEPUTY_CO_TRY(co_await ask("partner", "POST", path, 202));
  co_return co_await verification_of(connection_id);
}

boost::json::value Story::check_of(const boost::json::value& verification, std::string_view name) {
  for (const auto& check : verification.as_object().at("checks").as_array())
    if (text_of(check, "name") == name) return check;
  return nullptr;
}

Task<Result<std::string>> Story::state_of(std::string connection_id) {
  DEPUTY_CO_TRY(const auto answer, co_await api_.call("GET", "/v1/connections/" + connection_id));
  co_return answer.member("state");
}

Task<Result<void>> Story::expect_state(std::string connection_id, std::string state) {
  DEPUTY_CO_TRY(const auto answer, co_await api_.call("GET", "/v1/connections/" + connection_id));
  const std::string now = answer.member("state"), proof = answer.member("proof");
  if (now != state) co_return not_as_told(fmt::format("the connection is {}, not {}", now, state));
  if (state == "active" && proof != "proved")
    co_return not_as_told(fmt::format("the connection is {}, not proved", proof));
  if (state == "active") narrator_.came_back("the connection is active, and proved");
  if (state != "active") narrator_.refused("the connection is " + state);
  co_return success();
}

Task<Result<Customer>> Story::credentials_for_acme() {
  const std::string path = "/v1/connections/" + acme_connection_.id + "/credentials";
  narrator_.asked("log loader", "POST " + path);
  ApiClient workload = api_.with_key(SecretString{workload_key_});
  const boost::json::value body{{"reason", "demo"}};
  DEPUTY_CO_TRY(const auto answer, co_await workload.call("POST", path, body));
  if (!answer.ok()) co_return not_as_told(answer.text);
  narrator_.came_back(fmt::format("{} for account {}, good for {} s; session {}",
                                  answer.member("access_key_id"), answer.member("account_id"),
                                  answer.member("expires_in_seconds"), answer.member("session_name")));
  aws::Credentials credentials{answer.member("access_key_id"),
                               SecretString{answer.member("secret_access_key")},
                               SecretString{answer.member("session_token")}, std::nullopt};
  co_return Customer{caller_, region_, std::move(credentials)};
}

Task<Result<void>> Story::relaunch_acmes_stack(std::string why) {
  const std::string path = "/v1/connections/" + acme_connection_.id + "/template?format=cloudformation";
  DEPUTY_CO_TRY(auto stack_template, co_await ask("Acme", "GET", path, 200));
  narrator_.asked("Acme's administrator", "cloudformation:UpdateStack: " + why);
  auto updated =
      co_await acme_.launch_stack("UpdateStack", std::string{stack_name}, std::move(stack_template.text));
  if (!updated) co_return aws_refused("Acme's stack", updated.error());
  narrator_.came_back("done");
  co_return success();
}

void Story::tell_checks(const boost::json::value& verification) {
  for (const auto& check : verification.as_object().at("checks").as_array()) {
    const std::string result = text_of(check, "result");
    if (result == "skipped") continue;
    const std::string line = fmt::format("{} {}", text_of(check, "name"), result);
    if (result == "passed") {
      narrator_.came_back(line);
    } else {
      narrator_.refused(line + ": " + text_of(check, "message"));
    }
  }
}

}  // namespace deputy::app
