#pragma once

#include <string>
#include <string_view>

namespace deputy::api {

// The page at /docs: every operation of the document with its summary, every code of a problem. Plain HTML
// without scripts, styles or anything from elsewhere.
std::string docs_page(std::string_view openapi);

// The policy that the page is served with: nothing may be loaded, run, sent or framed.
inline constexpr std::string_view docs_content_security_policy =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string escape_html(std::string_view text);

}  // namespace deputy::api
