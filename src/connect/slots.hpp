#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"

namespace ctemplate {
class TemplateDictionary;
}

namespace deputy::connect {

// What is put into a page's template: values by name, parts that are shown, and rows. The one door through
// which values reach a page; each is cleaned here (display_text.hpp) and escaped by the template library for
// where it stands. A view: the dictionary outlives it.
class Slots {
 public:
  explicit Slots(ctemplate::TemplateDictionary& dictionary) : dictionary_(&dictionary) {}

  // One line of anybody's text, cut to `unfolded_max` code points.
  void put(std::string_view name, std::string_view text);
  void put(std::string_view name, std::int64_t number) { put(name, std::to_string(number)); }
  // People's text that may be long: NAME is its beginning, and shows NAME_SHORT, or NAME_LONG with NAME_FULL
  // to unfold.
  void put_long(std::string_view name, std::string_view text);
  // A message of Deputy's as a sentence, for the part `message`: what stands in it `in backticks` is set as
  // code.
  void put_message(std::string_view name, std::string_view text);
  // Text to be pasted, every line of it.
  void put_exact(std::string_view name, std::string_view text);
  // One segment of an address: letters, digits, `_` and `-`; whatever else it is becomes `invalid`, which
  // leads nowhere.
  void put_segment(std::string_view name, std::string_view text);
  // A link that leads away: https, or http to this very machine. False, and nothing is put, for any other.
  [[nodiscard]] bool put_link(std::string_view name, std::string_view address);
  // NAME for people and NAME_MACHINE in RFC 3339.
  void put_time(std::string_view name, Timestamp time);
  // The same and shows `HAS_NAME`, where there is a value.
  void put_if(std::string_view name, const std::optional<std::string>& text);
  void put_time_if(std::string_view name, const std::optional<Timestamp>& time);

  void show(std::string_view part);
  // Shows the text of this key where a page offers it among others (`[[?state.*.note]]`).
  void show_text(std::string_view key);
  // Shows one of two parts.
  void choose(bool condition, std::string_view when_true, std::string_view when_false) {
    show(condition ? when_true : when_false);
  }
  // One more row of a part.
  Slots add(std::string_view part);

 private:
  ctemplate::TemplateDictionary* dictionary_;
};

}  // namespace deputy::connect
