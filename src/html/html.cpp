#include "html/html.hpp"

#include "core/assert.hpp"
#include "core/markup.hpp"

namespace deputy {

void Html::begin(std::string_view element, Attributes attributes) {
  text_.append("<").append(element);
  for (const auto& [name, value] : attributes)
    text_.append(" ").append(name).append("=\"").append(in_markup(value)).append("\"");
  text_ += '>';
}

Html& Html::open(std::string_view element, Attributes attributes) {
  begin(element, attributes);
  open_.emplace_back(element);
  return *this;
}

Html& Html::close() {
  DEPUTY_ASSERT(!open_.empty());
  text_.append("</").append(open_.back()).append(">");
  open_.pop_back();
  return *this;
}

Html& Html::text(std::string_view text) {
  text_ += in_markup(text);
  return *this;
}

Html& Html::element(std::string_view element, std::string_view text, Attributes attributes) {
  return open(element, attributes).text(text).close();
}

Html& Html::lone(std::string_view element, Attributes attributes) {
  begin(element, attributes);
  return *this;
}

std::string Html::take() {
  DEPUTY_ASSERT(open_.empty());
  return std::move(text_);
}

void begin_table(Html& html, std::string_view label, std::initializer_list<std::string_view> columns) {
  html.open("div", {{"class", "table"}, {"role", "group"}, {"aria-label", label}, {"tabindex", "0"}});
  html.open("table").open("thead").open("tr");
  for (const std::string_view column : columns) html.element("th", column, {{"scope", "col"}});
  html.close().close().open("tbody");
}

void end_table(Html& html) {
  html.close().close().close();
}

}  // namespace deputy
