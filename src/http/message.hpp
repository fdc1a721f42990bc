#pragma once

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

// Header fields in the order received; names compare without case.
class Headers {
 public:
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  void set(std::string name, std::string value);
  // The first one's value. `count` tells whether there are more: several `Authorization` or `Host` are an
  // attack.
  std::optional<std::string_view> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
  std::string method;  // `GET`
  std::string target;  // as received: path and query, percent-encoded
  std::string path;    // decoded once; no NUL, no `.` or `..` segment (the listener refuses those)
  std::string query;   // still encoded, without `?`
  Headers headers;
  std::string body;
  std::string remote_address;  // the peer's, without port
  std::string request_id;      // drawn by the listener: `req_…`
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

// Name-value pairs of `a=1&b=2`, percent-decoded (`+` is a space); nullopt when an escape is broken.
std::optional<std::vector<std::pair<std::string, std::string>>> parse_form(std::string_view text);

}  // namespace deputy::http
