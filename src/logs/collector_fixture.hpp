#pragma once

#include "logs/collector.hpp"
#include "support/fake_random.hpp"
#include "support/log_records.hpp"
#include "support/manual_loop.hpp"
#include "support/scripted_logs.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <gtest/gtest.h>

// What tests of the collector share.
namespace deputy::logs {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Takes half a second for everything.
class SlowDisk final : public Blocking {
 public:
  explicit SlowDisk(EventLoop& loop) : loop_(loop) {}
  Task<Result<void>> run(std::function<void()> work) override {
    ++begun;
    most_at_once = std::max(most_at_once, ++under_way_);
    co_await sleep_for(loop_, milliseconds{500}, {});
    --under_way_;
    work();
    co_return success();
  }
  int begun = 0, most_at_once = 0;

 private:
  EventLoop& loop_;
  int under_way_ = 0;
};

class CollectorTest : public testing::Test {
 protected:
  // A whole process but for its end: a spool of its own over the shared directory, and a collector.
  struct OneProcess {
    OneProcess(CollectorTest& test, std::string holder)
        : OneProcess(test, {.plan = {}, .holder = std::move(holder)}, test.disk) {}
    OneProcess(CollectorTest& test, CollectorSettings settings, Blocking& reading)
        : loop(test.loop),
          spool(Spool::open({.directory = test.folder.path() / "logs"}).value()),
          collector(Collector::Surroundings{test.loop, test.clock, test.random, test.aws, test.access,
                                            test.access, *spool, reading, test.disk},
                    std::move(settings)) {
      collector.start();
    }
    ~OneProcess() { stop(loop, collector); }
    ManualLoop& loop;
    std::unique_ptr<Spool> spool;
    Collector collector;
  };

  static void stop(ManualLoop& loop, Collector& collector) {
    loop.run_through_time([](Collector& stopped) -> Task<bool> {
      co_await stopped.stop();
      co_return true;
    }(collector));
  }
  Subscription subscription(char letter = 'a', std::vector<std::string> regions = {"eu-central-1"}) {
    const Origin origin = an_origin(letter);
    Subscription made{origin.tenant,
                      origin.connection,
                      AccountId::parse(std::string(12, static_cast<char>('1' + letter - 'a'))).value(),
                      {},
                      {"/app/*"},
                      clock.now()};
    for (const std::string& region : regions) made.regions.push_back(Region::parse(region).value());
    return made;
  }
  void write(const std::string& arn, const std::string& id, milliseconds age = seconds{30}) {
    aws.events[arn].push_back({aws.now_ms() - age.count(), id, "message " + id});
  }
  static std::vector<std::string> collected(Spool& spool) {
    std::vector<std::string> ids;
    std::uint64_t after = 0;
    for (;;) {
      const auto batch = spool.read(after, 1 << 20).value();
      if (!batch) return ids;
      for (const SpooledPage& page : batch->pages)
        for (const Record& record : page.page.records) ids.emplace_back(record.event_id);
      after = batch->last();
    }
  }
  static SourceStatus status_of(const OneProcess& process, const std::string& arn) {
    const auto page = process.collector.sources({}, {}, "", 100).value();
    for (const SourceView& view : page.items)
      if (view.source.group_arn == arn) return view.source.progress.status;
    ADD_FAILURE() << arn;
    return SourceStatus::active;
  }
  static aws::AwsError refusal(aws::AwsErrorClass error_class, std::string code) {
    return {.error_class = error_class, .status = 400, .code = std::move(code), .message = "no"};
  }

  FakeClock clock;
  ManualLoop loop{clock};
  SeededRandom random{1};
  TemporaryFolder folder;
  ScriptedLogs aws{clock};
  ScriptedAccess access;
  RunAtOnce disk;
};

}  // namespace deputy::logs
