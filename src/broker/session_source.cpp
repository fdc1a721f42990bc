#include "broker/session_source.hpp"

#include <algorithm>

#include "registry/session_name.hpp"

namespace deputy::broker {
namespace {

constexpr std::chrono::milliseconds quota_wait_max{2'000};
constexpr double connection_share = 0.1;
// A partner that runs on a role itself chains roles: STS gives an hour at most then.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
constexpr std::chrono::seconds chained_duration_max{3'600};

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

// For the operator's log: what AWS said. Its text may name the partner's ARN, so it stays out of the message.
std::string detail_of(const aws::AwsError& error) {
  return "sts:AssumeRole: " + in_backticks(error.code) + " (" + std::to_string(error.status) + "), request " +
         in_backticks(error.request_id) + ": " + in_backticks(error.message);
}

Error refused(const aws::AwsError& error, const aws::AssumeRoleRequest& request) {
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
      if (error.code == "PackedPolicyTooLarge" || error.code == "MalformedPolicyDocument")
        return Error{
            ErrorKind::invalid_request,
            "AWS does not take the session policy and tags: they are malformed or together too large",
            detail_of(error)}
            .with_field(request.session_policy ? "session_policy" : "tags");
      if (error.code == "ValidationError" && request.duration > chained_duration_max)
        return Error{
            ErrorKind::invalid_request,
            "AWS does not take the request: the role's longest session may be shorter than duration_seconds",
            detail_of(error)}
            .with_field("duration_seconds");
      break;
    case caller_credentials:
    case region_disabled:
      return no_answer("the partner's own access to AWS STS does not work; Deputy's operator has to look",
                       detail_of(error));
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

SessionSource::SessionSource(EventLoop& loop, const Clock& clock, aws::Sts& sts,
                             aws::CredentialsProvider& base, const BrokerSettings& settings)
    : loop_(loop),
      clock_(clock),
      sts_(sts),
      base_(base),
      life_min_(settings.life_min),
      region_quota_(settings.sts_rate, quota_wait_max),
      connection_quota_(settings.sts_rate * connection_share, quota_wait_max) {}

std::optional<std::chrono::milliseconds> SessionSource::reserve(const SessionOrder& order) {
  const auto now = clock_.steady_now();
  // The connection's first: what it may not have does not cost the others.
  const auto for_connection = connection_quota_.reserve(order.connection.text(), now);
  if (!for_connection) return std::nullopt;
  const auto for_region = region_quota_.reserve(order.region.text(), now);
  if (!for_region) return std::nullopt;
  return std::max(*for_connection, *for_region);
}

Task<Result<std::shared_ptr<const Session>>> SessionSource::get(SessionOrder order, std::stop_token stop) {
  const auto wait = reserve(order);
  if (!wait) co_return too_many();
  if (wait->count() > 0 && !co_await sleep_for(loop_, *wait, stop))
    co_return no_answer("Deputy is stopping; try again shortly", "");
  auto base = co_await base_.get();
  if (!base)
    co_return no_answer("the partner's own access to AWS STS does not work; Deputy's operator has to look",
                        base.error().message + " " + base.error().detail);
  if (order.request.duration > chained_duration_max && !base.value().session_token.empty())
    co_return Error{ErrorKind::invalid_request,
                    "duration_seconds is at most 3600 here, since the partner runs on a role itself"}
        .with_field("duration_seconds");
  auto answer = co_await sts_.assume_role(order.request, order.region, std::move(base).value());
  if (!answer) co_return refused(answer.error(), order.request);
  co_return checked(order, std::move(answer).value());
}

// STS's word is not taken for it: credentials of another role or account, or hardly alive, leave nobody.
Result<std::shared_ptr<const Session>> SessionSource::checked(const SessionOrder& order,
                                                              aws::AssumedRole answer) const {
  const aws::AssumeRoleRequest& request = order.request;
  if (answer.assumed_role_arn != registry::assumed_role_arn(request.role_arn, request.session_name))
    return no_answer(std::string{other_session_message},
                     "asked for " + in_backticks(request.role_arn.text()) + ", got " +
                         in_backticks(answer.assumed_role_arn) + ", request " +
                         in_backticks(answer.request_id));
  aws::Credentials& credentials = answer.credentials;
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty() ||
      credentials.session_token.empty() || !credentials.expires_at ||
      *credentials.expires_at - clock_.now() < life_min_)
    return no_answer("AWS STS gave no usable answer; try again shortly",
                     "incomplete or short-lived credentials, request " + in_backticks(answer.request_id));
  const Timestamp expires_at = *credentials.expires_at;
  return std::make_shared<const Session>(
      Session{std::move(credentials), expires_at, clock_.steady_now() + (expires_at - clock_.now())});
}

}  // namespace deputy::broker
