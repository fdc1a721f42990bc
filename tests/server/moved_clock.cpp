// A library to preload: the civil clock of the process is ahead by as many seconds as the file
// DEPUTY_TEST_CLOCK_FILE says in its first eight bytes, at every moment. Steady clocks and timers are as they
// are. (libfaketime moves timerfd too, and then no timer of an event loop is right.)
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

std::int64_t seconds_ahead() {
  static std::atomic<const volatile std::int64_t*> shared{nullptr};
  static const volatile std::int64_t none = 0;
  const volatile std::int64_t* ahead = shared.load();
  if (ahead == nullptr) {
    const char* path = std::getenv("DEPUTY_TEST_CLOCK_FILE");
    const int file = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
    void* mapped =
        file < 0 ? MAP_FAILED : ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (file >= 0) ::close(file);
    ahead = mapped == MAP_FAILED ? &none : static_cast<const volatile std::int64_t*>(mapped);
    shared.store(ahead);
  }
  return *ahead;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const long failed = ::syscall(SYS_clock_gettime, clock, time);
  if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    time->tv_sec += seconds_ahead();
  return static_cast<int>(failed);
}

int gettimeofday(timeval* time, void* /*zone*/) noexcept {
  timespec now{};
  const int failed = clock_gettime(CLOCK_REALTIME, &now);
  *time = {now.tv_sec, now.tv_nsec / 1000};
  return failed;
}

time_t time(time_t* seconds) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (seconds != nullptr) *seconds = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"
