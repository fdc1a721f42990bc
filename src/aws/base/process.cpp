#include "aws/base/process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

#include "aws/base/credential_source.hpp"
#include "core/assert.hpp"
#include "core/secret.hpp"

extern char** environ;

namespace deputy::aws {
namespace {

constexpr std::size_t complaint_bytes_max = 4 * 1024;
constexpr std::size_t shown_word_bytes_max = 19;  // an access key ID has 20 characters, a secret key 40
constexpr int poll_interval_ms = 20;
constexpr std::string_view own_variables = "DEPUTY_";

std::string text_of_error(int code) {
  return std::generic_category().message(code);
}

// A pipe from the child to us: our end does not block, and neither is inherited but where it is asked for.
class Pipe {
 public:
  Pipe() {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    read_end = ends[0];
    write_end = ends[1];
    ::fcntl(read_end, F_SETFL, O_NONBLOCK);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_end(read_end);
    close_end(write_end);
  }
  bool is_open() const { return read_end >= 0; }
  static void close_end(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }

  int read_end = -1;
  int write_end = -1;
};

// What a pipe brought, up to a limit. What goes beyond is read and dropped.
class Collector {
 public:
  Collector(Pipe& pipe, std::size_t bytes_max) : pipe_(pipe), bytes_max_(bytes_max) {
    text_.reserve(bytes_max);  // at once, so that no outgrown buffer keeps secrets
  }
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;
  ~Collector() { wipe(text_); }

  // Takes what is there; bounded, so that a child that never stops writing does not hold us.
  void drain() {
    std::array<char, 4'096> chunk{};
    for (int round = 0; round < 64 && pipe_.read_end >= 0; ++round) {
      const ssize_t got = ::read(pipe_.read_end, chunk.data(), chunk.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) break;
      if (got <= 0) {
        Pipe::close_end(pipe_.read_end);
        break;
      }
      const auto size = static_cast<std::size_t>(got);
      too_much_ = too_much_ || size > bytes_max_ - text_.size();
      text_.append(chunk.data(), std::min(size, bytes_max_ - text_.size()));
    }
    ::explicit_bzero(chunk.data(), chunk.size());
  }
  bool too_much() const { return too_much_; }
  const std::string& text() const { return text_; }
  std::string take() { return std::move(text_); }

 private:
  Pipe& pipe_;
  const std::size_t bytes_max_;
  bool too_much_ = false;
  std::string text_;
};

// A child that is reaped in any case: killed with its group if it still runs.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);  // should it not have come to its own group yet
    reap();
  }

  // Has it ended? It stays a zombie until `reap`.
  bool has_ended() const {
    siginfo_t about{};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &about, WEXITED | WNOHANG | WNOWAIT) != 0)
      return errno == ECHILD;
    return about.si_pid == pid_;
  }
  // The status as waitpid(2) gives it; nullopt when it cannot be known.
  std::optional<int> reap() {
    const pid_t pid = std::exchange(pid_, -1);
    int status = 0;
    pid_t got = 0;
    do got = ::waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    return got == pid ? std::optional{status} : std::nullopt;
  }

 private:
  pid_t pid_;
};

class SpawnSettings {
 public:
  SpawnSettings(const Pipe& out, const Pipe& complaints) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, out.write_end, 1);
    posix_spawn_file_actions_adddup2(&actions_, complaints.write_end, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setflags(&attributes_, static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                              POSIX_SPAWN_SETSIGDEF));
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t usual;
    sigemptyset(&usual);
    for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD}) sigaddset(&usual, signal);
    posix_spawnattr_setsigdefault(&attributes_, &usual);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  // 0, or the error's number.
  int spawn(const std::vector<std::string>& words, pid_t& pid) const {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    std::vector<char*> variables;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      if (!std::string_view{*entry}.starts_with(own_variables)) variables.push_back(*entry);
    }
    variables.push_back(nullptr);
    return posix_spawnp(&pid, arguments[0], &actions_, &attributes_, arguments.data(), variables.data());
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::string ended_badly(std::optional<int> status, std::string_view complaint) {
  std::string text = "the process failed";
  if (status && WIFEXITED(*status))
    text = "the process ended with status " + std::to_string(WEXITSTATUS(*status));
  if (status && WIFSIGNALED(*status))
    text = "the process was ended by signal " + std::to_string(WTERMSIG(*status));
  const std::string shown = shown_complaint(complaint);
  return shown.empty() ? text : text + ": " + shown;
}

}  // namespace

