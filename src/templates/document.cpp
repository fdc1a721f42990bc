#include "templates/document.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <utility>

#include "core/assert.hpp"
#include "templates/quoting.hpp"

namespace deputy::templates {
namespace {

constexpr std::size_t name_bytes_max = 200;
constexpr std::size_t reason_bytes_max = 400;

// A text that may name the partition `aws`, which is the customer's to fill in.
Node text_in_any_partition(std::string_view text) {
  constexpr std::string_view prefix = "arn:aws:";
  if (!text.starts_with(prefix)) return Node::of(std::string{text});
  Node node;
  node.kind = Node::Kind::text;
  node.text = {{.literal = "arn:"},
               {.literal = {}, .blank = Blank::partition},
               {.literal = ":" + std::string{text.substr(prefix.size())}}};
  return node;
}

Error policy_error(std::string reason) {
  return Error{ErrorKind::invalid_request, std::move(reason)}.with_field("policy");
}

// CloudFormation would act on these instead of copying them into the role's policy.
Result<void> refuse_instructions(std::string_view text, bool is_key) {
  if (text.find("{{") != std::string_view::npos) {
    return policy_error("the policy holds " + in_backticks(text) +
                        ", which CloudFormation would read as a dynamic reference; write it without `{{`");
  }
  if (is_key && (text.starts_with("Fn::") || text == "Ref")) {
    return policy_error("the policy has the member " + in_backticks(text) +
                        ", which is CloudFormation's own; leave it out");
  }
  return success();
}

Result<Node> node_of(const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::string: {
      const std::string_view text{value.get_string().data(), value.get_string().size()};
      DEPUTY_TRY(refuse_instructions(text, false));
      return text_in_any_partition(text);
    }
    case boost::json::kind::array: {
      Node list = Node::list_of({});
      for (const boost::json::value& element : value.get_array()) {
        DEPUTY_TRY(Node node, node_of(element));
        list.list.push_back(std::move(node));
      }
      return list;
    }
    case boost::json::kind::object: {
      Node map = Node::map_of({});
      for (const auto& [key, member] : value.get_object()) {
        const std::string_view name{key.data(), key.size()};
        DEPUTY_TRY(refuse_instructions(name, true));
        DEPUTY_TRY(Node node, node_of(member));
        map.map.emplace_back(name, std::move(node));
      }
      return map;
    }
    case boost::json::kind::null:
      return policy_error("the policy holds null where IAM wants a value");
    case boost::json::kind::double_:
      return Node::verbatim(fmt::format("{}", value.get_double()));  // YAML 1.1 does not know `1.3E0`
    default:
      return Node::verbatim(boost::json::serialize(value));
  }
}

void explain_statement(Node& statement, const std::map<std::string, std::string>& reasons) {
  for (const auto& [key, member] : statement.map) {
    if (key != "Sid" || member.text.empty()) continue;
    const auto reason = reasons.find(member.text.front().literal);
    if (reason != reasons.end()) statement.comment = readable(reason->second, reason_bytes_max);
  }
}

std::string json_quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string{text});
}

class JsonWriter {
 public:
  JsonWriter(bool indented, const std::function<std::string(Blank)>& fill)
      : indented_(indented), fill_(fill) {}

  void write(const Node& node) {
    switch (node.kind) {
      case Node::Kind::literal:
        out_ += node.literal;
        return;
      case Node::Kind::text:
        write_text(node.text);
        return;
      case Node::Kind::list:
        write_all('[', node.list, ']', [&](const Node& element) { write(element); });
        return;
      case Node::Kind::map:
        write_all('{', node.map, '}', [&](const auto& entry) {
          out_ += json_quoted(entry.first) + (indented_ ? ": " : ":");
          write(entry.second);
        });
        return;
    }
  }
  std::string take() { return std::move(out_); }

 private:
  void write_text(const Text& text) {
    out_ += '"';
    for (const Piece& piece : text) {
      if (piece.blank != Blank::none) {
        out_ += fill_(piece.blank);
      } else {
        const std::string quoted = json_quoted(piece.literal);
        out_.append(quoted, 1, quoted.size() - 2);
      }
    }
    out_ += '"';
  }

  template <class Items, class Write>
  void write_all(char open, const Items& items, char close, Write&& write_one) {
    out_ += open;
    ++depth_;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += ',';
      new_line();
      write_one(items[i]);
    }
    --depth_;
    if (!items.empty()) new_line();
    out_ += close;
  }

  void new_line() {
    if (indented_) out_ += '\n' + std::string(depth_ * 2, ' ');
  }

  bool indented_;
  const std::function<std::string(Blank)>& fill_;
  std::size_t depth_ = 0;
  std::string out_;
};

Node condition_of(const Trust& trust) {
  Node ids = Node::of(Blank::external_id);
  if (trust.next_external_id) ids = Node::list_of({std::move(ids), Node::of(Blank::next_external_id)});
  std::vector<std::pair<std::string, Node>> operators;
  operators.emplace_back("StringEquals", Node::map_of({{"sts:ExternalId", std::move(ids)}}));
  if (trust.form == TrustForm::account_with_principal_arn) {
    operators.emplace_back("ArnEquals",
                           Node::map_of({{"aws:PrincipalArn", Node::of(Blank::partner_principal)}}));
  }
  return Node::map_of(std::move(operators));
}

