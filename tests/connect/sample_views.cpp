#include "connect/sample_views.hpp"

#include "connect/difference.hpp"
#include "connect/permissions.hpp"
#include "connect/texts.hpp"

namespace deputy::connect::samples {
namespace {

using registry::ConnectionState;
using registry::Proof;
using registry::RotationState;
using registry::VerificationOutcome;

Timestamp at(std::string_view text) {
  return parse_rfc3339(text).value();
}

const Timestamp now = at("2026-11-28T09:41:00Z");
constexpr std::string_view role = "arn:aws:iam::444455556666:role/deputy-log-reader-kkkkllll";
constexpr std::string_view external_id = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
constexpr std::string_view next_id = "0b5c1f2e-3a4d-4e6f-8091-a2b3c4d5e6f7";

constexpr std::string_view policy =
    R"({"Version":"2012-10-17","Statement":[)"
    R"({"Sid":"FindLogGroups","Effect":"Allow","Action":["logs:DescribeLogGroups","logs:ListTagsForResource"],"Resource":"*"},)"
    R"({"Sid":"ReadLogs","Effect":"Allow","Action":["logs:FilterLogEvents","logs:GetLogEvents","logs:DescribeLogStreams"],)"
    R"("Resource":["arn:aws:logs:*:*:log-group:/aws/lambda/*","arn:aws:logs:*:*:log-group:/app/*"]},)"
    R"({"Sid":"NotPayroll","Effect":"Deny","Action":"logs:*","Resource":"arn:aws:logs:*:*:log-group:/app/payroll*"},)"
    R"({"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]})";
constexpr std::string_view policy_before =
    R"({"Version":"2012-10-17","Statement":[)"
    R"({"Sid":"FindLogGroups","Effect":"Allow","Action":["logs:DescribeLogGroups","logs:DescribeLogStreams"],"Resource":"*"},)"
    R"({"Sid":"ReadLogs","Effect":"Allow","Action":["logs:FilterLogEvents","logs:GetLogEvents"],)"
    R"("Resource":["arn:aws:logs:*:*:log-group:/aws/lambda/*","arn:aws:logs:*:*:log-group:/app/*"]}]})";

std::string trust_policy(std::string_view ids) {
  return R"({"Version":"2012-10-17","Statement":[{"Sid":"DeputyWithExternalId","Effect":"Allow","Principal":{"AWS":)"
         R"("arn:aws:iam::111122223333:role/northwind/deputy"},"Action":["sts:AssumeRole","sts:TagSession"],)"
         R"("Condition":{"StringEquals":{"sts:ExternalId":)" +
         std::string{ids} + "}}}]}";
}

std::string quoted(std::string_view id) {
  return "\"" + std::string{id} + "\"";
}

// Fills whole views, so that each field is named once.
class Sampler {
 public:
  explicit Sampler(const Fill& fill) : p_(fill.people), i_(fill.identifiers) {}

  Frame frame(Step reachable) const {
    return {.session = i_("cse_aaaabbbbccccddddeeeeffff"),
            .csrf = i_("q8Zt0Yk2b6w1"),
            .connection = i_("con_gggghhhhiiiijjjjkkkkllll"),
            .tenant = p_("Acme GmbH"),
            .tenant_id = i_("ten_0123456789abcdefghijkl"),
            .integration = p_("Log Insights"),
            .reachable = reachable,
            .return_url = i_("https://app.northwind.example/settings/aws"),
            .expires_at = now + std::chrono::minutes{24}};
  }

  std::vector<Permission> permissions() const {
    auto out = permissions_of(
        policy, {{"FindLogGroups", p_("To offer you the log groups that can be watched.")},
                 {"ReadLogs", p_("To read the log events of your applications and show them to you.")},
                 {"NotPayroll", p_("We never want to see payroll data.")}});
    for (auto& permission : out) {
      permission.sid = i_(permission.sid);
      for (auto& action : permission.actions) action = i_(action);
      for (auto& resource : permission.resources) resource = i_(resource);
    }
    out.push_back({.sid = i_("y"),
                   .reason = p_("To keep what is not listed out of reach."),
                   .denies = true,
                   .all_actions_but = true,
                   .all_resources_but = false,
                   .conditional = false,
                   .actions = {i_("logs:*")},
                   .resources = {i_("*")}});
    out.push_back({.sid = i_("x"),
                   .reason = p_("To ask for everything but what is listed, as a policy may."),
                   .denies = false,
                   .all_actions_but = true,
                   .all_resources_but = true,
                   .conditional = false,
                   .actions = std::vector<std::string>(20, i_("tag:GetResources")),
                   .resources = {i_("arn:aws:s3:::secret")}});
    return out;
  }

  Ask ask() const {
    auto shown = permissions();
    shown.resize(4);
    return {.integration_name = i_("log-insights"),
            .integration_version = 3,
            .permissions = std::move(shown),
            .policy = i_(policy),
            .trust_policy = i_(trust_policy(quoted(external_id))),
            .partner_principal = i_("arn:aws:iam::111122223333:role/northwind/deputy"),
            .partner_account = i_("111122223333"),
            .session_max = std::chrono::hours{1},
            .reads_itself = true,
            .account = i_("444455556666")};
  }

  AskView ask_view() const { return {.frame = frame(Step::ask), .ask = ask()}; }

  CreateView create(Way way, bool launch) const {
    const bool yaml = way == Way::cloudformation, terraform = way == Way::terraform;
    CreateView view{
        .frame = frame(Step::role),
        .external_id = i_(external_id),
        .way = way,
        .console_url = i_("https://console.aws.amazon.com/cloudformation/home#/stacks/create"),
        .file_name = i_(yaml        ? "deputy-role.yaml"
                        : terraform ? "deputy-role.tf"
                                    : "deputy-role.sh"),
        .file_text = p_(yaml ? "AWSTemplateFormatVersion: \"2010-09-09\"\nDescription: \"Made for Acme "
                               "GmbH alone: if you are not Acme GmbH, do not use this.\"\nResources:\n  "
                               "Role:\n    Type: \"AWS::IAM::Role\"\n    Properties:\n      "
                               "MaxSessionDuration: 3600\n"
                        : terraform ? "variable \"external_id\" {\n  type    = string\n  default = "
                                      "\"6f9619ff-8b86-4d01-b42d-00cf4fc964ff\"\n}\n\nresource "
                                      "\"aws_iam_role\" \"this\" {\n  name = \"deputy-log-reader\"\n}\n"
                                    : "#!/bin/sh\nset -eu\naws iam create-role --role-name "
                                      "deputy-log-reader --assume-role-policy-document file://trust.json\n"),
        .stack_name = i_("deputy-log-insights-kkkkllll"),
        .named_role = true,
        .account = i_("444455556666"),
        .role_already_given = terraform};
    if (launch)
      view.launch_url =
          i_("https://eu-central-1.console.aws.amazon.com/cloudformation/home?region=eu-central-1#/stacks/"
             "quickcreate?templateURL=https%3A%2F%2Fexample.s3.amazonaws.com%2Ft.yaml&stackName=deputy");
    return view;
  }

  RoleView role_view(bool wrong, bool lookup) const {
    RoleView view{.frame = frame(Step::role),
                  .entered = {},
                  .error = {},
                  .account = {},
                  .fixed_role_name = {},
                  .entered_account = {},
                  .account_error = {}};
    if (wrong) {
      view.entered = i_("arn:aws:iam::444455556666:user/jane");
      view.error =
          p_("this is the ARN of a user; a role's has `role/` after the account: "
             "arn:aws:iam::444455556666:role/NAME");
    }
    if (lookup) {
      view.fixed_role_name = i_("NorthwindLogInsights");
      view.account = i_("444455556666");
    }
    if (wrong && lookup) {
      view.entered_account = i_("4444-5555-6666");
      view.account_error = p_("an account ID is twelve digits, without hyphens");
    }
    return view;
  }

  CheckView check(std::string_view name, CheckState state, std::string_view message = {}) const {
    CheckView out{.name = i_(name),
                  .state = state,
                  .message = message.empty() ? "" : p_(message),
                  .mend = {},
                  .aws_error_code = {},
                  .aws_request_id = {},
                  .at = {}};
    if (state == CheckState::passed || state == CheckState::failed || state == CheckState::inconclusive) {
      out.at = now;
      out.aws_request_id = i_("c2b4f5ad-6c1e-4d5f-9a0e-3f1c7f0f5a11");
    }
    return out;
  }

  ChecksView checks_running(bool by_aws) const {
    ChecksView view = checks_base();
    view.running = true;
    view.waiting_for_aws = by_aws;
    view.waiting_until = now + std::chrono::seconds{90};
    using enum CheckState;
    view.checks = {check("role_assumable", by_aws ? running : passed,
                         by_aws ? "" : "the role can be assumed with the external ID of this connection"),
                   check("external_id_required", by_aws ? waiting : passed,
                         by_aws ? "" : "without an external ID AWS denies access, as it must"),
                   check("external_id_exact", by_aws ? waiting : running),
                   check("role_still_assumable", waiting),
                   check("account_matches", waiting),
                   check("trust_policy", waiting),
                   check("permissions", waiting)};
    return view;
  }

  std::vector<CheckView> all_passed() const {
    using enum CheckState;
    return {
        check("role_assumable", passed, "the role can be assumed with the external ID of this connection"),
        check("external_id_required", passed, "without an external ID AWS denies access, as it must"),
        check("external_id_exact", passed, "wrong external IDs are denied, as they must be"),
        check("role_still_assumable", passed,
              "after the denials the role can still be assumed, so they were about the external ID"),
        check("account_matches", passed, "the role's credentials belong to the account and role of the ARN"),
        check("trust_policy", passed,
              "the trust policy accepts the partner with exactly this external ID and nobody else"),
        check("permissions", skipped,
              "the role's permissions could not be compared: the role may not list its attached policies")};
  }

  ChecksView checks_passed() const {
    ChecksView view = checks_base();
    view.frame.reachable = Step::connected;
    view.state = ConnectionState::active;
    view.outcome = VerificationOutcome::passed;
    view.proof = Proof::proved;
    view.checks = all_passed();
    return view;
  }

  ChecksView checks_rotating(RotationState rotation) const {
    ChecksView view = checks_passed();
    view.rotation = rotation;
    const bool retiring = rotation == RotationState::retiring;
    const bool works = rotation == RotationState::verified;
    view.checks.push_back(
        retiring ? check("previous_external_id_denied", CheckState::awaited,
                         "the role still accepts the previous external ID; remove it from the condition of "
                         "its trust policy")
                 : check("next_external_id_works", works ? CheckState::passed : CheckState::awaited,
                         works ? "the role accepts the next external ID: the rotation can be completed"
                               : "the role does not accept the next external ID yet"));
    if (retiring) {
      view.external_id = i_(next_id);
      view.retire_by = now + std::chrono::hours{24 * 7};
    }
    const std::string ids =
        retiring ? quoted(next_id) : "[" + quoted(external_id) + "," + quoted(next_id) + "]";
    if (!works) view.trust_policy = p_(indented_json(trust_policy(ids)));
    return view;
  }

  ChecksView checks_failed() const {
    ChecksView view = checks_base();
    view.state = ConnectionState::rejected;
    view.outcome = VerificationOutcome::failed;
    view.again_from = now + std::chrono::seconds{10};
    view.next_attempt_at = now + std::chrono::hours{24};
    view.frame.notice =
        p_("A verification ran less than 10 seconds ago; the next one can begin in a moment.");
    using enum CheckState;
    view.checks = {
        check("role_assumable", passed, "the role can be assumed with the external ID of this connection"),
        check("external_id_required", failed,
              "the role trusts the partner without the external ID: anybody who can make the partner's "
              "product use "
              "this role's ARN could reach your account. Add this Condition to every statement of the role's "
              "trust "
              "policy that names the partner, then verify again"),
        check("external_id_exact", skipped, "not run, because an earlier check did not pass"),
        check("role_still_assumable", skipped, "not run, because an earlier check did not pass"),
        check("account_matches", skipped, "not run, because an earlier check did not pass"),
        check("trust_policy", inconclusive,
              "AWS gave no clear answer, so this could not be found out; the check runs again by itself"),
        check("permissions", skipped, "not run, because an earlier check did not pass")};
    view.checks[1].mend = p_(indented_json(trust_policy(quoted(external_id))));
    view.checks[5].aws_error_code = i_("ServiceUnavailable");
    view.trust_policy = p_(indented_json(trust_policy(quoted(external_id))));
    return view;
  }

  ChecksView checks_inconclusive() const {
    ChecksView view = checks_failed();
    view.state = ConnectionState::verifying;
    view.outcome = VerificationOutcome::inconclusive;
    view.again_from.reset();
    view.checks[1] = check("external_id_required", CheckState::inconclusive,
                           "AWS is limiting the partner's requests at the moment, so this could not be found "
                           "out; the check runs again by itself");
    return view;
  }

  ConnectedView connected(ConnectionState state, Proof proof) const {
    const bool plain = state == ConnectionState::active && proof == Proof::proved;
    ConnectedView view{
        .frame = frame(Step::connected),
        .connection = i_("con_gggghhhhiiiijjjjkkkkllll"),
        .state = state,
        .proof = proof,
        .account = i_("444455556666"),
        .role_arn = i_(role),
        .external_id = i_(external_id),
        .last_verification =
            registry::LastVerification{
                .id = VerificationId::parse("ver_aaaabbbbccccddddeeeeffff").value(),
                .outcome = state == ConnectionState::suspended || state == ConnectionState::rejected
                               ? VerificationOutcome::failed
                               : VerificationOutcome::passed,
                .finished_at = now},
        .next_verification_at = now + std::chrono::hours{23},
        .checks = all_passed(),
        .ask = ask(),
        .uses = uses(),
        .rotation = {},
        .report = true};
    if (!plain) {
      view.uses.newer_cursor = i_("bmV3ZXI");
      view.rotation = RotationState::awaiting_customer;
      view.others = others();
      view.frame.newer_version = true;
      view.frame.notice = p_("The role was checked a moment ago.");
    }
    return view;
  }

  Others others() const {
    return {.listed = {{.id = i_("con_aaaabbbbccccddddeeeeffff"),
                        .account = i_("777788889999"),
                        .state = ConnectionState::suspended},
                       {.id = i_("con_bbbbbbbbccccddddeeeeffff"),
                        .account = std::nullopt,
                        .state = ConnectionState::awaiting_role}},
            .more = true,
            .can_connect_another = true};
  }

  Uses uses() const { return {.rows = issuances(), .older_cursor = i_("b3BhcXVl")}; }

  std::vector<IssuanceRow> issuances() const {
    const auto row = [&](int minutes, std::string_view key, std::string_view workload, bool cached) {
      return IssuanceRow{.id = i_("iss_aaaabbbbccccddddeeeeffff"),
                         .workload = p_(workload),
                         .reason = {},
                         .session_name = i_("deputy-gggghhhh-log-collector"),
                         .access_key_id = i_(key),
                         .issued_at = now - std::chrono::minutes{minutes},
                         .expires_at = now - std::chrono::minutes{minutes} + std::chrono::hours{1},
                         .from_cache = cached};
    };
    std::vector<IssuanceRow> out{row(4, "ASIAQ3EXAMPLEKEY0001", "log-collector", false),
                                 row(19, "ASIAQ3EXAMPLEKEY0002", "log-search", true),
                                 row(61, "ASIAQ3EXAMPLEKEY0003", "log-collector", false)};
    out[1].reason = p_("Search by support for ticket 4711, asked for by jane@acme.example");
    return out;
  }

  RotateView rotate(std::optional<RotationState> state) const {
    RotateView view{
        .frame = frame(Step::connected),
        .rotation = state,
        .external_id = i_(state == RotationState::retiring ? next_id : external_id),
        .next_external_id = {},
        .previous_external_id = {},
        .verified_at = {},
        .retire_by = {},
        .trust_policy = i_(trust_policy(state == RotationState::retiring
                                            ? quoted(next_id)
                                            : "[" + quoted(external_id) + "," + quoted(next_id) + "]")),
        .role_arn = i_(role)};
    if (state == RotationState::awaiting_customer || state == RotationState::verified)
      view.next_external_id = i_(next_id);
    if (state == RotationState::verified) view.verified_at = now;
    if (state == RotationState::retiring) {
      view.previous_external_id = i_(external_id);
      view.retire_by = now + std::chrono::hours{24 * 7};
      view.frame.notice = p_("The rotation is complete but for the last step.");
    }
    return view;
  }

  UpdateView update(Way way) const {
    const CreateView made = create(way, false);
    std::vector<DiffLine> difference = difference_of(indented_json(policy_before), indented_json(policy));
    for (auto& line : difference) line.text = i_(line.text);
    Frame with_notice = frame(Step::connected);
    with_notice.notice = p_("Nothing was changed yet.");
    return {.frame = std::move(with_notice),
            .version_now = 2,
            .version_new = 3,
            .difference = std::move(difference),
            .permissions = permissions(),
            .way = way,
            .file_name = made.file_name,
            .file_text = made.file_text,
            .named_role = made.named_role,
            .role_arn = i_(role)};
  }

  DisconnectView disconnect(bool wrong) const {
    DisconnectView view{
        .frame = frame(Step::connected), .account = i_("444455556666"), .role_arn = i_(role), .error = {}};
    if (wrong) view.error = std::string{text("disconnect.tick_missing")};
    return view;
  }

  DisconnectedView disconnected() const {
    return {.frame = frame(Step::ask),
            .account = i_("444455556666"),
            .role_arn = i_(role),
            .stack_name = i_("deputy-log-insights-kkkkllll"),
            .disconnected_at = now,
            .uses = uses(),
            .others = others()};
  }

  TroubleView trouble(Trouble trouble) const {
    TroubleView view{.trouble = trouble, .session = {}, .retry_after = {}, .request_id = i_("req_5f0c2a9e")};
    if (trouble == Trouble::form_stale) view.session = i_("cse_aaaabbbbccccddddeeeeffff");
    if (trouble == Trouble::too_many_requests) view.retry_after = std::chrono::seconds{42};
    return view;
  }

 private:
  ChecksView checks_base() const {
    return {.frame = frame(Step::checks),
            .role_arn = i_(role),
            .external_id = i_(external_id),
            .state = ConnectionState::verifying,
            .running = false,
            .outcome = {},
            .proof = Proof::none,
            .waiting_for_aws = false,
            .waiting_until = {},
            .checks = {},
            .next_attempt_at = {},
            .again_from = {},
            .watch = false};
  }

  std::function<std::string(std::string_view)> p_, i_;
};

}  // namespace

Brand northwind() {
  return make_brand("Northwind", "#0f6b5c", std::nullopt).value();
}

Screen first_screen(const Screens& screens, const Fill& fill) {
  return {"ask", screens.render(Sampler{fill}.ask_view())};
}

std::vector<Screen> all_screens(const Screens& screens, const Fill& fill) {
  const Sampler sample{fill};
  std::vector<Screen> out;
  const auto add = [&](std::string name, const auto& view) {
    out.push_back({std::move(name), screens.render(view)});
  };
  add("ask", sample.ask_view());
  AskView outdated = sample.ask_view();
  outdated.frame.newer_version = true;
  add("ask-newer", outdated);
  for (const auto& [key, notice] : texts()) {
    if (!key.starts_with("notice.")) continue;
    AskView told = sample.ask_view();
    told.frame.notice = std::string{notice};
    add("ask-" + std::string{key.substr(key.find('.') + 1)}, told);
  }
  add("create-launch", sample.create(Way::cloudformation, true));
  add("create-upload", sample.create(Way::cloudformation, false));
  add("create-terraform", sample.create(Way::terraform, false));
  add("create-cli", sample.create(Way::aws_cli, false));
  for (const Way way : {Way::cloudformation, Way::terraform, Way::aws_cli}) {
    CreateView unknown_account = sample.create(way, false);
    unknown_account.account.reset();
    unknown_account.named_role = false;
    add("create-unknown-account-" + std::to_string(static_cast<int>(way)), unknown_account);
  }
  add("role", sample.role_view(false, false));
  add("role-wrong", sample.role_view(true, false));
  add("role-lookup", sample.role_view(false, true));
  add("role-lookup-wrong", sample.role_view(true, true));
  add("checks-waiting", sample.checks_running(true));
  ChecksView watched = sample.checks_running(false);
  add("checks-running", watched);
  watched.watch = true;
  add("checks-watched", watched);
  add("checks-passed", sample.checks_passed());
  ChecksView review = sample.checks_passed();
  review.state = ConnectionState::in_review;
  add("checks-in-review", review);
  ChecksView probed = sample.checks_passed();
  probed.proof = Proof::probed;
  add("checks-probed", probed);
  add("checks-next-works", sample.checks_rotating(RotationState::verified));
  add("checks-next-awaited", sample.checks_rotating(RotationState::awaiting_customer));
  add("checks-previous-awaited", sample.checks_rotating(RotationState::retiring));
  for (const RotationState rotation : {RotationState::awaiting_customer, RotationState::retiring}) {
    ChecksView reviewed = sample.checks_rotating(rotation);
    reviewed.state = ConnectionState::in_review;
    add(rotation == RotationState::retiring ? "checks-previous-in-review" : "checks-next-in-review",
        reviewed);
  }
  ChecksView queued = sample.checks_running(false);
  queued.next_attempt_at = now + std::chrono::hours{6};
  for (CheckView& check : queued.checks) check = sample.check(check.name, CheckState::waiting);
  add("checks-queued", queued);
  add("checks-failed", sample.checks_failed());
  add("checks-inconclusive", sample.checks_inconclusive());
  add("connected", sample.connected(ConnectionState::active, Proof::proved));
  add("connected-probed", sample.connected(ConnectionState::active, Proof::probed));
  add("suspended", sample.connected(ConnectionState::suspended, Proof::none));
  add("rejected", sample.connected(ConnectionState::rejected, Proof::none));
  add("in-review", sample.connected(ConnectionState::in_review, Proof::probed));
  ConnectedView unused = sample.connected(ConnectionState::verifying, Proof::none);
  unused.rotation = RotationState::verified;
  unused.uses.rows.clear();
  unused.last_verification.reset();
  unused.next_verification_at.reset();
  add("connected-unused", unused);
  unused.state = ConnectionState::awaiting_role;
  unused.rotation = RotationState::retiring;
  add("connected-awaiting", unused);
  add("rotate", sample.rotate({}));
  add("rotate-awaiting", sample.rotate(RotationState::awaiting_customer));
  add("rotate-verified", sample.rotate(RotationState::verified));
  add("rotate-retiring", sample.rotate(RotationState::retiring));
  add("update", sample.update(Way::cloudformation));
  add("update-terraform", sample.update(Way::terraform));
  add("update-cli", sample.update(Way::aws_cli));
  add("disconnect", sample.disconnect(false));
  add("disconnect-wrong", sample.disconnect(true));
  add("disconnected", sample.disconnected());
  for (int i = 0; i <= static_cast<int>(Trouble::internal); ++i)
    add("trouble-" + std::to_string(i), sample.trouble(static_cast<Trouble>(i)));
  TroubleView soon = sample.trouble(Trouble::too_many_requests);
  soon.retry_after.reset();
  add("trouble-soon", soon);
  return out;
}

}  // namespace deputy::connect::samples
