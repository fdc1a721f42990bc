#include "api/openapi.hpp"

#include "support/openapi_check.hpp"

#include <gtest/gtest.h>
#include <set>

#include "api/bodies.hpp"
#include "api/problem.hpp"
#include "api/router.hpp"

// Holds the document against the routes, both ways. What handlers answer is held against it by every test
// that uses ApiFixture.
namespace deputy::api {
namespace {

using boost::json::object;
using boost::json::value;
using Names = std::set<std::string>;

class OpenapiDocument : public testing::Test {
 protected:
  const object& paths() const { return check.document().at("paths").as_object(); }
  const object& operation(const Route& route) const {
    std::string method{route.method};
    for (char& c : method) c = static_cast<char>(c | 0x20);
    return paths().at(route.pattern).at(method).as_object();
  }
  Names parameters(const Route& route, std::string_view where) const {
    Names names;
    const auto* list = operation(route).if_contains("parameters");
    if (list == nullptr) return names;
    for (const value& one : list->as_array()) {
      const value& parameter = check.resolved(one);
      if (std::string_view{parameter.at("in").as_string()} == where)
        names.insert(parameter.at("name").as_string().c_str());
    }
    return names;
  }
  Names properties_of(const value& schema) const {
    Names names;
    for (const auto& member : check.resolved(schema).at("properties").as_object())
      names.insert(std::string{member.key()});
    return names;
  }
  const value& schema(std::string_view name) const {
    return check.document().at("components").at("schemas").at(name);
  }

  OpenapiCheck check{boost::json::parse(openapi_document())};
};

Names names_of(std::span<const std::string_view> list) {
  return {list.begin(), list.end()};
}

TEST_F(OpenapiDocument, HasExactlyTheRoutes) {
  Names documented;
  for (const auto& [path, methods] : paths())
    for (const auto& [method, ignored] : methods.as_object())
      documented.insert(std::string{method} + " " + std::string{path});
  Names routed;
  for (const Route& route : routes()) {
    std::string method{route.method};
    for (char& c : method) c = static_cast<char>(c | 0x20);
    routed.insert(method + " " + std::string{route.pattern});
  }
  EXPECT_EQ(documented, routed);
}

TEST_F(OpenapiDocument, HasTheParametersOfEachRoute) {
  for (const Route& route : routes()) {
    EXPECT_EQ(parameters(route, "query"), names_of(route.query)) << route.pattern;
    for (const std::string& name : parameters(route, "path")) EXPECT_TRUE(route.takes(name)) << route.pattern;
    EXPECT_EQ(parameters(route, "path").size(),
              static_cast<std::size_t>(std::ranges::count(route.pattern, '{')));
  }
}

TEST_F(OpenapiDocument, HasTheBodyOfEachRoute) {
  for (const Route& route : routes()) {
    const auto* body = operation(route).if_contains("requestBody");
    ASSERT_EQ(body != nullptr, route.body != BodyRule::none) << route.pattern;
    if (body == nullptr) continue;
    EXPECT_EQ(body->at("required"), route.body == BodyRule::required) << route.pattern;
    const value& content = check.resolved(body->at("content").at("application/json").at("schema"));
    EXPECT_EQ(properties_of(content), names_of(route.fields)) << route.pattern;
    EXPECT_EQ(content.at("additionalProperties"), false) << route.pattern;
    for (const std::string_view opaque : route.opaque)
      EXPECT_TRUE(properties_of(content).contains(std::string{opaque.substr(0, opaque.find('.'))})) << opaque;
  }
  EXPECT_EQ(properties_of(schema("LogSelection")), names_of(log_selection_fields));
  EXPECT_EQ(properties_of(schema("NewGrant")), names_of(grant_fields));
}

TEST_F(OpenapiDocument, SaysWhoMayUseEachRoute) {
  for (const Route& route : routes()) {
    const auto* security = operation(route).if_contains("security");
    EXPECT_EQ(security != nullptr && security->as_array().empty(), route.access.everyone) << route.pattern;
    if (route.access.everyone) continue;
    Names roles;
    for (const value& role : operation(route).at("x-key-roles").as_array())
      roles.insert(role.as_string().c_str());
    using registry::KeyRole;
    for (const KeyRole role : {KeyRole::admin, KeyRole::onboarding, KeyRole::workload, KeyRole::auditor})
      EXPECT_EQ(roles.contains(std::string{registry::to_text(role)}), route.access.admits(role))
          << route.pattern;
  }
}

TEST_F(OpenapiDocument, TellsOfConflicts) {
  for (const Route& route : routes()) {
    const bool conflicts = route.pattern.starts_with("/v1/logs/") || route.method == "DELETE";
    const bool is_of_session = route.pattern.starts_with("/v1/connect-sessions");
    const bool disconnects = route.method == "DELETE" && route.pattern.ends_with("{connection}");
    if (!conflicts || is_of_session || disconnects) continue;
    EXPECT_TRUE(operation(route).at("responses").as_object().contains("409"))
        << route.method << " " << route.pattern;
  }
}

TEST_F(OpenapiDocument, NamesEveryCode) {
  Names documented;
  for (const value& code : schema("Problem").at("properties").at("code").at("enum").as_array())
    documented.insert(code.as_string().c_str());
  Names known;
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::overloaded); ++kind)
    known.insert(std::string{code_of(static_cast<ErrorKind>(kind))});
  EXPECT_EQ(documented, known);
}

TEST_F(OpenapiDocument, HasNoReferenceIntoNowhere) {
  const std::string_view text = openapi_document();
  constexpr std::string_view mark = "\"$ref\": \"#";
  std::size_t found = 0;
  for (std::size_t at = text.find(mark); at != std::string_view::npos;
       at = text.find(mark, at + 1), ++found) {
    const std::size_t start = at + mark.size();
    boost::json::error_code missing;
    EXPECT_NE(check.document().find_pointer(text.substr(start, text.find('"', start) - start), missing),
              nullptr);
  }
  EXPECT_GT(found, 100U);
}

TEST_F(OpenapiDocument, GivesEveryOperationANameOfItsOwn) {
  Names names;
  for (const Route& route : routes()) {
    EXPECT_TRUE(names.insert(operation(route).at("operationId").as_string().c_str()).second) << route.pattern;
    EXPECT_FALSE(operation(route).at("summary").as_string().empty());
  }
}

}  // namespace
}  // namespace deputy::api
