#include "policy/pattern.hpp"

#include <algorithm>

#include "core/ascii.hpp"

namespace deputy::policy {
namespace {

struct ExactBytes {
  static bool same(char a, char b) { return a == b; }
};
struct CaselessBytes {
  static bool same(char a, char b) { return a == b || to_lower(a) == to_lower(b); }
};

// A pattern is read through a cursor: where it stands, what stands there, one on. Cursors are copied to come
// back to.
class PlainCursor {
 public:
  explicit PlainCursor(std::string_view pattern) : at_(pattern.data()), end_(at_ + pattern.size()) {}
  bool done() const { return at_ == end_; }
  char byte() const { return *at_; }
  bool may_be_wild() const { return true; }
  void next() { ++at_; }

 private:
  const char* at_;
  const char* end_;
};

// The variable's value, a view into the request or the policy.
std::optional<std::string_view> value_of(const VariableText::Part& part, const Request& request) {
  if (part.kind != VariableText::Kind::variable) return part.text;
  const ContextKey* key = request.find(part.text);
  if (key != nullptr && key->values.size() == 1) return key->values.front();
  if ((key == nullptr || key->values.empty()) && part.fallback) return *part.fallback;
  return std::nullopt;
}

// Over the pieces of a text with variables, all of which can be resolved.
class PiecesCursor {
 public:
  PiecesCursor(const VariableText& text, const Request& request)
      : part_(text.parts.data()), end_(part_ + text.parts.size()), request_(&request) {
    if (part_ != end_) enter();
    skip_empty();
  }
  bool done() const { return part_ == end_; }
  char byte() const { return rest_.front(); }
  bool may_be_wild() const { return part_->kind == VariableText::Kind::plain; }
  void next() {
    rest_.remove_prefix(1);
    skip_empty();
  }

 private:
  void enter() { rest_ = value_of(*part_, *request_).value_or(std::string_view{}); }
  void skip_empty() {
    while (part_ != end_ && rest_.empty()) {
      ++part_;
      if (part_ != end_) enter();
    }
  }

  const VariableText::Part* part_;
  const VariableText::Part* end_;
  const Request* request_;
  std::string_view rest_;
};

// One of an ARN's six segments: the first five end at a colon.
template <class Cursor>
class SegmentCursor {
 public:
  SegmentCursor(Cursor start, bool ends_at_colon) : cursor_(start), ends_at_colon_(ends_at_colon) {}
  bool done() const { return cursor_.done() || (ends_at_colon_ && cursor_.byte() == ':'); }
  char byte() const { return cursor_.byte(); }
  bool may_be_wild() const { return cursor_.may_be_wild(); }
  void next() { cursor_.next(); }
  const Cursor& position() const { return cursor_; }

 private:
  Cursor cursor_;
  bool ends_at_colon_;
};

template <class Cursor>
bool is_run(const Cursor& pattern) {
  return pattern.byte() == '*' && pattern.may_be_wild();
}
template <class Cursor>
bool is_one(const Cursor& pattern) {
  return pattern.byte() == '?' && pattern.may_be_wild();
}

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// `?` takes one character of UTF-8, not one byte.
std::size_t after_character(std::string_view text, std::size_t at) {
  ++at;
  while (at < text.size() && continues_character(text[at])) ++at;
  return at;
}

// On a mismatch only the last `*` has to give way by one: what an earlier one could take, the last can take
// as well.
template <class Bytes, class Cursor>
bool matches(Cursor pattern, std::string_view text) {
  std::size_t t = 0;
  while (!pattern.done() && !is_run(pattern) && !is_one(pattern)) {  // most patterns end here
    if (t == text.size() || !Bytes::same(pattern.byte(), text[t])) return false;
    pattern.next();
    ++t;
  }
  std::optional<Cursor> after_run;
  std::size_t run_end = 0;
  while (t < text.size()) {
    if (!pattern.done() && is_run(pattern)) {
      pattern.next();
      if (pattern.done()) return true;  // the rest, whatever it is
      after_run = pattern;
      run_end = t;
    } else if (!pattern.done() && is_one(pattern) && !continues_character(text[t])) {
      pattern.next();
      t = after_character(text, t);
    } else if (!pattern.done() && !is_one(pattern) && Bytes::same(pattern.byte(), text[t])) {
      pattern.next();
      ++t;
    } else if (after_run) {
      pattern = *after_run;
      t = ++run_end;
    } else {
      return false;
    }
  }
  while (!pattern.done() && is_run(pattern)) pattern.next();
  return pattern.done();
}

template <class Cursor>
bool matches_by_segment(Cursor pattern, std::string_view text) {
  constexpr std::size_t colons = 5;
  for (std::size_t i = 0; i <= colons; ++i) {
    const bool last = i == colons;
    const std::size_t colon = last ? std::string_view::npos : text.find(':');
    if (!last && colon == std::string_view::npos) return false;
    SegmentCursor<Cursor> segment{pattern, !last};
    if (!matches<ExactBytes>(segment, text.substr(0, colon))) return false;
    if (last) break;
    while (!segment.done()) segment.next();
    pattern = segment.position();
    if (pattern.done()) return false;
    pattern.next();
    text.remove_prefix(colon + 1);
  }
  return true;
}

template <class Bytes>
bool equals_bytes(PiecesCursor text, std::string_view given) {
  for (const char c : given) {
    if (text.done() || !Bytes::same(text.byte(), c)) return false;
    text.next();
  }
  return text.done();
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text) {
  return matches<ExactBytes>(PlainCursor{pattern}, text);
}

bool glob_matches_ignoring_case(std::string_view pattern, std::string_view text) {
  return matches<CaselessBytes>(PlainCursor{pattern}, text);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), CaselessBytes::same);
}

bool arn_matches(std::string_view pattern, std::string_view text) {
  return matches_by_segment(PlainCursor{pattern}, text);
}

bool has_arn_segments(std::string_view text) {
  return std::count(text.begin(), text.end(), ':') >= 5;
}

Resolution::Resolution(const VariableText& text, const Request& request)
    : text_(text),
      request_(request),
      resolved_(std::all_of(text.parts.begin(), text.parts.end(), [&](const VariableText::Part& part) {
        return value_of(part, request).has_value();
      })) {}

bool Resolution::equals(std::string_view given) const {
  return resolved_ && equals_bytes<ExactBytes>(PiecesCursor{text_, request_}, given);
}

bool Resolution::equals_ignoring_case(std::string_view given) const {
  return resolved_ && equals_bytes<CaselessBytes>(PiecesCursor{text_, request_}, given);
}

bool Resolution::glob_matches(std::string_view given) const {
  return resolved_ && matches<ExactBytes>(PiecesCursor{text_, request_}, given);
}

bool Resolution::arn_matches(std::string_view given) const {
  return resolved_ && matches_by_segment(PiecesCursor{text_, request_}, given);
}

std::optional<std::string_view> Resolution::copy_to(Buffer& buffer) const {
  if (!resolved_) return std::nullopt;
  std::size_t size = 0;
  for (PiecesCursor text{text_, request_}; !text.done(); text.next()) {
    if (size == buffer.size()) return std::nullopt;
    buffer.at(size++) = text.byte();
  }
  return std::string_view{buffer.data(), size};
}

std::optional<std::string> resolve_text(const VariableText& text, const Request& request) {
  if (!Resolution{text, request}.resolved()) return std::nullopt;
  std::string out;
  for (PiecesCursor piece{text, request}; !piece.done(); piece.next()) out += piece.byte();
  return out;
}

}  // namespace deputy::policy
