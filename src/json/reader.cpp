#include "json/reader.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <cstdint>
#include <fmt/format.h>
#include <limits>
#include <new>
#include <numeric>
#include <optional>
#include <utility>

namespace deputy::json {
namespace {

using boost::json::error;
using boost::json::error_code;
using boost::json::string_view;

// Finds where each token of an already accepted text stood. The parser does not say, but it reports tokens in
// order, so a second finger on the same text, moved one token per event, always points at the token that the
// event is about.
class TokenFinger {
 public:
  explicit TokenFinger(std::string_view text) : text_(text) {}

  // Moves over what separates tokens; the next token's position.
  Position to_next_token() {
    while (place_.offset < text_.size() && is_between_tokens(text_[place_.offset])) step();
    return place_;
  }
  void over_bracket() { step(); }
  void over_string() {
    step();
    while (place_.offset < text_.size() && text_[place_.offset] != '"') {
      if (text_[place_.offset] == '\\') step();
      step();
    }
    step();
  }
  // A number, `true`, `false` or `null`: its text.
  std::string_view over_bare_word() {
    const std::size_t start = place_.offset;
    while (place_.offset < text_.size() && !ends_bare_word(text_[place_.offset])) step();
    return text_.substr(start, place_.offset - start);
  }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  static bool is_between_tokens(char c) { return is_space(c) || c == ',' || c == ':'; }
  static bool ends_bare_word(char c) { return is_between_tokens(c) || c == ']' || c == '}'; }
  void step() {
    if (place_.offset >= text_.size()) return;
    if (text_[place_.offset] == '\n') {
      ++place_.line;
      place_.column = 1;
    } else {
      ++place_.column;
    }
    ++place_.offset;
  }

  std::string_view text_;
  Position place_;
};

Position position_of(std::string_view text, std::size_t offset) {
  Position position;
  position.offset = std::min(offset, text.size());
  for (const char c : text.substr(0, position.offset)) {
    if (c == '\n') {
      ++position.line;
      position.column = 1;
    } else {
      ++position.column;
    }
  }
  return position;
}

Error invalid(std::string_view reason, Position position) {
  return Error{ErrorKind::invalid_request, fmt::format("{}{}", reason, at(position))};
}

// The second of two members with the same name that comes first in the text.
const Member* first_duplicate(const std::vector<Member>& members) {
  std::vector<const Member*> sorted(members.size());
  std::transform(members.begin(), members.end(), sorted.begin(),
                 [](const Member& member) { return &member; });
  std::sort(sorted.begin(), sorted.end(), [](const Member* a, const Member* b) {
    const int order = a->name.compare(b->name);
    return order != 0 ? order < 0 : a->position.offset < b->position.offset;
  });
  const Member* found = nullptr;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i]->name != sorted[i - 1]->name) continue;
    if (found == nullptr || sorted[i]->position.offset < found->position.offset) found = sorted[i];
  }
  return found;
}

// Receives the parser's events and builds the tree. A false return with `ec` set stops the parser.
struct TreeBuilder {
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

  struct Open {
    Value container;
    std::string name;  // of the member being read
    Position name_position;
  };

  TreeBuilder(std::string_view source, Limits bounds) : finger(source), limits(bounds) {}

