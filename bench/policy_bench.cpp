#include <benchmark/benchmark.h>
#include <cstdlib>
#include <string>

#include "policy/decision.hpp"
#include "policy/policy.hpp"

// To reach: a decision over a trust policy of five statements in under a microsecond, of forty in under five.
// Hostile patterns and documents cost in proportion to their length: the curves stand at the end.
namespace {

using namespace deputy;

const std::string issued = "4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42";

// Statements as partners' customers have them: conditions on IDs, addresses, times, tags; every fifth a Deny.
// The last one is the Allow that the request meets.
std::string statement(int i, int count) {
  if (i == count - 1) {
    return R"({"Sid":"Partner","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/deputy-broker"},)"
           R"("Action":["sts:AssumeRole","sts:TagSession"],"Condition":{"StringEquals":{"sts:ExternalId":")" +
           issued + R"("},"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}})";
  }
  const std::string account = std::to_string(200'000'000'000 + i);
  switch (i % 5) {
    case 0:
      return R"({"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole",)"
             R"("Condition":{"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32"]}}})";
    case 1:
      return R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::)" + account +
             R"(:root"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}})";
    case 2:
      return R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole",)"
             R"("Condition":{"StringLike":{"sts:RoleSessionName":"team-)" +
             std::to_string(i) + R"(-*"}}})";
    case 3:
      return R"({"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"})";
    default:
      return R"({"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"ArnLike":)"
             R"({"aws:PrincipalArn":"arn:aws:iam::)" +
             account + R"(:role/ops/*"}}})";
  }
}
std::string document_of(int count) {
  std::string statements;
  for (int i = 0; i < count; ++i) statements += (i == 0 ? "" : ",") + statement(i, count);
  return R"({"Version":"2012-10-17","Statement":[)" + statements + "]}";
}

policy::Policy read_or_abort(const std::string& document,
                             policy::PolicyKind kind = policy::PolicyKind::trust) {
  auto policy = policy::Policy::read(document, kind);
  if (!policy) std::abort();
  return std::move(policy).value();
}

policy::Request assume_role() {
  policy::Request request;
  request.caller.account = "111111111111";
  request.caller.arn = "arn:aws:sts::111111111111:assumed-role/deputy-broker/session";
  request.caller.role_arn = "arn:aws:iam::111111111111:role/deputy-broker";
  request.action = "sts:AssumeRole";
  request.resource = "arn:aws:iam::222222222222:role/log-reader";
  request.context = {{"sts:ExternalId", {issued}},
                     {"sts:RoleSessionName", {"session"}},
                     {"aws:CurrentTime", {"2026-11-22T20:00:00Z"}},
                     {"aws:SourceIp", {"192.0.2.7"}}};
  policy::add_principal_keys(request);
  return request;
}

void decide(benchmark::State& state, const policy::Policy& policy, const policy::Request& request,
            bool allowed) {
  if (policy::evaluate(policy, request).allowed() != allowed) std::abort();
  for (auto _ : state) benchmark::DoNotOptimize(policy::evaluate(policy, request));
}

void DecideStatements(benchmark::State& state) {
  decide(state, read_or_abort(document_of(static_cast<int>(state.range(0)))), assume_role(), true);
  state.SetComplexityN(state.range(0));
}
BENCHMARK(DecideStatements)->Arg(1)->Arg(5)->Arg(10)->Arg(20)->Arg(40)->Arg(80)->Arg(160)->Complexity();

void ReadStatements(benchmark::State& state) {
  const std::string document = document_of(static_cast<int>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(policy::Policy::read(document, policy::PolicyKind::trust));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(document.size()));
  state.SetComplexityN(static_cast<std::int64_t>(document.size()));
}
BENCHMARK(ReadStatements)->Arg(5)->Arg(40)->Arg(80)->Arg(160)->Arg(320)->Complexity();

// ── Hostile patterns: the longest external ID that STS takes against ever longer ones ──

std::string like(const std::string& pattern) {
  return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole",)"
         R"("Condition":{"StringLike":{"sts:ExternalId":")" +
         pattern + R"("}}}]})";
}
void decide_on_pattern(benchmark::State& state, const std::string& pattern) {
  policy::Request request = assume_role();
  request.context.front().values = {std::string(1'224, 'a')};
  decide(state, read_or_abort(like(pattern)), request, false);
  state.SetComplexityN(state.range(0));
}

// What a backtracking matcher never comes to the end of.
void HostileStars(benchmark::State& state) {
  std::string pattern;
  while (pattern.size() < static_cast<std::size_t>(state.range(0))) pattern += "*a";
  decide_on_pattern(state, pattern + "*b");
}
// What costs this matcher most: at every place of the text nearly all of the pattern fits. No more than half
// of the text's length squared, so it grows to a pattern of half the text and falls again.
void HostileTail(benchmark::State& state) {
  decide_on_pattern(state, "*" + std::string(static_cast<std::size_t>(state.range(0)), 'a') + "b");
}
void HostileMarks(benchmark::State& state) {
  decide_on_pattern(state, "*" + std::string(static_cast<std::size_t>(state.range(0)), '?') + "b*c");
}
BENCHMARK(HostileStars)->RangeMultiplier(2)->Range(64, 2'048)->Complexity();
BENCHMARK(HostileTail)->RangeMultiplier(2)->Range(64, 1'024);
BENCHMARK(HostileMarks)->RangeMultiplier(2)->Range(64, 1'024);

// ── Hostile documents: brackets without end, lists without end ──

void HostileNesting(benchmark::State& state) {
  const auto depth = static_cast<std::size_t>(state.range(0));
  const std::string document =
      R"({"Version":"2012-10-17","Statement":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  for (auto _ : state) {
    const auto policy = policy::Policy::read(document, policy::PolicyKind::trust);
    if (policy) std::abort();
  }
  state.SetComplexityN(state.range(0));
}
void HostileValues(benchmark::State& state) {
  std::string values = "\"x\"";
  for (int i = 0; i < state.range(0); ++i) values += ",\"" + std::to_string(i) + "\"";
  const std::string document =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole",)"
      R"("Condition":{"ForAllValues:StringNotEquals":{"aws:TagKeys":[)" +
      values + "]}}}]}";
  for (auto _ : state) benchmark::DoNotOptimize(read_or_abort(document));
  state.SetComplexityN(state.range(0));
}
BENCHMARK(HostileNesting)->RangeMultiplier(4)->Range(16, 16'384);
BENCHMARK(HostileValues)->RangeMultiplier(2)->Range(256, 8'192)->Complexity();

}  // namespace
