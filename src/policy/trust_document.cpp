#include "policy/trust_document.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <vector>

#include "json/reader.hpp"
#include "policy/trust_judgement.hpp"

namespace deputy::policy {
namespace {

constexpr json::Limits limits{
    .bytes_max = role_description_bytes_max, .depth_max = 64, .values_max = 2'000'000};
constexpr std::size_t names_told_max = 8;

Error unclear(std::string message) {
  return Error{ErrorKind::invalid_request, std::move(message)};
}

const json::Value* member(const json::Value* value, std::string_view name) {
  return value != nullptr && value->is(json::Kind::object) ? value->find(name) : nullptr;
}
std::string_view text_in(const json::Value* value, std::string_view name) {
  const json::Value* found = member(value, name);
  return found != nullptr && found->is(json::Kind::string) ? std::string_view{found->text}
                                                           : std::string_view{};
}

// The value as it is written. The text was read, so strings and brackets close.
std::string_view spelling(std::string_view text, const json::Value& value) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = value.position.offset; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0)
      return text.substr(value.position.offset, i + 1 - value.position.offset);
  }
  return text.substr(value.position.offset);
}

// A role that the text speaks of.
struct Role {
  std::string name;                     // empty: nobody named it
  const json::Value* policy = nullptr;  // a string, an object, or nullptr
  std::string_view arn;
};

// Who fills in values that are written as instructions.
enum class FilledIn { by_nobody, by_cloudformation, by_terraform };

class Finder {
 public:
  explicit Finder(std::string_view text) : text_(text) {}

  Result<TrustDocument> find(const json::Value& root) {
    if (root.is(json::Kind::string)) return TrustDocument{root.text, std::nullopt};
    if (member(&root, "Statement") != nullptr) return TrustDocument{std::string{text_}, std::nullopt};
    DEPUTY_TRY(collect(root));
    DEPUTY_TRY(refuse_permissions(root));
    if (!known_) return TrustDocument{std::string{text_}, std::nullopt};
    if (roles_.empty()) {
      return unclear(fmt::format("there is no IAM role in this {}", known_));
    }
    if (roles_.size() > 1) return several();
    return take(roles_.front());
  }

 private:
  Result<void> collect(const json::Value& root) {
    if (root.is(json::Kind::array)) {
      add_list("list of roles", &root);
    } else if (member(&root, "AssumeRolePolicyDocument") != nullptr) {
      known_ = "role";
      add_role(root);
    } else if (const json::Value* role = member(&root, "Role")) {
      known_ = "output of get-role";
      add_role(*role);
    } else if (const json::Value* list = member(&root, "Roles")) {
      add_list("list of roles", list);
    } else if (const json::Value* details = member(&root, "RoleDetailList")) {
      add_list("list of roles", details);
    } else if (const json::Value* resources = member(&root, "Resources")) {
      return add_template(root, *resources);
    } else {
      collect_terraform(root);
    }
    return success();
  }

  void collect_terraform(const json::Value& root) {
    const json::Value* values = member(&root, "planned_values");  // a plan has the state from before as well
    if (values == nullptr) values = member(&root, "values");
    if (values == nullptr) values = member(member(&root, "prior_state"), "values");
    if (const json::Value* module = member(values, "root_module")) {
      known_ = "Terraform plan or state";
      add_modules(*module);
    } else if (const json::Value* resources = member(&root, "resources")) {
      known_ = "Terraform state";
      add_state(*resources);
    } else if (const json::Value* configuration = member(&root, "resource")) {
      known_ = "Terraform configuration";
      filled_in_ = FilledIn::by_terraform;
      add_configuration(*configuration);
    }
  }

  void add_list(const char* what, const json::Value* list) {
    known_ = what;
    for (const json::Value& role : list->elements) add_role(role);
  }

  // Or a policy that stands where a role would.
  void add_role(const json::Value& role) {
    const bool is_policy = member(&role, "Statement") != nullptr;
    const json::Value* policy = is_policy ? &role : member(&role, "AssumeRolePolicyDocument");
    const std::string_view name = text_in(&role, "RoleName");
    const std::string_view arn = text_in(&role, "Arn");
    roles_.push_back({std::string{name.empty() ? arn : name}, policy, arn});
  }

