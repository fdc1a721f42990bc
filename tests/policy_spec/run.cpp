// Holds the engine against the specification for as long as wanted: `deputy_policy_spec_run FIRST_SEED
// SCENES`.
#include "policy_spec/comparison.hpp"

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  using namespace deputy::policy_spec;
  if (argc != 3) {
    std::fputs("usage: deputy_policy_spec_run FIRST_SEED SCENES\n", stderr);
    return 2;
  }
  const unsigned long long first = std::strtoull(argv[1], nullptr, 10),
                           scenes = std::strtoull(argv[2], nullptr, 10);
  Tally tally;
  std::size_t differences = 0;
  for (unsigned long long seed = first; seed < first + scenes; ++seed) {
    Choices choices{seed};
    const auto found = difference(random_scene(choices, 8), tally);
    if (!found) continue;
    std::printf("seed %llu: %s\n\n", seed, found->c_str());
    if (++differences == 10) break;
  }
  std::printf("%zu documents, %zu taken; %zu pairs, %zu allowed, %zu explicitly denied; %zu differences\n",
              tally.documents, tally.taken, tally.pairs, tally.allowed, tally.explicitly_denied, differences);
  return differences == 0 ? 0 : 1;
}
