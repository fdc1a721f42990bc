// For the targets that read JSON: half of libFuzzer's mutations are of the JSON, the others of its bytes.
#include "json_mutation.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max,
                                               unsigned seed) {
  deputy::policy_spec::Choices choices{std::uint64_t{seed}};
  if (choices.once_in(4)) return LLVMFuzzerMutate(data, size, size_max);
  const std::string out =
      deputy::fuzz::mutated({reinterpret_cast<const char*>(data), size}, choices, size_max);
  std::copy(out.begin(), out.end(), data);
  return out.size();
}
