#include <benchmark/benchmark.h>
#include <cstdlib>
#include <string>

#include "policy/analyzer.hpp"

// To reach: under 100 µs for common shapes, the mend included; under 10 ms for the worst policy of 4,096
// characters.
namespace {

using namespace deputy;
using namespace deputy::policy;

const std::string issued = "4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42";
const std::string exact = R"({"StringEquals":{"sts:ExternalId":"4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42"}})";
constexpr std::size_t characters_max = 4'096;  // of a trust policy

TrustQuestion question() {
  return {.partner_principal = RoleArn::parse("arn:aws:iam::111111111111:role/deputy-broker").value(),
          .partner_accounts = {},
          .role_account = AccountId::parse("222222222222").value(),
          .issued = {ExternalId::parse(issued).value()},
          .tolerated = {}};
}

std::string statement(
    const std::string& effect, const std::string& condition,
    const std::string& principal = R"({"AWS":"arn:aws:iam::111111111111:role/deputy-broker"})") {
  return R"({"Effect":")" + effect + R"(","Principal":)" + principal +
         R"(,"Action":"sts:AssumeRole","Condition":)" + condition + "}";
}
std::string document(const std::string& statements) {
  return R"({"Version":"2012-10-17","Statement":[)" + statements + "]}";
}
std::string bare() {
  return statement("Allow", "{}");
}

// `part(i)` again and again, as often as a trust policy has room.
template <class Part>
std::string filled(std::string statements, Part part) {
  for (int i = 0;; ++i) {
    const std::string next = "," + part(i);
    if (document(statements).size() + next.size() > characters_max) return document(statements);
    statements += next;
  }
}

void analyze_one(benchmark::State& state, const std::string& text) {
  const auto policy = Policy::read(text, PolicyKind::trust);
  if (!policy || text.size() > characters_max) std::abort();
  const TrustQuestion asked = question();
  TrustAnalysis analysis;
  for (auto _ : state) benchmark::DoNotOptimize(analysis = analyze(policy.value(), asked));
  const bool undecided = !analysis.findings.empty() && analysis.findings.front().code == "undecided";
  state.SetLabel(std::string{to_text(analysis.verdict)} + (undecided ? ", undecided" : ""));
}

// ── Common shapes ──

void Exact(benchmark::State& state) {
  analyze_one(state, document(statement("Allow", exact)));
}
void ExactForTheAccount(benchmark::State& state) {
  analyze_one(state, document(statement("Allow", exact, R"({"AWS":"111111111111"})")));
}
void ThreeStatements(benchmark::State& state) {
  analyze_one(
      state,
      document(statement("Allow", exact) + "," + statement("Allow", "{}", R"({"AWS":"222222222222"})") + "," +
               statement("Deny", R"({"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32"]}})",
                         R"("*")")));
}
void RequiredByADeny(benchmark::State& state) {
  analyze_one(
      state,
      document(
          bare() + "," +
          statement("Deny",
                    R"({"StringNotEquals":{"sts:ExternalId":"4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42"}})")));
}
void EveryonePinnedByConditions(benchmark::State& state) {
  analyze_one(
      state,
      document(statement(
          "Allow",
          R"({"StringEquals":{"sts:ExternalId":"4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42","aws:PrincipalArn":"arn:aws:iam::111111111111:role/deputy-broker"}})",
          R"("*")")));
}
void Bare(benchmark::State& state) {
  analyze_one(state, document(bare()));
}
void Prefix(benchmark::State& state) {
  analyze_one(state, document(statement("Allow", R"({"StringLike":{"sts:ExternalId":"4f6c1b1e*"}})")));
}
void IgnoreCase(benchmark::State& state) {
  analyze_one(
      state, document(statement(
                 "Allow",
                 R"({"StringEqualsIgnoreCase":{"sts:ExternalId":"4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42"}})")));
}
void SecondStatementForASessionName(benchmark::State& state) {
  analyze_one(state,
              document(statement("Allow", exact) + "," +
                       statement("Allow", R"({"StringEquals":{"sts:RoleSessionName":"production"}})")));
}
BENCHMARK(Exact);
BENCHMARK(ExactForTheAccount);
BENCHMARK(ThreeStatements);
BENCHMARK(RequiredByADeny);
BENCHMARK(EveryonePinnedByConditions);
BENCHMARK(Bare);
BENCHMARK(Prefix);
BENCHMARK(IgnoreCase);
BENCHMARK(SecondStatementForASessionName);

// ── Hostile shapes, as long as a trust policy may be ──

const std::string everyone = R"("*")";

void ManyAccounts(benchmark::State& state) {
  std::string accounts = "\"300000000000\"";
  for (int i = 1; i < 250; ++i) accounts += ",\"" + std::to_string(300'000'000'000 + i) + "\"";
  analyze_one(state, document(statement("Allow", exact, R"({"AWS":[)" + accounts + "]}")));
}
void ManyIdentitiesOfThePartner(benchmark::State& state) {
  std::string arns = "\"arn:aws:iam::111111111111:role/r\"";
  for (int i = 0; i < 90; ++i) arns += ",\"arn:aws:iam::111111111111:role/r" + std::to_string(i) + "\"";
  analyze_one(state,
              document(statement("Allow", R"({"StringEqualsIgnoreCase":{"sts:ExternalId":"aaaaaaaaaaaaa"}})",
                                 R"({"AWS":[)" + arns + "]}") +
                       "," + statement("Deny", R"({"StringLike":{"sts:ExternalId":"*A*"}})")));
}
// Whether keys are there is a puzzle: more pigeons than holes.
void Puzzle(benchmark::State& state) {
  analyze_one(state, filled(bare(), [](int i) {
                const auto clause = [&](int n, int flag) {
                  return "\"k:" + std::to_string(n) + "\":\"" + (i % flag == 0 ? "true" : "false") + "\"";
                };
                const int a = i % 5, b = 5 + i % 4, c = 9 + i % 3;
                return R"({"Effect":"Deny","Principal":"*","Action":"*","Condition":{"Null":{)" +
                       clause(a, 2) + "," + clause(b, 3) + "," + clause(c, 5) + "}}}";
              }));
}
void Pigeons(benchmark::State& state) {
  std::string out = bare();
  const auto key = [](int pigeon, int hole) {
    return "\"k:" + std::to_string(pigeon) + std::to_string(hole) + "\":";
  };
  const std::string start = R"(,{"Effect":"Deny","Principal":"*","Action":"*","Condition":{"Null":{)";
  for (int p = 0; p < 5; ++p)
    out += start + key(p, 0) + R"("true",)" + key(p, 1) + R"("true",)" + key(p, 2) + R"("true"}}})";
  for (int h = 0; h < 3; ++h) {
    for (int a = 0; a < 5; ++a) {
      for (int b = a + 1; b < 5; ++b) out += start + key(a, h) + R"("false",)" + key(b, h) + R"("false"}}})";
    }
  }
  analyze_one(state, document(out));
}
// "The n-th character from the end": as many states as subsets.
void ManyStates(benchmark::State& state) {
  const std::string marks(static_cast<std::size_t>(state.range(0)), '?');
  analyze_one(state,
              document(statement("Allow", R"({"StringLike":{"sts:ExternalId":"*a)" + marks + R"("}})") + "," +
                       statement("Deny", R"({"StringLike":{"sts:ExternalId":"*)" + marks + R"(*"}})")));
}
void ManyStatesWide(benchmark::State& state) {
  std::string values;
  for (int i = 0; i < 26; ++i)
    values += (i == 0 ? "\"*" : ",\"*") + std::string(1, static_cast<char>('a' + i)) + std::string(100, '?') +
              "b*\"";
  analyze_one(
      state,
      document(
          statement("Allow",
                    R"({"StringLike":{"sts:ExternalId":"*a???????????????????????????????????????????b"}})") +
          "," + statement("Deny", R"({"StringLike":{"sts:ExternalId":[)" + values + "]}}")));
}
void ManyWildcards(benchmark::State& state) {
  std::string stars;
  for (int i = 0; i < 900; ++i) stars += "*a*b";
  analyze_one(state, document(statement("Allow", R"({"StringLike":{"sts:ExternalId":")" + stars + "\"}}")));
}
void ManyIgnoreCase(benchmark::State& state) {
  analyze_one(
      state,
      filled(
          statement("Allow", R"({"StringEqualsIgnoreCase":{"sts:ExternalId":"abcdefghijklmnopqrstuvwxyz"}})"),
          [](int i) {
            return statement("Deny",
                             R"({"StringLike":{"sts:ExternalId":"*)" +
                                 std::string(1, static_cast<char>('A' + i % 26)) + R"(*"}})",
                             everyone);
          }));
}
void QuadraticGlobs(benchmark::State& state) {
  const std::string a(1'000, 'a');
  analyze_one(state, document(statement("Allow", R"({"StringLike":{"sts:ExternalId":"*)" + a +
                                                     R"(b"},"StringEquals":{"sts:ExternalId":")" + a +
                                                     a.substr(0, 200) + "\"}}")));
}
void ManyAllows(benchmark::State& state) {
  analyze_one(state, filled(statement("Allow", exact), [](int i) {
                return statement("Allow",
                                 R"({"StringLike":{"sts:ExternalId":"4f)" + std::to_string(i) +
                                     R"(*?*?"},"StringNotLike":{"sts:ExternalId":"4f*"}})",
                                 everyone);
              }));
}
void ManyDenies(benchmark::State& state) {
  analyze_one(state, filled(bare(), [](int i) {
                return statement(
                    "Deny", R"({"ArnNotLike":{"k:a":"arn:*a)" + std::to_string(i) + R"(*:*?:*:*b:*:*c*"}})",
                    everyone);
              }));
}
void ManyValues(benchmark::State& state) {
  std::string ids;
  for (int i = 0; i < 600; ++i) ids += (i == 0 ? "\"" : ",\"") + std::to_string(10 + i) + "\"";
  analyze_one(state,
              document(bare() + "," +
                       statement("Deny", R"({"StringEquals":{"sts:ExternalId":[)" + ids + "]}}", everyone)));
}
BENCHMARK(ManyAccounts);
BENCHMARK(ManyIdentitiesOfThePartner);
BENCHMARK(Puzzle);
BENCHMARK(Pigeons);
BENCHMARK(ManyStates)->Arg(4)->Arg(8)->Arg(12)->Arg(16)->Arg(24)->Arg(1000);
BENCHMARK(ManyStatesWide);
BENCHMARK(ManyWildcards);
BENCHMARK(ManyIgnoreCase);
BENCHMARK(QuadraticGlobs);
BENCHMARK(ManyAllows);
BENCHMARK(ManyDenies);
BENCHMARK(ManyValues);

}  // namespace
