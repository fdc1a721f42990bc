#include "verify/settled_policy.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "core/ascii.hpp"
#include "core/assert.hpp"

namespace deputy::verify {
namespace {

namespace js = boost::json;

constexpr std::string_view nothing =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"deputy:Nothing","Resource":"*"}]})";

js::value parsed(std::string_view document) {
  js::parse_options options;
  options.max_depth = 64;
  boost::system::error_code error;
  js::value value = js::parse(document, error, {}, options);
  DEPUTY_ASSERT(!error && value.is_object());  // Policy::read is stricter
  return value;
}

// Takes the conditions on unknown keys out of the statement; true when there were any.
bool take_unknown_conditions(js::object& statement, const std::set<std::string>& known_keys) {
  js::value* const found = statement.if_contains("Condition");
  if (found == nullptr || !found->is_object()) return false;
  bool taken = false;
  js::object kept;
  for (const auto& [name, keys] : found->get_object()) {
    js::object kept_keys;
    for (const auto& [key, values] : keys.as_object()) {
      if (known_keys.contains(to_lower(key))) {
        kept_keys.emplace(key, values);
      } else {
        taken = true;
      }
    }
    if (!kept_keys.empty()) kept.emplace(name, std::move(kept_keys));
  }
  if (kept.empty()) {
    statement.erase("Condition");
  } else {
    *found = std::move(kept);
  }
  return taken;
}

void take_resources(js::object& statement) {
  statement.erase("NotResource");
  statement["Resource"] = "*";
}

void fill_partition(js::value& value, std::string_view partition) {
  constexpr std::string_view prefix = "arn:aws:";
  if (value.is_string()) {
    const std::string_view text{value.get_string().data(), value.get_string().size()};
    if (text.starts_with(prefix))
      value = "arn:" + std::string{partition} + ":" + std::string{text.substr(prefix.size())};
  } else if (value.is_array()) {
    for (js::value& element : value.get_array()) fill_partition(element, partition);
  } else if (value.is_object()) {
    for (auto& member : value.get_object()) fill_partition(member.value(), partition);
  }
}

}  // namespace

policy::Policy settled(std::string_view document, policy::PolicyKind kind, const Settling& settling) {
  js::value value = parsed(document);
  js::value& given = value.as_object()["Statement"];
  js::array statements;
  if (given.is_array()) {
    statements = given.get_array();
  } else {
    statements.push_back(given);
  }
  js::array kept;
  for (js::value& statement : statements) {
    js::object& object = statement.as_object();
    const bool allows = object.at("Effect").as_string() == "Allow";
    const bool unknown = take_unknown_conditions(object, settling.known_keys);
    if (unknown && allows == (settling.attitude == Attitude::strict)) continue;
    if (allows && settling.any_resource) take_resources(object);
    kept.push_back(std::move(statement));
  }
  const bool empty = kept.empty();
  given = std::move(kept);
  auto policy = policy::Policy::read(empty ? std::string{nothing} : js::serialize(value), kind);
  // What is left of a policy that could be read can be read. Should it not, it counts as one that allows
  // nothing, which is the strict side.
  if (!policy) policy = policy::Policy::read(nothing, kind);
  return std::move(policy).value();
}

std::string in_partition(std::string_view document, Partition partition) {
  if (partition == Partition::aws) return std::string{document};
  js::value value = parsed(document);
  fill_partition(value, to_text(partition));
  return js::serialize(value);
}

}  // namespace deputy::verify