  // What else IAM says of a role, which is not whom it trusts.
  Result<void> refuse_permissions(const json::Value& root) const {
    const bool of_role = member(&root, "PolicyDocument") != nullptr;
    const bool is_managed = member(&root, "PolicyVersion") != nullptr;
    if (known_ != nullptr || (!of_role && !is_managed)) return success();
    return unclear(
        fmt::format("this is a permissions policy, as `aws iam {}` prints it: what a role may do, not "
                    "who may assume it; analyze what `aws iam get-role` prints",
                    of_role ? "get-role-policy" : "get-policy-version"));
  }

  // By its place among the others where it has neither name nor ARN.
  std::string shown(const Role& role) const {
    return role.name.empty() ? fmt::format("number {}", &role - roles_.data() + 1) : in_backticks(role.name);
  }

  // A resource of any type that has a trust policy makes a role: those of macros do as well.
  // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-role.html
  Result<void> add_template(const json::Value& root, const json::Value& resources) {
    known_ = "CloudFormation template";
    filled_in_ = FilledIn::by_cloudformation;
    if (member(&root, "Transform") != nullptr)
      return unclear(
          "the template has a `Transform`, which may change its roles and make others; make the stack and "
          "analyze what `aws iam get-role` prints");
    DEPUTY_TRY(refuse_function_among(resources));
    for (const json::Member& resource : resources.members) {
      const json::Value* properties = member(&resource.value, "Properties");
      const json::Value* policy = member(properties, "AssumeRolePolicyDocument");
      if (policy == nullptr && text_in(&resource.value, "Type") != "AWS::IAM::Role") continue;
      DEPUTY_TRY(refuse_function_among(resource.value));
      if (properties != nullptr) {
        DEPUTY_TRY(refuse_function_among(*properties));
      }
      roles_.push_back({resource.name, policy, {}});
    }
    return success();
  }

  // https://developer.hashicorp.com/terraform/internals/json-format
  void add_modules(const json::Value& root) {
    std::vector<const json::Value*> modules{&root};
    while (!modules.empty()) {
      const json::Value* module = modules.back();
      modules.pop_back();
      if (const json::Value* resources = member(module, "resources")) {
        for (const json::Value& resource : resources->elements) {
          if (text_in(&resource, "mode") == "data") continue;
          add_terraform(text_in(&resource, "type"), std::string{text_in(&resource, "address")},
                        member(&resource, "values"));
        }
      }
      if (const json::Value* children = member(module, "child_modules")) {
        for (const json::Value& child : children->elements) modules.push_back(&child);
      }
    }
  }

  void add_state(const json::Value& resources) {
    for (const json::Value& resource : resources.elements) {
      const std::string_view type = text_in(&resource, "type");
      const json::Value* instances = member(&resource, "instances");
      if (text_in(&resource, "mode") == "data" || instances == nullptr) continue;
      for (const json::Value& instance : instances->elements)
        add_terraform(type, fmt::format("{}.{}", type, text_in(&resource, "name")),
                      member(&instance, "attributes"));
    }
  }

  // https://developer.hashicorp.com/terraform/language/syntax/json
  void add_configuration(const json::Value& types) {
    for (const json::Member& type : types.members) {
      for (const json::Member& resource : type.value.members)
        add_terraform(type.name, fmt::format("{}.{}", type.name, resource.name), &resource.value);
    }
  }

  // Of another provider as well, where the resource has a trust policy.
  void add_terraform(std::string_view type, std::string address, const json::Value* values) {
    const json::Value* policy = member(values, "assume_role_policy");
    if (policy == nullptr) policy = member(values, "assume_role_policy_document");
    if (policy == nullptr && type != "aws_iam_role") return;
    roles_.push_back({std::move(address), policy, text_in(values, "arn")});
  }

  Result<TrustDocument> several() const {
    std::string names;
    for (std::size_t i = 0; i < roles_.size() && i < names_told_max; ++i)
      names += (i == 0 ? "" : ", ") + shown(roles_[i]);
    if (roles_.size() > names_told_max) names += fmt::format(" and {} more", roles_.size() - names_told_max);
    return unclear(fmt::format("there are {} roles in this {}: {}; give the trust policy of one",
                               roles_.size(), known_, names));
  }

