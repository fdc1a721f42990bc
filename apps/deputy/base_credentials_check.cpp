#include "base_credentials_check.hpp"

#include "command.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iostream>

#include "aws/base_credentials.hpp"
#include "aws/curl_transport.hpp"
#include "aws/endpoints.hpp"
#include "core/task_group.hpp"
#include "http/asio_loop.hpp"

namespace deputy::cli {
namespace {

using Outcome = aws::SourceReport::Outcome;

constexpr std::chrono::seconds patience{15};

Task<void> explain(const aws::BaseCredentialsParts& parts, std::stop_token stop,
                   std::optional<aws::BaseCredentialsReport>& report, http::AsioLoop& loop) {
  report.emplace(co_await aws::explain_base_credentials(parts, stop));
  loop.stop();
}

std::string outcome_of(const aws::SourceReport& source, const aws::BaseCredentialsReport& report) {
  switch (source.outcome) {
    case Outcome::won:
      return fmt::format("used: access key {}, {}", in_backticks(report.access_key_id),
                         report.expires_at ? "until " + to_rfc3339(*report.expires_at) : "no expiry known");
    case Outcome::not_configured:
      return "not there: " + source.reason;
    case Outcome::broken:
      return "broken: " + source.reason;
    case Outcome::not_asked:
      return "not asked: " + source.reason;
  }
  return {};
}

void print(const aws::BaseCredentialsReport& report) {
  std::cout << "AWS credentials of this service, in the order of their sources:\n";
  for (const aws::SourceReport& source : report.sources)
    std::cout << fmt::format("  {:<18} {}\n", source.source, outcome_of(source, report));
  const bool has_won =
      std::ranges::any_of(report.sources, [](const auto& s) { return s.outcome == Outcome::won; });
  if (has_won && report.may_be_role_session) {
    std::cout << "note: these are a session, of a role as far as can be told: customers' credentials last an "
                 "hour at most\n";
  }
}

}  // namespace

int check_base_credentials(const app::Config& config) {
  const auto environment = aws::process_environment();
  const auto endpoints = aws::Endpoints::configured(environment);
  if (!endpoints) {
    std::cout << endpoints.error().message << "\n";
    return found_something;
  }
  SystemClock clock;
  SystemRandom random;
  http::AsioLoop loop;
  aws::CurlTransport transport{loop};
  const aws::BaseCredentialsParts parts{.loop = loop,
                                        .clock = clock,
                                        .random = random,
                                        .transport = transport,
                                        .endpoints = endpoints.value(),
                                        .environment = environment,
                                        .region = config.aws.region};
  std::stop_source stop;
  const auto give_up = [&] {
    stop.request_stop();
    transport.close();
  };
  loop.call_after(patience, give_up);
  loop.on_stop_signal([&](int) { give_up(); });
  std::optional<aws::BaseCredentialsReport> report;
  TaskGroup group;
  group.spawn(explain(parts, stop.get_token(), report, loop));
  loop.run();
  print(*report);
  const auto is_broken = [](const aws::SourceReport& source) { return source.outcome == Outcome::broken; };
  if (std::ranges::any_of(report->sources, is_broken)) return found_something;
  if (report->access_key_id.empty())
    std::cout << "note: there are none here; the service does not start without them\n";
  return done;
}

}  // namespace deputy::cli
