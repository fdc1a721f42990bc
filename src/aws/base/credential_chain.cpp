#include "aws/base/credential_chain.hpp"

#include <algorithm>

namespace deputy::aws {
namespace {

using Outcome = SourceReport::Outcome;

std::string told(const std::vector<SourceReport>& reports) {
  std::string reasons;
  for (const SourceReport& report : reports) {
    if (!reasons.empty()) reasons += "; ";
    reasons.append(report.source).append(": ").append(report.reason);
  }
  return reasons;
}

}  // namespace

Task<CredentialChain::Look> CredentialChain::look(std::stop_token stop) {
  Look look;
  std::string before_it;  // the source that ended the search
  for (const auto& source : sources_) {
    SourceReport report{.source = std::string{source->name()}, .outcome = Outcome::not_asked, .reason = {}};
    if (!before_it.empty()) {
      report.reason = before_it + " comes first";
      look.reports.push_back(std::move(report));
      continue;
    }
    auto found = co_await source->fetch(stop);
    if (!found) {
      report.outcome = Outcome::broken;
      report.reason = found.error().detail.empty() ? found.error().message : found.error().detail;
      before_it = report.source;
    } else if (auto* none = std::get_if<NotConfigured>(&found.value())) {
      report.outcome = Outcome::not_configured;
      report.reason = std::move(none->reason);
    } else {
      report.outcome = Outcome::won;
      look.supply = std::get<Supply>(std::move(found).value());
      before_it = report.source;
      winner_ = source.get();
    }
    look.reports.push_back(std::move(report));
  }
  co_return look;
}

Task<Result<Supply>> CredentialChain::fetch(std::stop_token stop) {
  if (winner_ == nullptr) {
    Look looked = co_await look(stop);
    if (looked.supply) co_return *std::move(looked.supply);
    // Of a broken source nothing but its own reason: what came before it does not help.
    const auto is_broken = [](const SourceReport& report) { return report.outcome == Outcome::broken; };
    if (std::ranges::any_of(looked.reports, is_broken))
      std::erase_if(looked.reports, [&](const SourceReport& report) { return !is_broken(report); });
    co_return broken_source(told(looked.reports));
  }
  auto found = co_await winner_->fetch(stop);
  const std::string name{winner_->name()};
  if (!found) co_return prefixed(name, std::move(found).error());
  if (const auto* none = std::get_if<NotConfigured>(&found.value()))
    co_return broken_source(name + ": gave the credentials before, but no longer: " + none->reason);
  co_return std::get<Supply>(std::move(found).value());
}

std::vector<std::unique_ptr<CredentialSource>> all_sources(const SourceContext& context) {
  std::vector<std::unique_ptr<CredentialSource>> sources;
  sources.push_back(environment_source(context));
  sources.push_back(profile_source(context));
  sources.push_back(web_identity_source(context));
  sources.push_back(container_source(context));
  sources.push_back(instance_metadata_source(context));
  return sources;
}

}  // namespace deputy::aws
