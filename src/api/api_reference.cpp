#include "api/api_reference.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace deputy::api {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

const object nothing{};

std::string text_of(const object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  return found != nullptr && found->is_string() ? std::string{found->get_string().c_str()} : std::string{};
}

const object& object_of(const object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  return found != nullptr && found->is_object() ? found->get_object() : nothing;
}

const array& list_of(const object& from, std::string_view name) {
  static const array none{};
  const auto* found = from.if_contains(name);
  return found != nullptr && found->is_array() ? found->get_array() : none;
}

std::string upper_case(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return out;
}

// `"active"` without its quotes, numbers as they are.
std::string bare(const value& one) {
  return one.is_string() ? std::string{one.get_string().c_str()} : boost::json::serialize(one);
}

bool has(const array& list, std::string_view text) {
  return std::ranges::any_of(list,
                             [&](const value& one) { return one.is_string() && one.get_string() == text; });
}

std::string joined(const array& list, std::string_view between) {
  std::string out;
  for (const value& one : list) out += (out.empty() ? "" : std::string{between}) + bare(one);
  return out;
}

// The last part of `#/components/schemas/Tenant`.
std::string name_of_reference(const object& schema) {
  const std::string reference = text_of(schema, "$ref");
  return reference.substr(reference.rfind('/') + 1);
}

// What bounds a value, in words; empty when nothing does.
std::string bounds_of(const object& schema) {
  std::string out;
  const auto add = [&](std::string_view least, std::string_view most, std::string_view unit) {
    const auto *from = schema.if_contains(least), *to = schema.if_contains(most);
    if (from == nullptr && to == nullptr) return;
    if (!out.empty()) out += ", ";
    if (from != nullptr && to != nullptr)
      out += fmt::format("{} to {}{}", bare(*from), bare(*to), unit);
    else
      out += fmt::format("{} {}{}", from != nullptr ? "at least" : "at most",
                         bare(from != nullptr ? *from : *to), unit);
  };
  add("minimum", "maximum", "");
  add("minLength", "maxLength", " characters");
  add("minItems", "maxItems", " items");
  if (const auto* value = schema.if_contains("default"))
    out += fmt::format("{}default {}", out.empty() ? "" : ", ", bare(*value));
  return out;
}

}  // namespace

void write_prose(Html& html, std::string_view text) {
  bool code = false;
  while (!text.empty()) {
    const std::size_t mark = text.find('`');
    const std::string_view part = text.substr(0, mark);
    if (code)
      html.element("code", part);
    else
      html.text(part);
    if (mark == std::string_view::npos) return;
    text.remove_prefix(mark + 1);
    code = !code;
  }
}

const object& ApiReference::resolved(const value& one) const {
  if (!one.is_object()) return nothing;
  const std::string reference = text_of(one.get_object(), "$ref");
  constexpr std::string_view components = "#/components/";
  if (!reference.starts_with(components)) return one.get_object();
  const std::size_t slash = reference.rfind('/');
  const std::string kind = reference.substr(components.size(), slash - components.size());
  return object_of(object_of(object_of(document_, "components"), kind), reference.substr(slash + 1));
}

std::vector<ApiReference::Operation> ApiReference::operations_of(std::string_view tag) const {
  std::vector<Operation> operations;
  for (const auto& [path, methods] : object_of(document_, "paths")) {
    if (!methods.is_object()) continue;
    for (const auto& [method, operation] : methods.get_object())
      if (operation.is_object() && has(list_of(operation.get_object(), "tags"), tag))
        operations.push_back({upper_case(method), std::string{path}, &operation.get_object()});
  }
  return operations;
}

void ApiReference::write_contents() const {
  for (const value& tag : list_of(document_, "tags")) {
    const std::string name = text_of(tag.as_object(), "name");
    html_.open("li").element("a", name, {{"href", "#tag-" + name}}).open("ul");
    for (const Operation& operation : operations_of(name)) {
      html_.open("li").open("a", {{"href", "#" + text_of(*operation.description, "operationId")}});
      html_.text(text_of(*operation.description, "summary")).close().close();
    }
    html_.close().close();
  }
}

void ApiReference::write_operations() const {
  for (const value& tag : list_of(document_, "tags")) {
    const std::string name = text_of(tag.as_object(), "name");
    html_.open("section", {{"aria-labelledby", "tag-" + name}});
    html_.element("h2", name, {{"id", "tag-" + name}});
    for (const Operation& operation : operations_of(name)) write_operation(operation);
    html_.close();
  }
}

