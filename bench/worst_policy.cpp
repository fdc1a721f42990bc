// Looks for the trust policy that takes the analyzer longest: starts from given ones, changes them, keeps the
// slowest. `worst_policy CHANGES PATH…`: files, or folders of files, each a policy (scripts/fuzz leaves them
// in build/fuzz). Prints the slowest that was found, in processor time, the least of several analyses.
#include "json_mutation.hpp"
#include "trust_policies.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

using namespace deputy;

constexpr std::size_t characters_max = 4'096;  // of a trust policy
constexpr std::size_t kept = 24;

struct Timed {
  double seconds = 0;
  std::string document;
};

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

Timed timed(std::string document, int times) {
  const policy::TrustQuestion question = fuzz::question();
  Timed out{1e9, std::move(document)};
  for (int i = 0; i < times; ++i) {
    const double start = cpu_seconds();
    const policy::TrustAnalysis analysis = policy::analyze(out.document, question);
    out.seconds = std::min(out.seconds, cpu_seconds() - start);
    if (analysis.findings.size() > 64) std::abort();
  }
  return out;
}

std::vector<std::string> documents_at(const std::filesystem::path& path) {
  std::vector<std::string> out;
  const auto add = [&](const std::filesystem::path& file) {
    std::ifstream stream{file, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{stream}, {}};
    if (text.size() <= characters_max) out.push_back(std::move(text));
  };
  if (!std::filesystem::is_directory(path)) {
    add(path);
  } else {
    for (const auto& entry : std::filesystem::directory_iterator{path}) add(entry.path());
  }
  return out;
}

bool slower(const Timed& a, const Timed& b) {
  return a.seconds > b.seconds;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Timed> pool;
  for (int i = 2; i < argc; ++i) {
    for (std::string& document : documents_at(argv[i])) pool.push_back(timed(std::move(document), 3));
  }
  if (pool.empty()) {
    std::fputs("usage: worst_policy CHANGES PATH...; no policy of 4,096 characters or less was found\n",
               stderr);
    return 2;
  }
  std::printf("%zu policies given", pool.size());
  std::sort(pool.begin(), pool.end(), slower);
  std::printf(", the slowest %.3f ms\n", pool.front().seconds * 1e3);
  policy_spec::Choices choices{std::uint64_t{1}};
  const unsigned long changes = std::strtoul(argv[1], nullptr, 10);
  for (unsigned long i = 0; i < changes; ++i) {
    if (pool.size() > kept) pool.resize(kept);
    std::string document = fuzz::mutated(pool[choices.below(pool.size())].document, choices, characters_max);
    Timed one = timed(std::move(document), 1);
    if (one.seconds <= pool.back().seconds) continue;
    one = timed(std::move(one.document), 3);  // a busy machine is not a slow policy
    const bool known = std::any_of(pool.begin(), pool.end(),
                                   [&](const Timed& other) { return other.document == one.document; });
    if (!known && one.seconds > pool.back().seconds)
      pool.insert(std::upper_bound(pool.begin(), pool.end(), one, slower), one);
  }
  const Timed worst = timed(pool.front().document, 9);
  std::printf("%lu changes, the slowest %.3f ms:\n%s\n", changes, worst.seconds * 1e3,
              worst.document.c_str());
  return 0;
}
