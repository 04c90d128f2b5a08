// Interval timers go on ticking, with their interval and their value, of every kind.
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "tests/programs/steps.h"

namespace {

std::atomic<long> real_ticks, profile_ticks, virtual_ticks, posix_ticks;

void tick(int number, siginfo_t* info, void*) {
  if (number == SIGALRM) ++real_ticks;
  if (number == SIGPROF) ++profile_ticks;
  if (number == SIGVTALRM) ++virtual_ticks;
  if (number == SIGRTMIN && info->si_code == SI_TIMER && info->si_value.sival_int == 4711)
    ++posix_ticks;
}

void start(int which, int number, long milliseconds) {
  struct sigaction action {};
  action.sa_sigaction = tick;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  ::sigaction(number, &action, nullptr);
  const itimerval every{{0, milliseconds * 1000}, {0, milliseconds * 1000}};
  ::setitimer(static_cast<__itimer_which_t>(which), &every, nullptr);
}

timer_t start_posix(clockid_t clock, long milliseconds) {
  struct sigaction action {};
  action.sa_sigaction = tick;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  ::sigaction(SIGRTMIN, &action, nullptr);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGRTMIN;
  event.sigev_value.sival_int = 4711;
  timer_t timer{};
  steps::check(::timer_create(clock, &event, &timer) == 0, "timer_create failed");
  const itimerspec every{{0, milliseconds * 1000000}, {0, milliseconds * 1000000}};
  ::timer_settime(timer, 0, &every, nullptr);
  return timer;
}

// Works until the counter has moved on. A timer that has died never moves it: the driver's limit
// ends the wait.
void await_tick(const std::atomic<long>& counter) {
  const long before = counter;
  while (counter == before) steps::work(1);
}

void check_interval(int which, long milliseconds) {
  itimerval now{};
  ::getitimer(static_cast<__itimer_which_t>(which), &now);
  steps::check(now.it_interval.tv_usec / 1000 == milliseconds, "the interval of timer %d is %ld us",
               which, static_cast<long>(now.it_interval.tv_usec));
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  start(ITIMER_REAL, SIGALRM, 20);
  start(ITIMER_PROF, SIGPROF, 28);
  start(ITIMER_VIRTUAL, SIGVTALRM, 36);
  const timer_t timer = start_posix(CLOCK_MONOTONIC, 24);
  while (steps::next()) {
    for (const auto* counter : {&real_ticks, &profile_ticks, &virtual_ticks, &posix_ticks})
      await_tick(*counter);
    check_interval(ITIMER_REAL, 20);
    check_interval(ITIMER_PROF, 28);
    check_interval(ITIMER_VIRTUAL, 36);
    itimerspec now{};
    steps::check(::timer_gettime(timer, &now) == 0 && now.it_interval.tv_nsec == 24000000,
                 "the POSIX timer");
  }
  return steps::finish();
}