void ApiReference::write_operation(const Operation& operation) const {
  const object& about = *operation.description;
  const std::string id = text_of(about, "operationId");
  html_.open("article", {{"id", id}, {"aria-labelledby", id + "-title"}});
  html_.open("h3", {{"id", id + "-title"}}).text(text_of(about, "summary")).close();
  html_.open("p", {{"class", "path"}});
  html_.element("strong", operation.method, {{"class", "method " + operation.method}}).text(" ");
  html_.element("code", operation.path).close();
  if (const std::string text = text_of(about, "description"); !text.empty()) {
    html_.open("p");
    write_prose(html_, text);
    html_.close();
  }
  const array& roles = list_of(about, "x-key-roles");
  html_.open("p", {{"class", "soft"}});
  html_.text(roles.empty() ? "No key is needed." : "Keys: " + joined(roles, ", ") + ".").close();
  write_parameters(operation);
  write_body(about);
  write_answers(about);
  write_curl(operation);
  html_.close();
}

void ApiReference::write_parameters(const Operation& operation) const {
  const array& parameters = list_of(*operation.description, "parameters");
  if (parameters.empty()) return;
  html_.element("h4", "Parameters");
  begin_table(html_, "Parameters of " + text_of(*operation.description, "summary"),
              {"Name", "Type", "Meaning"});
  for (const value& one : parameters) {
    const object& parameter = resolved(one);
    html_.open("tr").open("th", {{"scope", "row"}}).element("code", text_of(parameter, "name"));
    html_.element("span", text_of(parameter, "in"), {{"class", "soft"}}).close();
    html_.open("td");
    if (const auto* schema = parameter.if_contains("schema")) write_type(*schema);
    html_.close().open("td");
    write_prose(html_, text_of(parameter, "description"));
    html_.close().close();
  }
  end_table(html_);
}

void ApiReference::write_body(const object& operation) const {
  const object& body = object_of(operation, "requestBody");
  const object& json = object_of(object_of(body, "content"), "application/json");
  const auto* schema = json.if_contains("schema");
  if (schema == nullptr || resolved(*schema).empty()) return;
  const object& members = object_of(resolved(*schema), "properties");
  if (members.empty()) return;
  html_.open("h4").text("Body: ");
  write_type(*schema);
  html_.close();
  write_members(text_of(operation, "summary"), resolved(*schema));
}

// Answers that are alike stand on one line, such as the many problems.
void ApiReference::write_answers(const object& operation) const {
  std::vector<std::pair<std::vector<std::string>, const value*>> lines;
  for (const auto& [status, one] : object_of(operation, "responses")) {
    const std::string name = status == "default" ? "else" : std::string{status};
    const auto same = std::ranges::find_if(lines, [&](const auto& line) { return *line.second == one; });
    if (same != lines.end())
      same->first.push_back(name);
    else
      lines.push_back({{name}, &one});
  }
  html_.element("h4", "Answers").open("ul", {{"class", "answers"}});
  for (const auto& [names, one] : lines) {
    html_.open("li");
    for (const std::string& name : names)
      html_.element("strong", name, {{"class", "status s" + name.substr(0, 1)}}).text(" ");
    write_answer(resolved(*one));
    html_.close();
  }
  html_.close();
}

void ApiReference::write_answer(const object& answer) const {
  write_prose(html_, text_of(answer, "description"));
  for (const auto& [type, content] : object_of(answer, "content")) {
    html_.text(" ");
    const auto* schema = content.is_object() ? content.get_object().if_contains("schema") : nullptr;
    if (schema != nullptr && !name_of_reference(schema->as_object()).empty())
      write_type(*schema);
    else
      html_.element("code", std::string_view{type});
  }
}

