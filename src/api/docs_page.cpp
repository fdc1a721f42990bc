#include "api/docs_page.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "api/api_reference.hpp"
#include "api/operator_page.hpp"
#include "api/problem.hpp"

namespace deputy::api {
namespace {

void write_codes(Html& html) {
  html.open("section", {{"aria-labelledby", "codes"}});
  html.element("h2", "Codes of problems", {{"id", "codes"}});
  html.open("p").text("Every error is a problem document (RFC 9457). Branch on its ").element("code", "code");
  html.text(": it stays.").close();
  html.open("div", {{"class", "table"}, {"role", "group"}, {"aria-labelledby", "codes"}, {"tabindex", "0"}});
  html.open("table").open("thead").open("tr");
  for (const char* column : {"Code", "Status", "Meaning"}) html.element("th", column, {{"scope", "col"}});
  html.close().close().open("tbody");
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::overloaded); ++kind) {
    const auto error = static_cast<ErrorKind>(kind);
    const Problem problem = problem_of(error);
    html.open("tr", {{"id", code_of(error)}});
    html.open("th", {{"scope", "row"}}).element("code", code_of(error)).close();
    html.element("td", fmt::format("{}", problem.status)).element("td", problem.title).close();
  }
  html.close().close().close().close();
}

void write_rules(Html& html, const boost::json::object& document) {
  html.open("p", {{"class", "lead"}});
  const auto* info = document.if_contains("info");
  const auto* text =
      info != nullptr && info->is_object() ? info->get_object().if_contains("description") : nullptr;
  if (text != nullptr && text->is_string()) write_prose(html, text->get_string().c_str());
  html.close();
  html.open("ul", {{"class", "rules"}});
  for (const char* rule :
       {"Send your key with every request: `Authorization: Bearer dpk_…`. What a role may do stands at each "
        "operation.",
        "Name a POST with `Idempotency-Key`, and sending it again makes nothing twice.",
        "Lists come in pages: give `next_cursor` as `cursor` for the next, until it is null."}) {
    html.open("li");
    write_prose(html, rule);
    html.close();
  }
  html.close();
  html.open("p").text("The whole of it for programs: ");
  html.element("a", "openapi.json", {{"href", "/openapi.json"}}).text(" (OpenAPI 3.1).").close();
}

}  // namespace

std::string docs_page(std::string_view openapi) {
  boost::json::error_code broken;
  const boost::json::value parsed = boost::json::parse(openapi, broken);
  const boost::json::object document =
      !broken && parsed.is_object() ? parsed.get_object() : boost::json::object{};
  OperatorPage page{"Deputy: the HTTP API"};
  Html& html = page.html();
  const ApiReference reference{document, html};
  html.open("div", {{"class", "reference"}});
  html.open("nav", {{"class", "contents"}, {"aria-label", "Contents"}}).open("ul");
  reference.write_contents();
  html.open("li").element("a", "objects", {{"href", "#objects"}}).close();
  html.open("li").element("a", "codes of problems", {{"href", "#codes"}}).close();
  html.close().close();
  html.open("main", {{"id", "main"}}).element("h1", "The HTTP API");
  write_rules(html, document);
  reference.write_operations();
  html.open("section", {{"aria-labelledby", "objects"}}).element("h2", "objects", {{"id", "objects"}});
  reference.write_objects();
  html.close();
  write_codes(html);
  html.close().close();
  return page.take();
}

}  // namespace deputy::api
