#include "sandbox/json_text.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <string_view>

namespace deputy::sandbox {
namespace {

void append_json(std::string& out, const json::Value& value);

void append_string(std::string& out, std::string_view text) {
  out += boost::json::serialize(boost::json::string_view{text.data(), text.size()});
}

void append_object(std::string& out, const json::Value& value) {
  out += '{';
  for (const json::Member& member : value.members) {
    if (&member != &value.members.front()) out += ',';
    append_string(out, member.name);
    out += ':';
    append_json(out, member.value);
  }
  out += '}';
}

// The depth is bounded by the reader.
void append_json(std::string& out, const json::Value& value) {
  switch (value.kind) {
    case json::Kind::null:
      out += "null";
      break;
    case json::Kind::boolean:
      out += value.boolean ? "true" : "false";
      break;
    case json::Kind::number:
      out += value.text;
      break;
    case json::Kind::string:
      append_string(out, value.text);
      break;
    case json::Kind::object:
      append_object(out, value);
      break;
    case json::Kind::array:
      out += '[';
      for (const json::Value& element : value.elements) {
        if (&element != &value.elements.front()) out += ',';
        append_json(out, element);
      }
      out += ']';
      break;
  }
}

}  // namespace

std::string to_json_text(const json::Value& value) {
  std::string text;
  append_json(text, value);
  return text;
}

}  // namespace deputy::sandbox
