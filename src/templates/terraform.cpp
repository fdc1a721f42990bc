#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <string_view>

#include "core/assert.hpp"
#include "templates/document.hpp"
#include "templates/quoting.hpp"
#include "templates/template.hpp"

namespace deputy::templates {
namespace {

std::string_view expression_of(Blank blank) {
  switch (blank) {
    case Blank::partition:
      return "data.aws_partition.current.partition";
    case Blank::external_id:
      return "var.external_id";
    case Blank::next_external_id:
      return "var.next_external_id";
    case Blank::partner_principal:
      return "var.partner_principal";
    case Blank::role_arn:
      return "aws_iam_role.this.arn";
    case Blank::none:
      break;
  }
  DEPUTY_ASSERT(false);
}

std::string expression_of(const Text& text) {
  if (text.size() == 1 && text.front().blank != Blank::none)
    return std::string{expression_of(text.front().blank)};
  std::string out = "\"";
  for (const Piece& piece : text) {
    out += piece.blank == Blank::none ? hcl_escaped(piece.literal)
                                      : fmt::format("${{{}}}", expression_of(piece.blank));
  }
  return out + '"';
}

bool is_plain_key(std::string_view key) {
  return !key.empty() && key.front() >= 'A' && key.front() <= 'Z' &&
         std::all_of(key.begin(), key.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}

// An expression of HCL, as the argument of jsonencode.
class HclWriter {
 public:
  explicit HclWriter(std::size_t indent) : indent_(indent) {}

  void write(const Node& node) {
    switch (node.kind) {
      case Node::Kind::literal:
        out_ += node.literal;
        return;
      case Node::Kind::text:
        out_ += expression_of(node.text);
        return;
      case Node::Kind::list:
        write_list(node);
        return;
      case Node::Kind::map:
        write_map(node);
        return;
    }
  }
  std::string take() { return std::move(out_); }

 private:
  void write_list(const Node& node) {
    if (node.list.empty()) {
      out_ += "[]";
      return;
    }
    out_ += '[';
    indent_ += 2;
    for (const Node& element : node.list) {
      if (!element.comment.empty()) new_line(), out_ += "# " + element.comment;
      new_line();
      write(element);
      out_ += ',';
    }
    indent_ -= 2;
    new_line();
    out_ += ']';
  }

  void write_map(const Node& node) {
    if (node.map.empty()) {
      out_ += "{}";
      return;
    }
    out_ += '{';
    indent_ += 2;
    for (const auto& [key, member] : node.map) {
      new_line();
      out_ += (is_plain_key(key) ? key : hcl_quoted(key)) + " = ";
      write(member);
    }
    indent_ -= 2;
    new_line();
    out_ += '}';
  }

  void new_line() { out_ += '\n' + std::string(indent_, ' '); }

  std::size_t indent_;
  std::string out_;
};

std::string hcl(const Node& node) {
  HclWriter writer{2};
  writer.write(node);
  return writer.take();
}

// Only the default is accepted; a caller of the module that sets another learns why at once.
std::string fixed_variable(std::string_view name, std::string_view description, const std::string& value) {
  return fmt::format(R"(
variable "{0}" {{
  type        = string
  description = {1}
  default     = {2}
  validation {{
    condition     = var.{0} == {2}
    error_message = "The value of {0} must stay as issued; ask the partner for a new file instead of changing it."
  }}
}}
)",
                     name, hcl_quoted(description), hcl_quoted(value));
}

std::string variables(const RoleDescription& role) {
  std::string out =
      fixed_variable("partner_principal", "The one role of the partner's that may assume this role.",
                     role.trust.partner_principal.text());
  out += fixed_variable("external_id", "Issued for this connection alone. The role is refused without it.",
                        role.trust.external_id.text());
  if (role.trust.next_external_id) {
    out += fixed_variable("next_external_id", "Accepted beside the other one until the rotation is over.",
                          role.trust.next_external_id->text());
  }
  if (role.grants_self_read) {
    out += R"(
variable "allow_self_read" {
  type        = bool
  description = "With true, the partner can prove from the trust policy that this role is safe, instead of only trying it."
  default     = true
}
)";
  }
  return out;
}

std::string role_resource(const RoleDescription& role) {
  std::string tags;
  for (const auto& [key, value] : tags_of(role))
    tags += fmt::format("    {} = {}\n", hcl_quoted(key), hcl_quoted(value));
  return fmt::format(R"(
resource "aws_iam_role" "this" {{
  name                 = {}
  description          = {}
  max_session_duration = {}
  assume_role_policy = jsonencode({})
  tags = {{
{}  }}
)",
                     hcl_quoted(role_name_of(role)), hcl_quoted(role_description_text(purpose_of(role))),
                     role.session_duration_max.count(), hcl(trust_policy(role.trust)), tags);
}

// Stops the plan before anything is made when the provider points to another account than the one that the
// connection is for.
std::string account_check(const RoleDescription& role) {
  if (!role.account) return "}\n";
  return fmt::format(R"(
  lifecycle {{
    precondition {{
      condition     = data.aws_caller_identity.current.account_id == {0}
      error_message = "This role is for the AWS account {1}; the provider is set to another."
    }}
  }}
}}
)",
                     hcl_quoted(role.account->text()), role.account->text());
}

std::string role_policy(std::string_view label, std::string_view name, std::string_view count,
                        const Node& document) {
  return fmt::format(R"(
resource "aws_iam_role_policy" "{}" {{
{}  name = {}
  role = aws_iam_role.this.id
  policy = jsonencode({})
}}
)",
                     label, count, hcl_quoted(name), hcl(document));
}

}  // namespace

Result<std::string> terraform(const RoleDescription& role) {
  DEPUTY_TRY(check(role));
  DEPUTY_TRY(const Node permissions_document, permissions(role));

  std::string out = fmt::format("# {}\n", purpose_of(role));
  out += fmt::format(R"(# Template version {}.

terraform {{
  required_version = ">= 1.2"
  required_providers {{
    aws = {{
      source  = "hashicorp/aws"
      version = ">= 4.0"
    }}
  }}
}}

data "aws_partition" "current" {{}}
)",
                     template_version);
  if (role.account) out += "\ndata \"aws_caller_identity\" \"current\" {}\n";
  out += variables(role) + role_resource(role) + account_check(role);
  out += role_policy("permissions", permissions_policy_name, "", permissions_document);
  if (role.grants_self_read) {
    out += role_policy("self_read", self_read_policy_name, "  count = var.allow_self_read ? 1 : 0\n",
                       self_read_policy());
  }
  out += R"(
output "role_arn" {
  description = "Give this ARN to the partner."
  value       = aws_iam_role.this.arn
}
)";
  return out;
}

}  // namespace deputy::templates
