#include "policy/trust_document.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <vector>

#include "json/reader.hpp"
#include "policy/trust_judgement.hpp"
#include "policy/trust_mend.hpp"

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
  std::string name;
  const json::Value* policy = nullptr;  // a string, an object, or nullptr
  std::string_view arn;
  bool is_template = false;
};

class Finder {
 public:
  explicit Finder(std::string_view text) : text_(text) {}

  Result<TrustDocument> find(const json::Value& root) {
    if (root.is(json::Kind::string)) return TrustDocument{root.text, std::nullopt};
    if (member(&root, "Statement") != nullptr) return TrustDocument{std::string{text_}, std::nullopt};
    collect(root);
    if (!known_) return TrustDocument{std::string{text_}, std::nullopt};
    if (roles_.empty()) {
      return unclear(fmt::format("there is no IAM role in this {}", known_));
    }
    if (roles_.size() > 1) return several();
    return take(roles_.front());
  }

 private:
  void collect(const json::Value& root) {
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
      add_template(*resources);
    } else {
      collect_terraform(root);
    }
  }

  void collect_terraform(const json::Value& root) {
    const json::Value* values = member(&root, "planned_values");  // a plan has the state from before as well
    if (values == nullptr) values = member(&root, "values");
    if (const json::Value* module = member(values, "root_module")) {
      known_ = "Terraform plan or state";
      add_modules(*module);
    } else if (const json::Value* resources = member(&root, "resources")) {
      known_ = "Terraform state";
      add_state(*resources);
    }
  }

  void add_list(const char* what, const json::Value* list) {
    known_ = what;
    for (const json::Value& role : list->elements) add_role(role);
  }

  void add_role(const json::Value& role) {
    const json::Value* policy = member(&role, "AssumeRolePolicyDocument");
    roles_.push_back({std::string{text_in(&role, "RoleName")}, policy, text_in(&role, "Arn"), false});
  }

  // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-role.html
  void add_template(const json::Value& resources) {
    known_ = "CloudFormation template";
    for (const json::Member& resource : resources.members) {
      if (text_in(&resource.value, "Type") != "AWS::IAM::Role") continue;
      const json::Value* properties = member(&resource.value, "Properties");
      roles_.push_back({resource.name, member(properties, "AssumeRolePolicyDocument"), {}, true});
    }
  }

  // https://developer.hashicorp.com/terraform/internals/json-format
  void add_modules(const json::Value& root) {
    std::vector<const json::Value*> modules{&root};
    while (!modules.empty()) {
      const json::Value* module = modules.back();
      modules.pop_back();
      if (const json::Value* resources = member(module, "resources")) {
        for (const json::Value& resource : resources->elements) {
          if (text_in(&resource, "type") != "aws_iam_role") continue;
          if (text_in(&resource, "mode") == "data") continue;
          add_terraform(std::string{text_in(&resource, "address")}, member(&resource, "values"));
        }
      }
      if (const json::Value* children = member(module, "child_modules")) {
        for (const json::Value& child : children->elements) modules.push_back(&child);
      }
    }
  }

  void add_state(const json::Value& resources) {
    for (const json::Value& resource : resources.elements) {
      if (text_in(&resource, "type") != "aws_iam_role" || text_in(&resource, "mode") == "data") continue;
      const json::Value* instances = member(&resource, "instances");
      if (instances == nullptr) continue;
      for (const json::Value& instance : instances->elements)
        add_terraform(fmt::format("aws_iam_role.{}", text_in(&resource, "name")),
                      member(&instance, "attributes"));
    }
  }

  void add_terraform(std::string address, const json::Value* values) {
    roles_.push_back(
        {std::move(address), member(values, "assume_role_policy"), text_in(values, "arn"), false});
  }

  Result<TrustDocument> several() const {
    std::string names;
    for (std::size_t i = 0; i < roles_.size() && i < names_told_max; ++i)
      names += (i == 0 ? "" : ", ") + in_backticks(roles_[i].name);
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
                      in_backticks(role.name), known_));
    }
    if (role.is_template) {
      DEPUTY_TRY(refuse_functions(*role.policy));
    }
    TrustDocument out;
    out.document =
        role.policy->is(json::Kind::string) ? role.policy->text : std::string{spelling(text_, *role.policy)};
    if (const auto arn = RoleArn::parse(role.arn)) out.role_account = arn.value().account();
    return out;
  }

  // Whatever CloudFormation fills in stands for a value that is not here to be judged.
  static Result<void> refuse_functions(const json::Value& policy) {
    std::vector<const json::Value*> rest{&policy};
    while (!rest.empty()) {
      const json::Value* value = rest.back();
      rest.pop_back();
      for (const json::Member& one : value->members) {
        if (one.name == "Ref" || one.name.starts_with("Fn::")) {
          return unclear(fmt::format(
              "the trust policy uses the function {}{}, whose value CloudFormation fills in; make "
              "the stack and analyze what `aws iam get-role` prints",
              in_backticks(one.name), json::at(one.position)));
        }
        rest.push_back(&one.value);
      }
      for (const json::Value& element : value->elements) rest.push_back(&element);
    }
    return success();
  }

  std::string_view text_;
  const char* known_ = nullptr;  // what the text is
  std::vector<Role> roles_;
};

}  // namespace

Result<TrustDocument> find_trust_document(std::string_view text) {
  if (text.size() > role_description_bytes_max) {
    return Error{ErrorKind::payload_too_large,
                 fmt::format("the text is longer than {} bytes", role_description_bytes_max)};
  }
  const auto tree = json::read(text, limits);
  if (!tree) return TrustDocument{std::string{text}, std::nullopt};
  return Finder{text}.find(tree.value());
}

TrustAnalysis analyze_description(std::string_view text, TrustQuestion question) {
  auto found = find_trust_document(text);
  if (!found) {
    TrustAnalysis out = invalid_policy_analysis(found.error().message);
    out.mend = plain_policy(question);
    return out;
  }
  if (!question.role_account) question.role_account = std::move(found.value().role_account);
  return analyze(found.value().document, question);
}

}  // namespace deputy::policy
