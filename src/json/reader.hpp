#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

// Strict reading of JSON from outside (RFC 8259): the parser is Boost.JSON's; on top of it duplicate members
// are errors, bounds hold, and every value knows where it stood, so that an error can say where. To write
// JSON, use boost::json.
namespace deputy::json {

struct Position {
  std::size_t offset = 0;  // bytes from the start
  std::size_t line = 1;
  std::size_t column = 1;  // in bytes
};

enum class Kind { null, boolean, number, string, array, object };
std::string_view to_text(Kind kind);  // `a string`, `an object`, … for messages

struct Member;

// One value with all it holds. A plain tree: whoever has the root owns it all.
struct Value {
  Kind kind = Kind::null;
  bool boolean = false;
  std::string text;             // a string's content (unescaped UTF-8); a number's literal as written
  std::vector<Value> elements;  // of an array
  std::vector<Member> members;  // of an object, in the order written; names are unique
  Position position;

  bool is(Kind wanted) const { return kind == wanted; }
  // The member's value, or nullptr. Exact, case-sensitive.
  const Value* find(std::string_view name) const;
};

struct Member {
  std::string name;
  Position position;  // of the name
  Value value;
};

struct Limits {
  std::size_t bytes_max = 64 * 1024;
  std::size_t depth_max = 32;
  std::size_t values_max = 20'000;
};

// One JSON text, nothing after it. Errors are `invalid_request` (`payload_too_large` beyond bytes_max) with
// line, column and reason: bad syntax, bad UTF-8, a duplicate member (also when spelled with different
// escapes), a bound exceeded. Linear in memory, and in time but for sorting each object's names; never throws
// on input.
Result<Value> read(std::string_view text, Limits limits = {});

// ` at line 3, column 14`, for messages.
std::string at(Position position);

}  // namespace deputy::json
