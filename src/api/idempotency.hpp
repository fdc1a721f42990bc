#pragma once

#include <optional>
#include <string_view>

#include "core/identifiers.hpp"
#include "core/result.hpp"
#include "http/message.hpp"
#include "json/reader.hpp"
#include "registry/store.hpp"

namespace deputy::api {

// What `Idempotency-Key` (1–255 printable ASCII characters, once) asks for; nothing without it. The scope is
// the caller's key and the route, the fingerprint SHA-256 over the route and the body's content, so that
// spacing and the order of members do not matter. `invalid_request` for a bad field.
// https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
Result<std::optional<registry::Idempotency>> read_idempotency(const http::Request& request,
                                                              const KeyId& caller, const json::Value& body);

}  // namespace deputy::api
