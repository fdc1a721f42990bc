#include "base_credentials_check.hpp"

#include "command.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iostream>

#include "aws/base/process.hpp"
#include "aws/base_credentials.hpp"
#include "aws/curl_transport.hpp"
#include "aws/endpoints.hpp"
#include "aws/shared_files.hpp"
#include "core/task_group.hpp"
#include "http/asio_loop.hpp"

namespace deputy::cli {
namespace {

using Outcome = aws::SourceReport::Outcome;

// Longer than the service waits for the slowest source: what is only slow must not be called broken.
constexpr std::chrono::seconds patience{75};
static_assert(patience > aws::ProcessLimits{}.timeout);

Task<void> explain(const aws::BaseCredentialsParts& parts, std::stop_token stop,
                   std::optional<aws::BaseCredentialsReport>& report, http::AsioLoop& loop) {
  report.emplace(co_await aws::explain_base_credentials(parts, stop));
  loop.stop();
}

// What was found out, and what kept the rest from being found out: empty when nothing did.
struct Looked {
  aws::BaseCredentialsReport report;
  std::string ended_early;
};

bool has(const Looked& looked, Outcome outcome) {
  return std::ranges::any_of(looked.report.sources,
                             [outcome](const auto& source) { return source.outcome == outcome; });
}

std::string outcome_of(const aws::SourceReport& source, const Looked& looked) {
  const aws::BaseCredentialsReport& report = looked.report;
  switch (source.outcome) {
    case Outcome::won:
      return fmt::format("used: access key {}, {}", in_backticks(report.access_key_id),
                         report.expires_at ? "until " + to_rfc3339(*report.expires_at) : "no expiry known");
    case Outcome::not_configured:
      return "not there: " + source.reason;
    case Outcome::broken:
      // It was not its fault, as far as is known.
      if (!looked.ended_early.empty()) return "not known: " + looked.ended_early;
      return "broken: " + source.reason;
    case Outcome::not_asked:
      return "not asked: " + source.reason;
  }
  return {};
}

void print(const Looked& looked) {
  std::cout << "AWS credentials of this service, in the order of their sources:\n";
  for (const aws::SourceReport& source : looked.report.sources)
    std::cout << fmt::format("  {:<18} {}\n", source.source, outcome_of(source, looked));
  if (has(looked, Outcome::won) && looked.report.may_be_role_session) {
    std::cout << "note: these are a session, of a role as far as can be told: customers' credentials last an "
                 "hour at most\n";
  }
}

Looked look(const app::Config& config, const aws::Environment& environment, const aws::Endpoints& endpoints) {
  SystemClock clock;
  SystemRandom random;
  http::AsioLoop loop;
  aws::CurlTransport transport{loop};
  const aws::BaseCredentialsParts parts{.loop = loop,
                                        .clock = clock,
                                        .random = random,
                                        .transport = transport,
                                        .endpoints = endpoints,
                                        .environment = environment,
                                        .region = config.aws.region};
  std::stop_source stop;
  std::string ended_early;
  const auto give_up = [&](std::string why) {
    if (!stop.request_stop()) return;
    ended_early = std::move(why);
    transport.close();
  };
  loop.call_after(patience, [&] { give_up(fmt::format("no answer within {} s", patience.count())); });
  loop.on_stop_signal([&](int) { give_up("the check was stopped"); });
  std::optional<aws::BaseCredentialsReport> report;
  TaskGroup group;
  group.spawn(explain(parts, stop.get_token(), report, loop));
  loop.run();
  return {.report = *std::move(report), .ended_early = std::move(ended_early)};
}

// What keeps the service from starting whichever source is used: an address of AWS that is none, shared files
// that cannot be read, a profile that is missing. False: nothing.
bool tell_unusable(const app::Config& config, const aws::Environment& environment,
                   const Result<aws::Endpoints>& endpoints) {
  std::optional<Error> found;
  if (!endpoints) {
    found = endpoints.error();
  } else if (!config.aws.region) {
    if (auto region = aws::configured_region(environment); !region) found = std::move(region).error();
  }
  if (found) std::cout << found->message << "\n";
  return found.has_value();
}

}  // namespace

BaseCredentialsCheck check_base_credentials(const app::Config& config) {
  const auto environment = aws::process_environment();
  const auto endpoints = aws::Endpoints::configured(environment);
  const bool is_unusable = tell_unusable(config, environment, endpoints);
  // Where AWS is to be called is not known, and no request may go to another place. With the shared files
  // broken none goes out: they end the search, unless the environment's keys have done so.
  constexpr const char* nowhere = "https://aws.invalid";
  if (!endpoints && aws::read_profile(environment)) return {.status = found_something};
  const Looked looked =
      look(config, environment, endpoints ? endpoints.value() : aws::Endpoints::at(nowhere));
  print(looked);
  const BaseCredentialsCheck check{.are_there = has(looked, Outcome::won)};
  if (is_unusable) return {.status = found_something, .are_there = check.are_there};
  if (!check.are_there && !looked.ended_early.empty()) return {.status = undetermined};
  if (has(looked, Outcome::broken)) return {.status = found_something};
  return check;
}

}  // namespace deputy::cli
