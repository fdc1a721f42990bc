#include "logstore/store.hpp"

#include "logstore/store_state.hpp"

#include <fcntl.h>
#include <sys/file.h>

namespace deputy::logstore {

Store::Store(Options options, const Clock& clock)
    : state_(std::make_unique<State>(std::move(options), clock)) {}
Store::~Store() = default;

Result<void> Store::begin_writing() {
  const std::lock_guard lock{state_->write_mutex};
  if (state_->alone) return success();
  DEPUTY_TRY(state_->folder.make());
  const std::filesystem::path path = state_->folder.root() / "lock";
  FileDescriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!file)
    return Error{ErrorKind::internal, "the log store's folder cannot be written: let Deputy's user write it",
                 path.string()};
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
    return Error{ErrorKind::conflict,
                 "another process writes this log store: end it, or give this one another `logs.directory`"};
  state_->alone = std::move(file);
  return success();
}

Result<void> Store::write(const logs::SpoolBatch& batch) {
  const std::lock_guard lock{state_->write_mutex};
  return state_->write(batch);
}
Result<void> Store::maintain() {
  const std::lock_guard lock{state_->write_mutex};
  return state_->maintain();
}

Result<FoundPage> Store::search(const SearchRequest& request) {
  return state_->search(request);
}
Result<FoundPage> Store::arrived(const SearchRequest& request) {
  return state_->arrived(request);
}

StoreCounts Store::counts() const {
  const std::lock_guard lock{state_->sight_mutex};
  return state_->counts;
}

std::vector<DayTrouble> Store::troubles() const {
  const std::lock_guard lock{state_->sight_mutex};
  std::vector<DayTrouble> troubles;
  for (const auto& [where, what] : state_->troubles)
    troubles.push_back({where.first.text(), to_text(where.second), what});
  return troubles;
}

}  // namespace deputy::logstore
