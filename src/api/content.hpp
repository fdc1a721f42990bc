#pragma once

#include <string_view>

#include "core/result.hpp"
#include "http/message.hpp"

// What the two sides speak: Content-Type of bodies, Accept (RFC 9110, sections 8.3 and 12.5.1).
namespace deputy::api {

// `unsupported_media_type` unless the one Content-Type is application/json, with charset utf-8 or none, and
// the body is not compressed.
Result<void> require_json_content(const http::Headers& headers);

// Whether the Accept fields admit `media_type` (`application/json`); without any everything is admitted.
bool accepts(const http::Headers& headers, std::string_view media_type);

}  // namespace deputy::api