std::string shown_complaint(std::string_view standard_error) {
  constexpr std::string_view white = " \t\r\f\v";
  std::string shown;
  while (!standard_error.empty() && shown.empty()) {
    std::string_view line = standard_error.substr(0, standard_error.find('\n'));
    standard_error.remove_prefix(std::min(line.size() + 1, standard_error.size()));
    while (!line.empty()) {
      const std::string_view word = line.substr(0, line.find_first_of(white));
      line.remove_prefix(std::min(word.size() + 1, line.size()));
      if (word.empty()) continue;
      if (!shown.empty()) shown += ' ';
      shown += word.size() > shown_word_bytes_max ? std::string_view{"[...]"} : word;
    }
  }
  return shown.empty() ? shown : in_backticks(shown);
}

std::optional<std::vector<std::string>> split_command(std::string_view command) {
  constexpr std::string_view blanks = " \t\r\n";
  std::vector<std::string> words;
  std::optional<std::string> word;  // engaged within a word, which may be empty: ''
  char quote = '\0';
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (quote == '\0' && blanks.find(c) != std::string_view::npos) {
      if (word) words.push_back(*std::exchange(word, std::nullopt));
      continue;
    }
    if (!word) word.emplace();
    if (c == '\\' && quote != '\'') {
      if (++i == command.size()) return std::nullopt;
      if (quote == '"' && command[i] != '"' && command[i] != '\\') *word += '\\';
      *word += command[i];
    } else if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
    } else if (quote != '\0' && c == quote) {
      quote = '\0';
    } else {
      *word += c;
    }
  }
  if (quote != '\0') return std::nullopt;
  if (word) words.push_back(*std::move(word));
  return words;
}

Result<std::string> run_process(const std::vector<std::string>& words, const ProcessLimits& limits,
                                std::stop_token stop) {
  DEPUTY_ASSERT(!words.empty());
  const auto deadline = std::chrono::steady_clock::now() + limits.timeout;
  Pipe out, complaints;
  if (!out.is_open() || !complaints.is_open()) return broken_source("no pipe: " + text_of_error(errno));
  pid_t pid = -1;
  if (const int failed = SpawnSettings{out, complaints}.spawn(words, pid); failed != 0)
    return broken_source("the process cannot be started: " + text_of_error(failed));
  Child child{pid};
  Pipe::close_end(out.write_end);
  Pipe::close_end(complaints.write_end);
  Collector output{out, limits.output_bytes_max};
  Collector complaint{complaints, complaint_bytes_max};
  // Its end counts, not that of its output: what it leaves running may hold the pipes open.
  for (bool ended = false; !ended;) {
    ended = child.has_ended();
    output.drain();
    complaint.drain();
    if (output.too_much())
      return broken_source("the process wrote more than " + std::to_string(limits.output_bytes_max) +
                           " bytes");
    if (ended) break;
    if (stop.stop_requested()) return broken_source("the process was ended, since the service stops");
    if (std::chrono::steady_clock::now() >= deadline)
      return broken_source("the process did not end within " + std::to_string(limits.timeout.count()) +
                           " ms");
    std::array<pollfd, 2> watched{pollfd{out.read_end, POLLIN, 0}, pollfd{complaints.read_end, POLLIN, 0}};
    ::poll(watched.data(), watched.size(), poll_interval_ms);
  }
  const auto status = child.reap();
  if (!status || *status != 0) return broken_source(ended_badly(status, complaint.text()));
  return output.take();
}

}  // namespace deputy::aws
