#include "aws/base/process.hpp"

#include "support/temporary_folder.hpp"

#include <array>
#include <boost/json.hpp>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace deputy::aws {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

TEST(SplitCommand, FollowsAShellsQuoting) {
  EXPECT_EQ(split_command(" /opt/bin/get  --user 'a b' \"c \\\" d\" e\\ f "),
            (Words{"/opt/bin/get", "--user", "a b", "c \" d", "e f"}));
  EXPECT_EQ(split_command("a'b'\"c\"d ''"), (Words{"abcd", ""}));
  EXPECT_EQ(split_command("x $HOME ~ * `id` ; rm | > # y"),
            (Words{"x", "$HOME", "~", "*", "`id`", ";", "rm", "|", ">", "#", "y"}));
  EXPECT_EQ(split_command("'it\\'"), (Words{"it\\"}));
  EXPECT_EQ(split_command(std::string_view{"a\0b", 3}), Words{std::string("a\0b", 3)});
  EXPECT_EQ(split_command(" \t"), Words{});
  for (const char* open : {"'", "\"", "a 'b", "a \"b\\\"", "a\\"})
    EXPECT_EQ(split_command(open), std::nullopt);
}

// Python's shlex.split is what botocore reads `credential_process` with.
TEST(SplitCommand, SplitsRandomCommandsAsPythonDoes) {
  const std::string script =
      "/usr/bin/python3 -c 'import json,random,shlex\n"
      "rng=random.Random(7)\n"
      "for _ in range(3000):\n"
      "  text=\"\".join(rng.choice(\"ab \\t\\n\\\\\\\"\\\"\" + chr(39)*2 + \"$#x\") for _ in "
      "range(rng.randint(0,14)))\n"
      "  try: words=shlex.split(text)\n"
      "  except ValueError: words=None\n"
      "  print(json.dumps([text,words]))'";
  FILE* pipe = popen(script.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::array<char, 4'096> line{};
  int compared = 0;
  for (; fgets(line.data(), line.size(), pipe) != nullptr; ++compared) {
    const auto pair = boost::json::parse(line.data()).as_array();
    std::optional<Words> expected;
    if (!pair.at(1).is_null()) expected = boost::json::value_to<Words>(pair.at(1));
    EXPECT_EQ(split_command(pair.at(0).as_string().c_str()), expected) << line.data();
  }
  EXPECT_EQ(pclose(pipe), 0);
  EXPECT_EQ(compared, 3'000);
}

TEST(ShownComplaint, IsOneLineWithoutWhatCouldBeASecret) {
  EXPECT_EQ(shown_complaint(""), "");
  EXPECT_EQ(shown_complaint("\n \n"), "");
  EXPECT_EQ(shown_complaint("\n\tThe session has expired.\nmore"), "`The session has expired.`");
  EXPECT_EQ(shown_complaint("key AKIAIOSFODNN7EXAMPLE secret=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY bad"),
            "`key [...] [...] bad`");
  EXPECT_EQ(shown_complaint("\x1b[31mred\x07"), "`\\x1b[31mred\\x07`");
}

class RunProcess : public testing::Test {
 protected:
  std::string script(const std::string& body) {
    const std::string file = folder.path() / "script";
    std::ofstream{file} << "#!/bin/sh\n" << body;
    EXPECT_EQ(chmod(file.c_str(), 0700), 0);
    return file;
  }
  Result<std::string> run(const std::string& body, ProcessLimits limits = {}) {
    return run_process({script(body), "one", "two words"}, limits, stop.get_token());
  }
  std::string failure(const std::string& body, ProcessLimits limits = {}) {
    const auto output = run(body, limits);
    return output ? "no failure: " + output.value() : output.error().detail;
  }
  // Nothing of ours is left behind, not even as a zombie.
  static void expect_no_children() { EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1); }

  TemporaryFolder folder;
  std::stop_source stop;
};

TEST_F(RunProcess, GivesWhatTheProgramWrote) {
  EXPECT_EQ(run("printf '%s|' \"$@\"; echo nothing >&2").value(), "one|two words|");
  EXPECT_EQ(run("cat; echo end").value(), "end\n") << "nothing is on standard input";
  expect_no_children();
}

TEST_F(RunProcess, HandsOnNoDescriptorAndNoSecretOfOurs) {
  const int leaked = open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as libraries open them
  ASSERT_GE(leaked, 3);
  setenv("DEPUTY_SECURITY__MASTER_KEY", "Canary", 1);
  setenv("OTHER_VARIABLE", "kept", 1);
  EXPECT_EQ(run("cd /proc/$$/fd && echo *; env | grep -c DEPUTY_; echo $OTHER_VARIABLE").value(),
            "0 1 10 2 3\n0\nkept\n");  // dash keeps its script at 10, and has the folder itself at 3
  unsetenv("DEPUTY_SECURITY__MASTER_KEY");
  close(leaked);
}

TEST_F(RunProcess, SaysHowItFailed) {
  EXPECT_EQ(failure("echo Canary; echo 'please sign in again' >&2; exit 7"),
            "the process ended with status 7: `please sign in again`");
  EXPECT_EQ(failure("exit 1"), "the process ended with status 1");
  EXPECT_EQ(failure("kill -TERM $$"), "the process was ended by signal 15");
  const auto missing = run_process({folder.path() / "missing"}, {}, {});
  EXPECT_EQ(missing.error().detail, "the process cannot be started: No such file or directory");
  expect_no_children();
}

TEST_F(RunProcess, TooMuchOutputIsRefused) {
  EXPECT_EQ(failure("yes Canary", {.output_bytes_max = 1'000}), "the process wrote more than 1000 bytes");
  EXPECT_EQ(run("yes >&2 & yes=$!; head -c 100000 /dev/zero >&2; kill $yes; echo fine").value(), "fine\n");
  expect_no_children();
}

TEST_F(RunProcess, ASlowOneIsKilledWithAllThatItStarted) {
  const std::string pids = folder.path() / "pids";
  EXPECT_EQ(failure("sleep 60 & echo $! > " + pids + "; trap '' TERM; wait; sleep 60", {.timeout = 300ms}),
            "the process did not end within 300 ms");
  expect_no_children();
  std::ifstream file{pids};
  pid_t grandchild = 0;
  ASSERT_TRUE(file >> grandchild);
  // It is killed, and gone once whoever adopted it has reaped it.
  std::string state = "gone";
  for (int i = 0; i < 1'000 && state != "Z"; ++i) {
    std::ifstream status{"/proc/" + std::to_string(grandchild) + "/stat"};
    std::string number, name;
    if (!(status >> number >> name >> state)) break;
    std::this_thread::yield();
  }
  EXPECT_TRUE(state == "Z" || kill(grandchild, 0) != 0) << state;
}

TEST_F(RunProcess, EndsWhenItIsAskedTo) {
  stop.request_stop();
  EXPECT_EQ(failure("sleep 60"), "the process was ended, since the service stops");
  expect_no_children();
}

TEST_F(RunProcess, DoesNotWaitForWhatItLeavesRunning) {
  EXPECT_EQ(run("sleep 5 & echo $! ; exit 0", {.timeout = 2s}).has_value(), true);
}

}  // namespace
}  // namespace deputy::aws
