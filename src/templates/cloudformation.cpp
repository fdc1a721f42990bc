#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <utility>

#include "core/assert.hpp"
#include "templates/document.hpp"
#include "templates/quoting.hpp"
#include "templates/template.hpp"

namespace deputy::templates {
namespace {

constexpr std::size_t template_bytes_max = 51'200;
constexpr std::size_t purpose_bytes_max = 1'024;  // CloudFormation's bound on Description

// Words that YAML 1.1 reads as something else than a string, and what is not a plain word at all.
bool is_plain_key(std::string_view key) {
  const bool plain = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  if (!plain) return false;
  std::string lower{key};
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return static_cast<char>(c | 0x20); });
  for (const std::string_view other : {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}) {
    if (lower == other) return false;
  }
  return true;
}

std::string fill_alone(Blank blank) {
  switch (blank) {
    case Blank::partition:
      return "!Ref AWS::Partition";
    case Blank::external_id:
      return "!Ref ExternalId";
    case Blank::next_external_id:
      return "!Ref NextExternalId";
    case Blank::partner_principal:
      return "!Ref PartnerPrincipal";
    case Blank::role_arn:
      return "!GetAtt Role.Arn";
    case Blank::none:
      break;
  }
  DEPUTY_ASSERT(false);
}

// The literal part of a !Sub: its own `${` would be filled in, so IAM's policy variables are written `${!…}`.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-sub.html
std::string sub_literal(std::string_view literal) {
  std::string out;
  for (std::size_t i = 0; i < literal.size(); ++i) {
    out += literal[i];
    if (literal[i] == '{' && i > 0 && literal[i - 1] == '$') out += '!';
  }
  return out;
}

std::string scalar(const Text& text) {
  if (text.size() == 1 && text.front().blank == Blank::none) return yaml_quoted(text.front().literal);
  if (text.size() == 1) return fill_alone(text.front().blank);
  std::string sub;
  for (const Piece& piece : text) {
    DEPUTY_ASSERT(piece.blank == Blank::none || piece.blank == Blank::partition);
    sub += piece.blank == Blank::none ? sub_literal(piece.literal) : "${AWS::Partition}";
  }
  return "!Sub " + yaml_quoted(sub);
}

class YamlWriter {
 public:
  // A block at `indent`; the first line is indented already when it follows a list's dash.
  void write_block(const Node& node, std::size_t indent, bool first_is_indented = false) {
    if (node.kind == Node::Kind::map) {
      for (const auto& [key, member] : node.map) {
        if (!std::exchange(first_is_indented, false))
          write_comment(member.comment, indent), out_.append(indent, ' ');
        out_ += (is_plain_key(key) ? key : yaml_quoted(key)) + ":";
        write_value(member, indent);
      }
      return;
    }
    for (const Node& element : node.list) {
      write_comment(element.comment, indent);
      out_.append(indent, ' ');
      out_ += '-';
      if (element.kind == Node::Kind::map && !element.map.empty()) {
        out_ += ' ';
        write_block(element, indent + 2, true);
      } else {
        write_value(element, indent);
      }
    }
  }
  std::string take() { return std::move(out_); }

 private:
  void write_value(const Node& node, std::size_t indent) {
    switch (node.kind) {
      case Node::Kind::text:
        out_ += " " + scalar(node.text) + "\n";
        return;
      case Node::Kind::literal:
        out_ += " " + node.literal + "\n";
        return;
      case Node::Kind::list:
        out_ += node.list.empty() ? " []\n" : "\n";
        break;
      case Node::Kind::map:
        out_ += node.map.empty() ? " {}\n" : "\n";
        break;
    }
    write_block(node, indent + 2);
  }

  void write_comment(std::string_view comment, std::size_t indent) {
    if (comment.empty()) return;
    out_.append(indent, ' ');
    out_ += "# " + std::string{comment} + "\n";
  }

  std::string out_;
};

using Entries = std::vector<std::pair<std::string, Node>>;

Node labels(const RoleDescription& role) {
  std::vector<Node> trust_parameters{Node::of("PartnerPrincipal"), Node::of("ExternalId")};
  Entries names{{"PartnerPrincipal", Node::map_of({{"default", Node::of("Who may use this role")}})},
                {"ExternalId", Node::map_of({{"default", Node::of("External ID of this connection")}})}};
  if (role.trust.next_external_id) {
    trust_parameters.push_back(Node::of("NextExternalId"));
    names.emplace_back("NextExternalId",
                       Node::map_of({{"default", Node::of("External ID that will replace it")}}));
  }
  const auto group = [](std::string label, std::vector<Node> parameters) {
    return Node::map_of({{"Label", Node::map_of({{"default", Node::of(std::move(label))}})},
                         {"Parameters", Node::list_of(std::move(parameters))}});
  };
  std::vector<Node> groups{group("Trust (leave as it is)", std::move(trust_parameters))};
  if (role.grants_self_read) {
    groups.push_back(group("Your choice", {Node::of("AllowSelfRead")}));
    names.emplace_back("AllowSelfRead",
                       Node::map_of({{"default", Node::of("May the partner read this role to check it?")}}));
  }
  return Node::map_of({{"ParameterGroups", Node::list_of(std::move(groups))},
                       {"ParameterLabels", Node::map_of(std::move(names))}});
}

