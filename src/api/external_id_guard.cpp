#include "api/external_id_guard.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace deputy::api {
namespace {

Error not_settable(std::string place) {
  return Error{ErrorKind::external_id_not_settable,
               "external IDs are issued by Deputy and cannot be given; leave the member out"}
      .with_field(std::move(place));
}

// The next code point of `text`, which shrinks by what was read; a byte that is not UTF-8 counts as itself.
char32_t next_code_point(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  std::size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  length = std::min(length, text.size());
  char32_t point = length == 1 ? first : first & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0U) != 0x80) {
      length = i;
      break;
    }
    point = (point << 6) | (byte & 0x3fU);
  }
  text.remove_prefix(length);
  return point;
}

// The ASCII letter or digit that a code point is or passes for, in lower case; nothing for all others.
std::optional<char> folded(char32_t point) {
  constexpr char32_t full_width_offset = 0xfee0;  // U+FF01–U+FF5E are the full-width forms of U+0021–U+007E
  if (point >= 0xff01 && point <= 0xff5e) point -= full_width_offset;
  if (point == 0x130) return 'i';  // its lower case is `i` and a combining dot
  if ((point >= 'a' && point <= 'z') || (point >= '0' && point <= '9')) return static_cast<char>(point);
  if (point >= 'A' && point <= 'Z') return static_cast<char>(point - 'A' + 'a');
  return std::nullopt;
}

void append_utf8(std::string& out, char32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0U | (point >> 6));
    out += static_cast<char>(0x80U | (point & 0x3fU));
  } else {
    out += static_cast<char>(0xe0U | (point >> 12));
    out += static_cast<char>(0x80U | ((point >> 6) & 0x3fU));
    out += static_cast<char>(0x80U | (point & 0x3fU));
  }
}

std::optional<char32_t> four_hex_digits(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  char32_t value = 0;
  for (const char c : text.substr(0, 4)) {
    value <<= 4;
    if (c >= '0' && c <= '9') {
      value |= static_cast<char32_t>(c - '0');
    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
      value |= static_cast<char32_t>((c | 0x20) - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

// Looks at the member names of something like JSON. It is lenient on purpose: what a strict reader would
// refuse for another reason (a duplicate, a trailing comma, UTF-16) is searched all the same, so that the
// answer is always that an external ID cannot be set. At any depth, without recursion: the body is bounded.
class MemberNames {
 public:
  MemberNames(std::string_view text, std::span<const std::string_view> opaque)
      : text_(text), opaque_(opaque) {}

  // The path of the first member that names an external ID.
  std::optional<std::string> find_external_id() {
    while (next_ < text_.size()) {
      const char c = text_[next_++];
      if (c == '{' || c == '[') {
        enter();
      } else if (c == '}' || c == ']') {
        leave();
      } else if (c == ',') {
        enters_opaque_ = false;
      } else if (c == '"') {
        if (auto found = after_string(read_string())) return found;
      }
    }
    return std::nullopt;
  }

 private:
  void enter() {
    open_.push_back({static_cast<std::uint32_t>(path_.size()), odd_});
    if (name_) {
      path_.append(*name_) += '.';
      odd_ = odd_ || is_odd(*name_);
    }
    name_.reset();
    if (enters_opaque_ && opaque_from_ == 0) opaque_from_ = open_.size();
    enters_opaque_ = false;
  }
  void leave() {
    if (open_.empty()) return;
    if (opaque_from_ == open_.size()) opaque_from_ = 0;
    path_.resize(open_.back().path_size);
    odd_ = open_.back().odd;
    open_.pop_back();
    name_.reset();
  }

  std::optional<std::string> after_string(std::string text) {
    while (next_ < text_.size() && is_space(text_[next_])) ++next_;
    if (next_ >= text_.size() || text_[next_] != ':') return std::nullopt;
    name_ = std::move(text);
    if (opaque_from_ != 0) return std::nullopt;
    if (names_external_id(*name_)) return path_ + *name_;
    enters_opaque_ = !odd_ && !is_odd(*name_) && std::ranges::any_of(opaque_, [this](std::string_view place) {
      return place.size() == path_.size() + name_->size() && place.starts_with(path_) &&
             place.ends_with(*name_);
    });
    return std::nullopt;
  }

  // An empty name or a dot in one would make another path look like an opaque one.
  static bool is_odd(std::string_view name) {
    return name.empty() || name.find('.') != std::string_view::npos;
  }

  std::string read_string() {
    std::string out;
    while (next_ < text_.size() && text_[next_] != '"') {
      char c = text_[next_++];
      if (c == '\\' && next_ < text_.size()) {
        c = text_[next_++];
        if (c == 'u') {
          if (const auto point = four_hex_digits(text_.substr(next_))) {
            append_utf8(out, *point);
            next_ += 4;
            continue;
          }
        }
      }
      if (c != '\0') out += c;
    }
    ++next_;  // the closing quote
    return out;
  }

  // NUL counts, so that UTF-16 reads like ASCII.
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0'; }

  std::string_view text_;
  std::span<const std::string_view> opaque_;
  std::size_t next_ = 0;
  // Where each open object or array began: how long the path was before it, and whether it was odd.
  struct Open {
    std::uint32_t path_size;
    bool odd;
  };
  std::vector<Open> open_;
  std::string
      path_;  // the names under which the open ones stand, each with a dot; an element of an array has none
  bool odd_ = false;
  std::optional<std::string> name_;
  bool enters_opaque_ = false;
  std::size_t opaque_from_ = 0;  // depth of the opaque value that we are in; 0: in none
};

Result<void> refuse_in_form(std::string_view text, std::string_view place) {
  const auto fields = http::parse_form(text);
  if (!fields) return success();  // a broken escape is refused elsewhere
  for (const auto& [name, value] : *fields)
    if (names_external_id(name)) return not_settable(std::string{place} + name);
  return success();
}

// `name="…"` of each part of a multipart form.
Result<void> refuse_in_multipart(std::string_view body) {
  for (std::size_t at = body.find("name="); at != std::string_view::npos; at = body.find("name=", at + 5)) {
    const std::string_view name = body.substr(at + 5, body.substr(at + 5).find_first_of(";\r\n"));
    if (names_external_id(name)) return not_settable("form field");
  }
  return success();
}

}  // namespace

bool names_external_id(std::string_view name) {
  constexpr std::string_view wanted = "externalid";
  std::string letters;
  while (!name.empty())
    if (const auto c = folded(next_code_point(name))) letters += *c;
  return letters.find(wanted) != std::string::npos;
}

Result<void> refuse_external_id(const http::Request& request, std::span<const std::string_view> opaque) {
  for (const auto& [name, value] : request.headers)
    if (names_external_id(name)) return not_settable("header field");
  DEPUTY_TRY(refuse_in_form(request.query, "query: "));
  if (request.body.empty()) return success();
  if (const auto place = MemberNames{request.body, opaque}.find_external_id()) return not_settable(*place);
  const std::size_t start = request.body.find_first_not_of(" \t\r\n");
  if (start != std::string::npos && (request.body[start] == '{' || request.body[start] == '['))
    return success();
  DEPUTY_TRY(refuse_in_form(request.body, "form: "));
  return refuse_in_multipart(request.body);
}

}  // namespace deputy::api
