#include "command.hpp"

#include <boost/json/serialize.hpp>
#include <iostream>

#include "aws/base_credentials.hpp"
#include "aws/curl_transport.hpp"
#include "core/task_group.hpp"
#include "http/asio_loop.hpp"
#include "verify/verifier.hpp"

namespace deputy::cli {
namespace {

struct VerifyArguments {
  std::string role_arn;
  std::string external_id;
  std::string region;
  std::string wait = "0s";
  Output output = Output::text;
};

struct Wanted {
  verify::Target target;
  std::chrono::milliseconds propagation_window;
};

// As given, else as the SDKs are told, else the home Region of the role's partition.
Result<Region> region_of(const VerifyArguments& arguments, const aws::Environment& environment,
                         Partition partition) {
  if (!arguments.region.empty()) return Region::parse(arguments.region);
  DEPUTY_TRY(auto configured, aws::configured_region(environment));
  return configured ? *std::move(configured) : aws::iam_signing_region(partition);
}

Result<Wanted> parse(const VerifyArguments& arguments, const aws::Environment& environment) {
  DEPUTY_TRY(auto role_arn, RoleArn::parse(arguments.role_arn));
  DEPUTY_TRY(auto external_id, ExternalId::parse(arguments.external_id));
  DEPUTY_TRY(const auto wait, parse_duration(arguments.wait));
  DEPUTY_TRY(auto region, region_of(arguments, environment, role_arn.partition()));
  verify::Target target{.role_arn = std::move(role_arn),
                        .external_id = std::move(external_id),
                        .region = std::move(region),
                        .session_name = SessionName::parse("deputy-verify").value(),
                        .next_external_id = std::nullopt,
                        .previous_external_id = std::nullopt};
  return Wanted{std::move(target), wait};
}

boost::json::value to_json(const registry::VerificationReport& report) {
  boost::json::array checks;
  for (const auto& check : report.checks) {
    boost::json::object rendered{
        {"name", check.name}, {"result", registry::to_text(check.result)}, {"message", check.message}};
    rendered["mend"] = check.mend ? boost::json::value(*check.mend) : boost::json::value(nullptr);
    checks.push_back(std::move(rendered));
  }
  return boost::json::object{{"outcome", registry::to_text(report.outcome)},
                             {"proof", registry::to_text(report.proof)},
                             {"checks", std::move(checks)}};
}

void print_text(const registry::VerificationReport& report) {
  for (const auto& check : report.checks) {
    std::cout << registry::to_text(check.result) << "  " << check.name << ": " << check.message << "\n";
    if (check.mend) std::cout << *check.mend << "\n";
  }
  std::cout << registry::to_text(report.outcome) << "\n";
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

Task<void> run(verify::Verifier& verifier, aws::CredentialsProvider& base, verify::Target target,
               std::stop_token stop, std::optional<registry::VerificationReport>& report,
               http::AsioLoop& loop) {
  report.emplace(co_await verifier.run(std::move(target), stop));
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
  const auto base = aws::default_credentials({.loop = loop,
                                              .clock = clock,
                                              .random = random,
                                              .transport = transport,
                                              .endpoints = endpoints.value(),
                                              .environment = environment,
                                              .region = std::nullopt});
  verify::VerifierSettings settings;
  settings.propagation_window = wanted.value().propagation_window;
  verify::Verifier verifier{loop, clock, random, *sts, *base, settings};

  std::stop_source stop;
  TaskGroup group;
  loop.on_stop_signal([&](int) {
    stop.request_stop();
    transport.close();
    group.spawn(base->stop());
  });
  std::optional<registry::VerificationReport> report;
  group.spawn(run(verifier, *base, std::move(wanted.value().target), stop.get_token(), report, loop));
  loop.run();
  if (arguments.output == Output::json) {
    std::cout << boost::json::serialize(to_json(*report)) << "\n";
  } else {
    print_text(*report);
  }
  return status_of(report->outcome);
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
  command
      ->add_option("--wait", arguments->wait,
                   "How long a role that was just made may take to work, such as 120s")
      ->capture_default_str();
  add_output_option(*command, arguments->output);
  command->callback([&context, arguments] { context.status = verify_role(*arguments); });
}

}  // namespace deputy::cli
