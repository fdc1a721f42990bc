#include "analysis_view.hpp"
#include "command.hpp"

#include <cstdlib>
#include <iostream>
#include <unistd.h>

#include "policy/trust_document.hpp"

namespace deputy::cli {
namespace {

struct AnalyzeArguments {
  std::string file;
  std::string external_id, next_external_id;
  std::string principal, account;
  Output output = Output::text;
};

Result<policy::TrustQuestion> question_of(const AnalyzeArguments& arguments) {
  DEPUTY_TRY(auto principal, RoleArn::parse(arguments.principal));
  DEPUTY_TRY(auto external_id, ExternalId::parse(arguments.external_id));
  policy::TrustQuestion question{.partner_principal = std::move(principal),
                                 .partner_accounts = {},
                                 .role_account = std::nullopt,
                                 .issued = {std::move(external_id)},
                                 .tolerated = {}};
  if (!arguments.next_external_id.empty()) {
    DEPUTY_TRY(auto next, ExternalId::parse(arguments.next_external_id));
    question.issued.push_back(std::move(next));
  }
  if (!arguments.account.empty()) {
    DEPUTY_TRY(auto account, AccountId::parse(arguments.account));
    question.role_account = std::move(account);
  }
  return question;
}

// https://no-color.org
bool terminal_takes_colour() {
  const char* const no_colour = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  const bool wanted = no_colour == nullptr || *no_colour == '\0';
  return wanted && isatty(STDOUT_FILENO) != 0 && terminal != nullptr && std::string_view{terminal} != "dumb";
}

int analyze(const AnalyzeArguments& arguments) {
  auto question = question_of(arguments);
  if (!question) {
    tell(question.error());
    return wrong_use;
  }
  // One byte more than is read: what is too long is `invalid`, and not wrong use.
  const auto text = read_beginning(arguments.file, policy::role_description_bytes_max + 1);
  if (!text) {
    tell(text.error());
    return wrong_use;
  }
  const policy::TrustAnalysis analysis =
      policy::analyze_description(text.value(), std::move(question).value());
  if (arguments.output == Output::json) {
    std::cout << analysis_json(analysis) << "\n";
  } else {
    std::cout << analysis_text(analysis, terminal_takes_colour());
  }
  return analysis.verdict == policy::TrustVerdict::safe ? done : found_something;
}

}  // namespace

void add_analyze_command(CLI::App& program, Context& context) {
  auto* command = program.add_subcommand("analyze",
                                         "Prove from a role's trust policy that it requires the external ID, "
                                         "or show the request that gets in without. "
                                         "Needs no server and no AWS");
  auto arguments = std::make_shared<AnalyzeArguments>();
  command
      ->add_option("file", arguments->file,
                   "The trust policy, or what `aws iam get-role`, `terraform show -json` or a CloudFormation "
                   "template in JSON has of the "
                   "role; - is standard input")
      ->required();
  command->add_option("--external-id", arguments->external_id, "The one that was issued to that customer")
      ->required();
  command->add_option("--next-external-id", arguments->next_external_id,
                      "In a rotation, the one that must be accepted as well");
  command->add_option("--principal", arguments->principal, "The ARN of the role that customers trust")
      ->required();
  command->add_option("--account", arguments->account,
                      "The account of the analyzed role; by default as in the role's ARN, where the file has "
                      "it. While it is not known, "
                      "every account but the partner's is foreign");
  add_output_option(*command, arguments->output);
  command->callback([&context, arguments] { context.status = analyze(*arguments); });
}

}  // namespace deputy::cli
