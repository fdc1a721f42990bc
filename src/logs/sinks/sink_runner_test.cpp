#include "logs/sinks/sink_runner.hpp"

#include "logs/sinks/sinks_fixture.hpp"
#include "sqlite/connection.hpp"

namespace deputy::logs {
namespace {

class SinkRuns : public Sinks {};

class ScriptedSink final : public Sink {
 public:
  ScriptedSink(std::string name, bool& is_down) : name_(std::move(name)), is_down_(is_down) {}
  const std::string& name() const override { return name_; }
  Task<Result<void>> open(std::string beside) override {
    got.resize(beside.empty() ? 0 : std::stoul(beside));
    co_return success();
  }
  Task<Result<std::string>> deliver(std::shared_ptr<const SpoolBatch> wanted) override {
    if (is_down_) co_return Error{ErrorKind::upstream_unavailable, "down"};
    for (const auto& page : wanted->pages)
      for (const auto& record : page.page.records) got.emplace_back(record.message);
    co_return std::to_string(got.size());
  }
  std::string place() const override { return std::to_string(got.size()); }
  std::vector<std::string> got;

 private:
  const std::string name_;
  bool& is_down_;
};

TEST_F(SinkRuns, OneThatIsDownNeitherLosesNorHoldsUpAnother) {
  auto spool = Spool::open({.directory = folder_.path() / "spool"}).value();
  ASSERT_TRUE(spool->attach("of yesterday").has_value());
  bool up = false;
  bool down = true;
  auto first = std::make_unique<ScriptedSink>("up", up);
  auto second = std::make_unique<ScriptedSink>("down", down);
  auto* const good = first.get();
  auto* const bad = second.get();
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::move(first));
  sinks.push_back(std::move(second));
  SinkRunner runner{{loop_, clock_, random_, pool_, *spool}, std::move(sinks)};
  runner.start();
  const auto append = [&](std::string_view message) {
    OwnedRecords records;
    records.add("e", 1, std::string{message});
    ASSERT_TRUE(spool->append(an_origin(), records.records()).has_value());
  };
  settle();
  append("one");
  append("two");
  settle();
  EXPECT_EQ(good->got, (Messages{"one", "two"}));
  EXPECT_TRUE(bad->got.empty());
  ASSERT_TRUE(runner.status()[1].trouble.has_value());
  EXPECT_EQ(runner.status()[1].trouble->message, "down");
  EXPECT_GE(runner.status()[1].failures, 1U);
  down = false;
  loop_.advance(std::chrono::minutes{1});
  settle();
  EXPECT_EQ(bad->got, (Messages{"one", "two"}));
  EXPECT_FALSE(runner.status()[1].trouble.has_value());
  EXPECT_EQ(runner.status()[0].records, 2U);
  const auto known = spool->sinks().value();
  EXPECT_EQ(known.size(), 2U);  // the cursor of one that is not configured is forgotten
  loop_.run(runner.stop());
}

// The spool keeps pages for sinks that have cursors: one that cannot get its own yet must not find them gone.
TEST_F(SinkRuns, NoneIsFedBeforeAllHaveCursors) {
  auto spool = Spool::open({.directory = folder_.path() / "spool"}).value();
  OwnedRecords records;
  records.add("e", 1, "one");
  ASSERT_TRUE(spool->append(an_origin(), records.records()).has_value());
  auto books = sqlite::Connection::open(folder_.path() / "spool/spool.db",
                                        sqlite::Connection::Access::read_write, std::chrono::seconds{1})
                   .value();
  ASSERT_TRUE(
      books->execute("CREATE TRIGGER no_cursor BEFORE INSERT ON sinks WHEN NEW.name = 'second' BEGIN "
                     "SELECT RAISE(ABORT, 'not now'); END"));
  bool down = false;
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<ScriptedSink>("first", down));
  sinks.push_back(std::make_unique<ScriptedSink>("second", down));
  SinkRunner runner{{loop_, clock_, random_, pool_, *spool}, std::move(sinks)};
  runner.start();
  settle();
  EXPECT_FALSE(runner.is_feeding());
  EXPECT_EQ(runner.status()[0].records, 0U);
  EXPECT_TRUE(runner.status()[1].trouble.has_value());
  ASSERT_TRUE(books->execute("DROP TRIGGER no_cursor"));
  loop_.advance(std::chrono::minutes{1});
  settle();
  EXPECT_EQ(runner.status()[0].records, 1U);
  EXPECT_EQ(runner.status()[1].records, 1U);
  EXPECT_FALSE(runner.status()[1].trouble.has_value());
  loop_.run(runner.stop());
}

