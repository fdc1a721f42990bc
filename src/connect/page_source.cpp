#include "connect/page_source.hpp"

#include "connect/resources.hpp"
#include "connect/texts.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace deputy::connect {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

// `{tenant}` → `{{TENANT}}`
std::string slot(std::string_view name) {
  std::string out{name};
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return "{{" + out + "}}";
}

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
  std::string out;
  for (;;) {
    const auto at = text.find(what);
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    out += with;
    text.remove_prefix(at + what.size());
  }
}

// The texts whose keys match a pattern with one `*`, which stands for one word.
std::string alternatives(std::string_view pattern) {
  const auto star = pattern.find('*');
  DEPUTY_ASSERT(star != std::string_view::npos);
  const std::string_view before = pattern.substr(0, star), after = pattern.substr(star + 1);
  std::string out;
  for (const auto& [key, text] : texts()) {
    if (key.size() <= before.size() + after.size() || !key.starts_with(before) || !key.ends_with(after))
      continue;
    const std::string_view word = key.substr(before.size(), key.size() - before.size() - after.size());
    if (word.find('.') != std::string_view::npos) continue;
    const std::string name = part_of_text(key);
    out += "{{#" + name + "}}" + text_as_html(text) + "{{/" + name + "}}";
  }
  DEPUTY_ASSERT(!out.empty());
  return out;
}

std::string part(std::string_view name, std::string_view argument, int depth);

std::string expanded(std::string_view source, int depth) {
  DEPUTY_ASSERT(depth < 8);
  std::string out;
  for (;;) {
    const auto begin = source.find("[[");
    out += source.substr(0, begin);
    if (begin == std::string_view::npos) return out;
    const auto end = source.find("]]", begin);
    DEPUTY_ASSERT(end != std::string_view::npos);
    const std::string_view mark = source.substr(begin + 2, end - begin - 2);
    source.remove_prefix(end + 2);
    if (mark.starts_with('>')) {
      const auto colon = mark.find(':');
      out += part(mark.substr(1, colon == std::string_view::npos ? colon : colon - 1),
                  colon == std::string_view::npos ? "" : mark.substr(colon + 1), depth + 1);
    } else if (mark.starts_with('?')) {
      out += alternatives(mark.substr(1));
    } else if (mark.starts_with('=')) {
      out += text_as_attribute(text(mark.substr(1)));
    } else {
      out += text_as_html(text(mark));
    }
  }
}

std::string part(std::string_view name, std::string_view argument, int depth) {
  const std::string source = replaced(resource(std::string{name} + ".html"), "@@", argument);
  std::string_view trimmed = source;
  if (trimmed.ends_with('\n')) trimmed.remove_suffix(1);
  return expanded(trimmed, depth);
}

}  // namespace

std::string part_of_text(std::string_view key) {
  std::string out = "TEXT_";
  for (const char c : key)
    out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c >= '0' && c <= '9' ? c : '_';
  return out;
}

std::string text_as_html(std::string_view text) {
  std::string out;
  bool in_code = false, in_strong = false;
  const std::string source = escaped(text);
  for (std::size_t i = 0; i < source.size(); ++i) {
    const char c = source[i];
    if (c == '{') {
      const auto end = source.find('}', i);
      DEPUTY_ASSERT(end != std::string::npos);
      const std::string value = slot(std::string_view{source}.substr(i + 1, end - i - 1));
      out += in_code ? value : "<bdi>" + value + "</bdi>";
      i = end;
    } else if (c == '`') {
      out += in_code ? "</code>" : "<code>";
      in_code = !in_code;
    } else if (c == '*') {
      out += in_strong ? "</strong>" : "<strong>";
      in_strong = !in_strong;
    } else {
      out += c;
    }
  }
  DEPUTY_ASSERT(!in_code && !in_strong);
  return out;
}

std::string text_as_attribute(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '`' || text[i] == '*') continue;
    const auto end = text[i] == '{' ? text.find('}', i) : std::string_view::npos;
    if (end == std::string_view::npos) {
      out += escaped(text.substr(i, 1));
    } else {
      out += slot(text.substr(i + 1, end - i - 1));
      i = end;
    }
  }
  return out;
}

namespace {

// Leaves out the icons that the page does not show; a page that names one by a value keeps them all.
std::string with_its_icons(std::string_view source) {
  if (source.find("#i-{{") != std::string_view::npos) return std::string{source};
  constexpr std::string_view begin = "<symbol id=\"", end = "</symbol>\n";
  std::string out;
  for (;;) {
    const auto at = source.find(begin);
    out += source.substr(0, at);
    if (at == std::string_view::npos) return out;
    const auto after = source.find(end, at) + end.size();
    const std::string_view symbol = source.substr(at, after - at);
    const std::string_view id = symbol.substr(begin.size(), symbol.find('"', begin.size()) - begin.size());
    if (source.find("\"#" + std::string{id} + "\"") != std::string_view::npos) out += symbol;
    source.remove_prefix(after);
  }
}

}  // namespace

std::string page_source(std::string_view page) {
  if (page == "trouble") return part(page, "", 0);
  return with_its_icons(part("layout", page, 0));
}

}  // namespace deputy::connect
