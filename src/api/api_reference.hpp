#pragma once

#include "html/html.hpp"

#include <boost/json.hpp>
#include <string>
#include <string_view>

namespace deputy::api {

// Writes the parts of an OpenAPI document as HTML. What is missing in the document is left out.
class ApiReference {
 public:
  ApiReference(const boost::json::object& document, Html& html) : document_(document), html_(html) {}

  void write_contents() const;    // links to every operation, by tag
  void write_operations() const;  // by tag
  void write_objects() const;

 private:
  struct Operation {
    std::string method;  // `GET`
    std::string path;
    const boost::json::object* description;
  };
  std::vector<Operation> operations_of(std::string_view tag) const;

  void write_operation(const Operation& operation) const;
  void write_parameters(const Operation& operation) const;
  void write_body(const boost::json::object& operation) const;
  void write_answers(const boost::json::object& operation) const;
  void write_answer(const boost::json::object& answer) const;
  void write_curl(const Operation& operation) const;
  void write_members(std::string_view name, const boost::json::object& schema) const;
  // `string, date-time`, `a list of Tenant`, with links to the objects.
  void write_type(const boost::json::value& schema) const;
  void write_type_name(const boost::json::object& schema) const;
  // An example of a body: what must be given.
  boost::json::value example(const boost::json::value& schema, int depth = 0) const;

  // What `$ref` leads to, else the value itself.
  const boost::json::object& resolved(const boost::json::value& value) const;

  const boost::json::object& document_;
  Html& html_;
};

// Text in which `code` stands between backticks.
void write_prose(Html& html, std::string_view text);

}  // namespace deputy::api
