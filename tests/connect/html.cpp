#include "connect/html.hpp"

#include <gumbo.h>

namespace deputy::connect::html {
namespace {

std::string name_of(const GumboElement& element) {
  const char* known = gumbo_normalized_tagname(element.tag);
  if (known != nullptr && *known != '\0') return known;
  GumboStringPiece piece = element.original_tag;
  gumbo_tag_from_original_text(&piece);
  return piece.data == nullptr ? "?" : std::string{piece.data, piece.length};
}

std::unique_ptr<Element> read(const GumboNode& node, const Element* parent) {
  auto out = std::make_unique<Element>();
  out->parent = parent;
  if (node.type != GUMBO_NODE_ELEMENT && node.type != GUMBO_NODE_TEMPLATE) {
    out->text = node.v.text.text;
    return out;
  }
  const GumboElement& element = node.v.element;
  out->name = name_of(element);
  for (unsigned i = 0; i < element.attributes.length; ++i) {
    const auto& attribute = *static_cast<const GumboAttribute*>(element.attributes.data[i]);
    out->attributes[attribute.name] = attribute.value;
  }
  for (unsigned i = 0; i < element.children.length; ++i)
    out->children.push_back(read(*static_cast<const GumboNode*>(element.children.data[i]), out.get()));
  return out;
}

void walk(const Element& element, const std::function<void(const Element&)>& visit) {
  visit(element);
  for (const auto& child : element.children) walk(*child, visit);
}

}  // namespace

std::string Element::inner_text() const {
  std::string out;
  walk(*this, [&](const Element& element) { out += element.text; });
  return out;
}

Document::Document(std::string_view source) {
  GumboOptions options = kGumboDefaultOptions;
  GumboOutput* parsed = gumbo_parse_with_options(&options, source.data(), source.size());
  root_ = read(*parsed->root, nullptr);
  errors_ = parsed->errors.length;
  gumbo_destroy_output(&options, parsed);
}

void Document::each(const std::function<void(const Element&)>& visit) const {
  walk(*root_, visit);
}

std::vector<const Element*> Document::named(std::string_view name) const {
  std::vector<const Element*> out;
  each([&](const Element& element) {
    if (element.name == name) out.push_back(&element);
  });
  return out;
}

const Element* Document::by_id(std::string_view id) const {
  const Element* out = nullptr;
  each([&](const Element& element) {
    if (element.attribute("id") == id && !id.empty()) out = &element;
  });
  return out;
}

}  // namespace deputy::connect::html
