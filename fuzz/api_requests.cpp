// Bodies, queries and header values as a client may send them: what the strict reader takes, the guard has
// searched, and no reader of bodies crashes on it.
#include <cstddef>
#include <cstdint>
#include <string>

#include "api/bodies.hpp"
#include "api/content.hpp"
#include "api/external_id_guard.hpp"
#include "api/query.hpp"
#include "core/assert.hpp"
#include "json/reader.hpp"

namespace deputy::api {
namespace {

bool names_one(const json::Value& value) {
  for (const json::Value& element : value.elements)
    if (names_one(element)) return true;
  for (const json::Member& member : value.members)
    if (names_external_id(member.name) || names_one(member.value)) return true;
  return false;
}

void read_all(const json::Value& body) {
  static_cast<void>(read_new_tenant(body));
  static_cast<void>(read_integration(body, IntegrationName::parse("name").value()));
  static_cast<void>(read_new_connection(body));
  static_cast<void>(read_role(body));
  static_cast<void>(read_credential_options(body));
  static_cast<void>(read_workload(body, WorkloadName::parse("name").value()));
  static_cast<void>(read_key_wish(body));
}

}  // namespace
}  // namespace deputy::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace deputy;
  const std::string text{reinterpret_cast<const char*>(data), size};
  http::Request request;
  request.body = text;
  const bool refused = api::refuse_external_id(request, {}).has_error();
  if (const auto body = json::read(text); !body.has_error()) {
    DEPUTY_ASSERT(refused == api::names_one(body.value()) || !body.value().is(json::Kind::object));
    const auto again = json::read(api::to_json(body.value()));
    DEPUTY_ASSERT(!again.has_error() && api::to_json(again.value()) == api::to_json(body.value()));
    api::read_all(body.value());
  }
  constexpr std::string_view known[] = {"cursor", "limit"};
  if (const auto query = api::Query::parse(text, known); !query.has_error())
    static_cast<void>(query.value().page());
  http::Headers headers;
  headers.add("Accept", text);
  headers.add("Content-Type", text);
  static_cast<void>(api::accepts(headers, "application/json"));
  static_cast<void>(api::require_json_content(headers));
  return 0;
}
