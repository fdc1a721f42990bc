#include "logstore/match.hpp"

#include "sqlite/connection.hpp"

#include <cstring>
#include <fmt/format.h>
#include <sqlite3.h>

namespace deputy::logstore {
namespace {

constexpr char mark = '\x01';  // begins a word that no message has

// ── the tokenizer ──

int create_tokenizer(void*, const char**, int, Fts5Tokenizer** out) {
  static char nothing;  // it has no state, but its place must not be null
  *out = reinterpret_cast<Fts5Tokenizer*>(&nothing);
  return SQLITE_OK;
}
void delete_tokenizer(Fts5Tokenizer*) {}

int tokenize(Fts5Tokenizer*, void* context, int, const char* text, int size,
             int (*token)(void*, int, const char*, int, int, int)) {
  for (int begin = 0; begin < size;) {
    const auto* space = static_cast<const char*>(std::memchr(text + begin, ' ', size - begin));
    const int end = space == nullptr ? size : static_cast<int>(space - text);
    if (end > begin) {
      const int code = token(context, 0, text + begin, end - begin, begin, end);
      if (code != SQLITE_OK) return code;
    }
    begin = end + 1;
  }
  return SQLITE_OK;
}

// ── the expression ──

// A set of records that the index can name; as long as an operator needs another, it stays whole.
Match everything() {
  return {};
}
Match nothing() {
  return {Match::Kind::nothing, {}};
}
Match word(std::string_view text, bool is_prefix = false) {
  return {Match::Kind::expression, fmt::format("\"{}\"{}", text, is_prefix ? " *" : "")};
}

Match both(Match a, Match b) {
  using enum Match::Kind;
  if (a.kind == nothing || b.kind == everything) return a;
  if (b.kind == nothing || a.kind == everything) return b;
  return {expression, fmt::format("({} AND {})", a.expression, b.expression)};
}
Match either(Match a, Match b) {
  using enum Match::Kind;
  if (a.kind == everything || b.kind == nothing) return a;
  if (b.kind == everything || a.kind == nothing) return b;
  return {expression, fmt::format("({} OR {})", a.expression, b.expression)};
}
Match without(Match a, const Match& b) {
  using enum Match::Kind;
  if (b.kind == everything) return {nothing, {}};
  if (a.kind != expression || b.kind == nothing) return a;  // the index has no words for `all but b`
  return {expression, fmt::format("({} NOT {})", a.expression, b.expression)};
}

class Builder {
 public:
  explicit Builder(const AttributeLookup& lookup) : lookup_(lookup) {}

  // At least the records for which the expression holds.
  Result<Match> at_least(const Expression& expression) {
    switch (expression.kind) {
      case Expression::Kind::all:
        return at_least_all(expression);
      case Expression::Kind::any: {
        Match match = nothing();
        for (const Expression& part : expression.parts) {
          DEPUTY_TRY(auto next, at_least(part));
          match = either(std::move(match), std::move(next));
        }
        return match;
      }
      case Expression::Kind::negation: {
        DEPUTY_TRY(const auto inner, at_most(expression.parts.front()));
        return without(everything(), inner);
      }
      case Expression::Kind::leaf:
        return std::visit([&](const auto& leaf) { return superset(leaf); }, expression.leaf);
    }
    return everything();
  }

 private:
  Result<Match> at_least_all(const Expression& expression) {
    Match match = everything();
    for (const Expression& part : expression.parts) {
      if (part.kind == Expression::Kind::negation) continue;
      DEPUTY_TRY(auto next, at_least(part));
      match = both(std::move(match), std::move(next));
    }
    for (const Expression& part : expression.parts) {
      if (part.kind != Expression::Kind::negation) continue;
      DEPUTY_TRY(const auto inner, at_most(part.parts.front()));
      match = without(std::move(match), inner);
    }
    return match;
  }

