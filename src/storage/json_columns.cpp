#include "storage/json_columns.hpp"

#include <boost/json.hpp>
#include <exception>

namespace deputy::storage {

namespace json = boost::json;

namespace {

Error unreadable(std::string_view what) {
  return Error{ErrorKind::internal, "a stored row cannot be read",
               std::string{what} + " are not the JSON that Deputy writes"};
}

// Boost.JSON's accessors throw where a member is missing or of another kind.
template <class T, class Read>
Result<T> read_json(std::string_view text, std::string_view what, Read read) {
  try {
    return read(json::parse(json::string_view{text.data(), text.size()}));
  } catch (const std::exception&) {
    return unreadable(what);
  }
}

std::string string_of(const json::value& value) {
  const json::string& text = value.as_string();
  return {text.data(), text.size()};
}

std::optional<std::string> optional_string(const json::object& object, json::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return std::nullopt;
  return string_of(*value);
}

json::string json_string(std::string_view text) {
  return json::string{text.data(), text.size()};
}

Result<registry::Check> check_from(const json::object& object) {
  registry::Check check;
  check.name = string_of(object.at("name"));
  DEPUTY_TRY(check.result, registry::parse_enum<registry::CheckResult>(string_of(object.at("result"))));
  check.message = string_of(object.at("message"));
  check.mend = optional_string(object, "mend");
  if (const json::value* value = object.if_contains("evidence")) {
    const json::object& evidence = value->as_object();
    check.evidence = registry::Evidence{
        .aws_error_code = string_of(evidence.at("aws_error_code")),
        .aws_request_id = string_of(evidence.at("aws_request_id")),
        .at = Timestamp{std::chrono::microseconds{evidence.at("at").as_int64()}},
        .trust_policy_sha256 = optional_string(evidence, "trust_policy_sha256").value_or(""),
    };
  }
  return check;
}

Result<registry::Grant> grant_from(const json::object& object) {
  registry::Grant grant;
  if (const auto name = optional_string(object, "integration")) {
    DEPUTY_TRY(grant.integration, IntegrationName::parse(*name));
  }
  if (const json::value* value = object.if_contains("tenants")) {
    std::vector<TenantId> tenants;
    for (const json::value& each : value->as_array()) {
      DEPUTY_TRY(auto id, TenantId::parse(string_of(each)));
      tenants.push_back(std::move(id));
    }
    grant.tenants = std::move(tenants);
  }
  for (const json::value& each : object.at("may").as_array()) {
    DEPUTY_TRY(const auto option, registry::parse_enum<registry::GrantOption>(string_of(each)));
    grant.may.push_back(option);
  }
  grant.session_policy = optional_string(object, "session_policy");
  return grant;
}

}  // namespace

std::string to_json(const std::map<std::string, std::string>& reasons) {
  json::object object;
  for (const auto& [sid, words] : reasons) object.emplace(json_string(sid), json_string(words));
  return json::serialize(object);
}

Result<std::map<std::string, std::string>> reasons_from_json(std::string_view text) {
  using Reasons = std::map<std::string, std::string>;
  return read_json<Reasons>(text, "reasons", [](const json::value& value) -> Result<Reasons> {
    Reasons reasons;
    for (const auto& member : value.as_object())
      reasons.emplace(std::string{member.key().data(), member.key().size()}, string_of(member.value()));
    return reasons;
  });
}

std::string to_json(const registry::LogSelection& logs) {
  json::array regions;
  for (const Region& region : logs.regions) regions.emplace_back(json_string(region.text()));
  json::array groups;
  for (const std::string& group : logs.groups) groups.emplace_back(json_string(group));
  return json::serialize(json::object{{"regions", std::move(regions)}, {"groups", std::move(groups)}});
}

Result<registry::LogSelection> logs_from_json(std::string_view text) {
  using registry::LogSelection;
  return read_json<LogSelection>(text, "logs", [](const json::value& value) -> Result<LogSelection> {
    LogSelection logs;
    for (const json::value& each : value.as_object().at("regions").as_array()) {
      DEPUTY_TRY(auto region, Region::parse(string_of(each)));
      logs.regions.push_back(std::move(region));
    }
    for (const json::value& each : value.as_object().at("groups").as_array())
      logs.groups.push_back(string_of(each));
    return logs;
  });
}

std::string to_json(const std::vector<registry::Check>& checks) {
  json::array array;
  for (const registry::Check& check : checks) {
    json::object object{{"name", json_string(check.name)},
                        {"result", json_string(registry::to_text(check.result))},
                        {"message", json_string(check.message)}};
    if (check.mend) object.emplace("mend", json_string(*check.mend));
    if (check.evidence) {
      json::object evidence{{"aws_error_code", json_string(check.evidence->aws_error_code)},
                            {"aws_request_id", json_string(check.evidence->aws_request_id)},
                            {"at", std::int64_t{check.evidence->at.time_since_epoch().count()}}};
      if (!check.evidence->trust_policy_sha256.empty())
        evidence.emplace("trust_policy_sha256", json_string(check.evidence->trust_policy_sha256));
      object.emplace("evidence", std::move(evidence));
    }
    array.push_back(std::move(object));
  }
  return json::serialize(array);
}

Result<std::vector<registry::Check>> checks_from_json(std::string_view text) {
  using Checks = std::vector<registry::Check>;
  return read_json<Checks>(text, "checks", [](const json::value& value) -> Result<Checks> {
    Checks checks;
    for (const json::value& each : value.as_array()) {
      DEPUTY_TRY(auto check, check_from(each.as_object()));
      checks.push_back(std::move(check));
    }
    return checks;
  });
}

std::string to_json(const std::vector<registry::Grant>& grants) {
  json::array array;
  for (const registry::Grant& grant : grants) {
    json::object object;
    if (grant.integration) object.emplace("integration", json_string(grant.integration->text()));
    if (grant.tenants) {
      json::array tenants;
      for (const TenantId& id : *grant.tenants) tenants.emplace_back(json_string(id.text()));
      object.emplace("tenants", std::move(tenants));
    }
    json::array may;
    for (const registry::GrantOption option : grant.may)
      may.emplace_back(json_string(registry::to_text(option)));
    object.emplace("may", std::move(may));
    if (grant.session_policy) object.emplace("session_policy", json_string(*grant.session_policy));
    array.push_back(std::move(object));
  }
  return json::serialize(array);
}

Result<std::vector<registry::Grant>> grants_from_json(std::string_view text) {
  using Grants = std::vector<registry::Grant>;
  return read_json<Grants>(text, "grants", [](const json::value& value) -> Result<Grants> {
    Grants grants;
    for (const json::value& each : value.as_array()) {
      DEPUTY_TRY(auto grant, grant_from(each.as_object()));
      grants.push_back(std::move(grant));
    }
    return grants;
  });
}

}  // namespace deputy::storage
