#pragma once

#include <span>
#include <string_view>

#include "core/result.hpp"
#include "http/message.hpp"

// No request can set an external ID, or try to: one that carries a name for it anywhere is refused before it
// is read any further.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-user_externalid.html
namespace deputy::api {

// Whether `name`, lower-cased and stripped of everything but letters and digits, contains `externalid`. UTF-8
// or not; full-width letters and the dotted capital I count as the letters that they look like.
bool names_external_id(std::string_view name);

// `external_id_not_settable`, with the place as its field, when a member of the body at any depth (duplicates
// and escaped spellings too), a form field, a query key or a header field is named so. The body is looked at
// whatever its Content-Type says and whether or not it is valid JSON. `opaque` are the places, as dotted
// paths of members, whose inner names are not Deputy's: policy documents and tag maps. Linear.
Result<void> refuse_external_id(const http::Request& request, std::span<const std::string_view> opaque);

}  // namespace deputy::api
