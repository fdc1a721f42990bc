#include "sandbox/log_generator.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

#include "sandbox/log_store.hpp"

namespace deputy::sandbox {
namespace {

constexpr std::size_t json_overhead_bytes = 200;

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto special =
        std::ranges::find_if(text, [](char c) { return (c >= 0 && c < ' ') || c == '"' || c == '\\'; });
    out.append(text.begin(), special);
    text.remove_prefix(static_cast<std::size_t>(special - text.begin()));
    if (text.empty()) break;
    if (text.front() == '"' || text.front() == '\\') {
      out += '\\';
      out += text.front();
    } else {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<int>(text.front()));
    }
    text.remove_prefix(1);
  }
  out += '"';
}

std::string generated_page(const LogGroup& group, const GeneratedPage& page) {
  const LogGenerator& load = group.generator;
  const auto time_of = [&](std::uint64_t number) {
    return load.since_ms + static_cast<std::int64_t>(number - 1) * 1000 / load.per_second;
  };
  // The first event at or after a time.
  const auto first_at = [&](std::int64_t ms) {
    const std::int64_t past = std::max<std::int64_t>(ms - load.since_ms, 0);
    return static_cast<std::uint64_t>((past * load.per_second + 999) / 1000) + 1;
  };
  const std::uint64_t begin = std::max(first_at(page.start_ms), page.after + 1);
  const std::uint64_t end = first_at(std::min(page.end_ms, page.now_ms) + 1);
  const std::size_t by_size = page.bytes_max / (load.message_bytes + event_overhead_bytes);
  const std::size_t most = std::clamp<std::size_t>(by_size, 1, page.limit);
  const std::uint64_t count = end > begin ? std::min<std::uint64_t>(end - begin, most) : 0;
  std::string body;
  body.reserve(256 + count * (load.message_bytes + json_overhead_bytes));
  body += R"({"events":[)";
  const std::string filler(load.message_bytes, 'x');
  for (std::uint64_t number = begin; number < begin + count; ++number) {
    const std::int64_t time = time_of(number);
    const fmt::format_int digits{number}, ms{time};
    if (number > begin) body += ',';
    body += R"({"logStreamName":"stream-)";
    body += static_cast<char>('0' + number % 4);
    body += R"(","timestamp":)";
    body.append(ms.data(), ms.size());
    body += R"(,"message":"event )";
    body.append(digits.data(), digits.size());
    body += ' ';
    const std::size_t used = 7 + digits.size();
    if (used < load.message_bytes) body.append(filler, 0, load.message_bytes - used);
    body += R"(","ingestionTime":)";
    body.append(ms.data(), ms.size());
    body += R"(,"eventId":")";
    body.append(56 - digits.size(), '0');
    body.append(digits.data(), digits.size());
    body += "\"}";
  }
  body += R"(],"searchedLogStreams":[])";
  if (begin + count < end)
    fmt::format_to(std::back_inserter(body), R"(,"nextToken":"{}.{}.{}.{}.{}")", page.start_ms, -1,
                   begin + count - 1, page.now_ms, page.fingerprint);
  return body + "}";
}

}  // namespace deputy::sandbox
