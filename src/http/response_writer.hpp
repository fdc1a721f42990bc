#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace deputy::http {

// The date of responses, formatted once a second. One thread.
class DateLine {
 public:
  // `Sun, 06 Nov 1994 08:49:37 GMT`; good until the next call. RFC 9110, 5.6.7.
  std::string_view at(std::time_t now);

 private:
  std::time_t formatted_ = -1;
  std::string text_;
};

struct ResponseFrame {
  bool to_head = false;  // the answer to a HEAD: the length without the body
  bool keep_alive = true;
  std::string_view date;
};

// Whether what follows the header is the response's body.
bool sends_body(const Response& response, const ResponseFrame& frame);

// Replaces `out` by the status line and the header of `response`: its fields, then what the frame says.
// Connection, Transfer-Encoding and Content-Length are the listener's (but the length in the answer to a
// HEAD). False, with `out` useless, for what would break the frame: a status outside 200–599, a field name
// that is no token, a value with a control character.
bool write_header(const Response& response, const ResponseFrame& frame, std::string& out);

}  // namespace deputy::http
