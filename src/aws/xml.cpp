#include "aws/xml.hpp"

#include <pugixml.hpp>

#include "core/secret.hpp"

namespace deputy::aws {
namespace {

// Document types are read only to be refused.
constexpr unsigned parse_flags =
    pugi::parse_escapes | pugi::parse_cdata | pugi::parse_eol | pugi::parse_doctype;

// Namespace prefixes are not AWS's way: the name is compared as a whole.
std::vector<pugi::xml_node> children_named(const std::vector<pugi::xml_node>& parents,
                                           std::string_view name) {
  std::vector<pugi::xml_node> found;
  for (const pugi::xml_node& parent : parents) {
    for (const pugi::xml_node& child : parent.children()) {
      if (child.type() == pugi::node_element && name == child.name()) found.push_back(child);
    }
  }
  return found;
}

// Text in one piece or none: two pieces would be text around an element or a comment.
std::optional<std::string_view> only_text(const pugi::xml_node& element) {
  const pugi::xml_node first = element.first_child();
  if (!first) return std::string_view{};
  const bool is_text = first.type() == pugi::node_pcdata || first.type() == pugi::node_cdata;
  if (!is_text || first.next_sibling()) return std::nullopt;
  return first.value();
}

bool is_one_element(const pugi::xml_document& document) {
  int elements = 0;
  for (const pugi::xml_node& child : document.children()) {
    if (child.type() == pugi::node_doctype) return false;
    if (child.type() == pugi::node_element) ++elements;
  }
  return elements == 1;
}

}  // namespace

// On the heap as a whole: the document points into the text.
struct XmlAnswer::Document {
  std::string text;
  pugi::xml_document tree;

  Document() = default;
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;
  ~Document() { wipe(text); }

  std::vector<pugi::xml_node> find(std::initializer_list<std::string_view> path) const {
    std::vector<pugi::xml_node> nodes{tree.root()};
    for (const std::string_view name : path) nodes = children_named(nodes, name);
    return nodes;
  }
};

std::optional<XmlAnswer> XmlAnswer::read(std::string& text) {
  auto document = std::make_unique<Document>();
  const bool fits = text.size() <= bytes_max;
  if (fits) document->text = text;  // not moved: a short text would leave its bytes behind
  wipe(text);
  if (!fits || document->text.find('\0') != std::string::npos) return std::nullopt;
  const auto result = document->tree.load_buffer_inplace(document->text.data(), document->text.size(),
                                                         parse_flags, pugi::encoding_utf8);
  if (!result || !is_one_element(document->tree)) return std::nullopt;
  return XmlAnswer{std::move(document)};
}

XmlAnswer::XmlAnswer(std::unique_ptr<Document> document) : document_(std::move(document)) {}
XmlAnswer::XmlAnswer(XmlAnswer&&) noexcept = default;
XmlAnswer& XmlAnswer::operator=(XmlAnswer&&) noexcept = default;
XmlAnswer::~XmlAnswer() = default;

std::optional<std::string> XmlAnswer::text(std::initializer_list<std::string_view> path) const {
  const auto view = secret_text(path);
  return view ? std::optional<std::string>{*view} : std::nullopt;
}

std::optional<std::string_view> XmlAnswer::secret_text(std::initializer_list<std::string_view> path) const {
  const auto nodes = document_->find(path);
  return nodes.size() == 1 ? only_text(nodes.front()) : std::nullopt;
}

std::vector<std::string> XmlAnswer::texts(std::initializer_list<std::string_view> path) const {
  std::vector<std::string> found;
  for (const pugi::xml_node& node : document_->find(path)) {
    if (const auto text = only_text(node)) found.emplace_back(*text);
  }
  return found;
}

}  // namespace deputy::aws
