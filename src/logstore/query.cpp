#include "logstore/query.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace deputy::logstore {
namespace {

constexpr std::array attributes{
    std::pair{std::string_view{"group"}, Attribute::group},
    std::pair{std::string_view{"stream"}, Attribute::stream},
    std::pair{std::string_view{"account"}, Attribute::account},
    std::pair{std::string_view{"region"}, Attribute::region},
    std::pair{std::string_view{"connection"}, Attribute::connection},
};
constexpr std::string_view json_prefix = "json.";

std::optional<Attribute> attribute_of(std::string_view name) {
  const auto found = std::ranges::find(attributes, name, &std::pair<std::string_view, Attribute>::first);
  if (found == attributes.end()) return std::nullopt;
  return found->second;
}

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '@' || c == '$';
}
bool is_name_part(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '/';
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool ends_word(char c) {
  return is_space(c) || c == '(' || c == ')' || c == '"';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Query> parse() {
    if (text_.size() > query_bytes_max)
      return error(query_bytes_max, fmt::format("a query has {} bytes at most", query_bytes_max));
    skip_space();
    if (!at_end()) {
      DEPUTY_TRY(query_.expression, parse_any(0));
      if (!at_end()) return error(place_, "there is no `(` that this `)` closes");
    }
    return std::move(query_);
  }

 private:
  bool at_end() const { return place_ >= text_.size(); }
  char now() const { return text_[place_]; }
  void skip_space() {
    while (!at_end() && is_space(now())) ++place_;
  }

  static Error error(std::size_t place, std::string_view what) {
    return Error{ErrorKind::invalid_request,
                 fmt::format("the query cannot be read at character {}: {}", place + 1, what)}
        .with_field("q");
  }

  // Takes the operator when it stands here as a word of its own.
  bool take_operator(std::string_view word) {
    if (!text_.substr(place_).starts_with(word)) return false;
    const std::size_t after = place_ + word.size();
    if (after < text_.size() && !ends_word(text_[after])) return false;
    place_ = after;
    skip_space();
    return true;
  }
  bool operator_follows() {
    const std::size_t before = place_;
    const bool is = take_operator("OR") || take_operator("AND");
    place_ = before;
    return is;
  }

  Result<Expression> parse_any(std::size_t depth) {
    if (depth > query_depth_max)
      return error(place_, fmt::format("parentheses are nested {} deep at most", query_depth_max));
    DEPUTY_TRY(Expression first, parse_all(depth));
    if (at_end() || now() == ')') return first;
    Expression any{Expression::Kind::any, {}, {}};
    any.parts.push_back(std::move(first));
    while (take_operator("OR")) {
      DEPUTY_TRY(Expression next, parse_all(depth));
      any.parts.push_back(std::move(next));
    }
    return any;
  }

  // Up to `OR`, `)` or the end; at least one.
  Result<Expression> parse_all(std::size_t depth) {
    Expression all{Expression::Kind::all, {}, {}};
    for (;;) {
      DEPUTY_TRY(Expression next, parse_negation(depth));
      all.parts.push_back(std::move(next));
      skip_space();
      if (at_end() || now() == ')') break;
      const std::size_t before = place_;
      if (take_operator("OR")) {
        place_ = before;
        break;
      }
      take_operator("AND");
    }
    return all.parts.size() == 1 ? std::move(all.parts.front()) : std::move(all);
  }

  Result<Expression> parse_negation(std::size_t depth) {
    bool negated = false;
    for (;;) {
      if (take_operator("NOT")) {
        negated = !negated;
      } else if (!at_end() && now() == '-' && place_ + 1 < text_.size() && !is_space(text_[place_ + 1])) {
        ++place_;
        negated = !negated;
      } else {
        break;
      }
    }
    DEPUTY_TRY(Expression primary, parse_primary(depth));
    if (!negated) return primary;
    Expression negation{Expression::Kind::negation, {}, {}};
    negation.parts.push_back(std::move(primary));
    return negation;
  }

  Result<Expression> parse_primary(std::size_t depth) {
    if (at_end()) return error(place_, "a word, a phrase or a parenthesis is missing here");
    if (now() == ')') return error(place_, "a word or a phrase is missing before this `)`");
    if (operator_follows())
      return error(place_, "an operator needs something on both sides; quote it to look for the word");
    if (now() == '(') {
      const std::size_t opened = place_++;
      skip_space();
      DEPUTY_TRY(Expression inner, parse_any(depth + 1));
      if (at_end()) return error(opened, "this `(` is never closed");
      ++place_;
      return inner;
    }
    return parse_term();
  }

  Result<Expression> parse_term() {
    const std::size_t begin = place_;
    if (++terms_ > query_terms_max)
      return error(begin, fmt::format("a query has {} words and phrases at most", query_terms_max));
    const std::string_view name = take_name();
    const std::size_t at = place_;
    DEPUTY_TRY(Value value, take_value(name));
    Expression leaf{Expression::Kind::leaf, {}, {}};
    if (name.empty()) {
      DEPUTY_TRY(Phrase phrase, phrase_of(value, at));
      if (phrase.is_prefix && phrase.words.back().size() < prefix_bytes_min)
        return error(at, fmt::format("`*` needs {} letters or digits before it", prefix_bytes_min));
      leaf.leaf = MessageHas{std::move(phrase)};
    } else if (const auto attribute = attribute_of(name)) {
      leaf.leaf = AttributeIs{*attribute, std::move(value.text), value.is_prefix};
    } else {
      const std::string_view path = name.starts_with(json_prefix) ? name.substr(json_prefix.size()) : name;
      if (path.size() > field_path_bytes_max) return error(begin, "a field's name is shorter than that");
      FieldHas has{std::string{path}, {}};
      if (!value.text.empty() || !value.is_prefix) {
        DEPUTY_TRY(has.phrase, phrase_of(value, at));
      }
      leaf.leaf = std::move(has);
      query_.uses_fields = true;
    }
    return leaf;
  }

  // `name:`, when one stands here.
  std::string_view take_name() {
    if (!is_name_start(now())) return {};
    std::size_t end = place_;
    while (end < text_.size() && is_name_part(text_[end])) ++end;
    if (end >= text_.size() || text_[end] != ':') return {};
    const std::string_view name = text_.substr(place_, end - place_);
    place_ = end + 1;
    return name;
  }

  struct Value {
    std::string text;
    bool is_prefix = false;
  };
  Result<Value> take_value(std::string_view name) {
    if (at_end() || is_space(now()) || now() == ')' || now() == '(')
      return error(place_, fmt::format("a value is missing after `{}:`", name));
    if (!name.empty() && text_.substr(place_).starts_with("//"))
      return error(place_ - name.size() - 1, "quote what has a `:` and is no field");
    Value value;
    if (now() == '"') {
      DEPUTY_TRY(value.text, take_quoted());
    } else {
      const std::size_t begin = place_;
      while (!at_end() && !ends_word(now()) && now() != '*') ++place_;
      value.text = text_.substr(begin, place_ - begin);
    }
    if (!at_end() && now() == '*') {
      value.is_prefix = true;
      ++place_;
      if (!at_end() && !ends_word(now())) return error(place_ - 1, "`*` stands only at the end of a word");
    }
    return value;
  }

  Result<std::string> take_quoted() {
    const std::size_t opened = place_++;
    std::string text;
    while (!at_end() && now() != '"') {
      if (now() == '\\' && place_ + 1 < text_.size() &&
          (text_[place_ + 1] == '"' || text_[place_ + 1] == '\\'))
        ++place_;
      text += now();
      ++place_;
    }
    if (at_end()) return error(opened, "this `\"` is never closed");
    ++place_;
    return text;
  }

  Result<Phrase> phrase_of(const Value& value, std::size_t at) {
    Phrase phrase{words_of(value.text), value.is_prefix};
    if (phrase.words.empty()) return error(at, "there is no letter or digit in this to look for");
    terms_ += phrase.words.size() - 1;
    if (terms_ > query_terms_max)
      return error(at, fmt::format("a query has {} words at most", query_terms_max));
    // `foo.*` asks for `foo` and then anything, which a word's beginning does not say.
    const char last = value.text.back();
    if (phrase.is_prefix && words_of(std::string_view{&last, 1}).empty() &&
        static_cast<unsigned char>(last) < 0x80)
      return error(at, "`*` goes on with a word: put a letter or digit before it");
    return phrase;
  }

  std::string_view text_;
  std::size_t place_ = 0;
  std::size_t terms_ = 0;
  Query query_;
};

bool word_matches(const Phrase& phrase, std::size_t index, std::string_view word) {
  const std::string& wanted = phrase.words[index];
  if (phrase.is_prefix && index + 1 == phrase.words.size()) return word.starts_with(wanted);
  return word == wanted;
}

bool has_phrase(const MessageWords& words, MessageWords::Span span, const Phrase& phrase) {
  const std::size_t length = phrase.words.size();
  for (std::size_t begin = span.begin; begin + length <= span.end; ++begin) {
    std::size_t same = 0;
    while (same < length && word_matches(phrase, same, words[begin + same])) ++same;
    if (same == length) return true;
  }
  return false;
}

bool has(const MessageHas& wanted, const Subject& subject) {
  return has_phrase(subject.words, {0, static_cast<std::uint32_t>(subject.words.size())}, wanted.phrase);
}
bool has(const FieldHas& wanted, const Subject& subject) {
  return std::ranges::any_of(subject.words.fields(), [&](const MessageWords::Field& field) {
    return field.path == wanted.path &&
           (wanted.phrase.words.empty() || has_phrase(subject.words, field.words, wanted.phrase));
  });
}
std::string_view value_of(const Subject& subject, Attribute attribute) {
  switch (attribute) {
    case Attribute::group:
      return subject.group;
    case Attribute::stream:
      return subject.stream;
    case Attribute::account:
      return subject.account;
    case Attribute::region:
      return subject.region;
    case Attribute::connection:
      return subject.connection;
  }
  return {};
}
bool has(const AttributeIs& wanted, const Subject& subject) {
  return matches(wanted, value_of(subject, wanted.attribute));
}
bool has(std::monostate, const Subject&) {
  return false;
}

bool holds(const Expression& expression, const Subject& subject) {
  const auto part_holds = [&](const Expression& part) { return holds(part, subject); };
  switch (expression.kind) {
    case Expression::Kind::all:
      return std::ranges::all_of(expression.parts, part_holds);
    case Expression::Kind::any:
      return std::ranges::any_of(expression.parts, part_holds);
    case Expression::Kind::negation:
      return !holds(expression.parts.front(), subject);
    case Expression::Kind::leaf:
      return std::visit([&](const auto& leaf) { return has(leaf, subject); }, expression.leaf);
  }
  return false;
}

}  // namespace

std::string_view to_text(Attribute attribute) {
  return std::ranges::find(attributes, attribute, &std::pair<std::string_view, Attribute>::second)->first;
}

Result<Query> parse_query(std::string_view text) {
  return Parser{text}.parse();
}

bool matches(const Query& query, const Subject& subject) {
  return holds(query.expression, subject);
}

bool matches(const AttributeIs& wanted, std::string_view value) {
  return wanted.is_prefix ? value.starts_with(wanted.value) : value == wanted.value;
}

}  // namespace deputy::logstore
