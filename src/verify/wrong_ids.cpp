#include "verify/wrong_ids.hpp"

#include <algorithm>
#include <string_view>

#include "registry/external_id.hpp"

namespace deputy::verify {
namespace {

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

std::string in_other_case(std::string text) {
  const bool any_lower = std::ranges::any_of(text, is_lower);
  for (char& c : text) {
    if (any_lower && is_lower(c)) c = static_cast<char>(c - 'a' + 'A');
    if (!any_lower && is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string with_last_changed(std::string text) {
  text.back() = text.back() == '0' ? '1' : '0';
  return text;
}

// How many characters are kept of an ID that is shorter than usual: never all.
std::size_t kept(const std::string& text) {
  return std::min<std::size_t>(8, text.size() - 1);
}

}  // namespace

std::vector<WrongId> wrong_ids(const ExternalId& right, const std::vector<ExternalId>& accepted,
                               Random& random) {
  const std::string& text = right.text();
  const std::size_t keep = kept(text);
  const std::string drawn_end = registry::random_uuid(random);
  const std::string drawn_start = registry::random_uuid(random);
  const std::pair<std::string, std::string_view> candidates[] = {
      {registry::random_uuid(random), "a random one"},
      {in_other_case(text), "the right one with its letters in the other case"},
      {text + "0", "the right one with one character after it"},
      {"0" + text, "the right one with one character before it"},
      {with_last_changed(text), "the right one with its last character changed"},
      {text.substr(0, keep) + drawn_end.substr(std::min(keep, drawn_end.size())),
       "one that only begins like the right one"},
      {drawn_start.substr(0, drawn_start.size() - std::min(keep, drawn_start.size())) +
           text.substr(text.size() - keep),
       "one that only ends like the right one"},
  };
  std::vector<WrongId> wrong;
  for (const auto& [candidate, difference] : candidates) {
    auto id = ExternalId::parse(candidate);
    if (!id || id.value() == right || std::ranges::find(accepted, id.value()) != accepted.end()) continue;
    wrong.push_back({std::move(id).value(), std::string{difference}});
  }
  return wrong;
}

}  // namespace deputy::verify
