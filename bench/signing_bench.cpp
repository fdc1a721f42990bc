#include <benchmark/benchmark.h>

#include "aws/sigv4.hpp"

// A request to STS is signed for every miss of the cache and for every probe.
namespace {

using namespace deputy;

void SignAssumeRole(benchmark::State& state) {
  const std::string body =
      "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Flog-reader"
      "&RoleSessionName=con_gggghhhhiiiijjjjkkkkllll.collector&ExternalId=4f6c1b1e-2a7d-4c55-9b0e-"
      "7d1f0a3c9e42";
  const aws::SignableRequest request{.method = "POST",
                                     .path = "/",
                                     .query = "",
                                     .headers = {{"host", "sts.eu-central-1.amazonaws.com"},
                                                 {"content-type", "application/x-www-form-urlencoded"}},
                                     .body = body};
  const aws::SigningScope scope{.region = "eu-central-1", .service = "sts", .time = Timestamp{}};
  aws::Credentials credentials;
  credentials.access_key_id = "AKIDEXAMPLE";
  credentials.secret_access_key = SecretString{"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        aws::sign(request, scope, credentials, aws::PathStyle::normalized_twice_encoded));
  }
}
BENCHMARK(SignAssumeRole);

}  // namespace
