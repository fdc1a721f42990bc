#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// A document as an HTML5 parser (gumbo) reads it, which is how a browser does.
namespace deputy::connect::html {

struct Element {
  std::string name;
  std::map<std::string, std::string> attributes;
  const Element* parent = nullptr;
  std::vector<std::unique_ptr<Element>> children;  // a text is a child without a name
  std::string text;                                // of a child without a name

  bool is_text() const { return name.empty(); }
  std::string attribute(const std::string& key) const {
    const auto found = attributes.find(key);
    return found == attributes.end() ? std::string{} : found->second;
  }
  bool has(const std::string& key) const { return attributes.contains(key); }
  // All that is written inside.
  std::string inner_text() const;
};

class Document {
 public:
  explicit Document(std::string_view source);
  const Element& root() const { return *root_; }
  // In the document's order, texts too.
  void each(const std::function<void(const Element&)>& visit) const;
  std::vector<const Element*> named(std::string_view name) const;
  const Element* by_id(std::string_view id) const;
  // How often the parser had to mend something: never in a well-formed document.
  unsigned errors() const { return errors_; }

 private:
  std::unique_ptr<Element> root_;
  unsigned errors_ = 0;
};

}  // namespace deputy::connect::html
