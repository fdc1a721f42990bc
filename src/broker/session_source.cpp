#include "broker/session_source.hpp"

#include <algorithm>
#include <cctype>
#include <spdlog/spdlog.h>

#include "registry/session_name.hpp"

namespace deputy::broker {
namespace {

constexpr std::chrono::milliseconds quota_wait_max{2'000};
constexpr std::chrono::milliseconds pause_first_max{200};    // after a first throttle or 5xx; then twice that
constexpr std::chrono::milliseconds attempts_within{4'000};  // no further try is begun after that
// What AWS lets a request's time be off.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html
constexpr std::chrono::minutes clock_skew_max{5};
// An answer of the container protocol has less than 10,000 bytes, of which the token may take these. AWS
// states no limit for tokens; those seen are far shorter.
constexpr std::size_t token_max = 8'192;
constexpr std::size_t secret_max = 256;
constexpr std::size_t key_id_min = 16, key_id_max = 128;
// What one connection may have of the quota. Where that is little it has this many calls a second all the
// same, or everything: a job that begins with some sessions of its own is no noise.
constexpr double connection_share = 0.1;
constexpr double connection_rate_min = 2;
// A partner that runs on a role itself chains roles: STS gives an hour at most then.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
constexpr std::chrono::seconds chained_duration_max{3'600};

constexpr std::size_t usual_key_bytes = 384;

void add(std::string& key, std::string_view part) {
  key += std::to_string(part.size());
  key += ':';
  key += part;
}

Error no_answer(std::string message, std::string detail) {
  return Error{ErrorKind::upstream_unavailable, std::move(message), std::move(detail)}.with_retry_after(
      std::chrono::seconds{5});
}

Error too_many() {
  return Error{ErrorKind::upstream_throttled,
               "AWS STS takes no more requests at the moment; try again shortly"}
      .with_retry_after(std::chrono::seconds{2});
}

double connection_rate(double sts_rate) {
  return std::max(sts_rate * connection_share, std::min(connection_rate_min, sts_rate));
}

// AWS has nothing to do with it.
Error share_is_used_up(std::chrono::milliseconds free_in) {
  return Error{ErrorKind::upstream_throttled,
               "this connection asks for more new sessions than its share of credentials.sts_rate; use again "
               "those that it has, or try again shortly"}
      .with_retry_after(std::max(std::chrono::ceil<std::chrono::seconds>(free_in), std::chrono::seconds{1}));
}

// Visible ASCII that JSON need not escape.
bool is_plain(std::string_view text, std::size_t length_max) {
  return !text.empty() && text.size() <= length_max &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\'; });
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html
bool is_well_formed(const aws::Credentials& credentials) {
  const std::string_view id = credentials.access_key_id;
  const bool id_is_right =
      id.size() >= key_id_min && id.size() <= key_id_max &&
      std::ranges::all_of(id, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
  return id_is_right && is_plain(credentials.secret_access_key.reveal(), secret_max) &&
         is_plain(credentials.session_token.reveal(), token_max);
}

// The option of the caller's that STS most likely means when it says no more than ValidationError; empty when
// there was none.
std::string_view suspect(const aws::AssumeRoleRequest& request) {
  if (request.duration > chained_duration_max) return "duration_seconds";
  if (!request.tags.empty()) return "tags";
  if (request.session_policy) return "session_policy";
  if (request.source_identity) return "source_identity";
  return "";
}

// For the operator's log: by what AWS can be asked about it. Its text stays out of log and message: it names
// the role, and whoever answers in AWS's place may repeat the external ID or a token in any spelling.
std::string detail_of(const aws::AwsError& error) {
  return "sts:AssumeRole: " + in_backticks(error.code) + " (" + std::to_string(error.status) + "), request " +
         in_backticks(error.request_id);
}

Error own_access_broken(std::string detail) {
  return no_answer("the partner's own access to AWS STS does not work; Deputy's operator has to look",
                   std::move(detail));
}

// The caller did not send the policy and cannot mend it.
bool blames_forced_policy(const aws::AwsError& error, const SessionOrder& order) {
  if (order.policy_forced_by.empty()) return false;
  if (error.code == "MalformedPolicyDocument") return true;
  if (error.code == "PackedPolicyTooLarge") return order.request.tags.empty();
  return error.code == "ValidationError" && suspect(order.request) == "session_policy";
}

Error forced_policy_not_taken(const aws::AwsError& error, const SessionOrder& order) {
  spdlog::error("{} forces a session policy that AWS does not take; change the grant ({})",
                order.policy_forced_by, detail_of(error));
  return Error{
      ErrorKind::forbidden,
      order.policy_forced_by +
          " forces a session policy that AWS does not take: it is malformed or too large once packed; "
          "have the grant changed",
      detail_of(error)};
}

Error policy_or_tags_not_taken(const aws::AwsError& error, const SessionOrder& order) {
  if (!order.policy_forced_by.empty())
    return Error{ErrorKind::invalid_request,
                 "AWS does not take so many or such long tags together with the session policy that " +
                     order.policy_forced_by + " forces",
                 detail_of(error)}
        .with_field("tags");
  return Error{ErrorKind::invalid_request,
               "AWS does not take the session policy and tags: they are malformed or together too large",
               detail_of(error)}
      .with_field(order.request.session_policy ? "session_policy" : "tags");
}

// STS took the credentials and not the request.
Error not_taken(const aws::AwsError& error, const SessionOrder& order) {
  if (blames_forced_policy(error, order)) return forced_policy_not_taken(error, order);
  if (error.code == "PackedPolicyTooLarge" || error.code == "MalformedPolicyDocument")
    return policy_or_tags_not_taken(error, order);
  const auto field = suspect(order.request);
  if (error.code != "ValidationError" || field.empty())
    return no_answer(std::string{not_taken_message}, detail_of(error));
  return Error{ErrorKind::invalid_request,
               field == "duration_seconds"
                   ? "AWS does not take the request: the role's longest session may be shorter than "
                     "duration_seconds"
                   : "AWS does not take the request's " + in_backticks(field),
               detail_of(error)}
      .with_field(std::string{field});
}

// The one that is configured is the operator's to enable; any other is the caller's choice.
Error region_is_disabled(const aws::AwsError& error, const SessionOrder& order) {
  if (!order.region_by_caller) return own_access_broken(detail_of(error));
  return Error{ErrorKind::invalid_request,
               "AWS STS is not enabled in the Region " + in_backticks(order.region.text()) +
                   "; leave it out, or name one that is enabled",
               detail_of(error)}
      .with_field("region");
}

Error refused(const aws::AwsError& error, const SessionOrder& order) {
  using enum aws::AwsErrorClass;
  switch (error.error_class) {
    case access_denied:
      if (error.code != "AccessDenied") break;  // somebody between us and STS
      return Error{
          ErrorKind::role_denied,
          "AWS denied the role: it, its trust policy or what these options need was changed; verify the "
          "connection again",
          detail_of(error)};
    case throttled:
      return too_many();
    case invalid_request:
      return not_taken(error, order);
    case region_disabled:
      return region_is_disabled(error, order);
    case caller_credentials:
      return own_access_broken(detail_of(error));
    case unavailable:
    case not_found:
    case other:
      break;
  }
  return no_answer("AWS STS gave no usable answer; try again shortly", detail_of(error));
}

}  // namespace

std::string session_key(const registry::Connection& connection, const std::string& caller,
                        const SessionOrder& order) {
  const aws::AssumeRoleRequest& request = order.request;
  std::string key;
  key.reserve(usual_key_bytes + (request.session_policy ? request.session_policy->size() : 0));
  add(key, connection.id.text());
  add(key, std::to_string(connection.binding_version));
  add(key, connection.integration.text());
  add(key, std::to_string(connection.integration_version));
  add(key, caller);
  add(key, request.role_arn.text());
  add(key, request.external_id ? request.external_id->text() : "");
  add(key, request.session_name.text());
  add(key, std::to_string(request.duration.count()));
  add(key, order.region.text());
  add(key, request.session_policy ? "1" + *request.session_policy : "0");
  add(key, request.source_identity ? "1" + request.source_identity->text() : "0");
  auto tags = request.tags;
  std::ranges::sort(tags);
  for (const auto& [name, value] : tags) {
    add(key, name);
    add(key, value);
  }
  return key;
}

bool is_outage(const Error& error) {
  return error.kind == ErrorKind::upstream_throttled || error.kind == ErrorKind::upstream_unavailable;
}

bool is_refusal(const Error& error) {
  return error.kind == ErrorKind::role_denied || error.kind == ErrorKind::invalid_request ||
         error.kind == ErrorKind::forbidden || error.message == not_taken_message;
}

SessionSource::SessionSource(Surroundings around, const BrokerSettings& settings)
    : around_(around),
      life_min_(settings.life_min),
      attempts_max_(settings.sts_attempts_max),
      connection_quota_(connection_rate(settings.sts_rate), quota_wait_max) {}

Result<std::chrono::milliseconds> SessionSource::reserve(const SessionOrder& order) {
  const auto now = around_.clock.steady_now();
  const std::string& connection = order.connection.text();
  // The connection's first: what it may not have does not cost the others.
  const auto for_connection = connection_quota_.reserve(connection, now);
  if (!for_connection) {
    ++around_.tally.share_refusals;
    return share_is_used_up(connection_quota_.free_in(connection, now));
  }
  if (for_connection->count() > 0) ++around_.tally.share_waits;
  const auto for_region = around_.quota.reserve(order.region, now);
  if (!for_region) return too_many();
  return std::max(*for_connection, *for_region);
}

Task<Result<std::shared_ptr<const Session>>> SessionSource::get(SessionOrder order, std::stop_token stop) {
  const auto began = around_.clock.steady_now();
  auto pause_max = pause_first_max;
  for (int attempt = 1;; ++attempt) {
    Answer answer = co_await ask(order, stop);
    if (answer.session || !answer.may_pass || attempt >= attempts_max_ ||
        around_.clock.steady_now() - began >= attempts_within)
      co_return std::move(answer.session);
    if (!co_await sleep_for(around_.loop, full_jitter(around_.random, pause_max), stop))
      co_return std::move(answer.session);
    pause_max *= 2;
  }
}

Task<SessionSource::Answer> SessionSource::ask(SessionOrder order, std::stop_token stop) {
  const auto wait = reserve(order);
  if (!wait) co_return Answer{wait.error()};
  if (wait.value().count() > 0 && !co_await sleep_for(around_.loop, wait.value(), stop))
    co_return Answer{no_answer("Deputy is stopping; try again shortly", "")};
  auto base = co_await around_.base.get();
  if (!base) {
    around_.tally.count_sts_error("NoBaseCredentials");
    co_return Answer{own_access_broken(base.error().message + " " + base.error().detail)};
  }
  around_.tally.base_expires_at = base.value().expires_at;
  if (order.request.duration > chained_duration_max && !base.value().session_token.empty())
    co_return Answer{Error{ErrorKind::invalid_request,
                           "duration_seconds is at most 3600 here, since the partner runs on a role itself"}
                         .with_field("duration_seconds")};
  const auto began = around_.clock.steady_now();
  auto answer = co_await around_.sts.assume_role(order.request, order.region, std::move(base).value());
  around_.tally.sts_seconds.observe(around_.clock.steady_now() - began);
  if (!answer) co_return failed(order, answer.error());
  co_return Answer{checked(order, std::move(answer).value())};
}

SessionSource::Answer SessionSource::failed(const SessionOrder& order, const aws::AwsError& error) {
  around_.tally.count_sts_error(error.code);
  const bool throttled = error.error_class == aws::AwsErrorClass::throttled;
  if (throttled) around_.quota.throttled(order.region, around_.clock.steady_now());
  return {refused(error, order), throttled || error.error_class == aws::AwsErrorClass::unavailable};
}

// STS's word is not taken for it: credentials of another role or account, of another form, hardly alive, or
// alive for longer than was asked for, leave nobody.
Result<std::shared_ptr<const Session>> SessionSource::checked(const SessionOrder& order,
                                                              aws::AssumedRole answer) {
  const aws::AssumeRoleRequest& request = order.request;
  if (answer.assumed_role_arn != registry::assumed_role_arn(request.role_arn, request.session_name)) {
    around_.tally.count_sts_error("OtherRole");
    return no_answer(std::string{other_session_message},
                     "asked for " + in_backticks(request.role_arn.text()) + ", got " +
                         in_backticks(answer.assumed_role_arn) + ", request " +
                         in_backticks(answer.request_id));
  }
  aws::Credentials& credentials = answer.credentials;
  const Timestamp now = around_.clock.now();
  if (!is_well_formed(credentials) || !credentials.expires_at || *credentials.expires_at - now < life_min_ ||
      *credentials.expires_at - now > request.duration + clock_skew_max) {
    around_.tally.count_sts_error("UnusableCredentials");
    return no_answer(
        "AWS STS gave no usable answer; try again shortly",
        "credentials that are malformed, too short-lived, or longer-lived than was asked for (is "
        "this machine's clock right?), request " +
            in_backticks(answer.request_id));
  }
  const Timestamp expires_at = *credentials.expires_at;
  return std::make_shared<const Session>(
      Session{std::move(credentials), expires_at, around_.clock.steady_now() + (expires_at - now)});
}

}  // namespace deputy::broker
