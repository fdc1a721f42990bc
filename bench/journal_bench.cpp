// What the chain takes of an issuance: the hash of its entry.

#include <benchmark/benchmark.h>

#include "journal/journal.hpp"

namespace {

using namespace deputy;

journal::Entry issuance_entry() {
  return {.sequence = 1,
          .at = Timestamp{std::chrono::seconds{1'767'225'600}},
          .actor = {"key", "key_abcdefghijklmnopqrstuvwx", "127.0.0.1"},
          .act = "credentials.issued",
          .subject = "con_abcdefghijklmnopqrstuvwx",
          .tenant = "ten_abcdefghijklmnopqrstuvwx",
          .outcome = journal::Outcome::done,
          .detail = R"({"issuance":"iss_abcdefghijklmnopqrstuvwx","workload":"log-loader",)"
                    R"("access_key_id":"ASIAABCDEFGHIJKLMNOP","source":"cache"})"};
}

void ChainHash(benchmark::State& state) {
  const journal::ChainKey key{SecretString{std::string(32, 'k')}};
  const journal::Entry entry = issuance_entry();
  journal::Hash hash{};
  for (auto _ : state) {
    hash = journal::chain_hash(key, hash, entry);
    benchmark::DoNotOptimize(hash);
  }
}
BENCHMARK(ChainHash);

}  // namespace
