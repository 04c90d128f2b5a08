#include "tracer/objects/timers.h"

#include <sys/syscall.h>
#include <sys/time.h>

#include <algorithm>
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

struct Timer {
  int which;
  int signal;
};
constexpr std::array kTimers{Timer{ITIMER_REAL, SIGALRM}, Timer{ITIMER_VIRTUAL, SIGVTALRM},
                             Timer{ITIMER_PROF, SIGPROF}};

}  // namespace

Result<> read_interval_timers(RemoteSyscalls& calls, RemoteArena arena, IntervalTimers& into) {
  Batch batch(calls, arena);
  std::array<RemoteAddr, kTimers.size()> places;
  for (std::size_t i = 0; i < kTimers.size(); ++i) {
    LLRUN_TRY_ASSIGN(places[i], batch.arena().reserve(sizeof(itimerval)));
    batch.add(SYS_getitimer, kTimers[i].which, places[i]);
  }
  LLRUN_TRY(batch.run_all_must_succeed("read interval timers"));
  for (std::size_t i = 0; i < kTimers.size(); ++i) {
    LLRUN_TRY_ASSIGN(const auto timer, batch.read<itimerval>(places[i]));
    if (microseconds(timer.it_value) == 0 && microseconds(timer.it_interval) == 0) continue;
    auto& record = *into.Add();
    record.set_which(kTimers[i].which);
    // A timer of real time that has rung begins anew only when its signal is delivered
    // (kernel/signal.c, dequeue_signal); until then nothing is left of its time. The signal travels
    // with the queues.
    const auto& left = microseconds(timer.it_value) != 0 ? timer.it_value : timer.it_interval;
    record.set_value_us(microseconds(left));
    record.set_interval_us(microseconds(timer.it_interval));
  }
  return {};
}

Result<> stop_interval_timers(RemoteSyscalls& calls, RemoteArena arena) {
  Batch batch(calls, arena);
  LLRUN_TRY_ASSIGN(const auto off, batch.arena().put_value(itimerval{}));
  for (const auto& timer : kTimers) batch.add(SYS_setitimer, timer.which, off, 0);
  return batch.run_all_must_succeed("stop interval timers");
}

bool has_rung_since(const siginfo_t& signal, const IntervalTimers& timers) {
  if (signal.si_code != SI_KERNEL) return false;
  return std::ranges::any_of(timers, [&](const image::IntervalTimer& timer) {
    const bool ran = timer.value_us() != timer.interval_us();
    return ran && std::ranges::any_of(kTimers, [&](const Timer& kind) {
             return kind.which == timer.which() && kind.signal == signal.si_signo;
           });
  });
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
