#include "sandbox/sandbox.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <stop_token>
#include <tuple>
#include <variant>

#include "sandbox/authentication.hpp"
#include "sandbox/managed_policies.hpp"
#include "sandbox/planting.hpp"
#include "sandbox/services.hpp"

namespace deputy::sandbox {
namespace {

constexpr std::string_view control_prefix = "/_sandbox/";
constexpr std::string_view logs_target = "Logs_20140328.";
constexpr json::Limits json_limits{
    .bytes_max = Sandbox::body_bytes_max, .depth_max = 16, .values_max = 60'000};

// No scope says which Region an unsigned call is for: that of the global endpoint.
constexpr const char* unsigned_region = "us-east-1";

struct QueryService {
  std::string_view name, version, xml_namespace;
  Outcome<Reply> (*answer)(World&, const Call&, const Parameters&);
};
constexpr QueryService query_services[] = {
    {"sts", "2011-06-15", sts_namespace, answer_sts},
    {"iam", "2010-05-08", iam_namespace, answer_iam},
    {"cloudformation", "2010-05-15", cloudformation_namespace, answer_cloudformation},
};

const QueryService* find_query_service(std::string_view name) {
  for (const QueryService& service : query_services)
    if (service.name == name) return &service;
  return nullptr;
}

// What is asked for, read from the request according to the service's protocol.
struct Operation {
  std::string name;
  std::variant<std::monostate, Parameters, json::Value> input;  // S3 reads the request itself
};

Outcome<Operation> read_query(const http::Request& request, const QueryService& service) {
  if (request.path != "/")
    return Fault{404, "InvalidAction", "There is nothing at this path: send the call to `/`"};
  if (request.method != "POST" && request.method != "GET")
    return Fault{405, "MethodNotAllowed", "Use POST or GET"};
  if (request.method == "POST" && !request.query.empty())
    return validation_error("The sandbox takes the parameters of a POST from its body alone.");
  DEPUTY_TRY(Parameters parameters,
             Parameters::read(request.method == "POST" ? request.body : request.query));
  std::string action{parameters.get("Action")};
  if (action.empty()) return Fault{400, "MissingAction", "The parameter Action is missing"};
  const std::string_view version = parameters.get("Version", "NO_VERSION_SPECIFIED");
  if (version != service.version) return invalid_action(action, version);
  return Operation{.name = std::move(action), .input = std::move(parameters)};
}

// The one call that needs no signature: a web identity's token is in its place.
bool asks_with_token(const http::Request& request) {
  if (request.headers.find("authorization") || request.query.find("X-Amz-Signature") != std::string::npos)
    return false;
  const auto operation = read_query(request, *find_query_service("sts"));
  return operation && operation.value().name == "AssumeRoleWithWebIdentity";
}

Outcome<SignatureClaims> unsigned_claims() {
  SignatureClaims claims;
  claims.service = "sts";
  claims.region = unsigned_region;
  return claims;
}

Outcome<Operation> read_logs(const http::Request& request) {
  const auto target = request.headers.find("x-amz-target");
  if (request.method != "POST" || request.path != "/" || !target || !target->starts_with(logs_target))
    return Fault{400, "UnknownOperationException", {}};
  Operation operation{.name = std::string{target->substr(logs_target.size())},
                      .input = json::Value{.kind = json::Kind::object}};
  if (request.body.empty()) return operation;
  auto input = json::read(request.body, json_limits);
  if (!input) return Fault{400, "SerializationException", input.error().message};
  if (!input.value().is(json::Kind::object))
    return Fault{400, "SerializationException", "the body is not an object"};
  operation.input = std::move(input).value();
  return operation;
}

Outcome<Operation> read_operation(const http::Request& request, std::string_view service) {
  if (const QueryService* const query = find_query_service(service)) return read_query(request, *query);
  if (service == "logs") return read_logs(request);
  if (service == "s3") return Operation{.name = s3_operation(request), .input = {}};
  const std::string message = fmt::format("The sandbox has no service {}.", in_backticks(service));
  if (request.headers.find("x-amz-target")) return Fault{400, "UnknownOperationException", message};
  return Fault{400, "InvalidAction", message};
}

// Of a request that may not say its service, or one that the sandbox does not have.
Protocol protocol_of_request(const http::Request& request, std::string_view service) {
  if (find_query_service(service) || service == "s3" || service == "logs") return protocol_of(service);
  return request.headers.find("x-amz-target") ? Protocol::json : Protocol::query;
}

Fault throttled(Protocol protocol) {
  switch (protocol) {
    case Protocol::s3:
      return {503, "SlowDown", "Please reduce your request rate."};
    case Protocol::json:
      return {400, "ThrottlingException", "Rate exceeded"};
    case Protocol::query:
      break;
  }
  return {400, "Throttling", "Rate exceeded"};
}

Fault server_error(Protocol protocol, int status) {
  if (status == 503) return {status, "ServiceUnavailable", "The service is unavailable. Please try again."};
  return {status, protocol == Protocol::s3 ? "InternalError" : "InternalFailure",
          "The request processing has failed because of an unknown error."};
}

http::Response control_answer(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

}  // namespace

Fault invalid_action(std::string_view action, std::string_view version) {
  return {400, "InvalidAction",
          fmt::format("Could not find operation {} for version {}", action.substr(0, 128),
                      version.substr(0, 32))};
}

struct Sandbox::State {
  State(Clock& clock, Random& random, EventLoop& loop_)
      : world(clock, random), mischief(clock, random), loop(loop_) {
    add_aws_policies(world);
  }

  struct Answer {
    http::Response response;
    std::chrono::milliseconds after{0};
  };
  Answer answer(const http::Request& request);
  http::Response control(const http::Request& request);
  http::Response perform(const http::Request& request, const Call& call, const Operation& operation);

  World world;
  Mischief mischief;
  EventLoop& loop;
  std::stop_source stop;
};

http::Response Sandbox::State::perform(const http::Request& request, const Call& call,
                                       const Operation& operation) {
  const Protocol protocol = protocol_of(call.service);
  Outcome<Reply> reply = [&]() -> Outcome<Reply> {
    if (const QueryService* const service = find_query_service(call.service))
      return service->answer(world, call, std::get<Parameters>(operation.input));
    if (protocol == Protocol::json) return answer_logs(world, call, std::get<json::Value>(operation.input));
    return answer_s3(world, call, request);
  }();
  if (!reply) return fault_answer(protocol, reply.error(), call.request_id);
  switch (protocol) {
    case Protocol::json:
      return json_answer(std::move(reply).value(), call.request_id);
    case Protocol::s3:
      return s3_answer(std::move(reply).value(), call.request_id);
    case Protocol::query:
      break;
  }
  const std::string xml_namespace{find_query_service(call.service)->xml_namespace};
  return query_answer({.action = call.operation, .xml_namespace = xml_namespace}, reply.value(),
                      call.request_id);
}

Sandbox::State::Answer Sandbox::State::answer(const http::Request& request) {
  Call call;
  call.request_id = world.draw_uuid();
  const bool by_token = asks_with_token(request);
  const auto claims = by_token ? unsigned_claims() : read_claims(request);
  call.service = claims ? claims.value().service : std::string{};
  const Protocol protocol = protocol_of_request(request, call.service);
  if (!claims) return {.response = fault_answer(protocol, claims.error(), call.request_id)};

  const auto operation = read_operation(request, call.service);
  if (operation) call.operation = operation.value().name;
  auto caller = by_token ? Outcome<Caller>{Caller{}} : authenticate(world, request, claims.value());
  const std::string account = caller && caller.value().account ? caller.value().account->id : std::string{};
  const Mischief::Effects effects = mischief.strike(call.service, call.operation, account);
  const auto fault = [&](const Fault& what) {
    return Answer{.response = fault_answer(protocol, what, call.request_id), .after = effects.answer_after};
  };
  if (effects.cut) {
    http::Response nothing;
    nothing.status = 0;
    nothing.close_connection = true;
    return {.response = std::move(nothing), .after = effects.answer_after};
  }
  if (effects.server_error) return fault(server_error(protocol, *effects.server_error));
  if (!caller) return fault(caller.error());
  if (!operation) return fault(operation.error());
  if (effects.throttled) return fault(throttled(protocol));

  call.caller = std::move(caller).value();
  call.region = claims.value().region;
  call.remote_address = request.remote_address;
  call.user_agent = request.headers.find("user-agent").value_or("");
  call.propagation = effects.propagation;
  call.visibility = effects.visibility;
  call.short_page = effects.short_page;
  call.refuse_token = effects.refuse_token;
  Answer answered{.response = perform(request, call, operation.value()), .after = effects.answer_after};
  if (effects.malformed)
    answered.response.body = answered.response.body.substr(0, answered.response.body.size() / 2) + "<";
  return answered;
}

http::Response Sandbox::State::control(const http::Request& request) {
  // A page in somebody's browser has no business here.
  if (request.headers.find("origin")) return control_answer(403, R"({"message":"not for browsers"})");
  if (request.path != "/_sandbox/misbehaviour")
    return control_answer(404, R"({"message":"there is only /_sandbox/misbehaviour"})");
  if (request.method == "PUT") {
    auto misbehaviour = read_misbehaviour(request.body);
    if (!misbehaviour) return control_answer(400, to_text({{"message", misbehaviour.error().message}}));
    mischief.set(std::move(misbehaviour).value());
  } else if (request.method == "DELETE") {
    mischief.set({});
  } else if (request.method != "GET") {
    return control_answer(405, R"({"message":"use GET, PUT or DELETE"})");
  }
  return control_answer(200, to_json(mischief.current()));
}

Sandbox::Sandbox(Clock& clock, Random& random, EventLoop& loop)
    : state_(std::make_unique<State>(clock, random, loop)) {}
Sandbox::~Sandbox() = default;

Result<void> Sandbox::apply(const Seed& seed) {
  return plant(state_->world, seed);
}

std::vector<SignIn> Sandbox::sign_ins() const {
  std::vector<SignIn> all;
  for (const auto& [id, key] : state_->world.access_keys)
    all.push_back({.account = key.account,
                   .account_name = state_->world.find_account(key.account)->name,
                   .user = key.user,
                   .credentials = {id, key.secret, {}, {}}});
  std::ranges::sort(all, {}, [](const SignIn& one) { return std::tie(one.account, one.user); });
  return all;
}

Task<http::Response> Sandbox::handle(http::Request request) {
  if (request.path.starts_with(control_prefix)) co_return state_->control(request);
  State::Answer answer = state_->answer(request);
  if (answer.after.count() > 0) co_await sleep_for(state_->loop, answer.after, state_->stop.get_token());
  co_return std::move(answer.response);
}

void Sandbox::set_misbehaviour(Misbehaviour misbehaviour) {
  state_->mischief.set(std::move(misbehaviour));
}
const Misbehaviour& Sandbox::misbehaviour() const {
  return state_->mischief.current();
}
void Sandbox::request_stop() {
  state_->stop.request_stop();
}

}  // namespace deputy::sandbox
