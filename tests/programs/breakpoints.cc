// Breakpoints of the program's own: each int3 that it comes to traps once, wherever it is stopped
// for a move.
#include <signal.h>

#include "tests/programs/steps.h"

namespace {

volatile long traps;
volatile long wrong;

void on_trap(int, siginfo_t* info, void*) {
  if (info->si_signo != SIGTRAP || info->si_code != SI_KERNEL) wrong = wrong + 1;
  traps = traps + 1;
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  struct sigaction action {};
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGTRAP, &action, nullptr);
  while (steps::next()) {
    for (int round = 0; round < 3'000; ++round) {
      traps = 0;
      asm volatile("int3" ::: "memory");
      steps::check(traps == 1, "an int3 has trapped %ld times", traps);
    }
    steps::check(wrong == 0, "%ld traps of another kind", wrong);
  }
  return steps::finish();
}
