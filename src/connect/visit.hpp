#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/identifiers.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"
#include "http/message.hpp"

// How a browser shows that it holds a session, and that a form comes from a page of ours. Pure.
namespace deputy::connect {

// The form of a link's secret: 52 characters of base32. Nothing else is looked up.
bool may_be_secret(std::string_view text);

// Each session has a cookie of its own name, and its identifier stands in every address: two sessions in two
// tabs never mix. Over https it has the prefix that keeps other hosts and plain http from setting it.
// https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3.2
std::string cookie_name(const ConnectSessionId& session, bool https);
std::string set_cookie(const ConnectSessionId& session, const SecretString& secret, std::chrono::seconds life,
                       bool https);
// The session's secret that the request carries; nothing without one, or with two that differ.
std::optional<SecretString> secret_in_cookies(const http::Headers& headers, const ConnectSessionId& session,
                                              bool https);

// What a form of the session's carries: nobody who lacks the cookie can compute it.
std::string csrf_token(const SecretString& secret, const ConnectSessionId& session);

// Whether a request that changes something comes from our own page, as far as the browser tells: by
// Sec-Fetch-Site, else by Origin. One that tells neither is left to the token. (Under `Referrer-Policy:
// no-referrer` browsers send `Origin: null` with our own forms.)
bool may_be_ours(const http::Headers& headers, std::string_view own_origin);

// Scheme, host and port of an address: `https://deputy.example`.
std::string_view origin_of(std::string_view url);

}  // namespace deputy::connect
