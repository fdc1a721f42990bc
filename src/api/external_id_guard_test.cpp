#include "api/external_id_guard.hpp"

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
  for (const char* name : {"external_id", "externalId", "ExternalId", "EXTERNAL-ID", "external id",
                           "external.id", "__external__id__", "sts:ExternalId", "my_external_id_2",
                           "x-external-ids", "e.x.t.e.r.n.a.l.i.d", "external\xc2\xad_id",
                           "external_\xc4\xb0"
                           "d",
                           "\xef\xbd\x85xternalid",
                           "\xff"
                           "externalid",
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

TEST(ExternalIdGuard, IsLinearInHostileBodies) {
  EXPECT_EQ(refused(with_body(std::string(1'000'000, '['))), "");
  EXPECT_EQ(refused(with_body("{" + std::string(1'000'000, '"'))), "");
  std::string names = "{";
  for (int i = 0; i < 50'000; ++i) names += R"("a\u0041":{)";
  EXPECT_EQ(refused(with_body(names)), "");
}

}  // namespace
}  // namespace deputy::api
