// A program whose stacks are known, whatever node it runs on: the main thread waits, one thread
// sleeps, one computes, one asks for the time (in the vdso), each some named functions deep. Says
// "ready" once all are there; never ends by itself.
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>

namespace deep {

std::atomic<int> there = 0;
volatile unsigned sink = 0;

// What follows the call keeps it from becoming a jump, which would leave no frame.
[[gnu::noinline]] void nap() {
  const timespec long_time{100000, 0};
  ++there;
  for (;;) {
    ::nanosleep(&long_time, nullptr);
    sink = sink + 1;
  }
}

[[gnu::noinline]] void sleeper() {
  nap();
  sink = sink + 1;
}

[[gnu::noinline]] void spin() {
  ++there;
  for (;;) sink = sink + 1;
}

[[gnu::noinline]] void spinner(int depth) {
  if (depth == 0)
    spin();
  else
    spinner(depth - 1);
  sink = sink + 1;
}

[[gnu::noinline]] void watch_clock() {
  timespec now{};
  ++there;
  for (;;) {
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    sink = sink + 1;
  }
}

[[gnu::noinline]] void timekeeper() {
  watch_clock();
  sink = sink + 1;
}

[[gnu::noinline]] void wait_for_nothing() {
  while (there < 3) ::usleep(1000);
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    ::pause();
    sink = sink + 1;
  }
}

}  // namespace deep

int main() {
  std::thread sleeping(deep::sleeper), spinning(deep::spinner, 3), asking(deep::timekeeper);
  deep::wait_for_nothing();
}
