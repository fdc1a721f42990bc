#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deputy::aws {

// An answer of AWS's query and REST protocols, read. Knows no document types and resolves no entities but
// XML's own five and numbered ones; the text that was read is wiped when this goes, since answers may hold
// credentials. A path names elements from the root down; namespaces are ignored.
class XmlAnswer {
 public:
  static constexpr std::size_t bytes_max = 1024 * 1024;

  // nullopt when the text is not one well-formed element, has a document type, or is larger than the limit.
  // Wipes `text` in every case.
  static std::optional<XmlAnswer> read(std::string& text);
  XmlAnswer(XmlAnswer&&) noexcept;
  XmlAnswer& operator=(XmlAnswer&&) noexcept;
  ~XmlAnswer();

  // The text of the one element that the path names; nullopt when there is none, more than one, or it has
  // elements of its own.
  std::optional<std::string> text(std::initializer_list<std::string_view> path) const;
  // The same for a value that is a secret: viewed, not copied. Valid as long as this.
  std::optional<std::string_view> secret_text(std::initializer_list<std::string_view> path) const;
  // The text of every element that the path names (each step to all children of the name), in the document's
  // order: lists.
  std::vector<std::string> texts(std::initializer_list<std::string_view> path) const;

 private:
  struct Document;
  explicit XmlAnswer(std::unique_ptr<Document> document);
  std::unique_ptr<Document> document_;
};

}  // namespace deputy::aws
