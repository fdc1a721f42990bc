#include "sandbox/log_input.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "sandbox/log_store.hpp"

namespace deputy::sandbox::log_input {

Fault invalid(std::string message) {
  return {400, "InvalidParameterException", std::move(message)};
}
Fault no_such_group() {
  return {400, "ResourceNotFoundException", "The specified log group does not exist."};
}
Fault limit_exceeded(std::string message) {
  return {400, "LimitExceededException", std::move(message)};
}

std::optional<Fault> refuse_all_but(const json::Value& input, std::initializer_list<std::string_view> known) {
  for (const json::Member& member : input.members)
    if (std::ranges::find(known, member.name) == known.end())
      return invalid(fmt::format("The sandbox does not know the member {} of this operation",
                                 in_backticks(member.name)));
  return std::nullopt;
}

Outcome<std::optional<std::string>> optional_text(const json::Value& input, std::string_view name) {
  const json::Value* const value = input.find(name);
  if (!value || value->is(json::Kind::null)) return std::optional<std::string>{};
  if (!value->is(json::Kind::string))
    return Fault{400, "SerializationException", fmt::format("`{}` is not a string", name)};
  return std::optional{value->text};
}

Outcome<std::string> text(const json::Value& input, std::string_view name) {
  DEPUTY_TRY(auto value, optional_text(input, name));
  if (!value || value->empty())
    return invalid(
        fmt::format("1 validation error detected: Value null at '{}' failed to satisfy constraint: Member "
                    "must not be null",
                    name));
  return *std::move(value);
}

Outcome<std::optional<std::int64_t>> number(const json::Value& input, std::string_view name) {
  const json::Value* const value = input.find(name);
  if (!value || value->is(json::Kind::null)) return std::optional<std::int64_t>{};
  std::int64_t parsed = 0;
  const char* const end = value->text.data() + value->text.size();
  if (!value->is(json::Kind::number) ||
      std::from_chars(value->text.data(), end, parsed) != std::from_chars_result{end, std::errc{}})
    return Fault{400, "SerializationException", fmt::format("`{}` is not a whole number", name)};
  return std::optional{parsed};
}

Outcome<std::size_t> page_size(const json::Value& input, std::int64_t otherwise, std::int64_t most) {
  DEPUTY_TRY(const auto limit, number(input, "limit"));
  const std::int64_t size = limit.value_or(otherwise);
  if (size < 1 || size > most)
    return invalid(fmt::format(
        "1 validation error detected: Value '{}' at 'limit' failed to satisfy constraint: Member must have "
        "value between 1 and {}",
        size, most));
  return static_cast<std::size_t>(size);
}

std::optional<Fault> denied_on_group(const World& world, const Call& call, std::string_view name,
                                     std::string_view rest) {
  auto fault =
      denied(world, call, "logs:" + call.operation,
             call.caller.account->arn("logs", fmt::format("log-group:{}:{}", name, rest), call.region));
  if (fault) fault = Fault{400, "AccessDeniedException", std::move(fault->message)};
  return fault;
}

LogGroup* find_group(const Call& call, std::string_view name) {
  const auto region = call.caller.account->log_groups.find(call.region);
  if (region == call.caller.account->log_groups.end()) return nullptr;
  const auto group = region->second.find(name);
  return group == region->second.end() ? nullptr : &group->second;
}

Outcome<std::string> group_name(const json::Value& input) {
  DEPUTY_TRY(std::string name, text(input, "logGroupName"));
  if (!is_log_group_name(name))
    return invalid(fmt::format(
        "1 validation error detected: Value '{}' at 'logGroupName' failed to satisfy constraint: Member must "
        "satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
        name.substr(0, 128)));
  return name;
}

}  // namespace deputy::sandbox::log_input
