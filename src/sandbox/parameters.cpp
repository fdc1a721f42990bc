#include "sandbox/parameters.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <set>

#include "aws/tag_text.hpp"
#include "core/ascii.hpp"

namespace deputy::sandbox {
namespace {

constexpr std::size_t members_max = 1000;

}  // namespace

Fault validation_error(std::string message) {
  return {400, "ValidationError", std::move(message)};
}

Fault constraint_error(std::string_view value, std::string_view member, std::string_view constraint) {
  return validation_error(fmt::format(
      "1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: Member must {}",
      value.substr(0, 256), member, constraint));
}

Outcome<Parameters> Parameters::read(std::string_view form) {
  auto pairs = http::parse_form(form);
  if (!pairs) return Fault{400, "MalformedInput", "The form has a broken percent-escape"};
  Parameters parameters;
  for (auto& [name, value] : *pairs) {
    if (name.empty() && value.empty()) continue;
    if (!parameters.values_.emplace(name, std::move(value)).second)
      return validation_error(fmt::format("The parameter {} is given twice", in_backticks(name)));
  }
  return parameters;
}

std::optional<std::string_view> Parameters::find(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

std::string_view Parameters::get(std::string_view name, std::string_view otherwise) const {
  return find(name).value_or(otherwise);
}

Outcome<std::string> Parameters::required(std::string_view name) const {
  const auto value = find(name);
  if (value && !value->empty()) return std::string{*value};
  std::string member{name};
  if (!member.empty()) member.front() = to_lower(member.front());
  return validation_error(fmt::format(
      "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
      member));
}

Outcome<long long> Parameters::number(std::string_view name, long long otherwise, long long least,
                                      long long most) const {
  const auto text = find(name);
  if (!text) return otherwise;
  long long value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size())
    return Fault{400, "MalformedInput",
                 fmt::format("{} is not a whole number: {}", name, in_backticks(*text))};
  std::string member{name};
  member.front() = to_lower(member.front());
  if (value < least)
    return constraint_error(*text, member, fmt::format("have value greater than or equal to {}", least));
  if (value > most)
    return constraint_error(*text, member, fmt::format("have value less than or equal to {}", most));
  return value;
}

std::vector<std::string> Parameters::list(std::string_view name) const {
  std::vector<std::string> values;
  for (std::size_t i = 1; i <= members_max; ++i) {
    const auto value = find(fmt::format("{}.member.{}", name, i));
    if (!value) break;
    values.emplace_back(*value);
  }
  return values;
}

std::vector<std::pair<std::string, std::optional<std::string>>> Parameters::pairs(
    std::string_view name, std::string_view first, std::string_view second) const {
  std::vector<std::pair<std::string, std::optional<std::string>>> out;
  for (std::size_t i = 1; i <= members_max; ++i) {
    const auto key = find(fmt::format("{}.member.{}.{}", name, i, first));
    if (!key) break;
    const auto value = find(fmt::format("{}.member.{}.{}", name, i, second));
    out.emplace_back(std::string{*key}, value ? std::optional<std::string>{*value} : std::nullopt);
  }
  return out;
}

namespace {

std::optional<Fault> fault_of_tag(const std::string& key, const std::string& value) {
  const std::string pattern = "satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]";
  if (key.empty())
    return constraint_error(key, "tags.1.member.key", "have length greater than or equal to 1");
  if (!aws::is_tag_text(key, std::string::npos))
    return constraint_error(key, "tags.1.member.key", pattern + "+");
  if (!aws::is_tag_text(value, std::string::npos))
    return constraint_error(value, "tags.1.member.value", pattern + "*");
  if (!aws::is_tag_text(key, aws::tag_key_characters_max))
    return constraint_error(key, "tags.1.member.key", "have length less than or equal to 128");
  if (!aws::is_tag_text(value, aws::tag_value_characters_max))
    return constraint_error(value, "tags.1.member.value", "have length less than or equal to 256");
  return std::nullopt;
}

}  // namespace

Outcome<std::vector<Tag>> Parameters::tags(std::string_view name) const {
  constexpr std::size_t tags_max = 50;
  std::vector<Tag> tags;
  std::set<std::string> seen;
  for (auto& [key, value] : pairs(name, "Key", "Value")) {
    if (!value) return validation_error("The tag " + in_backticks(key) + " has no value");
    if (auto fault = fault_of_tag(key, *value)) return *std::move(fault);
    if (!seen.insert(aws::folded_tag_key(key)).second)
      return Fault{400, "InvalidInput",
                   "Duplicate tag keys found. Please note that Tag keys are case insensitive."};
    tags.push_back({std::move(key), *std::move(value)});
  }
  if (tags.size() > tags_max) return Fault{400, "ValidationError", "There are more than 50 tags"};
  return tags;
}

std::optional<Fault> Parameters::refuse_all_but(std::initializer_list<std::string_view> known) const {
  for (const auto& [name, value] : values_) {
    const std::string_view base = std::string_view{name}.substr(0, name.find('.'));
    if (base == "Action" || base == "Version") continue;
    if (std::ranges::find(known, base) == known.end())
      return validation_error(
          fmt::format("The sandbox does not know the parameter {} of this action", in_backticks(base)));
  }
  return std::nullopt;
}

}  // namespace deputy::sandbox
