#include "logs/committer.hpp"

#include <utility>

namespace deputy::logs {
namespace {

constexpr std::size_t together_max = 64;

}  // namespace

Committer::Committer(EventLoop& loop, Spool& spool, Blocking& blocking)
    : loop_(loop), spool_(spool), blocking_(blocking) {}

Task<Result<void>> Committer::commit(SourceCommit commit) {
  struct Awaiter {
    Committer& committer;
    Waiting& waiting;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const {
      waiting.handle = handle;
      committer.queue_.push_back(&waiting);
      if (std::exchange(committer.writing_, true)) return;
      // In a later turn: whoever commits in this one goes along.
      committer.loop_.post([&self = committer] { self.group_.spawn(self.write()); });
    }
    void await_resume() const noexcept {}
  };
  Waiting waiting{std::move(commit), std::nullopt, {}};
  co_await Awaiter{*this, waiting};
  co_return *std::move(waiting.outcome);
}

Task<void> Committer::write() {
  while (!queue_.empty()) {
    std::vector<Waiting*> together;
    std::vector<SourceCommit> commits;
    while (!queue_.empty() && together.size() < together_max) {
      together.push_back(queue_.front());
      commits.push_back(std::move(queue_.front()->commit));
      queue_.pop_front();
    }
    Result<std::vector<Result<void>>> outcomes =
        Error{ErrorKind::overloaded, "too much is waiting for the log collector's disk"};
    auto ran = co_await blocking_.run([&] { outcomes = spool_.commit(commits); });
    if (!ran) outcomes = std::move(ran).error();
    for (std::size_t i = 0; i < together.size(); ++i) {
      if (outcomes) {
        together[i]->outcome.emplace(std::move(outcomes.value()[i]));
      } else {
        together[i]->outcome.emplace(outcomes.error());
      }
    }
    // Each in a turn of its own: one that goes on at once may commit again.
    for (Waiting* const each : together) loop_.post([handle = each->handle] { handle.resume(); });
  }
  writing_ = false;
}

Task<void> Committer::stop() {
  co_await group_.join();
}

}  // namespace deputy::logs