  bool refuse(Error reason, error_code& ec) {
    refusal = std::move(reason);
    ec = error::input_error;
    return false;
  }
  bool begin(Kind kind, Position position, error_code& ec, Value& value) {
    if (++values > limits.values_max) {
      return refuse(invalid(fmt::format("more than {} values", limits.values_max), position), ec);
    }
    value.kind = kind;
    value.position = position;
    return true;
  }
  void place(Value value) {
    if (open.empty()) {
      root = std::move(value);
    } else if (Open& parent = open.back(); parent.container.is(Kind::object)) {
      parent.container.members.push_back({std::move(parent.name), parent.name_position, std::move(value)});
      parent.name.clear();
    } else {
      parent.container.elements.push_back(std::move(value));
    }
  }
  bool open_container(Kind kind, error_code& ec) {
    Value value;
    const Position position = finger.to_next_token();
    if (open.size() >= limits.depth_max) {
      return refuse(invalid(fmt::format("nested deeper than {} levels", limits.depth_max), position), ec);
    }
    if (!begin(kind, position, ec, value)) return false;
    finger.over_bracket();
    open.push_back({std::move(value), {}, {}});
    return true;
  }
  bool close_container(error_code& ec) {
    finger.to_next_token();
    finger.over_bracket();
    Value done = std::move(open.back().container);
    open.pop_back();
    if (const Member* twice = first_duplicate(done.members)) {
      return refuse(invalid(fmt::format("duplicate member {}", in_backticks(twice->name)), twice->position),
                    ec);
    }
    place(std::move(done));
    return true;
  }
  bool bare_word(Kind kind, bool boolean, error_code& ec) {
    Value value;
    if (!begin(kind, finger.to_next_token(), ec, value)) return false;
    const std::string_view literal = finger.over_bare_word();
    if (kind == Kind::number) value.text = literal;
    value.boolean = boolean;
    place(std::move(value));
    return true;
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code& ec) { return open_container(Kind::object, ec); }
  bool on_object_end(std::size_t, error_code& ec) { return close_container(ec); }
  bool on_array_begin(error_code& ec) { return open_container(Kind::array, ec); }
  bool on_array_end(std::size_t, error_code& ec) { return close_container(ec); }
  bool on_key_part(string_view part, std::size_t, error_code&) {
    partial.append(part.data(), part.size());
    return true;
  }
  bool on_key(string_view rest, std::size_t, error_code&) {
    partial.append(rest.data(), rest.size());
    open.back().name_position = finger.to_next_token();
    finger.over_string();
    open.back().name = std::exchange(partial, {});
    return true;
  }
  bool on_string_part(string_view part, std::size_t, error_code&) {
    partial.append(part.data(), part.size());
    return true;
  }
  bool on_string(string_view rest, std::size_t, error_code& ec) {
    Value value;
    if (!begin(Kind::string, finger.to_next_token(), ec, value)) return false;
    finger.over_string();
    partial.append(rest.data(), rest.size());
    value.text = std::exchange(partial, {});
    place(std::move(value));
    return true;
  }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(std::int64_t, string_view, error_code& ec) { return bare_word(Kind::number, false, ec); }
  bool on_uint64(std::uint64_t, string_view, error_code& ec) { return bare_word(Kind::number, false, ec); }
  bool on_double(double, string_view, error_code& ec) { return bare_word(Kind::number, false, ec); }
  bool on_bool(bool value, error_code& ec) { return bare_word(Kind::boolean, value, ec); }
  bool on_null(error_code& ec) { return bare_word(Kind::null, false, ec); }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

  TokenFinger finger;
  Limits limits;
  std::vector<Open> open;  // containers not yet closed, outermost first
  std::string partial;     // a name or string that comes in parts because of its escapes
  std::size_t values = 0;
  std::optional<Value> root;
  std::optional<Error> refusal;
};

std::string_view reason_of(const error_code& ec) {
  switch (static_cast<error>(ec.value())) {
    case error::extra_data:
      return "something follows the end of the JSON text";
    case error::incomplete:
      return "the JSON text ends too early";
    case error::exponent_overflow:
      return "the exponent is too large";
    case error::too_deep:
      return "nested too deep";
    case error::illegal_leading_surrogate:
      return "a low surrogate without a high one before it";
    case error::illegal_trailing_surrogate:
      return "a high surrogate without a low one after it";
    case error::expected_hex_digit:
      return "\\u needs four hexadecimal digits";
    case error::expected_utf16_escape:
      return "a high surrogate without a low one after it";
    default:
      return "not JSON";
  }
}

Result<Value> parse(std::string_view text, Limits limits) {
  boost::json::parse_options options;  // strict by default: no comments, no trailing commas, valid UTF-8
  options.max_depth = limits.depth_max + 1;  // ours is found first and knows its position
  boost::json::basic_parser<TreeBuilder> parser{options, text, limits};
  error_code ec;
  std::size_t consumed = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && consumed < text.size()) ec = error::extra_data;
  TreeBuilder& builder = parser.handler();
  if (builder.refusal) return std::move(*builder.refusal);
  if (ec) return invalid(reason_of(ec), position_of(text, consumed));
  if (!builder.root) return invalid("the JSON text ends too early", position_of(text, text.size()));
  return std::move(*builder.root);
}

}  // namespace

std::string_view to_text(Kind kind) {
  switch (kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return "a boolean";
    case Kind::number:
      return "a number";
    case Kind::string:
      return "a string";
    case Kind::array:
      return "an array";
    case Kind::object:
      return "an object";
  }
  return "nothing";
}

const Value* Value::find(std::string_view name) const {
  for (const Member& member : members) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

Result<Value> read(std::string_view text, Limits limits) {
  if (text.size() > limits.bytes_max) {
    return Error{ErrorKind::payload_too_large, fmt::format("the JSON text has {} bytes; at most {} are read",
                                                           text.size(), limits.bytes_max)};
  }
  try {
    return parse(text, limits);
  } catch (const std::bad_alloc&) {
    return Error{ErrorKind::overloaded, "out of memory while reading JSON"};
  }
}

std::string at(Position position) {
  return fmt::format(" at line {}, column {}", position.line, position.column);
}

}  // namespace deputy::json
