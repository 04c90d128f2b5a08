// Handlers, masks, the alternate stack, and what is pending with its siginfo stay as they were.
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "tests/programs/steps.h"

namespace {

constexpr std::size_t kStackBytes = 64 << 10;
alignas(16) char alternate[kStackBytes];
volatile sig_atomic_t seen_count;
siginfo_t seen[64];
volatile bool on_alternate;

void note(int, siginfo_t* info, void*) {
  const char here = 0;
  on_alternate = &here >= alternate && &here < alternate + kStackBytes;
  if (seen_count < 64) std::memcpy(&seen[seen_count], info, sizeof *info);
  seen_count = seen_count + 1;
}

void install(int number, int flags) {
  struct sigaction action {};
  action.sa_sigaction = note;
  action.sa_flags = SA_SIGINFO | flags;
  ::sigemptyset(&action.sa_mask);
  ::sigaddset(&action.sa_mask, SIGUSR2);
  ::sigaction(number, &action, nullptr);
}

void check_action(int number, int flags) {
  struct sigaction action {};
  ::sigaction(number, nullptr, &action);
  steps::check(action.sa_sigaction == note &&
                   (action.sa_flags & ~0x04000000) == (SA_SIGINFO | flags) &&
                   ::sigismember(&action.sa_mask, SIGUSR2) == 1,
               "the action of signal %d", number);
}

void queue(int number, int value) {
  sigval payload{};
  payload.sival_int = value;
  ::sigqueue(::getpid(), number, payload);
}

sigset_t blocked_set() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGUSR1, SIGTRAP, SIGRTMIN, SIGRTMIN + 3}) ::sigaddset(&set, number);
  return set;
}

// Lets what is pending in, and looks at what arrived: queued signals in order, each with its value
// and sender.
void check_pending(int step) {
  sigset_t waiting;
  ::sigpending(&waiting);
  for (const int number : {SIGUSR1, SIGTRAP, SIGRTMIN})
    steps::check(::sigismember(&waiting, number) == 1, "signal %d is not pending", number);
  seen_count = 0;
  sigset_t set = blocked_set();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  steps::check(seen_count == 6, "%d signals arrived instead of 6", static_cast<int>(seen_count));
  int realtime = 0;
  for (int at = 0; at < seen_count && at < 64; ++at) {
    steps::check(seen[at].si_pid == ::getpid() && seen[at].si_uid == ::getuid(),
                 "the sender of signal %d", seen[at].si_signo);
    if (seen[at].si_signo != SIGRTMIN) continue;
    steps::check(
        seen[at].si_code == SI_QUEUE && seen[at].si_value.sival_int == step * 10 + realtime,
        "queued value %d is %d", realtime, seen[at].si_value.sival_int);
    ++realtime;
  }
  steps::check(realtime == 3 && on_alternate,
               "the real-time signals, or the stack they were handled on");
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  stack_t stack{};
  stack.ss_sp = alternate;
  stack.ss_size = kStackBytes;
  ::sigaltstack(&stack, nullptr);
  install(SIGUSR1, SA_ONSTACK);
  install(SIGTRAP, SA_ONSTACK);
  install(SIGRTMIN, SA_ONSTACK | SA_RESTART);
  install(SIGRTMIN + 3, SA_ONSTACK | SA_NODEFER);
  ::signal(SIGTTOU, SIG_IGN);
  sigset_t set = blocked_set();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  while (steps::next()) {
    const int step = steps::number();
    for (int at = 0; at < 3; ++at) queue(SIGRTMIN, step * 10 + at);
    queue(SIGRTMIN + 3, step);
    ::kill(::getpid(), SIGUSR1);
    ::kill(::getpid(), SIGTRAP);
    steps::work(static_cast<std::uint64_t>(step));
    check_pending(step);
    check_action(SIGUSR1, SA_ONSTACK);
    check_action(SIGRTMIN, SA_ONSTACK | SA_RESTART);
    check_action(SIGRTMIN + 3, SA_ONSTACK | SA_NODEFER);
    stack_t now{};
    ::sigaltstack(nullptr, &now);
    steps::check(now.ss_sp == alternate && now.ss_size == kStackBytes && now.ss_flags == 0,
                 "the alternate stack");
    struct sigaction ignored {};
    ::sigaction(SIGTTOU, nullptr, &ignored);
    steps::check(ignored.sa_handler == SIG_IGN, "an ignored signal");
  }
  return steps::finish();
}