Node metadata(const RoleDescription& role) {
  Entries reasons;
  for (const auto& [sid, reason] : role.reasons)
    reasons.emplace_back(readable(sid, 128), Node::of(readable(reason, 400)));
  Entries deputy{{"TemplateVersion", Node::verbatim(std::to_string(template_version))},
                 {"Tenant", Node::of(role.tenant.text())},
                 {"TenantName", Node::of(readable(role.tenant_name, 400))},
                 {"Connection", Node::of(role.connection.text())},
                 {"Integration", Node::of(role.integration.text())},
                 {"IntegrationVersion", Node::verbatim(std::to_string(role.integration_version))},
                 {"IntegrationDescription", Node::of(readable(role.integration_description, 1'024))}};
  if (!reasons.empty()) deputy.emplace_back("Reasons", Node::map_of(std::move(reasons)));
  return Node::map_of(
      {{"AWS::CloudFormation::Interface", labels(role)}, {"Deputy", Node::map_of(std::move(deputy))}});
}

// Only the default is accepted: a quick-create link, which anybody can write, cannot put another in its place
// unseen.
Node fixed_parameter(std::string description, const std::string& value) {
  return Node::map_of(
      {{"Type", Node::of("String")},
       {"Description", Node::of(std::move(description))},
       {"Default", Node::of(value)},
       {"AllowedPattern", Node::of(regex_exactly(value))},
       {"ConstraintDescription", Node::of("must be " + value + ", as the partner issued it")}});
}

Node parameters(const RoleDescription& role) {
  Entries entries{
      {"PartnerPrincipal", fixed_parameter("The one role of the partner's that may assume this role.",
                                           role.trust.partner_principal.text())},
      {"ExternalId", fixed_parameter("Issued for this connection alone. The role is refused without it.",
                                     role.trust.external_id.text())}};
  if (role.trust.next_external_id) {
    entries.emplace_back("NextExternalId",
                         fixed_parameter("Accepted beside the other one until the rotation is over.",
                                         role.trust.next_external_id->text()));
  }
  if (role.grants_self_read) {
    entries.emplace_back(
        "AllowSelfRead",
        Node::map_of(
            {{"Type", Node::of("String")},
             {"Description",
              Node::of("With true, the partner can prove from the trust policy that this role is safe, "
                       "instead of only trying it.")},
             {"Default", Node::of("true")},
             {"AllowedValues", Node::list_of({Node::of("true"), Node::of("false")})}}));
  }
  return Node::map_of(std::move(entries));
}

Node role_resource(const RoleDescription& role, Node permissions_document) {
  std::vector<Node> tags;
  for (const auto& [key, value] : tags_of(role)) {
    tags.push_back(Node::map_of({{"Key", Node::of(key)}, {"Value", Node::of(value)}}));
  }
  Entries properties;
  if (role.role_name) properties.emplace_back("RoleName", Node::of(*role.role_name));
  properties.emplace_back("Description", Node::of(role_description_text(purpose_of(role))));
  properties.emplace_back("MaxSessionDuration",
                          Node::verbatim(std::to_string(role.session_duration_max.count())));
  properties.emplace_back("AssumeRolePolicyDocument", trust_policy(role.trust));
  properties.emplace_back(
      "Policies", Node::list_of({Node::map_of({{"PolicyName", Node::of(std::string{permissions_policy_name})},
                                               {"PolicyDocument", std::move(permissions_document)}})}));
  properties.emplace_back("Tags", Node::list_of(std::move(tags)));
  return Node::map_of(
      {{"Type", Node::of("AWS::IAM::Role")}, {"Properties", Node::map_of(std::move(properties))}});
}

// A resource of its own, since a role's inline policy cannot name the role's own ARN.
Node self_read_resource() {
  return Node::map_of(
      {{"Type", Node::of("AWS::IAM::Policy")},
       {"Condition", Node::of("SelfReadAllowed")},
       {"Properties", Node::map_of({{"PolicyName", Node::of(std::string{self_read_policy_name})},
                                    {"PolicyDocument", self_read_policy()},
                                    {"Roles", Node::list_of({Node::verbatim("!Ref Role")})}})}});
}

}  // namespace

Result<std::string> cloudformation(const RoleDescription& role) {
  DEPUTY_TRY(check(role));
  DEPUTY_TRY(Node permissions_document, permissions(role));

  Entries resources{{"Role", role_resource(role, std::move(permissions_document))}};
  if (role.grants_self_read) resources.emplace_back("SelfReadPolicy", self_read_resource());
  Entries entries{{"AWSTemplateFormatVersion", Node::of("2010-09-09")},
                  {"Description", Node::of(readable(purpose_of(role), purpose_bytes_max))},
                  {"Metadata", metadata(role)},
                  {"Parameters", parameters(role)}};
  if (role.grants_self_read) {
    entries.emplace_back(
        "Conditions",
        Node::map_of({{"SelfReadAllowed", Node::verbatim("!Equals [!Ref AllowSelfRead, \"true\"]")}}));
  }
  entries.emplace_back("Resources", Node::map_of(std::move(resources)));
  entries.emplace_back(
      "Outputs",
      Node::map_of({{"RoleArn", Node::map_of({{"Description", Node::of("Give this ARN to the partner.")},
                                              {"Value", Node::of(Blank::role_arn)}})}}));
  YamlWriter writer;
  writer.write_block(Node::map_of(std::move(entries)), 0);
  std::string yaml = writer.take();
  if (yaml.size() > template_bytes_max) {
    return Error{ErrorKind::invalid_request,
                 fmt::format("the template would have {} bytes, and CloudFormation takes {}; shorten the "
                             "policy or the reasons",
                             yaml.size(), template_bytes_max)}
        .with_field("policy");
  }
  return yaml;
}

}  // namespace deputy::templates
