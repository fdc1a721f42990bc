#include "templates/template.hpp"

#include "core/assert.hpp"

namespace deputy::templates {

std::string_view to_text(TrustForm form) {
  switch (form) {
    case TrustForm::role:
      return "role";
    case TrustForm::account_with_principal_arn:
      return "account_with_principal_arn";
  }
  DEPUTY_ASSERT(false);
}

Result<TrustForm> parse_trust_form(std::string_view text) {
  for (const TrustForm form : {TrustForm::role, TrustForm::account_with_principal_arn}) {
    if (text == to_text(form)) return form;
  }
  return Error{ErrorKind::invalid_request,
               "the trust form " + in_backticks(text) + " must be `role` or `account_with_principal_arn`"};
}

std::string_view to_text(Format format) {
  switch (format) {
    case Format::cloudformation:
      return "cloudformation";
    case Format::terraform:
      return "terraform";
    case Format::aws_cli:
      return "aws-cli";
  }
  DEPUTY_ASSERT(false);
}

Result<Format> parse_format(std::string_view text) {
  for (const Format format : {Format::cloudformation, Format::terraform, Format::aws_cli}) {
    if (text == to_text(format)) return format;
  }
  return Error{ErrorKind::invalid_request,
               "the format " + in_backticks(text) + " must be `cloudformation`, `terraform` or `aws-cli`"};
}

std::string_view content_type_of(Format format) {
  return format == Format::cloudformation ? "application/yaml; charset=utf-8" : "text/plain; charset=utf-8";
}

std::string_view file_name_of(Format format) {
  switch (format) {
    case Format::cloudformation:
      return "deputy-role.yaml";
    case Format::terraform:
      return "deputy-role.tf";
    case Format::aws_cli:
      return "deputy-role.sh";
  }
  DEPUTY_ASSERT(false);
}

Result<std::string> render(Format format, const RoleDescription& role) {
  switch (format) {
    case Format::cloudformation:
      return cloudformation(role);
    case Format::terraform:
      return terraform(role);
    case Format::aws_cli:
      return aws_cli(role);
  }
  DEPUTY_ASSERT(false);
}

}  // namespace deputy::templates
