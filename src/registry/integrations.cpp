#include <algorithm>
#include <fmt/format.h>

#include "json/text.hpp"
#include "policy/breadth.hpp"
#include "policy/policy.hpp"
#include "registry/registry.hpp"
#include "registry/text_rules.hpp"
#include "registry/unit_of_work.hpp"

namespace deputy::registry {
namespace {

constexpr std::size_t text_bytes_max = 1'000;
constexpr std::size_t role_name_length_max = 64;
constexpr std::size_t log_selectors_max = 100;
// What IAM takes for all inline policies of one role together.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
constexpr std::size_t policy_characters_max = 10'240;

Error in_field(Error error, std::string field) {
  if (error.field.empty()) error.field = std::move(field);
  return error;
}

Result<void> check_role_name(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view{"_+=,.@-"}.find(c) != std::string_view::npos;
  };
  if (name.empty() || name.size() > role_name_length_max || !std::ranges::all_of(name, allowed))
    return Error{ErrorKind::invalid_request, "`role_name` is 1 to 64 letters, digits and `_+=,.@-`"}
        .with_field("role_name");
  return success();
}

Result<void> check_reasons(const std::map<std::string, std::string>& reasons, const policy::Policy& policy) {
  for (const auto& [sid, reason] : reasons) {
    const bool known =
        std::ranges::any_of(policy.statements(), [&](const auto& statement) { return statement.sid == sid; });
    if (!known)
      return Error{ErrorKind::invalid_request,
                   "`reasons` names the Sid " + in_backticks(sid) + ", which the policy does not have"}
          .with_field("reasons");
    DEPUTY_TRY(check_display_text(reason, "reasons." + sid, text_bytes_max));
  }
  return success();
}

// One that AWS would refuse is refused here, where somebody sees it.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
Result<void> check_log_pattern(const std::string& pattern) {
  constexpr std::size_t name_characters_max = 512;
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-/.#*";
  if (!pattern.empty() && pattern.size() <= name_characters_max &&
      pattern.find_first_not_of(allowed) == std::string::npos)
    return success();
  return Error{
      ErrorKind::invalid_request,
      in_backticks(pattern) +
          " is no pattern of log groups' names: those have 1 to 512 letters, digits and `_-/.#`, and `*` "
          "stands for any"}
      .with_field("logs.groups");
}

Result<void> check_logs(const LogSelection& logs) {
  const auto wrong = [](std::string what) {
    return Error{ErrorKind::invalid_request, std::move(what)}.with_field("logs");
  };
  if (logs.regions.empty() || logs.regions.size() > log_selectors_max)
    return wrong("`logs.regions` has 1 to 100 Regions");
  if (logs.groups.empty() || logs.groups.size() > log_selectors_max)
    return wrong("`logs.groups` has 1 to 100 patterns");
  for (const std::string& group : logs.groups) {
    DEPUTY_TRY(check_log_pattern(group));
  }
  return success();
}

Result<void> check_breadth(const policy::Policy& policy, const std::optional<std::string>& accept_risk) {
  const auto broad = policy::too_broad(policy);
  if (broad.empty() || accept_risk) return success();
  return Error{ErrorKind::integration_too_broad,
               broad.front().reason + "; name what is needed, or say in `accept_risk` why it must be so"}
      .with_field("policy");
}

bool same_content(const Integration& a, const Integration& b) {
  const auto logs_of = [](const Integration& integration) {
    return integration.logs ? std::pair{integration.logs->regions, integration.logs->groups}
                            : std::pair<std::vector<Region>, std::vector<std::string>>{};
  };
  return a.description == b.description && a.policy == b.policy && a.reasons == b.reasons &&
         a.role_name == b.role_name && a.trust_form == b.trust_form && a.require_proof == b.require_proof &&
         a.accept_risk == b.accept_risk && a.logs.has_value() == b.logs.has_value() &&
         logs_of(a) == logs_of(b);
}

// The integration as it would be stored, its policy as the partner wrote it; all that can be wrong with it is
// found here.
Result<Integration> validated(IntegrationSpec spec, Timestamp now) {
  DEPUTY_TRY(check_display_text(spec.description, "description", text_bytes_max));
  auto policy = policy::Policy::read(spec.policy, policy::PolicyKind::identity);
  if (!policy) return in_field(policy.error(), "policy");
  if (spec.policy.size() > policy_characters_max)
    return Error{ErrorKind::invalid_request,
                 "`policy` is longer than the 10,240 characters that IAM takes inline"}
        .with_field("policy");
  DEPUTY_TRY(check_reasons(spec.reasons, policy.value()));
  if (spec.role_name) {
    DEPUTY_TRY(check_role_name(*spec.role_name));
  }
  if (spec.logs) {
    DEPUTY_TRY(check_logs(*spec.logs));
  }
  if (spec.accept_risk) {
    DEPUTY_TRY(check_display_text(*spec.accept_risk, "accept_risk", text_bytes_max));
  }
  DEPUTY_TRY(check_breadth(policy.value(), spec.accept_risk));
  return Integration{.name = std::move(spec.name),
                     .version = 1,
                     .description = std::move(spec.description),
                     .policy = std::move(spec.policy),
                     .reasons = std::move(spec.reasons),
                     .role_name = std::move(spec.role_name),
                     .trust_form = spec.trust_form,
                     .require_proof = spec.require_proof,
                     .logs = std::move(spec.logs),
                     .accept_risk = std::move(spec.accept_risk),
                     .created_at = now};
}

}  // namespace

Result<Integration> Registry::put_integration(const Actor& actor, IntegrationSpec spec) {
  const Timestamp now = clock_.now();
  DEPUTY_TRY(const auto wanted, validated(std::move(spec), now));
  return in_write(store_, [&](Transaction& tx) -> Result<Integration> {
    DEPUTY_TRY(auto newest, tx.find_integration(wanted.name, std::nullopt));
    if (newest && same_content(*newest, wanted)) return *std::move(newest);
    Integration made = wanted;
    made.version = newest ? newest->version + 1 : 1;
    DEPUTY_TRY(tx.insert(made));
    DEPUTY_TRY(
        tx.append(entry_of(actor, now, "integration.put", made.name.text(), "",
                           fmt::format(R"({{"version":{},"accept_risk":{}}})", made.version,
                                       made.accept_risk ? json::in_quotes(*made.accept_risk) : "null"))));
    return made;
  });
}

Result<Integration> Registry::integration(const IntegrationName& name, std::optional<int> version) {
  return in_read(
      store_, [&](Transaction& tx) { return required(tx.find_integration(name, version), "integration"); });
}

Result<Page<Integration>> Registry::integrations(const PageRequest& page) {
  return in_read(store_, [&](Transaction& tx) { return tx.list_integrations(page); });
}

}  // namespace deputy::registry
