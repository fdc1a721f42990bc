#include "command.hpp"
#include "scan/paced_sts.hpp"
#include "scan/report.hpp"
#include "scan/resume_file.hpp"
#include "scan/safe_text.hpp"
#include "scan/scanner.hpp"
#include "scan_progress.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <iostream>
#include <memory>

#include "app/partner_identity.hpp"
#include "aws/base_credentials.hpp"
#include "aws/curl_transport.hpp"
#include "aws/harmless_calls.hpp"
#include "aws/iam.hpp"
#include "core/task_group.hpp"
#include "http/asio_loop.hpp"
#include "verify/verifier.hpp"

namespace deputy::cli {
namespace {

using scan::ReportForm;
using scan::RowOutcome;

struct ScanArguments {
  std::string file;
  double rate = 50;
  std::string region;
  std::string principal;
  std::string state_file;
  ReportForm form = ReportForm::text;
};

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// What a scan is about, read and found good before anything is called.
struct Fleet {
  File file;
  scan::Survey survey;
  Region region;
  std::optional<RoleArn> principal;  // as given
};

Result<Fleet> read_fleet(const ScanArguments& arguments, const aws::Environment& environment) {
  std::optional<RoleArn> principal;
  if (!arguments.principal.empty()) {
    DEPUTY_TRY(principal, RoleArn::parse(arguments.principal));
  }
  std::optional<Region> region;
  if (arguments.region.empty()) {
    DEPUTY_TRY(region, aws::configured_region(environment));
  } else {
    DEPUTY_TRY(region, Region::parse(arguments.region));
  }
  File file{std::fopen(arguments.file.c_str(), "rbe")};
  if (!file) return Error{ErrorKind::invalid_request, in_backticks(arguments.file) + " cannot be opened"};
  const auto partition = region ? std::optional{region->partition()} : std::nullopt;
  DEPUTY_TRY(auto survey, scan::survey(file.get(), partition));
  if (survey.rows == 0 && survey.problem_count == 0)
    return Error{ErrorKind::invalid_request, in_backticks(arguments.file) + " has a header and no roles"};
  if (!region) region = aws::iam_signing_region(survey.partition.value_or(Partition::aws));
  return Fleet{.file = std::move(file),
               .survey = std::move(survey),
               .region = *std::move(region),
               .principal = std::move(principal)};
}

void tell_problems(const scan::Survey& survey, const std::string& file) {
  for (const std::string& problem : survey.problems)
    std::cerr << fmt::format("{}: {}\n", scan::for_terminal(file), problem);
  if (survey.problem_count > survey.problems.size())
    std::cerr << fmt::format("… and {} more\n", survey.problem_count - survey.problems.size());
  std::cerr << "deputy: nothing was verified: correct these lines, or take them out\n";
}

// One run over the fleet: what it stands on, and the tasks.
class Scan {
 public:
  Scan(const ScanArguments& arguments, Fleet fleet, aws::Endpoints endpoints,
       const aws::Environment& environment)
      : arguments_(arguments),
        fleet_(std::move(fleet)),
        endpoints_(std::move(endpoints)),
        results_(fleet_.survey.rows),
        base_(aws::default_credentials({.loop = loop_,
                                        .clock = clock_,
                                        .random = random_,
                                        .transport = transport_,
                                        .endpoints = endpoints_,
                                        .environment = environment,
                                        .region = fleet_.region})),
        started_at_(clock_.now()) {}

  Result<void> go_on_from_state() {
    if (arguments_.state_file.empty()) return success();
    DEPUTY_TRY(auto state,
               scan::ResumeFile::open(arguments_.state_file, fleet_.survey, fleet_.region, results_));
    state_.emplace(std::move(state));
    return success();
  }
  // The state that was to be gone on from is another principal's: of this scan there is no report.
  bool is_of_another() const { return is_of_another_; }

  Result<void> run();
  int report();

 private:
  Task<void> verify_all(std::optional<Result<void>>& outcome);
  Task<Result<void>> verify_fleet();
  Task<std::optional<verify::Partner>> partner();
  Result<void> begin_state();
  Result<void> refuse_own_roles(const AccountId& own);
  Task<void> keep_telling(std::stop_token done);
  Result<void> keep(std::size_t row, const scan::RowResult& result, const scan::Finding& finding);
  void say_how_to_go_on();
  Result<void> keep_all(const std::string& state_file);
  Result<scan::FleetReader> read_again();

