#pragma once

#include "logstore/query.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"

struct sqlite3;

// Between a query and SQLite's full-text index of one day's file.
namespace deputy::logstore {

// Makes the tokenizer `deputy` known to the connection: what is indexed was taken apart already, words end at
// spaces.
Result<void> add_tokenizer(sqlite3* database);

// Words of the index that no message can have: which source and which stream a record is of.
std::string source_word(std::int64_t source);
std::string stream_word(std::int64_t stream);

// More than this many sources or streams that an attribute names are not looked up in the index.
inline constexpr std::size_t attribute_values_max = 64;

// The numbers by which the file knows the sources or streams that an attribute names; nullopt when they are
// all, or more than attribute_values_max.
using AttributeLookup =
    std::function<Result<std::optional<std::vector<std::int64_t>>>(const AttributeIs& wanted)>;

struct Match {
  enum class Kind { everything, nothing, expression };
  Kind kind = Kind::everything;
  std::string expression;  // in FTS5's language, every word quoted
};

// What the index has to say: a superset of the records that the query matches.
// https://www.sqlite.org/fts5.html#full_text_query_syntax
Result<Match> match_of(const Query& query, const AttributeLookup& lookup);

}  // namespace deputy::logstore
