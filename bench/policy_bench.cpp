#include <benchmark/benchmark.h>
#include <cstdlib>

#include "policy/decision.hpp"
#include "policy/policy.hpp"

// To reach: one trust-policy decision of a few statements in under a microsecond.
namespace {

using namespace deputy;

constexpr std::string_view document = R"({
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Partner", "Effect": "Allow",
     "Principal": {"AWS": "arn:aws:iam::111111111111:role/deputy-broker"},
     "Action": ["sts:AssumeRole", "sts:TagSession"],
     "Condition": {"StringEquals": {"sts:ExternalId": "4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42"}}},
    {"Sid": "Operators", "Effect": "Allow",
     "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
     "Action": "sts:AssumeRole",
     "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}},
    {"Sid": "NotFromOutside", "Effect": "Deny",
     "Principal": "*",
     "Action": "sts:AssumeRole",
     "Condition": {"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "2001:db8::/32"]}}}]})";

policy::Policy trust_policy() {
  auto policy = policy::Policy::read(document, policy::PolicyKind::trust);
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
  request.context = {{"sts:ExternalId", {"4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42"}},
                     {"aws:SourceIp", {"192.0.2.7"}}};
  return request;
}

void DecideTrustPolicy(benchmark::State& state) {
  const policy::Policy policy = trust_policy();
  const policy::Request request = assume_role();
  if (!policy::evaluate(policy, request).allowed()) std::abort();
  for (auto _ : state) benchmark::DoNotOptimize(policy::evaluate(policy, request));
}
BENCHMARK(DecideTrustPolicy);

void ReadTrustPolicy(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(policy::Policy::read(document, policy::PolicyKind::trust));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(document.size()));
}
BENCHMARK(ReadTrustPolicy);

}  // namespace