std::string to_json(const Node& node, const Trust& trust) {
  return to_json(node, true, [&](Blank blank) -> std::string {
    switch (blank) {
      case Blank::external_id:
        return trust.external_id.text();
      case Blank::next_external_id:
        return trust.next_external_id->text();
      case Blank::partner_principal:
        return trust.partner_principal.text();
      default:
        DEPUTY_ASSERT(false);
    }
  });
}

bool is_role_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view{"_+=,.@-"}.find(c) != std::string_view::npos;
}

}  // namespace

Node trust_policy(const Trust& trust) {
  const RoleArn& partner = trust.partner_principal;
  // The partner's ARN keeps its own partition: partitions do not trust each other.
  Node principal = trust.form == TrustForm::role
                       ? Node::of(Blank::partner_principal)
                       : Node::of(fmt::format("arn:{}:iam::{}:root", to_text(partner.partition()),
                                              partner.account().text()));
  // Callers whose session carries tags (EKS Pod Identity sets some) need sts:TagSession too, on the same
  // condition.
  Node statement =
      Node::map_of({{"Sid", Node::of("DeputyWithExternalId")},
                    {"Effect", Node::of("Allow")},
                    {"Principal", Node::map_of({{"AWS", std::move(principal)}})},
                    {"Action", Node::list_of({Node::of("sts:AssumeRole"), Node::of("sts:TagSession")})},
                    {"Condition", condition_of(trust)}});
  return Node::map_of(
      {{"Version", Node::of("2012-10-17")}, {"Statement", Node::list_of({std::move(statement)})}});
}

Result<Node> permissions(const RoleDescription& role) {
  boost::system::error_code error;
  const boost::json::value document = boost::json::parse(role.policy_json, error);
  if (error) return policy_error("the policy is not JSON: " + error.message());
  if (!document.is_object()) return policy_error("the policy is not a JSON object");
  DEPUTY_TRY(Node policy, node_of(document));
  for (auto& [key, member] : policy.map) {
    if (key != "Statement") continue;
    if (member.kind == Node::Kind::map) member = Node::list_of({member});
    for (Node& statement : member.list) explain_statement(statement, role.reasons);
  }
  return policy;
}

Node self_read_policy() {
  Node statement =
      Node::map_of({{"Sid", Node::of("DeputyReadsThisRole")},
                    {"Effect", Node::of("Allow")},
                    {"Action", Node::list_of({Node::of("iam:GetRole"), Node::of("iam:GetRolePolicy"),
                                              Node::of("iam:ListRolePolicies"),
                                              Node::of("iam:ListAttachedRolePolicies")})},
                    {"Resource", Node::of(Blank::role_arn)}});
  statement.comment =
      "Lets the partner check that this role is safe: it can read this role and its policies, nothing else.";
  return Node::map_of(
      {{"Version", Node::of("2012-10-17")}, {"Statement", Node::list_of({std::move(statement)})}});
}

std::string to_json(const Node& node, bool indented, const std::function<std::string(Blank)>& fill) {
  JsonWriter writer{indented, fill};
  writer.write(node);
  return writer.take();
}

std::string trust_policy_json(const Trust& trust) {
  return to_json(trust_policy(trust), trust);
}
std::string trust_condition_json(const Trust& trust) {
  return to_json(condition_of(trust), trust);
}

Result<void> check(const RoleDescription& role) {
  if (role.role_name) {
    const std::string& name = *role.role_name;
    if (name.empty() || name.size() > 64 || !std::all_of(name.begin(), name.end(), is_role_name_character)) {
      return Error{ErrorKind::invalid_request, "the role name " + in_backticks(name) +
                                                   " must be 1–64 letters, digits or characters of `_+=,.@-`"}
          .with_field("role_name");
    }
  }
  if (role.session_duration_max < std::chrono::hours{1} ||
      role.session_duration_max > std::chrono::hours{12}) {
    return Error{ErrorKind::invalid_request, "the longest session must be one to twelve hours"};
  }
  return success();
}

std::string default_role_name(const IntegrationName& integration, const ConnectionId& connection) {
  constexpr std::size_t integration_length_max = 64 - 7 - 1 - 8;
  const std::string& id = connection.text();
  return "deputy-" + integration.text().substr(0, integration_length_max) + "-" + id.substr(id.size() - 8);
}

std::string role_name_of(const RoleDescription& role) {
  return role.role_name.value_or(default_role_name(role.integration, role.connection));
}

std::string purpose_of(const RoleDescription& role) {
  const std::string tenant = readable(role.tenant_name, name_bytes_max);
  const std::string purpose = fmt::format(
      "Made for {} ({}) alone: if you are not {}, do not use this. Gives the integration {} (version {}) "
      "access to this AWS account, connection {}. {}",
      tenant, role.tenant.text(), tenant, role.integration.text(), role.integration_version,
      role.connection.text(), role.integration_description);
  return readable(purpose, 1'024);
}

std::vector<std::pair<std::string, std::string>> tags_of(const RoleDescription& role) {
  return {{"deputy:tenant", role.tenant.text()},
          {"deputy:tenant-name", tag_value(role.tenant_name)},
          {"deputy:connection", role.connection.text()},
          {"deputy:integration", role.integration.text()},
          {"deputy:integration-version", std::to_string(role.integration_version)}};
}

}  // namespace deputy::templates