TEST_F(SinkRuns, NewRecordsDoNotCutAPauseShort) {
  auto spool = Spool::open({.directory = folder_.path() / "spool"}).value();
  bool down = true;
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<ScriptedSink>("down", down));
  SeededRandom random{1};  // no pause of nothing
  SinkRunner runner{{loop_, clock_, random, pool_, *spool}, std::move(sinks)};
  runner.start();
  for (int i = 0; i < 100; ++i) {
    OwnedRecords records;
    records.add("e", i, "one of many");
    ASSERT_TRUE(spool->append(an_origin(), records.records()).has_value());
    settle();
  }
  EXPECT_EQ(runner.status()[0].failures, 1U);
  down = false;
  loop_.advance(std::chrono::minutes{1});
  settle();
  EXPECT_FALSE(runner.status()[0].trouble.has_value());
  EXPECT_EQ(runner.status()[0].records, 100U);
  loop_.run(runner.stop());
}

// Of two processes one feeds; the other begins when that one is gone.
TEST_F(SinkRuns, AreFedByOneProcess) {
  bool down = false;
  const auto open_spool = [this] { return Spool::open({.directory = folder_.path() / "spool"}).value(); };
  const auto one_sink = [&](ScriptedSink*& sink) {
    std::vector<std::unique_ptr<Sink>> sinks;
    sink = static_cast<ScriptedSink*>(sinks.emplace_back(std::make_unique<ScriptedSink>("one", down)).get());
    return sinks;
  };
  ScriptedSink* of_first = nullptr;
  ScriptedSink* of_second = nullptr;
  auto first_spool = open_spool(), second_spool = open_spool();
  auto first = std::make_unique<SinkRunner>(SinkRunner::Parts{loop_, clock_, random_, pool_, *first_spool},
                                            one_sink(of_first));
  SinkRunner second{{loop_, clock_, random_, pool_, *second_spool}, one_sink(of_second)};
  first->start();
  settle();
  second.start();
  settle();
  const auto append = [&](Spool& spool, std::string_view message) {
    OwnedRecords records;
    records.add("e", 1, std::string{message});
    ASSERT_TRUE(spool.append(an_origin(), records.records()).has_value());
  };
  append(*second_spool, "one");
  for (int i = 0; i < 3; ++i) {
    loop_.advance(std::chrono::seconds{3});
    settle();
  }
  EXPECT_TRUE(first->is_feeding());
  EXPECT_FALSE(second.is_feeding());
  EXPECT_EQ(of_first->got, (Messages{"one"}));
  EXPECT_TRUE(of_second->got.empty());
  loop_.run(first->stop());
  first.reset();
  first_spool.reset();
  append(*second_spool, "two");
  for (int i = 0; i < 3; ++i) {
    loop_.advance(std::chrono::seconds{3});
    settle();
  }
  EXPECT_TRUE(second.is_feeding());
  EXPECT_EQ(of_second->got.size(), 2U);  // the first is the place it was opened at
  EXPECT_EQ(of_second->got.back(), "two");
  loop_.run(second.stop());
}

TEST_F(SinkRuns, ThePlaceOfANewCursorIsKeptBeforeTheFirstDelivery) {
  auto spool = Spool::open({.directory = folder_.path() / "spool"}).value();
  bool down = true;
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<ScriptedSink>("down", down));
  SinkRunner runner{{loop_, clock_, random_, pool_, *spool}, std::move(sinks)};
  runner.start();
  OwnedRecords records;
  records.add("e", 1, "one");
  ASSERT_TRUE(spool->append(an_origin(), records.records()).has_value());
  settle();
  loop_.run(runner.stop());
  const auto cursor = spool->attach("down").value();
  EXPECT_EQ(cursor.sequence, 0U);
  EXPECT_EQ(cursor.beside, "0");
}

}  // namespace
}  // namespace deputy::logs
