#include "tracer/objects/timers.h"

#include <sys/syscall.h>
#include <sys/time.h>

#include <array>

namespace llrun::tracer {
namespace {

std::uint64_t microseconds(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(time.tv_usec);
}

timeval time_of(std::uint64_t microseconds) {
  return {static_cast<time_t>(microseconds / 1'000'000),
          static_cast<suseconds_t>(microseconds % 1'000'000)};
}

constexpr std::array kTimers{ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};

}  // namespace

Result<> take_interval_timers(RemoteSyscalls& calls, RemoteArena arena, IntervalTimers& into) {
  Batch batch(calls, arena);
  LLRUN_TRY_ASSIGN(const auto off, batch.arena().put_value(itimerval{}));
  std::array<RemoteAddr, kTimers.size()> places;
  for (std::size_t i = 0; i < kTimers.size(); ++i) {
    LLRUN_TRY_ASSIGN(places[i], batch.arena().reserve(sizeof(itimerval)));
    batch.add(SYS_setitimer, kTimers[i], off, places[i]);
  }
  LLRUN_TRY(batch.run_all_must_succeed("stop interval timers"));
  for (std::size_t i = 0; i < kTimers.size(); ++i) {
    LLRUN_TRY_ASSIGN(const auto timer, batch.read<itimerval>(places[i]));
    if (microseconds(timer.it_value) == 0) continue;
    auto& record = *into.Add();
    record.set_which(kTimers[i]);
    record.set_value_us(microseconds(timer.it_value));
    record.set_interval_us(microseconds(timer.it_interval));
  }
  return {};
}

Result<> arm_interval_timers(RemoteSyscalls& calls, RemoteArena arena,
                             const IntervalTimers& timers) {
  Batch batch(calls, arena);
  for (const auto& timer : timers) {
    const itimerval value{time_of(timer.interval_us()), time_of(timer.value_us())};
    LLRUN_TRY_ASSIGN(const auto place, batch.arena().put_value(value));
    batch.add(SYS_setitimer, timer.which(), place, 0);
  }
  return batch.run_all_must_succeed("arm interval timers");
}

}  // namespace llrun::tracer
