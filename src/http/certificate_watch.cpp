#include "http/certificate_watch.hpp"

#include <fmt/format.h>
#include <optional>
#include <sys/stat.h>
#include <utility>

namespace deputy::http {
namespace {

// What changes when a file is written or replaced.
std::string trace_of(const std::filesystem::path& file) {
  struct stat about{};
  if (::stat(file.c_str(), &about) != 0) return "none";
  return fmt::format("{}:{}:{}:{}.{}:{}", about.st_dev, about.st_ino, about.st_size, about.st_mtim.tv_sec,
                     about.st_mtim.tv_nsec, about.st_mode);
}

std::string trace_of(const CertificateFiles& files) {
  return trace_of(files.certificate) + " " + trace_of(files.key);
}

}  // namespace

struct CertificateWatch::State {
  EventLoop& loop;
  Handshakes* threads;
  const CertificateFiles files;
  const std::chrono::milliseconds period;
  std::function<void(Loaded)> on_loaded;
  std::string trace;  // of the files as they were read last
  bool ended = false;
  bool looking = false;  // one look at a time
  EventLoop::TimerId timer = 0;
};

CertificateWatch::CertificateWatch(EventLoop& loop, Handshakes& threads, CertificateFiles files,
                                   std::chrono::milliseconds period, std::function<void(Loaded)> on_loaded)
    : state_(std::make_shared<State>(
          State{loop, &threads, files, period, std::move(on_loaded), trace_of(files)})) {
  look_later(state_);
}

CertificateWatch::~CertificateWatch() {
  state_->ended = true;
  state_->loop.cancel(state_->timer);
}

void CertificateWatch::reload() {
  look(state_, true);
}

void CertificateWatch::look_later(const std::shared_ptr<State>& state) {
  state->timer = state->loop.call_after(state->period, [state] {
    look(state, false);
    look_later(state);
  });
}

void CertificateWatch::look(const std::shared_ptr<State>& state, bool anyway) {
  if (state->looking && !anyway) return;
  // Nothing of the state but its loop is touched off the loop; what is needed there goes along.
  auto work = [state = state, anyway, files = state->files, known = state->trace]() mutable {
    std::string trace = trace_of(files);
    std::optional<Loaded> loaded;
    if (anyway || trace != known) loaded.emplace(Certificate::load(files));
    EventLoop& loop = state->loop;
    loop.post([state = std::move(state), trace = std::move(trace), loaded = std::move(loaded)]() mutable {
      state->looking = false;
      if (state->ended || !loaded) return;
      state->trace = std::move(trace);
      state->on_loaded(*std::move(loaded));
    });
  };
  // When handshakes take all threads, the next look is soon enough.
  state->looking = state->threads->run(std::move(work));
}

}  // namespace deputy::http
