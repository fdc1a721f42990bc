#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/state.hpp"

namespace deputy::sandbox {

// Appends the text as JSON, in its quotes. REQUIRES: UTF-8.
void append_json_text(std::string& out, std::string_view text);

// What of a generated group's events is asked for.
struct GeneratedPage {
  std::int64_t start_ms = 0, end_ms = 0, now_ms = 0;
  std::uint64_t after = 0;  // number of the last event that was given; 0: none
  std::size_t limit = 10'000;
  std::size_t bytes_max = 0;
  std::string_view fingerprint;
};
// The body of the answer. Event k (from 1) has the time since + (k-1)/per_second, a stream out of four, and a
// message of the group's size that begins with its number; it is written straight into the answer, so that
// the sandbox is not what a benchmark measures.
std::string generated_page(const LogGroup& group, const GeneratedPage& page);

}  // namespace deputy::sandbox
