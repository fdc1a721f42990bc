#include "connect/slots.hpp"

#include "connect/display_text.hpp"
#include "connect/page_source.hpp"
#include "connect/texts.hpp"

#include <algorithm>
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

void Slots::put_message(std::string_view name, std::string_view text) {
  const std::string whole = sentence(text);
  std::string_view rest = whole;
  for (bool code = false; !rest.empty(); code = !code) {
    const std::string_view piece = rest.substr(0, rest.find('`'));
    rest.remove_prefix(std::min(rest.size(), piece.size() + 1));
    if (piece.empty()) continue;
    Slots row = add(with_suffix(name, "_PIECE"));
    set(*row.dictionary_, "PIECE", piece);
    row.choose(code, "CODED", "PLAIN");
  }
}

void Slots::put_exact(std::string_view name, std::string_view text) {
  set(*dictionary_, name, exact(text));
}

void Slots::put_segment(std::string_view name, std::string_view text) {
  const auto fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  const bool is_segment = !text.empty() && std::ranges::all_of(text, fine);
  set(*dictionary_, name, is_segment ? text : "invalid");
}

bool Slots::put_link(std::string_view name, std::string_view address) {
  // Printable ASCII without what ends an address in some place or other.
  const bool plain = std::ranges::all_of(address, [](char c) {
    return c > ' ' && c < 0x7f && std::string_view{"\"'<>\\^`{|}"}.find(c) == std::string_view::npos;
  });
  const auto leads_to = [&](std::string_view origin) {
    const std::string_view rest = address.starts_with(origin) ? address.substr(origin.size()) : "-";
    return rest.empty() || rest[0] == '/' || rest[0] == ':' || rest[0] == '?';
  };
  const bool here = leads_to("http://127.0.0.1") || leads_to("http://localhost") || leads_to("http://[::1]");
  if (!plain || !(address.starts_with("https://") || here)) return false;
  set(*dictionary_, name, address);
  return true;
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
