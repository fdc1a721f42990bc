#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// The words of a message: what the index keeps and what a query looks for, by one and the same rule.
namespace deputy::logstore {

// Longer runs of letters are cut into words of this many bytes at most (never inside a character).
inline constexpr std::size_t word_bytes_max = 64;
// A JSON message's values beyond these bounds are found by their words, but not by their names.
inline constexpr std::size_t field_path_bytes_max = 256;
inline constexpr std::size_t fields_max = 10'000;

// A message taken apart.
//
// - A word is a run of ASCII letters, digits and `_`, or of any other characters beyond ASCII but spaces and
//   punctuation; a character of Chinese, Japanese or Korean writing is a word by itself. Letters are in lower
//   case (ASCII, Latin, Greek and Cyrillic).
// - A message that is one JSON object is read as such: its words are those of its names and of its strings,
//   unescaped, numbers, `true`, `false` and `null`, in their order. Anything else, and JSON that is broken or
//   nested too deep, is read as plain text.
//
// Any bytes will do: a byte that is no UTF-8 separates words. Keeps its memory from message to message. Use
// by one thread at a time.
class MessageWords {
 public:
  MessageWords();
  ~MessageWords();
  MessageWords(const MessageWords&) = delete;
  MessageWords& operator=(const MessageWords&) = delete;

  struct Span {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  // A value inside a JSON message and which words it has. Names on the way to it are joined with dots; the
  // elements of an array have the array's path.
  struct Field {
    std::string_view path;
    Span words;  // indices
  };

  enum class Want { words, words_and_fields };
  void read(std::string_view message, Want want);

  // All words, each followed by a space.
  std::string_view text() const { return text_; }
  std::size_t size() const { return words_.size(); }
  std::string_view operator[](std::size_t index) const {
    const Span& at = words_[index];
    return std::string_view{text_}.substr(at.begin, at.end - at.begin);
  }
  // Empty when the message is not JSON, or they were not wanted. Valid until the next `read`.
  const std::vector<Field>& fields();

 private:
  class JsonReader;
  friend class JsonReader;

  void add_words(std::string_view text);
  void clear();

  struct Parser;
  struct FieldPlace {
    Span path;  // bytes of paths_
    Span words;
  };
  std::string text_;
  std::vector<Span> words_;  // bytes of text_
  std::string paths_;
  std::vector<FieldPlace> places_;
  std::vector<Field> fields_;
  std::unique_ptr<Parser> parser_;
};

// The words of a piece of a query, by the rule for plain text.
std::vector<std::string> words_of(std::string_view text);

}  // namespace deputy::logstore
