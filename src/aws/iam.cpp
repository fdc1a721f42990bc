#include "aws/iam.hpp"

#include <utility>

#include "aws/error_answer.hpp"
#include "aws/xml.hpp"

namespace deputy::aws {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

AwsError malformed(const HttpResponse& response, std::string what) {
  return {.error_class = AwsErrorClass::unavailable,
          .status = response.status,
          .code = "MalformedResponse",
          .message = "the answer of IAM " + std::move(what),
          .request_id = request_id_of(response)};
}

AwsResult<RoleDetails> read_role(HttpResponse response) {
  constexpr std::string_view root = "GetRoleResponse", result = "GetRoleResult";
  const auto answer = XmlAnswer::read(response.body);
  if (!answer) return malformed(response, "is not XML");
  const auto arn_text = answer->text({root, result, "Role", "Arn"});
  const auto trust_policy = answer->text({root, result, "Role", "AssumeRolePolicyDocument"});
  if (!arn_text || !trust_policy) return malformed(response, "has no ARN or no trust policy");
  auto arn = RoleArn::parse(*arn_text);
  if (!arn) return malformed(response, "names no role");
  auto boundary =
      answer->text({root, result, "Role", "PermissionsBoundary", "PermissionsBoundaryArn"}).value_or("");
  return RoleDetails{std::move(arn).value(), *trust_policy, std::move(boundary), request_id_of(response)};
}

// One page of a list: its items, and the marker of the next page; empty after the last.
struct ListPage {
  std::vector<std::string> items;
  std::string next_marker;
};

struct ListForm {
  std::string_view action;
  std::string_view list;   // the element whose members are listed
  std::string_view item;   // of a member; empty: the member itself
  std::string_view label;  // beside each item: a member without its item must not go unseen
};

AwsResult<ListPage> read_list_page(HttpResponse response, const ListForm& form) {
  const auto answer = XmlAnswer::read(response.body);
  if (!answer) return malformed(response, "is not XML");
  const std::string root = std::string{form.action} + "Response",
                    result = std::string{form.action} + "Result";
  ListPage page;
  if (form.item.empty()) {
    page.items = answer->texts({root, result, form.list, "member"});
  } else {
    page.items = answer->texts({root, result, form.list, "member", form.item});
    if (answer->texts({root, result, form.list, "member", form.label}).size() != page.items.size())
      return malformed(response, "lists something without its ARN");
  }
  const auto truncated = answer->text({root, result, "IsTruncated"});
  if (!truncated || (*truncated != "true" && *truncated != "false"))
    return malformed(response, "does not say whether the list goes on");
  if (*truncated == "true") {
    page.next_marker = answer->text({root, result, "Marker"}).value_or("");
    if (page.next_marker.empty()) return malformed(response, "goes on, but does not say where");
  }
  return page;
}

AwsResult<std::string> read_role_policy(HttpResponse response, const std::string& role_name,
                                        const std::string& policy_name) {
  constexpr std::string_view root = "GetRolePolicyResponse", result = "GetRolePolicyResult";
  const auto answer = XmlAnswer::read(response.body);
  if (!answer) return malformed(response, "is not XML");
  const auto document = answer->text({root, result, "PolicyDocument"});
  if (!document) return malformed(response, "has no policy");
  if (answer->text({root, result, "RoleName"}) != role_name ||
      answer->text({root, result, "PolicyName"}) != policy_name)
    return malformed(response, "is about another policy");
  return *document;
}

AwsResult<std::string> read_default_version(HttpResponse response, const std::string& policy_arn) {
  constexpr std::string_view root = "GetPolicyResponse", result = "GetPolicyResult";
  const auto answer = XmlAnswer::read(response.body);
  if (!answer) return malformed(response, "is not XML");
  if (answer->text({root, result, "Policy", "Arn"}) != policy_arn)
    return malformed(response, "is about another policy");
  const auto version = answer->text({root, result, "Policy", "DefaultVersionId"});
  if (!version || version->empty()) return malformed(response, "names no default version");
  return *version;
}

AwsResult<std::string> read_policy_version(HttpResponse response, const std::string& version) {
  constexpr std::string_view root = "GetPolicyVersionResponse", result = "GetPolicyVersionResult";
  const auto answer = XmlAnswer::read(response.body);
  if (!answer) return malformed(response, "is not XML");
  if (answer->text({root, result, "PolicyVersion", "VersionId"}) != version)
    return malformed(response, "is about another version");
  const auto document = answer->text({root, result, "PolicyVersion", "Document"});
  if (!document) return malformed(response, "has no policy");
  return *document;
}

class QueryIam final : public Iam {
 public:
  explicit QueryIam(const Caller& caller) : caller_(caller) {}

