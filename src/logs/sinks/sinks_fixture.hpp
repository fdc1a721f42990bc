#pragma once

#include "logs/sink.hpp"
#include "support/fake_random.hpp"
#include "support/log_records.hpp"
#include "support/manual_loop.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "core/work_pool.hpp"

// What tests of sinks share.
namespace deputy::logs {

using Messages = std::vector<std::string>;

class Sinks : public testing::Test {
 protected:
  std::shared_ptr<const SpoolBatch> batch(const Messages& messages, const Origin& origin = an_origin()) {
    OwnedRecords records;
    for (const std::string& message : messages) {
      ++event_;
      records.add(fmt::format("e{}", event_), 1'000 + event_, message);
    }
    std::vector<char> encoded;
    encode_page(origin, records.records(), encoded);
    auto made = std::make_shared<SpoolBatch>();
    made->pages.push_back({++sequence_, decode_page(std::move(encoded)).value()});
    return made;
  }
  std::string deliver(Sink& sink, const std::shared_ptr<const SpoolBatch>& wanted) {
    auto delivered = loop_.run_through_time(sink.deliver(wanted));
    EXPECT_TRUE(delivered.has_value()) << delivered.error().message << delivered.error().detail;
    return delivered ? delivered.value() : "";
  }
  void open(Sink& sink, const std::string& beside) {
    const auto opened = loop_.run(sink.open(beside));
    ASSERT_TRUE(opened.has_value()) << opened.error().message << opened.error().detail;
  }
  static std::size_t lines(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }

  void settle() {
    for (int i = 0; i < 40; ++i) {
      auto barrier = [this]() -> Task<void> {
        [[maybe_unused]] const auto done =
            co_await run_on(pool_, loop_, [] { return Result<void>{success()}; });
      };
      loop_.run(barrier());
      loop_.run_ready();
    }
  }

  TemporaryFolder folder_;
  FakeClock clock_;
  ManualLoop loop_{clock_};
  SystemRandom random_;
  WorkPool pool_{{.threads = 1}};
  std::uint64_t sequence_ = 0;
  int event_ = 0;
};

}  // namespace deputy::logs
