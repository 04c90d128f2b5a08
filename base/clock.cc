#include "base/clock.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <atomic>

#include "base/fd.h"

namespace llrun {
namespace {

// In a page that is shared with the test.
using Pretended = std::atomic<std::int64_t>;
static_assert(Pretended::is_always_lock_free && sizeof(Pretended) == sizeof(std::int64_t));

std::atomic<const Pretended*> pretended = nullptr;

std::int64_t nanoseconds_on(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

std::int64_t pretended_ns() {
  const Pretended* slept = pretended.load(std::memory_order_acquire);
  return slept == nullptr ? 0 : slept->load(std::memory_order_relaxed);
}

// Never more than it is, however long this process waits for a processor between the two.
std::chrono::nanoseconds slept_so_far() {
  const auto boot = BootClock::now().time_since_epoch();
  return boot - MonotonicClock::now().time_since_epoch();
}

}  // namespace

MonotonicClock::time_point MonotonicClock::now() noexcept {
  return time_point(duration(nanoseconds_on(CLOCK_MONOTONIC) - pretended_ns()));
}

BootClock::time_point BootClock::now() noexcept {
  return time_point(duration(nanoseconds_on(CLOCK_BOOTTIME)));
}

ClockReading read_clocks() {
  constexpr std::int64_t kOneMoment_ns = 20'000;
  ClockReading reading;
  // Who is put aside between two of them tries again, but not for ever.
  for (int i = 0; i < 10; ++i) {
    reading = {nanoseconds_on(CLOCK_MONOTONIC), nanoseconds_on(CLOCK_BOOTTIME),
               nanoseconds_on(CLOCK_REALTIME)};
    if (nanoseconds_on(CLOCK_MONOTONIC) - reading.monotonic_ns < kOneMoment_ns) break;
  }
  return reading;
}

Sleeps::Sleeps() : slept_(slept_so_far()) {
  for (int i = 0; i < 10; ++i) slept_ = std::max(slept_, slept_so_far());
}

std::chrono::nanoseconds Sleeps::look() {
  const auto more = slept_so_far() - slept_;
  if (more < kNoticed) return std::chrono::nanoseconds(0);
  slept_ += more;
  return more;
}

void pretend_sleeps(const std::string& file) {
  const auto fd = open_file(file, O_RDONLY);
  struct stat status {};
  if (!fd || ::fstat(fd->get(), &status) != 0 ||
      status.st_size < static_cast<off_t>(sizeof(Pretended)))
    return;
  void* page = ::mmap(nullptr, sizeof(Pretended), PROT_READ, MAP_SHARED, fd->get(), 0);
  if (page != MAP_FAILED) pretended.store(static_cast<const Pretended*>(page));
}

}  // namespace llrun
