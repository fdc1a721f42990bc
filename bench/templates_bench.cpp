#include <benchmark/benchmark.h>
#include <cstdlib>

#include "templates/test_roles.hpp"

namespace {

using namespace deputy;

void WriteTemplate(benchmark::State& state) {
  const auto format = static_cast<templates::Format>(state.range(0));
  const templates::RoleDescription role = templates::acme_role();
  state.SetLabel(std::string{templates::to_text(format)});
  for (auto _ : state) {
    const auto written = templates::render(format, role);
    if (!written) std::abort();
    benchmark::DoNotOptimize(written.value().data());
  }
}
BENCHMARK(WriteTemplate)->DenseRange(0, 2);

}  // namespace
