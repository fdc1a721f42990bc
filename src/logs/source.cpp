#include "logs/source.hpp"

#include <array>
#include <utility>

namespace deputy::logs {
namespace {

constexpr std::array<std::pair<SourceStatus, std::string_view>, 4> statuses{{
    {SourceStatus::active, "active"},
    {SourceStatus::not_found, "not_found"},
    {SourceStatus::denied, "denied"},
    {SourceStatus::infrequent_access, "infrequent_access"},
}};

}  // namespace

std::string_view to_text(SourceStatus status) {
  for (const auto& [each, text] : statuses)
    if (each == status) return text;
  return "unknown";
}

Result<SourceStatus> parse_source_status(std::string_view text) {
  for (const auto& [each, name] : statuses)
    if (name == text) return each;
  return Error{ErrorKind::invalid_request, "the status of a source is not " + in_backticks(text)};
}

std::string lease_name(const AccountId& account, const Region& region) {
  return account.text() + "/" + region.text();
}

}  // namespace deputy::logs
