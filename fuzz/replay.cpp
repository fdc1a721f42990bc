// A target without libFuzzer, for the tests: every seed as it is, then a fixed number of mutations of them,
// the same ones each time. `NAME_replay MUTATIONS PATH…`: files, folders of files, or the corpus of trust
// policies.
#include "json_mutation.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "json/reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using namespace deputy;
constexpr std::size_t seed_bytes_max = 4'096;

std::string content(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

void add_cases(const std::filesystem::path& path, std::vector<std::string>& seeds) {
  const auto root = json::read(content(path), {.bytes_max = std::size_t{1} << 22U});
  const json::Value* cases = root ? root.value().find("cases") : nullptr;
  if (cases == nullptr) return;
  for (const json::Value& one : cases->elements) {
    const json::Value* policy = one.find("policy");
    const json::Value* text = one.find("text");
    if (policy != nullptr) seeds.push_back(fuzz::written(*policy));
    if (text != nullptr) seeds.push_back(text->text);
  }
}

void add_seeds(const std::filesystem::path& path, std::vector<std::string>& seeds) {
  if (path.extension() == ".json" && path.parent_path().filename() == "trust-policies")
    return add_cases(path, seeds);
  if (!std::filesystem::is_directory(path)) return seeds.push_back(content(path));
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{path}) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) seeds.push_back(content(file));
}

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> seeds;
  for (int i = 2; i < argc; ++i) add_seeds(argv[i], seeds);
  if (seeds.empty()) {
    std::fputs("usage: NAME_replay MUTATIONS PATH...; no seed was found\n", stderr);
    return 2;
  }
  for (const std::string& seed : seeds) run(seed);
  const unsigned long mutations = std::strtoul(argv[1], nullptr, 10);
  policy_spec::Choices choices{std::uint64_t{1}};
  std::vector<std::string> pool = seeds;
  for (unsigned long i = 0; i < mutations; ++i) {
    const std::size_t from = choices.below(pool.size());
    pool.push_back(fuzz::mutated(pool[from], choices, seed_bytes_max));
    run(pool.back());
    // Mutations of mutations, but never far from the seeds.
    if (pool.size() > 4 * seeds.size()) pool.resize(seeds.size());
  }
  std::printf("%zu seeds, %lu mutations\n", seeds.size(), mutations);
  return 0;
}
