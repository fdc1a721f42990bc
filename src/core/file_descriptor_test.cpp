#include "core/file_descriptor.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <unistd.h>

namespace deputy {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    read_end = FileDescriptor{ends[0]};
    write_end = FileDescriptor{ends[1]};
  }
  FileDescriptor read_end, write_end;
};

bool is_open(int descriptor) {
  return ::fcntl(descriptor, F_GETFD) >= 0;
}

TEST(FileDescriptor, ClosesWhatItOwnsOnce) {
  Pipe pipe;
  const int number = pipe.write_end.get();
  {
    const FileDescriptor owner = std::move(pipe.write_end);
    EXPECT_FALSE(pipe.write_end);  // NOLINT(bugprone-use-after-move): an empty one is what is left
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(FileDescriptor, AssigningKeepsTheNewOneOpen) {
  Pipe pipe;
  const int number = pipe.read_end.get();
  FileDescriptor owner;
  owner = std::move(pipe.read_end);
  EXPECT_EQ(owner.get(), number);
  EXPECT_TRUE(is_open(number));
}

TEST(WriteAll, WritesMoreThanOneCallTakes) {
  Pipe pipe;
  const std::string text(1'000'000, 'x');  // a pipe holds 64 KiB
  std::string got;
  std::thread reader{[&] {
    std::array<char, 4096> buffer{};
    for (ssize_t n = 0; (n = ::read(pipe.read_end.get(), buffer.data(), buffer.size())) > 0;)
      got.append(buffer.data(), static_cast<std::size_t>(n));
  }};
  EXPECT_TRUE(write_all(pipe.write_end.get(), text));
  pipe.write_end = FileDescriptor{};
  reader.join();
  EXPECT_EQ(got, text);
}

TEST(WriteAll, SaysWhenItCannot) {
  const Pipe pipe;
  EXPECT_FALSE(write_all(pipe.read_end.get(), "x"));
  EXPECT_EQ(errno, EBADF);
  EXPECT_TRUE(write_all(-1, ""));
}

}  // namespace
}  // namespace deputy
