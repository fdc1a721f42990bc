#include "api/docs_page.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "api/problem.hpp"

namespace deputy::api {
namespace {

std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string{value->get_string().c_str()} : std::string{};
}

std::string upper_case(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return out;
}

std::string operations_of(const boost::json::object& document) {
  std::string rows;
  const auto* paths = document.if_contains("paths");
  if (paths == nullptr || !paths->is_object()) return rows;
  for (const auto& [path, operations] : paths->get_object()) {
    if (!operations.is_object()) continue;
    for (const auto& [method, operation] : operations.get_object()) {
      if (!operation.is_object() || method == "parameters") continue;
      rows += fmt::format("<tr><td><code>{} {}</code></td><td>{}</td></tr>\n", upper_case(method),
                          escape_html(std::string_view{path.data(), path.size()}),
                          escape_html(text_of(operation.get_object(), "summary")));
    }
  }
  return rows;
}

std::string codes() {
  std::string rows;
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::overloaded); ++kind) {
    const auto error = static_cast<ErrorKind>(kind);
    const Problem problem = problem_of(error);
    rows += fmt::format("<tr id=\"{0}\"><td><code>{0}</code></td><td>{1}</td><td>{2}</td></tr>\n",
                        code_of(error), problem.status, problem.title);
  }
  return rows;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string docs_page(std::string_view openapi) {
  boost::json::error_code broken;
  const boost::json::value parsed = boost::json::parse(openapi, broken);
  const boost::json::object document =
      !broken && parsed.is_object() ? parsed.get_object() : boost::json::object{};
  return fmt::format(R"(<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Deputy: the HTTP API</title></head>
<body>
<h1>Deputy: the HTTP API</h1>
<p>Every request carries <code>Authorization: Bearer KEY</code>. Bodies are JSON. The full description, with every object,
is <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
<h2>Operations</h2>
<table>
{}</table>
<h2>Codes of problems</h2>
<table>
{}</table>
</body>
</html>
)",
                     operations_of(document), codes());
}

}  // namespace deputy::api