  Result<TrustDocument> take(const Role& role) const {
    const bool written = role.policy != nullptr &&
                         (role.policy->is(json::Kind::string) || role.policy->is(json::Kind::object));
    if (!written) {
      return unclear(
          fmt::format("the trust policy of the role {} is not in this {}; where it is known only once the "
                      "role is made, analyze what `aws iam get-role` prints then",
                      shown(role), known_));
    }
    DEPUTY_TRY(refuse_filled_in(*role.policy));
    TrustDocument out;
    out.document =
        role.policy->is(json::Kind::string) ? role.policy->text : std::string{spelling(text_, *role.policy)};
    if (const auto arn = RoleArn::parse(role.arn)) out.role_account = arn.value().account();
    return out;
  }

  static Error filled_in(std::string_view what, const json::Position& position) {
    return unclear(
        fmt::format("the trust policy uses {}{}, which stands for what is not here to be judged; "
                    "analyze what `aws iam get-role` prints once the role is made",
                    in_backticks(what), json::at(position)));
  }

  // `Fn::ForEach` makes resources, `Fn::Transform` changes those around it.
  static Result<void> refuse_function_among(const json::Value& value) {
    for (const json::Member& one : value.members)
      if (one.name.starts_with("Fn::")) return filled_in(one.name, one.position);
    return success();
  }

  Result<void> refuse_filled_in(const json::Value& policy) const {
    std::vector<const json::Value*> rest{&policy};
    while (!rest.empty()) {
      const json::Value* value = rest.back();
      rest.pop_back();
      if (value->is(json::Kind::string)) {
        DEPUTY_TRY(refuse_filled_in(value->text, value->position));
      }
      for (const json::Member& one : value->members) {
        const bool function =
            filled_in_ == FilledIn::by_cloudformation && (one.name == "Ref" || one.name.starts_with("Fn::"));
        if (function) return filled_in(one.name, one.position);
        DEPUTY_TRY(refuse_filled_in(one.name, one.position));
        rest.push_back(&one.value);
      }
      for (const json::Value& element : value->elements) rest.push_back(&element);
    }
    return success();
  }

  // CloudFormation's dynamic references and Terraform's templates work within any text.
  // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
  Result<void> refuse_filled_in(std::string_view text, const json::Position& position) const {
    constexpr std::string_view reference = "{{resolve:";
    if (filled_in_ == FilledIn::by_cloudformation && text.find(reference) != std::string_view::npos)
      return filled_in(reference, position);
    if (filled_in_ == FilledIn::by_terraform)
      for (const std::string_view opening : {"${", "%{"})
        if (text.find(opening) != std::string_view::npos) return filled_in(opening, position);
    return success();
  }

  std::string_view text_;
  const char* known_ = nullptr;  // what the text is
  FilledIn filled_in_ = FilledIn::by_nobody;
  std::vector<Role> roles_;
};

// What is not JSON at all is told as what it most likely is.
std::optional<Error> other_form(std::string_view text) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    return unclear("the file is in UTF-16, as PowerShell writes it; save it in UTF-8");
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return unclear("there is nothing in it");
  constexpr std::string_view known = "{[\"%";  // JSON, bare or URL-encoded
  if (known.find(text[start]) != std::string_view::npos) return std::nullopt;
  return unclear(
      "it is not JSON; YAML, HCL and XML are not read: analyze what `aws iam get-role` prints, or "
      "`terraform show -json`");
}

}  // namespace

Result<TrustDocument> find_trust_document(std::string_view text) {
  if (text.size() > role_description_bytes_max) {
    return Error{ErrorKind::payload_too_large,
                 fmt::format("the text is longer than {} bytes", role_description_bytes_max)};
  }
  // Before what a tool wrote it may be ignored (RFC 8259 section 8.1); in a policy IAM takes none.
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  const bool marked = text.starts_with(byte_order_mark);
  const std::string_view rest = marked ? text.substr(byte_order_mark.size()) : text;
  const auto tree = json::read(rest, limits);
  if (!tree) {
    if (auto other = other_form(rest)) return *std::move(other);
  }
  if (!tree || (marked && member(&tree.value(), "Statement") != nullptr))
    return TrustDocument{std::string{text}, std::nullopt};
  return Finder{rest}.find(tree.value());
}

TrustAnalysis analyze_description(std::string_view text, TrustQuestion question) {
  auto found = find_trust_document(text);
  if (!found) {
    TrustAnalysis out;
    out.verdict = TrustVerdict::invalid;
    out.findings.push_back({"document_unclear", FindingWeight::invalid, found.error().message, {}});
    return out;
  }
  if (!question.role_account) question.role_account = std::move(found.value().role_account);
  return analyze(found.value().document, question);
}

}  // namespace deputy::policy
