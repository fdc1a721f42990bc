#pragma once

#include <algorithm>
#include <boost/json.hpp>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace deputy {

// Holds values against the schemas of an OpenAPI 3.1 document: the part of JSON Schema that openapi.json
// uses. Stricter than JSON Schema in one way: where a schema names properties, there may be no others.
class OpenapiCheck {
 public:
  explicit OpenapiCheck(boost::json::value document) : document_(std::move(document)) {}

  const boost::json::value& document() const { return document_; }

  // The value that a `$ref` leads to; `value` itself when it is none.
  const boost::json::value& resolved(const boost::json::value& value) const {
    const auto* object = value.if_object();
    const auto* reference = object == nullptr ? nullptr : object->if_contains("$ref");
    if (reference == nullptr) return value;
    const std::string_view pointer = std::string_view{reference->get_string()}.substr(1);  // without `#`
    return resolved(document_.at_pointer(pointer));
  }

  const boost::json::value& resolved(boost::json::value&& value) const = delete;

  // What is wrong with `value`, each with its place.
  std::vector<std::string> problems(const boost::json::value& value, const boost::json::value& schema) const {
    std::vector<std::string> found;
    check(value, resolved(schema).as_object(), "", found);
    return found;
  }

 private:
  using Found = std::vector<std::string>;

  static bool has_type(const boost::json::value& value, std::string_view type) {
    if (type == "null") return value.is_null();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_bool();
    if (type == "integer") return value.is_int64() || value.is_uint64();
    if (type == "array") return value.is_array();
    return type == "object" && value.is_object();
  }
  static bool has_one_type(const boost::json::value& value, const boost::json::value& types) {
    if (types.is_string()) return has_type(value, types.get_string());
    return std::ranges::any_of(types.as_array(),
                               [&](const auto& type) { return has_type(value, type.get_string()); });
  }

  void check(const boost::json::value& value, const boost::json::object& schema, const std::string& place,
             Found& found) const {
    if (const auto* types = schema.if_contains("type"); types != nullptr && !has_one_type(value, *types)) {
      found.push_back(place + ": not of the type " + boost::json::serialize(*types));
      return;
    }
    if (const auto* choices = schema.if_contains("oneOf"))
      check_one_of(value, choices->get_array(), place, found);
    if (const auto* choices = schema.if_contains("enum"))
      if (std::ranges::find(choices->get_array(), value) == choices->get_array().end())
        found.push_back(place + ": " + boost::json::serialize(value) + " is none of " +
                        boost::json::serialize(*choices));
    if (const auto* constant = schema.if_contains("const"); constant != nullptr && *constant != value)
      found.push_back(place + ": not " + boost::json::serialize(*constant));
    if (value.is_string()) check_text(std::string{value.get_string().c_str()}, schema, place, found);
    if (value.is_object()) check_members(value.get_object(), schema, place, found);
    if (const auto* items = schema.if_contains("items"); items != nullptr && value.is_array())
      for (std::size_t i = 0; i < value.get_array().size(); ++i)
        check(value.get_array()[i], resolved(*items).as_object(), place + "[" + std::to_string(i) + "]",
              found);
  }

  void check_one_of(const boost::json::value& value, const boost::json::array& choices,
                    const std::string& place, Found& found) const {
    Found of_all;
    int fitting = 0;
    for (const auto& choice : choices) {
      Found of_one;
      check(value, resolved(choice).as_object(), place, of_one);
      fitting += of_one.empty() ? 1 : 0;
      of_all.insert(of_all.end(), of_one.begin(), of_one.end());
    }
    if (fitting == 1) return;
    found.push_back(place + ": fits " + std::to_string(fitting) + " of the choices instead of one");
    if (fitting == 0) found.insert(found.end(), of_all.begin(), of_all.end());
  }

  static void check_text(const std::string& text, const boost::json::object& schema, const std::string& place,
                         Found& found) {
    const auto* pattern = schema.if_contains("pattern");
    if (pattern != nullptr && !std::regex_search(text, std::regex{pattern->get_string().c_str()}))
      found.push_back(place + ": `" + text + "` does not match " + pattern->get_string().c_str());
    const auto* format = schema.if_contains("format");
    static const std::regex time{"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?Z$"};
    if (format != nullptr && *format == "date-time" && !std::regex_match(text, time))
      found.push_back(place + ": `" + text + "` is no time");
  }

  void check_members(const boost::json::object& object, const boost::json::object& schema,
                     const std::string& place, Found& found) const {
    if (const auto* required = schema.if_contains("required"))
      for (const auto& name : required->get_array())
        if (!object.contains(name.get_string()))
          found.push_back(place + "." + name.get_string().c_str() + " is missing");
    const auto* properties = schema.if_contains("properties");
    const auto* others = schema.if_contains("additionalProperties");
    for (const auto& [key, member] : object) {
      const std::string inner = place + "." + std::string{key};
      const auto* known = properties == nullptr ? nullptr : properties->get_object().if_contains(key);
      if (known != nullptr) {
        check(member, resolved(*known).as_object(), inner, found);
      } else if (others != nullptr && others->is_object()) {
        check(member, others->get_object(), inner, found);
      } else if (properties != nullptr) {
        found.push_back(inner + " is not in the document");
      }
    }
  }

  boost::json::value document_;
};

}  // namespace deputy