  Task<AwsResult<RoleDetails>> get_role(std::string role_name, Partition partition,
                                        Credentials credentials) override {
    Parameters parameters{{"RoleName", std::move(role_name)}};
    auto answer = co_await send("GetRole", std::move(parameters), partition, std::move(credentials));
    if (answer.has_error()) co_return std::move(answer).error();
    co_return read_role(std::move(answer).value());
  }

  Task<AwsResult<std::vector<std::string>>> list_role_policies(std::string role_name, Partition partition,
                                                               Credentials credentials) override {
    constexpr ListForm form{.action = "ListRolePolicies", .list = "PolicyNames", .item = {}, .label = {}};
    return list(form, std::move(role_name), partition, std::move(credentials));
  }

  Task<AwsResult<std::string>> get_role_policy(std::string role_name, std::string policy_name,
                                               Partition partition, Credentials credentials) override {
    Parameters parameters{{"RoleName", role_name}, {"PolicyName", policy_name}};
    auto answer = co_await send("GetRolePolicy", std::move(parameters), partition, std::move(credentials));
    if (answer.has_error()) co_return std::move(answer).error();
    co_return read_role_policy(std::move(answer).value(), role_name, policy_name);
  }

  Task<AwsResult<std::vector<std::string>>> list_attached_role_policies(std::string role_name,
                                                                        Partition partition,
                                                                        Credentials credentials) override {
    constexpr ListForm form{.action = "ListAttachedRolePolicies",
                            .list = "AttachedPolicies",
                            .item = "PolicyArn",
                            .label = "PolicyName"};
    return list(form, std::move(role_name), partition, std::move(credentials));
  }

  Task<AwsResult<std::string>> get_managed_policy(std::string policy_arn, Partition partition,
                                                  Credentials credentials) override {
    Parameters which{{"PolicyArn", policy_arn}};
    auto described = co_await send("GetPolicy", which, partition, credentials);
    if (described.has_error()) co_return std::move(described).error();
    const auto version = read_default_version(std::move(described).value(), policy_arn);
    if (version.has_error()) co_return version.error();
    which.emplace_back("VersionId", version.value());
    auto answer = co_await send("GetPolicyVersion", std::move(which), partition, std::move(credentials));
    if (answer.has_error()) co_return std::move(answer).error();
    co_return read_policy_version(std::move(answer).value(), version.value());
  }

 private:
  Task<AwsResult<HttpResponse>> send(std::string action, Parameters parameters, Partition partition,
                                     Credentials credentials) {
    Call call{.service = "iam",
              .signing_name = "iam",
              .region = iam_signing_region(partition),
              .query = {},
              .headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}},
              .body = "Action=" + action + "&Version=2010-05-08"};
    for (const auto& [name, value] : parameters) call.body += "&" + name + "=" + uri_encode(value, false);
    co_return co_await perform(caller_, std::move(call), std::move(credentials));
  }

  Task<AwsResult<std::vector<std::string>>> list(ListForm form, std::string role_name, Partition partition,
                                                 Credentials credentials) {
    std::vector<std::string> all;
    std::string marker;
    for (int pages = 0; pages < pages_max; ++pages) {
      Parameters parameters{{"RoleName", role_name}};
      if (!marker.empty()) parameters.emplace_back("Marker", marker);
      auto answer = co_await send(std::string{form.action}, std::move(parameters), partition, credentials);
      if (answer.has_error()) co_return std::move(answer).error();
      auto page = read_list_page(std::move(answer).value(), form);
      if (page.has_error()) co_return std::move(page).error();
      for (std::string& item : page.value().items) all.push_back(std::move(item));
      marker = std::move(page.value().next_marker);
      if (all.size() > policies_max) break;
      if (marker.empty()) co_return all;
    }
    co_return AwsError{.error_class = AwsErrorClass::unavailable,
                       .status = 200,
                       .code = "MalformedResponse",
                       .message = "the list of IAM does not end",
                       .request_id = {}};
  }

  const Caller caller_;
};

}  // namespace

std::unique_ptr<Iam> make_iam(const Caller& caller) {
  return std::make_unique<QueryIam>(caller);
}

}  // namespace deputy::aws
