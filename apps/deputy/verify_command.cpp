#include "command.hpp"

#include <boost/json/serialize.hpp>
#include <iostream>

#include "app/partner_identity.hpp"
#include "aws/base_credentials.hpp"
#include "aws/curl_transport.hpp"
#include "core/task_group.hpp"
#include "http/asio_loop.hpp"
#include "policy/policy.hpp"
#include "verify/verifier.hpp"

namespace deputy::cli {
namespace {

struct VerifyArguments {
  std::string role_arn;
  std::string external_id;
  std::string region;
  std::string principal;
  std::vector<std::string> partner_accounts;
  std::string policy_file;
  std::string wait = "0s";
  Output output = Output::text;
};

struct Wanted {
  verify::Target target;
  std::optional<RoleArn> principal;  // as given
  std::vector<AccountId> partner_accounts;
  std::chrono::milliseconds propagation_window;
};

// As given, else as the SDKs are told, else the home Region of the role's partition.
Result<Region> region_of(const VerifyArguments& arguments, const aws::Environment& environment,
                         Partition partition) {
  if (!arguments.region.empty()) return Region::parse(arguments.region);
  DEPUTY_TRY(auto configured, aws::configured_region(environment));
  return configured ? *std::move(configured) : aws::iam_signing_region(partition);
}

// What the role is to allow, as an integration would say it.
Result<std::optional<std::string>> needs_of(const VerifyArguments& arguments) {
  if (arguments.policy_file.empty()) return std::optional<std::string>{};
  DEPUTY_TRY(auto document, read_input(arguments.policy_file));
  const auto policy = policy::Policy::read(document, policy::PolicyKind::identity);
  if (!policy)
    return Error{ErrorKind::invalid_request,
                 in_backticks(arguments.policy_file) + " is no policy: " + policy.error().message};
  return std::optional{std::move(document)};
}

Result<Wanted> parse(const VerifyArguments& arguments, const aws::Environment& environment) {
  DEPUTY_TRY(auto role_arn, RoleArn::parse(arguments.role_arn));
  DEPUTY_TRY(auto external_id, ExternalId::parse(arguments.external_id));
  DEPUTY_TRY(const auto wait, parse_duration(arguments.wait));
  DEPUTY_TRY(auto region, region_of(arguments, environment, role_arn.partition()));
  verify::Target target{.role_arn = std::move(role_arn),
                        .external_id = std::move(external_id),
                        .region = std::move(region),
                        .session_name = SessionName::parse("deputy-verify").value()};
  DEPUTY_TRY(target.needs, needs_of(arguments));
  Wanted wanted{std::move(target), std::nullopt, {}, wait};
  if (!arguments.principal.empty()) {
    DEPUTY_TRY(wanted.principal, RoleArn::parse(arguments.principal));
  }
  for (const std::string& text : arguments.partner_accounts) {
    DEPUTY_TRY(auto account, AccountId::parse(text));
    wanted.partner_accounts.push_back(std::move(account));
  }
  return wanted;
}

// Nobody is here who would check again.
std::string for_one_time(std::string message) {
  for (const std::string_view promise : {"; the check runs again by itself", "; it runs again by itself",
                                         ", then the check runs again by itself"}) {
    const std::size_t begin = message.find(promise);
    if (begin != std::string::npos) message.replace(begin, promise.size(), "; then verify again");
  }
  return message;
}

boost::json::value to_json(const registry::VerificationReport& report) {
  boost::json::array checks;
  for (const auto& check : report.checks) {
    boost::json::object rendered{{"name", check.name},
                                 {"result", registry::to_text(check.result)},
                                 {"message", for_one_time(check.message)}};
    rendered["mend"] = check.mend ? boost::json::value(*check.mend) : boost::json::value(nullptr);
    checks.push_back(std::move(rendered));
  }
  return boost::json::object{{"outcome", registry::to_text(report.outcome)},
                             {"proof", registry::to_text(report.proof)},
                             {"checks", std::move(checks)}};
}

void print_text(const registry::VerificationReport& report) {
  for (const auto& check : report.checks) {
    std::cout << registry::to_text(check.result) << "  " << check.name << ": " << for_one_time(check.message)
              << "\n";
    if (check.mend) std::cout << *check.mend << "\n";
  }
  std::cout << registry::to_text(report.outcome);
  if (report.outcome == registry::VerificationOutcome::passed)
    std::cout << ", " << registry::to_text(report.proof);
  std::cout << "\n";
}

int status_of(registry::VerificationOutcome outcome) {
  switch (outcome) {
    case registry::VerificationOutcome::passed:
      return done;
    case registry::VerificationOutcome::failed:
      return found_something;
    case registry::VerificationOutcome::inconclusive:
      return undetermined;
  }
  return undetermined;
}

// Whom the trust policy is to name: as given, else whose credentials these are. Where neither tells, the
// trust policy cannot be judged, and the report says so.
Task<std::optional<verify::Partner>> partner_of(const Wanted& wanted, verify::Services services,
                                                aws::CredentialsProvider& base) {
  app::Config config;
  config.aws.partner_principal = wanted.principal;
  auto principal =
      co_await app::find_partner_principal(config, wanted.target.region, services.sts, services.iam, base);
  if (!principal) co_return std::nullopt;
  co_return verify::Partner{std::move(principal).value(), wanted.partner_accounts};
}

Task<void> run(verify::Verifier& verifier, verify::Services services, aws::CredentialsProvider& base,
               Wanted wanted, std::stop_token stop,
               std::optional<Result<registry::VerificationReport>>& report, http::AsioLoop& loop) {
  // Without credentials of one's own nothing can be found out; the error lists where they were looked for.
  if (const auto own = co_await base.get(); !own) {
    report.emplace(own.error());
    co_await base.stop();
    loop.stop();
    co_return;
  }
  wanted.target.partner = co_await partner_of(wanted, services, base);
  report.emplace(co_await verifier.run(std::move(wanted.target), stop));
  co_await base.stop();
  loop.stop();
}

int verify_role(const VerifyArguments& arguments) {
  const auto environment = aws::process_environment();
  auto wanted = parse(arguments, environment);
  if (!wanted) {
    tell(wanted.error());
    return wrong_use;
  }
  const auto endpoints = aws::Endpoints::configured(environment);
  if (!endpoints) {
    tell(endpoints.error());
    return wrong_use;
  }
  SystemClock clock;
  SystemRandom random;
  http::AsioLoop loop;
  aws::CurlTransport transport{loop};
  const aws::Caller caller{loop, clock, random, transport, endpoints.value(), {}};
  const auto sts = aws::make_sts(caller);
  const auto iam = aws::make_iam(caller);
  const auto calls = aws::make_harmless_calls(caller);
  const verify::Services services{*sts, *iam, *calls};
  const auto base = aws::default_credentials({.loop = loop,
                                              .clock = clock,
                                              .random = random,
                                              .transport = transport,
                                              .endpoints = endpoints.value(),
                                              .environment = environment,
                                              .region = std::nullopt});
  verify::VerifierSettings settings;
  settings.propagation_window = wanted.value().propagation_window;
  verify::Verifier verifier{loop, clock, random, services, *base, settings};

  std::stop_source stop;
  TaskGroup group;
  loop.on_stop_signal([&](int) {
    stop.request_stop();
    transport.close();
    group.spawn(base->stop());
  });
  std::optional<Result<registry::VerificationReport>> report;
  group.spawn(run(verifier, services, *base, std::move(wanted).value(), stop.get_token(), report, loop));
  loop.run();
  if (!*report) return tell(report->error());
  if (arguments.output == Output::json) {
    std::cout << boost::json::serialize(to_json(report->value())) << "\n";
  } else {
    print_text(report->value());
  }
  return status_of(report->value().outcome);
}

}  // namespace

void add_verify_command(CLI::App& program, Context& context) {
  auto* command =
      program.add_subcommand("verify", "Check one role: does it require the external ID? Needs no server");
  auto arguments = std::make_shared<VerifyArguments>();
  command->add_option("--role-arn", arguments->role_arn, "The customer's role")->required();
  command->add_option("--external-id", arguments->external_id, "The one that was issued to that customer")
      ->required();
  command->add_option(
      "--region", arguments->region,
      "Where STS is called; by default AWS_REGION, or the home Region of the role's partition");
  command->add_option("--principal", arguments->principal,
                      "The role of yours that the trust policy is to name; by default the one whose "
                      "credentials these are");
  command->add_option("--partner-account", arguments->partner_accounts,
                      "Another AWS account of yours; may be given again");
  command->add_option("--policy", arguments->policy_file,
                      "What the role is to allow: a policy document, as an integration has it");
  command
      ->add_option("--wait", arguments->wait,
                   "How long a role that was just made may take to work, such as 120s")
      ->capture_default_str();
  add_output_option(*command, arguments->output);
  command->callback([&context, arguments] { context.status = verify_role(*arguments); });
}

}  // namespace deputy::cli
