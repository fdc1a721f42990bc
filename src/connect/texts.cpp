#include "connect/texts.hpp"

#include "connect/resources.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace deputy::connect {
namespace {

using Entry = std::pair<std::string_view, std::string_view>;

std::vector<Entry> read(std::string_view file) {
  std::vector<Entry> out;
  while (!file.empty()) {
    const std::string_view line = file.substr(0, file.find('\n'));
    file.remove_prefix(std::min(file.size(), line.size() + 1));
    if (line.empty() || line.front() == '#') continue;
    const auto mark = line.find(" = ");
    DEPUTY_ASSERT(mark != std::string_view::npos);
    out.emplace_back(line.substr(0, mark), line.substr(mark + 3));
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace

const std::vector<Entry>& texts() {
  static const std::vector<Entry> all = read(resource("texts.txt"));
  return all;
}

std::string_view text_or_nothing(std::string_view key) {
  const auto found = std::ranges::lower_bound(texts(), key, {}, &Entry::first);
  return found != texts().end() && found->first == key ? found->second : std::string_view{};
}

std::string_view text(std::string_view key) {
  const std::string_view found = text_or_nothing(key);
  DEPUTY_ASSERT(!found.empty());
  return found;
}

std::string filled(std::string_view key,
                   std::initializer_list<std::pair<std::string_view, std::string_view>> values) {
  std::string out;
  std::string_view rest = text(key);
  for (;;) {
    const auto begin = rest.find('{');
    out += rest.substr(0, begin);
    if (begin == std::string_view::npos) return out;
    const auto end = rest.find('}', begin);
    DEPUTY_ASSERT(end != std::string_view::npos);
    const auto value = std::ranges::find(values, rest.substr(begin + 1, end - begin - 1),
                                         &std::pair<std::string_view, std::string_view>::first);
    DEPUTY_ASSERT(value != values.end());
    out += value->second;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace deputy::connect
