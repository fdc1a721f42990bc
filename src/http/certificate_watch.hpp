#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "core/event_loop.hpp"
#include "http/certificate.hpp"
#include "http/handshakes.hpp"

namespace deputy::http {

// Reads the pair's files again when they change. Polled rather than told by the system, since that works for
// every way in which files are replaced, links to folders that are swapped included. The reading is done off
// the loop. On the loop's thread; ended by its destructor.
class CertificateWatch {
 public:
  using Loaded = Result<std::shared_ptr<const Certificate>>;

  // `on_loaded` is told what came of each reading after the first.
  CertificateWatch(EventLoop& loop, Handshakes& threads, CertificateFiles files,
                   std::chrono::milliseconds period, std::function<void(Loaded)> on_loaded);
  ~CertificateWatch();
  CertificateWatch(const CertificateWatch&) = delete;
  CertificateWatch& operator=(const CertificateWatch&) = delete;

  // Reads them now, changed or not.
  void reload();

 private:
  struct State;
  static void look(const std::shared_ptr<State>& state, bool anyway);
  static void look_later(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
};

}  // namespace deputy::http
