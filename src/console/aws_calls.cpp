#include "console/aws_calls.hpp"

#include <fmt/format.h>

#include "aws/sigv4.hpp"
#include "sandbox/template_address.hpp"

namespace deputy::console {
namespace {

std::string_view version_of(std::string_view service) {
  return service == "iam" ? "2010-05-08" : "2010-05-15";
}

Refusal refusal_of(const http::Response& response) {
  if (response.status == 0) return {"NoAnswer", "The sandbox cut the connection, as it was told to."};
  pugi::xml_document document;
  if (!document.load_string(response.body.c_str(), pugi::parse_default & ~pugi::parse_doctype))
    return {"NoAnswer", "The sandbox's answer is broken, as it was told to."};
  const pugi::xml_node root = document.document_element();
  const pugi::xml_node error = root.child("Error") ? root.child("Error") : root;
  return {error.child("Code").text().get(), error.child("Message").text().get()};
}

}  // namespace

Task<http::Response> AwsCalls::send(std::string service, std::string method, std::string target,
                                    std::string body) const {
  http::Request request;
  request.method = std::move(method);
  request.target = target;
  request.path = http::decode_path(target).value_or("/");
  request.body = std::move(body);
  request.remote_address = remote_address_;
  request.headers.add("user-agent", "deputy-sandbox-console");
  const std::vector<std::pair<std::string, std::string>> fields{{"host", "console.sandbox"}};
  const aws::SignableRequest signable{request.method, target, {}, fields, request.body};
  const auto style = service == "s3" ? aws::PathStyle::as_sent : aws::PathStyle::normalized_twice_encoded;
  request.headers.add("host", "console.sandbox");
  for (auto& [name, value] : aws::sign(signable, {region_, service, clock_.now()}, user_.credentials, style))
    request.headers.add(name, std::move(value));
  co_return co_await sandbox_.handle(std::move(request));
}

Task<Called<Xml>> AwsCalls::call(std::string service, std::string action, Fields fields) const {
  std::string body = fmt::format("Action={}&Version={}", action, version_of(service));
  for (const auto& [name, value] : fields) body += fmt::format("&{}={}", name, aws::uri_encode(value, false));
  const http::Response response = co_await send(std::move(service), "POST", "/", std::move(body));
  if (response.status != 200) co_return refusal_of(response);
  auto document = std::make_shared<pugi::xml_document>();
  if (!document->load_string(response.body.c_str(), pugi::parse_default & ~pugi::parse_doctype))
    co_return refusal_of(response);
  co_return Xml{std::move(document)};
}

Task<Called<std::string>> AwsCalls::object_at(std::string url) const {
  const auto address = sandbox::parse_object_url(url);
  if (!address) co_return Refusal{"ValidationError", "TemplateURL must be a supported URL."};
  http::Response response = co_await send(
      "s3", "GET", fmt::format("/{}/{}", address->bucket, aws::uri_encode(address->key, true)), {});
  if (response.status != 200) co_return refusal_of(response);
  co_return std::move(response.body);
}

pugi::xml_node result_of(const Xml& answer) {
  return answer->document_element().first_child();
}

}  // namespace deputy::console
