#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/task.hpp"

// Requests that come in and the responses to them, free of any HTTP library. Requests that go out:
// aws/transport.hpp.
namespace deputy::http {

// Header fields in the order received; names compare without case. Values are wiped when they go: keys and
// cookies are among them.
class Headers {
 public:
  Headers() = default;
  Headers(const Headers&) = default;
  Headers(Headers&&) noexcept = default;
  Headers& operator=(const Headers& other);
  Headers& operator=(Headers&& other) noexcept;
  ~Headers() { wipe(); }

  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  // Replaces every field of that name by one.
  void set(std::string name, std::string value);
  // The first one's value. `count` tells whether there are more: several `Authorization` or `Host` are an
  // attack.
  std::optional<std::string_view> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  void reserve(std::size_t fields) { fields_.reserve(fields); }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  void wipe() noexcept;
  std::vector<std::pair<std::string, std::string>> fields_;
};

// Its target, header values and body are wiped when it goes: keys, links and forms carry secrets.
struct Request {
  Request() = default;
  Request(const Request&) = default;
  Request(Request&&) noexcept = default;
  Request& operator=(const Request& other);
  Request& operator=(Request&& other) noexcept;
  ~Request();

  std::string method;  // `GET`
  std::string target;  // as received: path and query, percent-encoded
  std::string path;    // decoded once; no NUL, no `.` or `..` segment (the listener refuses those)
  std::string query;   // still encoded, without `?`
  Headers headers;
  std::string body;
  std::string remote_address;  // the peer's, without port; `unix` over the Unix socket
  // Of the process at the other end, as the kernel vouches; over the Unix socket alone, never over TCP.
  std::optional<std::uint32_t> peer_user_id;
  std::string request_id;  // drawn by the listener: `req_…`
};

struct Response {
  int status = 200;
  Headers headers;  // the listener adds Content-Length, Date, Connection
  std::string body;
  bool close_connection = false;  // cut the connection after (or, with status 0, instead of) the answer: for
                                  // the sandbox's misbehaviour
};

// Answers one request. Runs on the listener's loop and must not block it. What escapes it as an exception
// becomes a bare 500.
using Handler = std::function<Task<Response>(Request)>;

// Name-value pairs of `a=1&b=2`, percent-decoded (`+` is a space), in order; nullopt when an escape is broken
// or decodes to NUL. A name without `=` has an empty value; empty pairs (`a=1&&b=2`) are left out.
// https://url.spec.whatwg.org/#urlencoded-parsing, but strict
std::optional<std::vector<std::pair<std::string, std::string>>> parse_form(std::string_view text);

// The path of a target, decoded once; nullopt for what two programs could read differently: a broken escape,
// an encoded slash, a backslash, a control character, a `.` or `..` segment (encoded or not), or one that
// does not begin with `/`. Empty segments stay.
std::optional<std::string> decode_path(std::string_view encoded);

// Whether two header names or tokens are the same but for the case of ASCII letters.
bool equal_without_case(std::string_view a, std::string_view b);

}  // namespace deputy::http
