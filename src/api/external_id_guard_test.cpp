#include "api/external_id_guard.hpp"

#include "support/fake_random.hpp"

#include <gtest/gtest.h>

#include "api/bodies.hpp"

namespace deputy::api {
namespace {

http::Request with_body(std::string body) {
  http::Request request;
  request.method = "POST";
  request.body = std::move(body);
  return request;
}

// The field of the refusal; empty when the request passes.
std::string refused(const http::Request& request, std::span<const std::string_view> opaque = {}) {
  const auto result = refuse_external_id(request, opaque);
  if (!result.has_error()) return {};
  EXPECT_EQ(result.error().kind, ErrorKind::external_id_not_settable);
  return result.error().field;
}

TEST(ExternalIdName, IsKnownInEverySpelling) {
  for (const char* name :
       {"external_id", "externalId", "ExternalId", "EXTERNAL-ID", "external id", "external.id",
        "__external__id__", "sts:ExternalId", "my_external_id_2", "x-external-ids", "e.x.t.e.r.n.a.l.i.d",
        "external\xc2\xad_id", "external_\xc4\xb0\x64", "\xef\xbd\x85xternalid", "\xff\x65xternalid",
        "filter[external_id]"})
    EXPECT_TRUE(names_external_id(name)) << name;
  for (const char* name :
       {"", "external", "id", "external_role", "identity", "tenant_id", "externaid", "extern_id"})
    EXPECT_FALSE(names_external_id(name)) << name;
}

TEST(ExternalIdGuard, FindsMembersAtAnyDepth) {
  EXPECT_EQ(refused(with_body(R"({"external_id":"x"})")), "external_id");
  EXPECT_EQ(refused(with_body(R"({"a":{"b":[1,{"ExternalID":null}]}})")), "a.b.ExternalID");
  EXPECT_EQ(refused(with_body(R"([[{"externalId":1}]])")), "externalId");
  EXPECT_EQ(refused(with_body(R"({"a":[{"x":{}},{"y":{"external-id":1}}]})")), "a.y.external-id");
  EXPECT_EQ(refused(with_body(R"({"name":"external_id","b":["external_id"]})")), "");
}

TEST(ExternalIdGuard, ReadsEscapedNames) {
  EXPECT_NE(refused(with_body(R"({"\u0065xternal_id":1})")), "");
  EXPECT_NE(refused(with_body(R"({"ext\u0045rnal\u005fid":1})")), "");
  EXPECT_NE(refused(with_body(R"({"external\/id":1})")), "");
  EXPECT_EQ(refused(with_body(R"({"a":"\"external_id\":1"})")), "");
}

TEST(ExternalIdGuard, LooksIntoWhatAStrictReaderWouldRefuse) {
  EXPECT_NE(refused(with_body(R"({"external_id":1,"external_id":2})")), "");
  EXPECT_NE(refused(with_body(R"({"a":1,,"external_id" : 2)")), "");
  EXPECT_NE(refused(with_body("\xef\xbb\xbf{\"external_id\":1}")), "");
  const std::string utf16 = R"({"external_id":1})";
  std::string wide;
  for (const char c : utf16) wide += std::string{c} + '\0';
  EXPECT_NE(refused(with_body(wide)), "");
}

TEST(ExternalIdGuard, LooksIntoFormsQueriesAndHeaders) {
  EXPECT_NE(refused(with_body("tenant_id=1&external_id=2")), "");
  EXPECT_NE(refused(with_body("tenant_id=1&external%5Fid=2")), "");
  EXPECT_NE(
      refused(with_body("--b\r\nContent-Disposition: form-data; name=\"externalId\"\r\n\r\nx\r\n--b--")), "");
  http::Request query;
  query.query = "limit=1&External%2DId=x";
  EXPECT_EQ(refused(query), "query: External-Id");
  http::Request header;
  header.headers.add("X-External-Id", "x");
  EXPECT_EQ(refused(header), "header field");
}

TEST(ExternalIdGuard, LeavesPolicyDocumentsAndTagMapsAlone) {
  const std::string policy =
      R"({"Condition":{"StringEquals":{"sts:ExternalId":"x","a":{"ExternalId":["y"]}}}})";
  EXPECT_EQ(refused(with_body(R"({"policy":)" + policy + "}"), integration_opaque), "");
  EXPECT_EQ(refused(with_body(R"({"tags":{"ExternalId":"x"},"reason":"r"})"), credential_opaque), "");
  EXPECT_EQ(refused(with_body(R"({"grants":[{"session_policy":)" + policy + R"(},{"session_policy":)" +
                              policy + "}]}"),
                    workload_opaque),
            "");
}

TEST(ExternalIdGuard, OpaquePlacesEndWhereTheyEnd) {
  EXPECT_NE(refused(with_body(R"({"tags":{"a":"b"},"external_id":"x"})"), credential_opaque), "");
  EXPECT_NE(refused(with_body(R"({"tags":"x","external_id":"y"})"), credential_opaque), "");
  EXPECT_NE(refused(with_body(R"({"tags":null,"other":{"external_id":"y"}})"), credential_opaque), "");
  EXPECT_NE(refused(with_body(R"({"other":{"tags":{"external_id":"y"}}})"), credential_opaque), "");
  EXPECT_NE(refused(with_body(R"({"tags":{"external_id":"y"}})"), {}), "");
  EXPECT_NE(refused(with_body(R"({"policy":[{"a":1}],"logs":{"ExternalId":1}})"), integration_opaque), "");
}

TEST(ExternalIdGuard, OpaquePlacesCannotBeFeigned) {
  EXPECT_NE(refused(with_body(R"({"":{"tags":{"external_id":"y"}}})"), credential_opaque), "");
  EXPECT_NE(refused(with_body(R"({"grants.session_policy":{"external_id":"y"}})"), workload_opaque), "");
  EXPECT_NE(refused(with_body(R"({"grants":{"session_policy":{}},"x":{"session_policy":{"external_id":1}}})"),
                    workload_opaque),
            "");
}

// A random JSON text, of names that matter.
std::string random_json(Random& random, int depth) {
  constexpr std::string_view names[] = {
      "a",      "",         "tags",  "session_policy", "grants", "external_id", "\\u0065xternalId",
      "b.tags", "tags\\\"", "policy"};
  const auto kind = uniform(random, depth > 4 ? 2 : 4);
  if (kind == 0) return R"("external_id\": {")";
  if (kind == 1) return "-1.5e3";
  std::string text = kind == 2 ? "[" : "{";
  const auto count = uniform(random, 4);
  std::vector<std::string_view> left{std::begin(names), std::end(names)};
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i > 0) text += " , ";
    if (kind == 3) {
      const auto at = static_cast<std::ptrdiff_t>(uniform(random, left.size()));
      text += "\"" + std::string{left[static_cast<std::size_t>(at)]} + "\" : ";
      left.erase(left.begin() + at);
    }
    text += random_json(random, depth + 1);
  }
  return text + (kind == 2 ? "]" : "}");
}