  // Only records for which the expression holds.
  Result<Match> at_most(const Expression& expression) {
    Match match = expression.kind == Expression::Kind::all ? everything() : nothing();
    switch (expression.kind) {
      case Expression::Kind::all:
        for (const Expression& part : expression.parts) {
          DEPUTY_TRY(auto next, at_most(part));
          match = both(std::move(match), std::move(next));
        }
        return match;
      case Expression::Kind::any:
        for (const Expression& part : expression.parts) {
          DEPUTY_TRY(auto next, at_most(part));
          match = either(std::move(match), std::move(next));
        }
        return match;
      case Expression::Kind::negation:
        return nothing();
      case Expression::Kind::leaf:
        return std::visit([&](const auto& leaf) { return subset(leaf); }, expression.leaf);
    }
    return nothing();
  }

  static Match words_of_phrase(const Phrase& phrase) {
    Match match = everything();
    for (std::size_t i = 0; i < phrase.words.size(); ++i) {
      const bool is_prefix = phrase.is_prefix && i + 1 == phrase.words.size();
      if (is_prefix && phrase.words[i].size() < prefix_bytes_min) continue;
      match = both(std::move(match), word(phrase.words[i], is_prefix));
    }
    return match;
  }

  static Result<Match> superset(const MessageHas& leaf) { return words_of_phrase(leaf.phrase); }
  static Result<Match> superset(const FieldHas& leaf) {
    Match match = words_of_phrase(leaf.phrase);
    for (const std::string& name : words_of(leaf.path)) match = both(std::move(match), word(name));
    return match;
  }
  Result<Match> superset(const AttributeIs& leaf) {
    DEPUTY_TRY(const auto found, lookup_(leaf));
    return found ? any_of(leaf, *found) : everything();
  }
  static Result<Match> superset(std::monostate) { return nothing(); }

  static Result<Match> subset(const MessageHas& leaf) {
    return leaf.phrase.words.size() == 1 ? words_of_phrase(leaf.phrase) : nothing();
  }
  static Result<Match> subset(const FieldHas&) { return nothing(); }
  Result<Match> subset(const AttributeIs& leaf) {
    DEPUTY_TRY(const auto found, lookup_(leaf));
    return found ? any_of(leaf, *found) : nothing();
  }
  static Result<Match> subset(std::monostate) { return nothing(); }

  static Match any_of(const AttributeIs& leaf, const std::vector<std::int64_t>& numbers) {
    if (numbers.empty()) return nothing();
    std::string expression;
    for (const std::int64_t number : numbers) {
      if (!expression.empty()) expression += " OR ";
      expression +=
          word(leaf.attribute == Attribute::stream ? stream_word(number) : source_word(number)).expression;
    }
    return {Match::Kind::expression, "(" + expression + ")"};
  }

  const AttributeLookup& lookup_;
};

}  // namespace

Result<void> add_tokenizer(sqlite3* database) {
  fts5_api* api = nullptr;
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(database, "SELECT fts5(?1)", -1, &statement, nullptr);
  if (code == SQLITE_OK) {
    sqlite3_bind_pointer(statement, 1, static_cast<void*>(&api), "fts5_api_ptr", nullptr);
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW) code = SQLITE_OK;
  }
  sqlite3_finalize(statement);
  if (code == SQLITE_OK && api == nullptr) code = SQLITE_ERROR;
  if (code == SQLITE_OK) {
    fts5_tokenizer tokenizer{create_tokenizer, delete_tokenizer, tokenize};
    code = api->xCreateTokenizer(api, "deputy", nullptr, &tokenizer, nullptr);
  }
  if (code != SQLITE_OK) return sqlite::sqlite_error(database, code, "set up full-text search");
  return success();
}

std::string source_word(std::int64_t source) {
  return fmt::format("{}s{}", mark, source);
}
std::string stream_word(std::int64_t stream) {
  return fmt::format("{}t{}", mark, stream);
}

Result<Match> match_of(const Query& query, const AttributeLookup& lookup) {
  return Builder{lookup}.at_least(query.expression);
}

}  // namespace deputy::logstore
