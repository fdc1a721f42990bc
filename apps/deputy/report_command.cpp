#include "command.hpp"

#include <iostream>

#include "verify/signed_report.hpp"

namespace deputy::cli {
namespace {

// Needs no server and no network: whoever kept a report and the public key can check it years later.
int check(const std::string& file, const std::string& key_file) {
  const auto document = read_input(file);
  if (!document) {
    tell(document.error());
    return wrong_use;
  }
  const auto key = read_input(key_file);
  if (!key) {
    tell(key.error());
    return wrong_use;
  }
  const auto checked = verify::check_report(document.value(), key.value());
  if (!checked) {
    tell(checked.error());
    return checked.error().kind == ErrorKind::conflict ? found_something : wrong_use;
  }
  std::cout << "the report is as it was signed with this key\n";
  return done;
}

}  // namespace

void add_report_command(CLI::App& program, Context& context) {
  auto* report = program.add_subcommand("report", "Signed reports of verifications")->require_subcommand(1);
  auto* verify = report->add_subcommand("verify", "Check the signature of a report that a customer kept");
  auto file = std::make_shared<std::string>();
  auto key = std::make_shared<std::string>();
  verify->add_option("file", *file, "The report; - for standard input")->required();
  verify->add_option("--key", *key, "File with the public key, as GET /v1/report-key tells it: PEM or base64")
      ->required();
  verify->callback([&context, file, key] { context.status = check(*file, *key); });
}

}  // namespace deputy::cli
