#include "app/demo/customer.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <pugixml.hpp>

namespace deputy::app {
namespace {

constexpr std::string_view iam_version = "2010-05-08";
constexpr std::string_view cloudformation_version = "2010-05-15";

aws::AwsError unreadable(std::string what) {
  return {aws::AwsErrorClass::unavailable, 200, "MalformedResponse", std::move(what), ""};
}

aws::Call s3_call(const Region& region, std::string method, std::string path) {
  return {.service = "s3",
          .signing_name = "s3",
          .region = region,
          .method = std::move(method),
          .path = std::move(path),
          .query = {},
          .headers = {},
          .body = {},
          .path_style = aws::PathStyle::as_sent};
}

// The texts of all elements that the XPath finds.
std::vector<std::string> texts(const std::string& xml, const char* path) {
  pugi::xml_document document;
  std::vector<std::string> found;
  if (!document.load_string(xml.c_str())) return found;
  for (const auto& node : document.select_nodes(path)) found.emplace_back(node.node().text().get());
  return found;
}

}  // namespace

Task<aws::AwsResult<std::string>> Customer::send(aws::Call call) {
  auto response = co_await aws::perform(caller_, std::move(call), credentials_);
  if (!response) co_return response.error();
  co_return std::move(response.value().body);
}

Task<aws::AwsResult<std::string>> Customer::query(std::string service, std::string version,
                                                  std::string action, Parameters parameters) {
  aws::Call call{.service = service,
                 .signing_name = service,
                 .region = service == "iam" ? aws::iam_signing_region(region_.partition()) : region_,
                 .query = {},
                 .headers = {{"content-type", "application/x-www-form-urlencoded"}},
                 .body = "Action=" + action + "&Version=" + version};
  for (const auto& [name, value] : parameters)
    call.body += "&" + aws::uri_encode(name, false) + "=" + aws::uri_encode(value, false);
  co_return co_await send(std::move(call));
}

Task<aws::AwsResult<std::string>> Customer::logs(std::string operation, std::string body) {
  aws::Call call{.service = "logs",
                 .signing_name = "logs",
                 .region = region_,
                 .query = {},
                 .headers = {{"content-type", "application/x-amz-json-1.1"},
                             {"x-amz-target", "Logs_20140328." + operation}},
                 .body = std::move(body)};
  co_return co_await send(std::move(call));
}

Task<aws::AwsResult<std::string>> Customer::launch_stack(std::string action, std::string stack,
                                                         std::string template_body) {
  Parameters parameters{{"StackName", stack},
                        {"TemplateBody", std::move(template_body)},
                        {"Capabilities.member.1", "CAPABILITY_NAMED_IAM"}};
  auto launched = co_await query("cloudformation", std::string{cloudformation_version}, std::move(action),
                                 std::move(parameters));
  if (!launched) co_return launched.error();
  Parameters which{{"StackName", stack}};
  auto described = co_await query("cloudformation", std::string{cloudformation_version}, "DescribeStacks",
                                  std::move(which));
  if (!described) co_return described.error();
  const auto arns = texts(described.value(), "//Outputs/member[OutputKey='RoleArn']/OutputValue");
  if (arns.empty()) co_return unreadable("the stack has no output RoleArn");
  co_return arns.front();
}

Task<aws::AwsResult<std::string>> Customer::create_role(std::string name, std::string trust_policy) {
  Parameters parameters{{"RoleName", std::move(name)}, {"AssumeRolePolicyDocument", std::move(trust_policy)}};
  auto created = co_await query("iam", std::string{iam_version}, "CreateRole", std::move(parameters));
  if (!created) co_return created.error();
  const auto arns = texts(created.value(), "//CreateRoleResult/Role/Arn");
  if (arns.empty()) co_return unreadable("CreateRole named no ARN");
  co_return arns.front();
}

Task<aws::AwsResult<std::string>> Customer::update_trust(std::string role, std::string trust_policy) {
  Parameters parameters{{"RoleName", std::move(role)}, {"PolicyDocument", std::move(trust_policy)}};
  co_return co_await query("iam", std::string{iam_version}, "UpdateAssumeRolePolicy", std::move(parameters));
}

Task<aws::AwsResult<std::string>> Customer::put_object(std::string bucket, std::string key,
                                                       std::string body) {
  aws::Call call = s3_call(region_, "PUT", "/" + bucket + "/" + aws::uri_encode(key, true));
  call.headers.emplace_back("content-type", "application/yaml");
  call.body = std::move(body);
  co_return co_await send(std::move(call));
}

Task<aws::AwsResult<std::string>> Customer::open_bucket(std::string bucket) {
  const boost::json::value policy{{"Version", "2012-10-17"},
                                  {"Statement",
                                   {{{"Effect", "Allow"},
                                     {"Principal", "*"},
                                     {"Action", "s3:GetObject"},
                                     {"Resource", "arn:aws:s3:::" + bucket + "/*"}}}}};
  aws::Call call = s3_call(region_, "PUT", "/" + bucket);
  call.query = "policy=";
  call.body = boost::json::serialize(policy);
  co_return co_await send(std::move(call));
}

Task<aws::AwsResult<std::vector<std::string>>> Customer::list_buckets() {
  auto listed = co_await send(s3_call(region_, "GET", "/"));
  if (!listed) co_return listed.error();
  co_return texts(listed.value(), "//Buckets/Bucket/Name");
}

Task<aws::AwsResult<std::string>> Customer::write_logs(std::string group, std::string stream,
                                                       std::vector<std::string> messages) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(caller_.clock.now()).time_since_epoch();
  boost::json::array events;
  for (const std::string& message : messages)
    events.push_back(boost::json::object{{"timestamp", now.count()}, {"message", message}});
  const boost::json::object batch{
      {"logGroupName", group}, {"logStreamName", stream}, {"logEvents", std::move(events)}};
  co_return co_await logs("PutLogEvents", boost::json::serialize(batch));
}

Task<aws::AwsResult<std::vector<std::string>>> Customer::read_logs(std::string group) {
  const boost::json::object wanted{{"logGroupName", group}};
  auto read = co_await logs("FilterLogEvents", boost::json::serialize(wanted));
  if (!read) co_return read.error();
  boost::system::error_code not_json;
  const auto body = boost::json::parse(read.value(), not_json);
  if (not_json || !body.is_object() || !body.as_object().contains("events"))
    co_return unreadable("FilterLogEvents");
  std::vector<std::string> messages;
  for (const auto& event : body.as_object().at("events").as_array())
    messages.emplace_back(event.as_object().at("message").as_string().c_str());
  co_return messages;
}

}  // namespace deputy::app