// The slow and plain way: over the tree that the strict reader makes.
bool tree_names_external_id(const json::Value& value, const std::vector<std::string>& path,
                            const std::vector<std::string>& opaque) {
  for (const json::Value& element : value.elements)
    if (tree_names_external_id(element, path, opaque)) return true;
  for (const json::Member& member : value.members) {
    if (names_external_id(member.name)) return true;
    std::vector<std::string> inner = path;
    inner.push_back(member.name);
    if (inner != opaque && tree_names_external_id(member.value, inner, opaque)) return true;
  }
  return false;
}

TEST(ExternalIdGuard, AgreesWithAWalkOverTheTree) {
  SeededRandom random{7};
  int found = 0;
  for (int i = 0; i < 5'000; ++i) {
    const std::string text =
        "{\"grants\":" + random_json(random, 0) + ",\"t\":" + random_json(random, 0) + "}";
    const auto value = json::read(text);
    ASSERT_FALSE(value.has_error()) << text << value.error().message;
    const bool expected = tree_names_external_id(value.value(), {}, {"grants", "session_policy"});
    ASSERT_EQ(!refused(with_body(text), workload_opaque).empty(), expected) << text;
    found += expected ? 1 : 0;
  }
  EXPECT_GT(found, 100);
  EXPECT_LT(found, 4'900);
}

// The reader of bodies stops far above; the answer is the same all the same.
TEST(ExternalIdGuard, FindsMembersDeeperThanAnyReader) {
  for (const int depth : {63, 64, 65, 70, 20'000}) {
    std::string body;
    for (int i = 0; i < depth; ++i) body += i % 2 == 0 ? R"({"a":)" : "[";
    body += R"({"external_id":1})";
    EXPECT_TRUE(refused(with_body(body)).ends_with("external_id")) << depth;
  }
}

TEST(ExternalIdGuard, IsLinearInHostileBodies) {
  EXPECT_EQ(refused(with_body(std::string(1'000'000, '['))), "");
  EXPECT_EQ(refused(with_body("{" + std::string(1'000'000, '"'))), "");
  std::string names = "{";
  for (int i = 0; i < 50'000; ++i) names += R"("a\u0041":{)";
  EXPECT_EQ(refused(with_body(names)), "");
}

}  // namespace
}  // namespace deputy::api
