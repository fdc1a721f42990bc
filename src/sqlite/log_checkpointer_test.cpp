#include "sqlite/log_checkpointer.hpp"

#include "support/temporary_folder.hpp"

#include <fstream>
#include <gtest/gtest.h>

namespace deputy::sqlite {
namespace {

class Checkpointer : public testing::Test {
 protected:
  std::unique_ptr<Connection> open(const std::string& name) {
    const auto file = folder_.path() / name;
    std::ofstream{file, std::ios::app};
    // Whoever meets the log's header while it is written takes the writer's lock for a moment to read it
    // again.
    auto opened = Connection::open(file, Connection::Access::read_write, std::chrono::seconds{5});
    EXPECT_TRUE(opened);
    auto connection = std::move(opened).value();
    EXPECT_TRUE(connection->query("PRAGMA journal_mode = WAL", {}));
    EXPECT_TRUE(
        connection->execute("PRAGMA synchronous = OFF"));  // what a power cut would do is not asked here
    EXPECT_TRUE(connection->execute("CREATE TABLE IF NOT EXISTS rows(bytes BLOB)"));
    return connection;
  }
  void commit(LogCheckpointer& checkpointer) {
    const auto done = writer_->run("INSERT INTO rows VALUES (randomblob(2000))", {});
    EXPECT_TRUE(done) << done.error().detail;
    checkpointer.committed();
  }
  // With a header of 24 bytes before each, behind a header of 32.
  std::uintmax_t pages_of_log() const {
    return std::filesystem::file_size(folder_.path() / "main.db-wal") / (4096 + 24);
  }

  TemporaryFolder folder_;
  std::unique_ptr<Connection> writer_ = open("main.db");
};

TEST_F(Checkpointer, MovesALongLogAndLeavesTheWriterLittle) {
  LogCheckpointer checkpointer{
      open("main.db"), *writer_, {.begin_at = 50, .left_for_writer = 20, .writer_at = 5'000}};
  for (int i = 0; i < 500; ++i) {
    commit(checkpointer);
    checkpointer.settle();
  }
  EXPECT_GE(checkpointer.counts().passes, 5U);
  EXPECT_EQ(checkpointer.counts().fallbacks, 0U);
  EXPECT_LT(pages_of_log(), 100U) << "a log that was moved wholly begins anew";
}

TEST_F(Checkpointer, KeepsTheLogBoundedHoweverThePassesGo) {
  {
    LogCheckpointer checkpointer{
        open("main.db"), *writer_, {.begin_at = 20, .left_for_writer = 8, .writer_at = 100}};
    for (int i = 0; i < 1'000; ++i) commit(checkpointer);
    EXPECT_LT(pages_of_log(), 200U);
  }
  // A pass on another file moves nothing of this one.
  LogCheckpointer checkpointer{
      open("other.db"), *writer_, {.begin_at = 20, .left_for_writer = -1, .writer_at = 100}};
  for (int i = 0; i < 1'000; ++i) commit(checkpointer);
  EXPECT_GT(checkpointer.counts().fallbacks, 10U);
  EXPECT_LT(pages_of_log(), 200U);
}

TEST_F(Checkpointer, LosesNothing) {
  {
    LogCheckpointer checkpointer{
        open("main.db"), *writer_, {.begin_at = 10, .left_for_writer = 4, .writer_at = 200}};
    for (int i = 0; i < 300; ++i) commit(checkpointer);
  }
  EXPECT_EQ(open("main.db")->number("SELECT COUNT(*) FROM rows").value(), 300);
  EXPECT_EQ(writer_->query("PRAGMA integrity_check", {}).value().at(0).at(0), Value{std::string{"ok"}});
}

}  // namespace
}  // namespace deputy::sqlite
