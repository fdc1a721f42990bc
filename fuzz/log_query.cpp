#include "logstore/match.hpp"
#include "logstore/query.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

// A line of a query, then a message. Whatever they are: an error says where in the query it is; NOT of a
// query holds exactly where the query does not; and the index is asked with balanced, quoted words alone.
namespace {

using namespace deputy;
using namespace deputy::logstore;

void require(bool holds) {
  if (!holds) std::abort();
}

bool holds(const Query& query, std::string_view message, MessageWords& words) {
  words.read(message, MessageWords::Want::words_and_fields);
  return matches(query, {"/a/group", "stream", "111122223333", "eu-central-1", "con_a", words});
}

void check_expression(std::string_view expression) {
  int depth = 0;
  bool quoted = false;
  for (const char c : expression) {
    if (c == '"') quoted = !quoted;
    if (!quoted && c == '(') ++depth;
    if (!quoted && c == ')') require(--depth >= 0);
    require(c != '\0');
  }
  require(depth == 0 && !quoted);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::string_view text = input.substr(0, line);
  const std::string_view message = input.substr(std::min(line + 1, input.size()));
  const auto query = parse_query(text);
  if (!query) {
    require(query.error().field == "q");
    const std::size_t at = query.error().message.find("at character ");
    require(at != std::string::npos);
    require(std::strtoull(query.error().message.c_str() + at + 13, nullptr, 10) <= text.size() + 1);
    return 0;
  }
  MessageWords words;
  const bool found = holds(query.value(), message, words);
  if (const auto negated = parse_query("NOT (" + std::string{text} + ")"))
    require(holds(negated.value(), message, words) != found);
  const auto match = match_of(query.value(), [](const AttributeIs& wanted) {
    return Result<std::optional<std::vector<std::int64_t>>>{
        wanted.is_prefix ? std::nullopt : std::optional{std::vector<std::int64_t>{1, 2}}};
  });
  require(match.has_value());
  check_expression(match.value().expression);
  require(!found || match.value().kind != Match::Kind::nothing || text.find(':') != std::string_view::npos);
  return 0;
}
