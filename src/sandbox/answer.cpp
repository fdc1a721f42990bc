#include "sandbox/answer.hpp"

#include <boost/json/serialize.hpp>
#include <cstdint>

#include "core/assert.hpp"
#include "core/markup.hpp"

namespace deputy::sandbox {
namespace {

http::Response xml_response(int status, std::string body, std::string_view header,
                            std::string_view request_id) {
  http::Response response;
  response.status = status;
  response.headers.add("Content-Type", "text/xml");
  response.headers.add(std::string{header}, std::string{request_id});
  response.body = std::move(body);
  return response;
}

std::string query_fault(const Fault& fault, std::string_view request_id) {
  XmlWriter xml;
  xml.open("ErrorResponse");
  xml.open("Error");
  xml.text("Type", fault.status >= 500 ? "Receiver" : "Sender");
  xml.text("Code", fault.code);
  xml.text("Message", fault.message);
  xml.close();
  xml.text("RequestId", request_id);
  xml.close();
  return xml.take();
}

std::string s3_fault(const Fault& fault, std::string_view request_id) {
  XmlWriter xml;
  xml.open("Error");
  xml.text("Code", fault.code);
  xml.text("Message", fault.message);
  xml.text("RequestId", request_id);
  xml.close();
  return R"(<?xml version="1.0" encoding="UTF-8"?>)" + xml.take();
}

}  // namespace

void XmlWriter::open(std::string_view name) {
  text_.append("<").append(name).append(">");
  open_.emplace_back(name);
}

void XmlWriter::open_in(std::string_view name, std::string_view xml_namespace) {
  text_.append("<").append(name).append(" xmlns=\"").append(xml_namespace).append("\">");
  open_.emplace_back(name);
}

void XmlWriter::close() {
  DEPUTY_ASSERT(!open_.empty());
  text_.append("</").append(open_.back()).append(">");
  open_.pop_back();
}

void XmlWriter::text(std::string_view name, std::string_view value) {
  text_.append("<").append(name).append(">").append(in_markup(value)).append("</").append(name).append(">");
}

std::string XmlWriter::take() {
  DEPUTY_ASSERT(open_.empty());
  return std::move(text_);
}

http::Response query_answer(const QueryForm& form, const Reply& reply, std::string_view request_id) {
  XmlWriter xml;
  xml.open_in(form.action + "Response", form.xml_namespace);
  if (!reply.body.empty()) {
    xml.open(form.action + "Result");
    xml.append(reply.body);
    xml.close();
  }
  xml.open("ResponseMetadata");
  xml.text("RequestId", request_id);
  xml.close();
  xml.close();
  return xml_response(200, xml.take(), "x-amzn-RequestId", request_id);
}

http::Response json_answer(Reply reply, std::string_view request_id) {
  http::Response response;
  response.headers = std::move(reply.headers);
  response.headers.add("Content-Type", "application/x-amz-json-1.1");
  response.headers.add("x-amzn-RequestId", std::string{request_id});
  response.body = std::move(reply.body);
  return response;
}

http::Response s3_answer(Reply reply, std::string_view request_id) {
  http::Response response;
  response.headers = std::move(reply.headers);
  if (!reply.body.empty() && !response.headers.find("Content-Type"))
    response.headers.add("Content-Type", "application/xml");
  response.headers.add("x-amz-request-id", std::string{request_id});
  response.body = std::move(reply.body);
  return response;
}

http::Response fault_answer(Protocol protocol, const Fault& fault, std::string_view request_id) {
  switch (protocol) {
    case Protocol::query:
      return xml_response(fault.status, query_fault(fault, request_id), "x-amzn-RequestId", request_id);
    case Protocol::s3: {
      http::Response response =
          xml_response(fault.status, s3_fault(fault, request_id), "x-amz-request-id", request_id);
      response.headers.set("Content-Type", "application/xml");
      return response;
    }
    case Protocol::json:
      break;
  }
  http::Response response = json_answer(
      {.body = to_text({{"__type", fault.code}, {"message", fault.message}}), .headers = {}}, request_id);
  response.status = fault.status;
  return response;
}

std::string to_text(const boost::json::value& value) {
  return boost::json::serialize(value);
}

}  // namespace deputy::sandbox
