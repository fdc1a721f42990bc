#include "aws/iam.hpp"

#include "aws/xml.hpp"

namespace deputy::aws {
namespace {

constexpr std::string_view xml_root = "GetRoleResponse";

AwsError malformed(const HttpResponse& response, std::string what) {
  return {.error_class = AwsErrorClass::unavailable,
          .status = response.status,
          .code = "MalformedResponse",
          .message = "the answer of IAM " + std::move(what),
          .request_id = std::string{response.header("x-amzn-requestid").value_or("")}};
}

AwsResult<RoleDetails> read_role(HttpResponse response, std::string_view role_name) {
  const auto answer = XmlAnswer::read(response.body);
  if (!answer) return malformed(response, "is not XML");
  const auto arn_text = answer->text({xml_root, "GetRoleResult", "Role", "Arn"});
  const auto trust_policy = answer->text({xml_root, "GetRoleResult", "Role", "AssumeRolePolicyDocument"});
  if (!arn_text || !trust_policy) return malformed(response, "has no ARN or no trust policy");
  auto arn = RoleArn::parse(*arn_text);
  if (!arn || arn.value().name() != role_name) return malformed(response, "names another role");
  return RoleDetails{std::move(arn).value(), *trust_policy};
}

class QueryIam final : public Iam {
 public:
  explicit QueryIam(const Caller& caller) : caller_(caller) {}

  Task<AwsResult<RoleDetails>> get_role(std::string role_name, Partition partition,
                                        Credentials credentials) override {
    Call call{.service = "iam",
              .signing_name = "iam",
              .region = iam_signing_region(partition),
              .query = {},
              .headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}},
              .body = "Action=GetRole&Version=2010-05-08&RoleName=" + uri_encode(role_name, false)};
    auto answer = co_await perform(caller_, std::move(call), std::move(credentials));
    if (answer.has_error()) co_return std::move(answer).error();
    co_return read_role(std::move(answer).value(), role_name);
  }

 private:
  const Caller caller_;
};

}  // namespace

std::unique_ptr<Iam> make_iam(const Caller& caller) {
  return std::make_unique<QueryIam>(caller);
}

}  // namespace deputy::aws