void ApiReference::write_curl(const Operation& operation) const {
  std::string path = operation.path;
  for (char& c : path) c = c == '{' ? '<' : c == '}' ? '>' : c;
  std::string line = "curl -sS";
  if (operation.method != "GET") line += " -X " + operation.method;
  line += fmt::format(" \"$DEPUTY_URL{}\"", path);
  if (!list_of(*operation.description, "x-key-roles").empty())
    line += " \\\n  -H \"Authorization: Bearer $DEPUTY_KEY\"";
  const object& body = object_of(*operation.description, "requestBody");
  const object& json = object_of(object_of(body, "content"), "application/json");
  const auto* schema = json.if_contains("schema");
  const bool required = body.contains("required") && body.at("required") == true;
  if (schema != nullptr && required)
    line += " \\\n  -H \"Content-Type: application/json\" \\\n  -d '" +
            boost::json::serialize(example(*schema)) + "'";
  html_.element("pre", line,
                {{"tabindex", "0"},
                 {"role", "group"},
                 {"aria-label", "curl: " + text_of(*operation.description, "summary")}});
}

value ApiReference::example(const value& schema, int depth) const {
  const object& about = resolved(schema);
  if (const array& all = list_of(about, "enum"); !all.empty()) return all.front();
  if (const array& all = list_of(about, "oneOf"); !all.empty()) return example(all.front(), depth);
  const auto* type = about.if_contains("type");
  const std::string name = type == nullptr    ? ""
                           : type->is_array() ? bare(type->get_array().front())
                                              : bare(*type);
  if (name == "integer") return 1;
  if (name == "boolean") return true;
  if (name == "array") return array{};
  if (name != "object") return "…";
  object out;
  if (depth > 2) return out;
  for (const value& member : list_of(about, "required")) {
    const object& properties = object_of(about, "properties");
    out[bare(member)] = example(properties.at(bare(member)), depth + 1);
  }
  return out;
}

void ApiReference::write_members(std::string_view name, const object& schema) const {
  const array& required = list_of(schema, "required");
  begin_table(html_, fmt::format("Members of {}", name), {"Member", "Type", "Meaning"});
  for (const auto& [member, one] : object_of(schema, "properties")) {
    html_.open("tr").open("th", {{"scope", "row"}}).element("code", std::string_view{member});
    if (has(required, member)) html_.element("span", "required", {{"class", "soft"}});
    html_.close().open("td");
    write_type(one);
    html_.close().open("td");
    std::string text = text_of(one.as_object(), "description");
    if (text.empty()) text = text_of(resolved(one), "description");
    write_prose(html_, text);
    html_.close().close();
  }
  end_table(html_);
}

void ApiReference::write_type_name(const object& schema) const {
  if (const std::string name = name_of_reference(schema); !name.empty()) {
    html_.element("a", name, {{"href", "#object-" + name}});
    return;
  }
  const auto* type = schema.if_contains("type");
  const std::string name = type == nullptr    ? ""
                           : type->is_array() ? joined(type->get_array(), " or ")
                                              : bare(*type);
  if (const auto* items = schema.if_contains("items"); items != nullptr) {
    html_.text("list of ");
    write_type_name(items->as_object());
  } else if (const auto* values = schema.if_contains("additionalProperties");
             values != nullptr && values->is_object()) {
    html_.text("object of ");
    write_type_name(values->get_object());
  } else {
    html_.text(name.empty() ? "any value" : name);
  }
}

void ApiReference::write_type(const value& one) const {
  const object& schema = one.as_object();
  if (const array& choices = list_of(schema, "oneOf"); !choices.empty()) {
    for (const value& choice : choices) {
      if (&choice != &choices.front()) html_.text(" or ");
      write_type_name(choice.as_object());
    }
  } else {
    write_type_name(schema);
  }
  if (const std::string format = text_of(schema, "format"); !format.empty()) html_.text(", " + format);
  if (const array& all = list_of(schema, "enum"); !all.empty()) {
    html_.open("span", {{"class", "values"}});
    for (const value& choice : all) html_.element("code", bare(choice));
    html_.close();
  }
  if (const std::string bounds = bounds_of(schema); !bounds.empty())
    html_.element("span", bounds, {{"class", "soft"}});
}

void ApiReference::write_objects() const {
  for (const auto& [name, one] : object_of(object_of(document_, "components"), "schemas")) {
    const object& schema = one.as_object();
    html_.open("article", {{"id", "object-" + std::string{name}}});
    html_.element("h3", std::string_view{name});
    if (const std::string text = text_of(schema, "description"); !text.empty()) {
      html_.open("p");
      write_prose(html_, text);
      html_.close();
    }
    if (!object_of(schema, "properties").empty()) write_members(name, schema);
    html_.close();
  }
}

}  // namespace deputy::api
