#include "logstore/words.hpp"

#include <array>
#include <boost/json/basic_parser_impl.hpp>

#include "core/ascii.hpp"
#include "json/utf8.hpp"

namespace deputy::logstore {
namespace {

namespace bj = boost::json;

constexpr std::size_t depth_max = 32;

// The character of each ASCII byte inside a word, in lower case; 0 where it separates.
constexpr std::array<char, 128> word_characters = [] {
  std::array<char, 128> table{};
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = c;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = to_lower(c);
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = c;
  table['_'] = '_';
  return table;
}();

bool separates(char32_t code) {
  return code < 0xaa || code == 0xab || code == 0xbb || code == 0xbf || code == 0xd7 || code == 0xf7 ||
         code == 0x1680 || code == 0x180e || (code >= 0x2000 && code <= 0x206f) ||
         (code >= 0x3000 && code <= 0x3020) || (code >= 0xfe00 && code <= 0xfe0f) || code == 0xfeff ||
         (code >= 0xff00 && code <= 0xff0f) || code >= 0xe0000;
}

// Writings without spaces between words.
bool stands_alone(char32_t code) {
  return (code >= 0x3040 && code <= 0x30ff) || (code >= 0x3400 && code <= 0x9fff) ||
         (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
         (code >= 0x20000 && code <= 0x3ffff);
}

char32_t lower(char32_t code) {
  if (code >= 0xc0 && code <= 0xde) return code + 0x20;  // Latin-1; the sign × separates
  if ((code >= 0x100 && code <= 0x137 && code != 0x130 && code != 0x131) || (code >= 0x14a && code <= 0x177))
    return code | 1U;
  if ((code >= 0x139 && code <= 0x148) || (code >= 0x179 && code <= 0x17e)) return code + (code & 1U);
  if (code == 0x178) return 0xff;
  if (code >= 0x391 && code <= 0x3a9) return code + 0x20;
  if (code >= 0x410 && code <= 0x42f) return code + 0x20;
  if (code >= 0x400 && code <= 0x40f) return code + 0x50;
  return code;
}

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&out](char32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x800) {
    put(0xc0U | (code >> 6U));
  } else if (code < 0x10000) {
    put(0xe0U | (code >> 12U));
    put(0x80U | ((code >> 6U) & 0x3fU));
  } else {
    put(0xf0U | (code >> 18U));
    put(0x80U | ((code >> 12U) & 0x3fU));
    put(0x80U | ((code >> 6U) & 0x3fU));
  }
  put(0x80U | (code & 0x3fU));
}

// Appends each word of `text` and a space to `out`, and tells `each` where the word is.
template <class Each>
void split(std::string_view text, std::string& out, const Each& each) {
  std::size_t begin = out.size();
  const auto end_word = [&] {
    if (out.size() == begin) return;
    each(begin, out.size());
    out += ' ';
    begin = out.size();
  };
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      const char c = word_characters[byte];
      if (c == 0) {
        end_word();
      } else {
        if (out.size() - begin >= word_bytes_max) end_word();
        out += c;
      }
      ++i;
      continue;
    }
    const auto character = json::first_character(text.substr(i));
    i += character ? character->bytes : 1;
    if (!character || separates(character->code)) {
      end_word();
      continue;
    }
    const bool alone = stands_alone(character->code);
    if (alone || out.size() - begin + 4 > word_bytes_max) end_word();
    append_utf8(out, lower(character->code));
    if (alone) end_word();
  }
  end_word();
}

bool may_be_json(std::string_view message) {
  const std::size_t first = message.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && message[first] == '{';
}

}  // namespace

// What Boost.JSON's parser reports, turned into words and places. Names are in the words as well: a person
// who sees `level` in a message looks for it.
class MessageWords::JsonReader {
 public:
  constexpr static std::size_t max_object_size = std::size_t(-1);
  constexpr static std::size_t max_array_size = std::size_t(-1);
  constexpr static std::size_t max_key_size = std::size_t(-1);
  constexpr static std::size_t max_string_size = std::size_t(-1);
  using Code = bj::error_code;

  MessageWords* words = nullptr;

