#include "connect/slots.hpp"

#include "connect/display_text.hpp"
#include "connect/page_source.hpp"
#include "connect/texts.hpp"

#include <ctemplate/template.h>

#include "core/assert.hpp"

namespace deputy::connect {
namespace {

ctemplate::TemplateString view(std::string_view text) {
  return {text.data(), text.size()};
}

std::string with_suffix(std::string_view name, std::string_view suffix) {
  return std::string{name}.append(suffix);
}

void set(ctemplate::TemplateDictionary& dictionary, std::string_view name, std::string_view value) {
  dictionary.SetValue(view(name), view(value));  // copies both
}

}  // namespace

void Slots::put(std::string_view name, std::string_view text) {
  set(*dictionary_, name, one_line(text));
}

void Slots::put_long(std::string_view name, std::string_view text) {
  set(*dictionary_, name, one_line(text, shown_max));
  const bool longer = is_longer(text, shown_max);
  if (longer) set(*dictionary_, with_suffix(name, "_FULL"), one_line(text));
  show(with_suffix(name, longer ? "_LONG" : "_SHORT"));
}

void Slots::put_exact(std::string_view name, std::string_view text) {
  set(*dictionary_, name, exact(text));
}

void Slots::put_time(std::string_view name, Timestamp time) {
  set(*dictionary_, name, date_text(time));
  set(*dictionary_, with_suffix(name, "_MACHINE"), to_rfc3339(time));
}

void Slots::put_if(std::string_view name, const std::optional<std::string>& text) {
  if (!text) return;
  put(name, *text);
  show("HAS_" + std::string{name});
}

void Slots::put_time_if(std::string_view name, const std::optional<Timestamp>& time) {
  if (!time) return;
  put_time(name, *time);
  show("HAS_" + std::string{name});
}

void Slots::show(std::string_view part) {
  dictionary_->ShowSection(view(part));
}

void Slots::show_text(std::string_view key) {
  DEPUTY_ASSERT(!text_or_nothing(key).empty());
  show(part_of_text(key));
}

Slots Slots::add(std::string_view part) {
  return Slots{*dictionary_->AddSectionDictionary(view(part))};
}

}  // namespace deputy::connect
