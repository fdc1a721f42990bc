#pragma once

#include "logstore/words.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/result.hpp"

// The query language of log search. Pure.
//
//   query  := or                         nothing at all finds everything
//   or     := and ("OR" and)*
//   and    := not (["AND"] not)*         beside each other is AND
//   not    := ("NOT" | "-")* primary
//   primary:= "(" or ")" | [name ":"] (word ["*"] | '"' phrase '"' | "*")
//
// AND, OR and NOT are operators in capitals alone. A word ends at a space, a parenthesis or a quote; what is
// not a letter or digit in it parts it into several that must follow each other, as in a phrase: `10.0.0.1`,
// `user-id`. Case does not matter. In a phrase `\"` and `\\` stand for `"` and `\`.
//
// Names: `group`, `stream`, `account`, `region`, `connection` are of the record itself and mean its whole
// value, case and all, or its beginning (`group:/aws/lambda/*`). Every other name is a field of a JSON
// message, with dots into nested objects (`error.code:ThrottlingException`): its value holds the word or
// phrase. `json.` in front says so for a field that is named like one of the record's. `name:*`: the field is
// there.
namespace deputy::logstore {

// Words that follow each other; the last one may be the beginning of a word.
struct Phrase {
  std::vector<std::string> words;  // at least one
  bool is_prefix = false;
};

enum class Attribute { group, stream, account, region, connection };
std::string_view to_text(Attribute attribute);

// One thing that a record has or not.
struct MessageHas {
  Phrase phrase;
};
struct FieldHas {
  std::string path;
  Phrase phrase;  // without words: any value
};
struct AttributeIs {
  Attribute attribute;
  std::string value;
  bool is_prefix = false;
};

// Evaluated over a record. An AND of nothing holds for every record.
struct Expression {
  enum class Kind { all, any, negation, leaf };
  Kind kind = Kind::all;
  std::vector<Expression> parts;  // of all, any: some; of negation: one
  std::variant<std::monostate, MessageHas, FieldHas, AttributeIs> leaf;
};

struct Query {
  Expression expression;
  bool uses_fields = false;
};

inline constexpr std::size_t query_bytes_max = 1'000;
inline constexpr std::size_t query_terms_max = 32;  // words, values and names
inline constexpr std::size_t query_depth_max = 16;
// A shorter beginning of a word, of no field, stands for too much of an index.
inline constexpr std::size_t prefix_bytes_min = 3;

// `invalid_request` with field `q`, saying what is wrong, at which character (from 1, in bytes), and what
// would be right. Linear; bounded by the limits above.
Result<Query> parse_query(std::string_view text);

// What a query is asked about.
struct Subject {
  std::string_view group, stream, account, region, connection;
  MessageWords& words;  // of the message, with fields when the query uses them
};
bool matches(const Query& query, const Subject& subject);
// Whether the leaf's value is that of the record.
bool matches(const AttributeIs& wanted, std::string_view value);

}  // namespace deputy::logstore
