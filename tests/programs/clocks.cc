// No clock ever goes back or leaps, by the vdso or by system call, in any thread. A clock of CPU
// time may only when the program comes home, where the time that it used elsewhere is missing
// (docs/limits.md): never away, from one stay to the next, nor from one time at home to the next.
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "tests/programs/steps.h"

namespace {

constexpr clockid_t kClocks[] = {CLOCK_MONOTONIC,        CLOCK_BOOTTIME, CLOCK_MONOTONIC_COARSE,
                                 CLOCK_MONOTONIC_RAW,    CLOCK_REALTIME, CLOCK_PROCESS_CPUTIME_ID,
                                 CLOCK_THREAD_CPUTIME_ID};
constexpr double kRealtimeMayDiffer =
    1.0;                       // seconds between the nodes' clocks: more is refused beforehand
constexpr double kLeap = 300;  // no step and no move takes that long

double seconds(const timespec& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double by_vdso(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return seconds(time);
}

double by_call(clockid_t clock) {
  timespec time{};
  ::syscall(SYS_clock_gettime, clock, &time);
  return seconds(time);
}

bool is_cpu_time(clockid_t clock) {
  return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

// Where the program runs: every stay away has a pid namespace of its own.
std::string place() {
  char name[64] = "";
  return ::readlink("/proc/self/ns/pid", name, sizeof name - 1) < 0 ? "" : name;
}
const std::string home = place();

void check_agreement(clockid_t clock) {
  const auto place_before = place();
  const double before = by_call(clock), between = by_vdso(clock), after = by_call(clock);
  if (is_cpu_time(clock) && place() != place_before) return;
  const double slack = clock == CLOCK_MONOTONIC_COARSE ? 0.02 : 0.0;
  steps::check(before - slack <= between && between <= after + slack,
               "clock %d: %.6f by vdso, %.6f and %.6f by system call", clock, between, before,
               after);
}

// The time a clock showed last: one for all places, or, of CPU time, one at home and one away.
class Last {
 public:
  void check(clockid_t clock, double now, bool away) {
    const double back = clock == CLOCK_REALTIME ? kRealtimeMayDiffer : 0;
    const bool only_away = is_cpu_time(clock) && away;  // what home's clock has, and more
    const double last = only_away ? std::max(last_, away_) : last_;
    steps::check(now >= last - back, "clock %d went back by %.6f s", clock, last - now);
    steps::check(last == 0 || now <= last + kLeap, "clock %d leapt by %.3f s", clock, now - last);
    (only_away ? away_ : last_) = now;
  }

 private:
  double last_ = 0, away_ = 0;
};

class Watch {
 public:
  void look() {
    for (std::size_t at = 0; at < std::size(kClocks); ++at) look_at(kClocks[at], last_[at]);
  }

 private:
  static void look_at(clockid_t clock, Last& last) {
    for (;;) {
      const auto place_before = place();
      const double now = by_vdso(clock);
      if (place() != place_before) continue;  // which place's time it is, is not known
      return last.check(clock, now, place_before != home);
    }
  }
  Last last_[std::size(kClocks)];
};

void busy_looks() {
  Watch watch;
  for (int round = 0; round < 500; ++round) {
    steps::mixed(static_cast<std::uint64_t>(round));
    watch.look();
  }
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  Watch watch;
  while (steps::next()) {
    std::thread other(busy_looks);
    steps::work(9);
    watch.look();
    other.join();
    for (const clockid_t clock : kClocks) check_agreement(clock);
  }
  return steps::finish();
}