  void begin(Want want) {
    want_fields_ = want == Want::words_and_fields;
    part_.clear();
    path_.clear();
    lengths_.clear();
  }

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code&) {
    lengths_.push_back(path_.size());
    return true;
  }
  bool on_object_end(std::size_t, Code&) {
    path_.resize(lengths_.back());
    lengths_.pop_back();
    return true;
  }
  bool on_array_begin(Code&) { return true; }
  bool on_array_end(std::size_t, Code&) { return true; }
  bool on_key_part(bj::string_view text, std::size_t, Code&) {
    part_.append(text.data(), text.size());
    return true;
  }
  bool on_key(bj::string_view text, std::size_t, Code&) {
    part_.append(text.data(), text.size());
    path_.resize(lengths_.back());
    if (!path_.empty()) path_ += '.';
    path_ += part_;
    words->add_words(part_);
    part_.clear();
    return true;
  }
  bool on_string_part(bj::string_view text, std::size_t, Code&) {
    part_.append(text.data(), text.size());
    return true;
  }
  bool on_string(bj::string_view text, std::size_t, Code&) {
    if (part_.empty()) {
      value({text.data(), text.size()});
    } else {
      part_.append(text.data(), text.size());
      value(part_);
    }
    part_.clear();
    return true;
  }
  bool on_number_part(bj::string_view text, Code&) {
    part_.append(text.data(), text.size());
    return true;
  }
  bool on_int64(std::int64_t, bj::string_view text, Code& code) { return on_string(text, 0, code); }
  bool on_uint64(std::uint64_t, bj::string_view text, Code& code) { return on_string(text, 0, code); }
  bool on_double(double, bj::string_view text, Code& code) { return on_string(text, 0, code); }
  bool on_bool(bool is, Code&) {
    value(is ? "true" : "false");
    return true;
  }
  bool on_null(Code&) {
    value("null");
    return true;
  }
  bool on_comment_part(bj::string_view, Code&) { return true; }
  bool on_comment(bj::string_view, Code&) { return true; }

 private:
  void value(std::string_view text) {
    const auto first = static_cast<std::uint32_t>(words->words_.size());
    words->add_words(text);
    if (!want_fields_ || path_.size() > field_path_bytes_max || words->places_.size() >= fields_max) return;
    const auto path = static_cast<std::uint32_t>(words->paths_.size());
    words->paths_ += path_;
    words->places_.push_back({{path, static_cast<std::uint32_t>(words->paths_.size())},
                              {first, static_cast<std::uint32_t>(words->words_.size())}});
  }

  bool want_fields_ = false;
  std::string part_;  // of a name or text that came in pieces
  std::string path_;  // to the value that is being read
  std::vector<std::size_t> lengths_;
};

struct MessageWords::Parser {
  bj::basic_parser<JsonReader> json{[] {
    bj::parse_options options;
    options.max_depth = depth_max;
    return options;
  }()};
};

MessageWords::MessageWords() : parser_(std::make_unique<Parser>()) {
  parser_->json.handler().words = this;
}
MessageWords::~MessageWords() = default;

void MessageWords::clear() {
  text_.clear();
  words_.clear();
  paths_.clear();
  places_.clear();
  fields_.clear();
}

void MessageWords::add_words(std::string_view text) {
  split(text, text_, [this](std::size_t begin, std::size_t end) {
    words_.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
  });
}

void MessageWords::read(std::string_view message, Want want) {
  clear();
  if (may_be_json(message)) {
    parser_->json.reset();
    parser_->json.handler().begin(want);
    bj::error_code code;
    const std::size_t taken = parser_->json.write_some(false, message.data(), message.size(), code);
    if (!code && message.find_first_not_of(" \t\r\n", taken) == std::string_view::npos) return;
    clear();
  }
  add_words(message);
}

const std::vector<MessageWords::Field>& MessageWords::fields() {
  if (fields_.size() == places_.size()) return fields_;
  fields_.clear();
  for (const FieldPlace& place : places_)
    fields_.push_back(
        {std::string_view{paths_}.substr(place.path.begin, place.path.end - place.path.begin), place.words});
  return fields_;
}

std::vector<std::string> words_of(std::string_view text) {
  std::string out;
  std::vector<std::string> words;
  split(text, out,
        [&](std::size_t begin, std::size_t end) { words.push_back(out.substr(begin, end - begin)); });
  return words;
}

}  // namespace deputy::logstore
