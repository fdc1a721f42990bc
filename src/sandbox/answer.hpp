#pragma once

#include <boost/json/value.hpp>
#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/policy/terminate.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "http/message.hpp"

// What goes back to the client, in the wire formats of AWS's protocols.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html, .../aws-json-1_1-protocol.html,
// .../aws-restxml-protocol.html
namespace deputy::sandbox {

enum class Protocol { query, json, s3 };

// An error answer of AWS's. `code` is what clients dispatch on.
struct [[nodiscard]] Fault {
  int status = 400;
  std::string code;
  std::string message;
};

template <class T = void>
using Outcome = boost::outcome_v2::basic_result<T, Fault, boost::outcome_v2::policy::terminate>;

// Writes XML without insignificant space. Values are escaped; characters that XML 1.0 cannot carry become
// U+FFFD.
class XmlWriter {
 public:
  void open(std::string_view name);
  void close();
  void text(std::string_view name, std::string_view value);
  // An element with an xmlns attribute.
  void open_in(std::string_view name, std::string_view xml_namespace);
  // REQUIRES: every element is closed.
  std::string take();
  // Adds what another writer wrote.
  void append(std::string_view written) { text_ += written; }

 private:
  std::string text_;
  std::vector<std::string> open_;
};

// What a service has to say when all went well: the body in its protocol's form.
struct Reply {
  std::string body;  // query: the inside of the Result element; s3, json: the whole body
  http::Headers headers;
};

struct QueryForm {
  std::string action;
  std::string xml_namespace;
};

http::Response query_answer(const QueryForm& form, const Reply& reply, std::string_view request_id);
http::Response json_answer(Reply reply, std::string_view request_id);
http::Response s3_answer(Reply reply, std::string_view request_id);
http::Response fault_answer(Protocol protocol, const Fault& fault, std::string_view request_id);

// JSON text of a value, without space.
std::string to_text(const boost::json::value& value);

}  // namespace deputy::sandbox