  const ScanArguments& arguments_;
  Fleet fleet_;
  aws::Endpoints endpoints_;
  SystemClock clock_;
  SystemRandom random_;
  http::AsioLoop loop_;
  aws::CurlTransport transport_{loop_};
  // One attempt: the verifier tries again by itself, at the pace of all.
  aws::Caller caller_{loop_, clock_, random_, transport_, endpoints_, {.attempts_max = 1}};
  std::unique_ptr<aws::Sts> sts_ = aws::make_sts(caller_);
  // At the expense of the account that the role is in.
  std::unique_ptr<aws::Iam> iam_ = aws::make_iam(caller_);
  std::unique_ptr<aws::HarmlessCalls> calls_ = aws::make_harmless_calls(caller_);
  std::stop_source stop_;
  scan::PacedSts paced_{loop_, clock_, random_, *sts_, arguments_.rate, stop_.get_token()};
  scan::Results results_;
  std::unique_ptr<aws::CredentialsProvider> base_;
  TaskGroup ending_;
  std::optional<scan::ResumeFile> state_;
  std::optional<Error> state_failure_;
  std::optional<std::optional<RoleArn>> trusted_;  // whom the roles are to trust, once that is known
  bool is_of_another_ = false;
  const Timestamp started_at_;
};

Result<void> Scan::run() {
  loop_.on_stop_signal([this](int) {
    stop_.request_stop();
    transport_.close();
    ending_.spawn(base_->stop());
  });
  std::optional<Result<void>> outcome;
  TaskGroup group;
  group.spawn(verify_all(outcome));
  loop_.run();
  return *std::move(outcome);
}

Task<void> Scan::verify_all(std::optional<Result<void>>& outcome) {
  std::stop_source done;
  TaskGroup telling;
  telling.spawn(keep_telling(done.get_token()));
  outcome.emplace(co_await verify_fleet());
  done.request_stop();
  co_await telling.join();
  co_await base_->stop();
  co_await ending_.join();
  if (outcome->has_value() && state_) outcome.emplace(state_->flush());
  if (state_failure_ && outcome->has_value()) outcome.emplace(*std::move(state_failure_));
  loop_.stop();
}

// Whom the trust policies are to name. Where nobody tells, they are not judged, and the report says so.
Task<std::optional<verify::Partner>> Scan::partner() {
  app::Config config;
  config.aws.partner_principal = fleet_.principal;
  auto principal = co_await app::find_partner_principal(config, fleet_.region, *sts_, *iam_, *base_);
  if (!principal) co_return std::nullopt;
  co_return verify::Partner{std::move(principal).value(), {}};
}

// Not before it is known whom the roles are to trust: what was found out for another says nothing.
Result<void> Scan::begin_state() {
  if (!state_) return success();
  auto begun = state_->begin(*trusted_, clock_.now());
  is_of_another_ = begun.has_error();
  return begun;
}

Task<Result<void>> Scan::verify_fleet() {
  // Without credentials of one's own each role would be inconclusive, one after the other.
  DEPUTY_CO_TRY(co_await base_->get());
  const std::optional<verify::Partner> named = co_await partner();
  if (stop_.stop_requested()) co_return success();
  trusted_.emplace(named ? std::optional{named->principal} : std::nullopt);
  if (named) {
    DEPUTY_CO_TRY(refuse_own_roles(named->principal.account()));
  }
  DEPUTY_CO_TRY(begin_state());
  DEPUTY_CO_TRY(auto reader, read_again());
  verify::VerifierSettings settings;
  settings.propagation_window = std::chrono::seconds{0};
  settings.sts_rate = 1e6;  // the pace is kept below, for tries again too
  verify::Verifier verifier{loop_, clock_, random_, {paced_, *iam_, *calls_}, *base_, settings};
  // As many as it takes to keep the rate while each call takes a second, if it must.
  const auto in_flight_max = static_cast<std::size_t>(std::clamp(arguments_.rate, 8.0, 500.0));
  scan::Scanner scanner{clock_,
                        reader,
                        results_,
                        scan::Scanner::Settings{.region = fleet_.region,
                                                .session_name = SessionName::parse("deputy-scan").value(),
                                                .in_flight_max = in_flight_max},
                        [&verifier, &named](verify::Target target, std::stop_token stop) {
                          target.partner = named;
                          return verifier.run(std::move(target), std::move(stop));
                        },
                        [this](std::size_t row, const scan::RowResult& result, const scan::Finding& finding) {
                          return keep(row, result, finding);
                        }};
  co_return co_await scanner.run(stop_);
}

// A role in the account of whoever asks is nobody's customer's: that account lets itself in by other ways.
Result<void> Scan::refuse_own_roles(const AccountId& own) {
  DEPUTY_TRY(auto reader, read_again());
  for (;;) {
    DEPUTY_TRY(const auto row, reader.next());
    if (!row) break;
    if (row->role_arn.account() != own) continue;
    if (fleet_.survey.problems.size() < scan::Survey::listed_max)
      fleet_.survey.problems.push_back(
          fmt::format("line {}: role_arn_forbidden: the role is in the AWS account of our own, {}; give the "
                      "role in the customer's account",
                      row->line, own.text()));
    ++fleet_.survey.problem_count;
  }
  if (fleet_.survey.problem_count == 0) return success();
  tell_problems(fleet_.survey, arguments_.file);
  return Error{ErrorKind::role_arn_forbidden, "the fleet has roles of our own"};
}

Result<void> Scan::keep(std::size_t row, const scan::RowResult& result, const scan::Finding& finding) {
  return state_ ? state_->append(row, result, finding) : success();
}

Task<void> Scan::keep_telling(std::stop_token done) {
  ScanProgress progress{clock_, results_, paced_};
  while (co_await sleep_for(loop_, std::chrono::milliseconds{500}, done)) {
    progress.tick();
    if (!state_) continue;
    if (auto flushed = state_->flush(); flushed.has_error() && !state_failure_) {
      state_failure_ = std::move(flushed).error();
      stop_.request_stop();
    }
  }
  progress.end();
}

Result<scan::FleetReader> Scan::read_again() {
  if (std::fseek(fleet_.file.get(), 0, SEEK_SET) != 0)
    return Error{ErrorKind::invalid_request, in_backticks(arguments_.file) + " cannot be read again"};
  return scan::FleetReader::open(fleet_.file.get());
}

void Scan::say_how_to_go_on() {
  std::string state_file = arguments_.state_file;
  if (!state_) {  // nothing is lost for not having asked for it
    state_file = arguments_.file + ".scan-state";
    if (const auto kept = keep_all(state_file); !kept) {
      tell(kept.error());
      return;
    }
  }
  std::string again =
      fmt::format("deputy scan {} --resume {}", shell_word(scan::for_terminal(arguments_.file)),
                  shell_word(scan::for_terminal(state_file)));
  // A state goes on under the same terms only.
  if (!arguments_.region.empty()) again += " --region " + fleet_.region.text();
  if (fleet_.principal) again += " --principal " + shell_word(fleet_.principal->text());
  std::cerr << fmt::format("deputy: stopped; {} of {} roles are verified. To go on:\n  {}\n",
                           results_.rows() - results_.count(RowOutcome::none), results_.rows(), again);
}

Result<void> Scan::keep_all(const std::string& state_file) {
  if (!trusted_) return success();  // it was stopped before any role was asked for
  scan::Results scratch{results_.rows()};
  DEPUTY_TRY(auto state, scan::ResumeFile::open(state_file, fleet_.survey, fleet_.region, scratch));
  DEPUTY_TRY(state.begin(*trusted_, clock_.now()));
  return state.append_all(results_);
}

int Scan::report() {
  const scan::PacedSts::Counts& counts = paced_.counts();
  const scan::ScanFacts facts{.file = arguments_.file,
                              .started_at = started_at_,
                              .finished_at = clock_.now(),
                              .assume_role_calls = counts.calls,
                              .throttles = counts.throttles,
                              .calls_per_second = counts.calls_per_second(),
                              .interrupted = stop_.stop_requested()};
  auto reader = read_again();
  if (!reader) return tell(reader.error());
  const auto written =
      scan::write_report(std::cout, arguments_.form, reader.value(), fleet_.survey, results_, facts);
  std::cout.flush();
  if (stop_.stop_requested()) say_how_to_go_on();
  if (!written) {
    tell(written.error());
    return wrong_use;
  }
  return scan::exit_status(results_);
}

int run_scan(const ScanArguments& arguments) {
  const auto environment = aws::process_environment();
  auto fleet = read_fleet(arguments, environment);
  const auto endpoints = aws::Endpoints::configured(environment);
  if (!fleet || !endpoints) {
    tell(fleet ? endpoints.error() : fleet.error());
    return wrong_use;
  }
  if (fleet.value().survey.problem_count > 0) {
    tell_problems(fleet.value().survey, arguments.file);
    return wrong_use;
  }
  Scan scan{arguments, std::move(fleet).value(), endpoints.value(), environment};
  if (const auto state = scan.go_on_from_state(); !state) {
    tell(state.error());
    return wrong_use;
  }
  if (const auto done = scan.run(); !done) {
    if (done.error().kind == ErrorKind::role_arn_forbidden) return wrong_use;  // told
    const int status = tell(done.error());
    if (scan.is_of_another()) return wrong_use;
    if (done.error().kind == ErrorKind::upstream_unavailable) return status;
    // Of a file that is no longer what it was there is no report.
    if (done.error().kind != ErrorKind::conflict) scan.report();
    return wrong_use;
  }
  return scan.report();
}

}  // namespace

void add_scan_command(CLI::App& program, Context& context) {
  auto* command = program.add_subcommand(
      "scan",
      "Verify a fleet of roles, from a CSV file with the columns name,role_arn,external_id. Needs no server");
  auto arguments = std::make_shared<ScanArguments>();
  static const std::map<std::string, ReportForm> forms{
      {"text", ReportForm::text}, {"json", ReportForm::json}, {"csv", ReportForm::csv}};
  command->add_option("file", arguments->file, "The CSV file")->required();
  command->add_option("--rate", arguments->rate, "AssumeRole calls a second; about ten for each role")
      ->check(CLI::Range(0.1, 10'000.0))
      ->capture_default_str();
  command->add_option("--output", arguments->form, "text, json or csv")
      ->transform(CLI::CheckedTransformer(forms).description(""));
  command->add_option(
      "--resume", arguments->state_file,
      "File that keeps the results as they come; a scan with one that is there goes on from it");
  command->add_option(
      "--region", arguments->region,
      "Where STS is called; by default AWS_REGION, or the home Region of the roles' partition");
  command->add_option("--principal", arguments->principal,
                      "The role of yours that the trust policies are to name; by default the one whose "
                      "credentials these are");
  command->callback([&context, arguments] { context.status = run_scan(*arguments); });
}

}  // namespace deputy::cli
