// No clock ever goes back or leaps, by the vdso or by system call, in any thread.
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmath>
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

void check_agreement(clockid_t clock) {
  const double before = by_call(clock), between = by_vdso(clock), after = by_call(clock);
  const double slack = clock == CLOCK_MONOTONIC_COARSE ? 0.02 : 0.0;
  steps::check(before - slack <= between && between <= after + slack,
               "clock %d: %.6f by vdso, %.6f and %.6f by system call", clock, between, before,
               after);
}

class Watch {
 public:
  Watch() {
    for (std::size_t at = 0; at < std::size(kClocks); ++at) last_[at] = by_vdso(kClocks[at]);
  }
  void look() {
    for (std::size_t at = 0; at < std::size(kClocks); ++at) {
      const double now = by_vdso(kClocks[at]);
      const double back = kClocks[at] == CLOCK_REALTIME ? kRealtimeMayDiffer : 0;
      steps::check(now >= last_[at] - back, "clock %d went back by %.6f s", kClocks[at],
                   last_[at] - now);
      steps::check(now <= last_[at] + kLeap, "clock %d leapt by %.3f s", kClocks[at],
                   now - last_[at]);
      last_[at] = now;
    }
  }

 private:
  double last_[std::size(kClocks)];
};

void busy_looks() {
  Watch watch;
  for (int round = 0; round < 2000; ++round) {
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
