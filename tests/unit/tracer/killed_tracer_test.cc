// Whoever freezes a program may be killed at any moment: the program runs on as if nothing had
// been. Here a third process traces the tracer, and kills it before each of the calls by which it
// changes anything, one after another.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <functional>

#include "base/fd.h"
#include "tests/unit/tracer/child.h"
#include "tests/unit/tracer/self_checking.h"
#include "tracer/objects/freeze.h"
#include "tracer/objects/process.h"
#include "tracer/ptrace/thread_set.h"

namespace llrun::tracer {
namespace {

// What home does to a program that does not leave after all.
void freeze_and_give_up(HostPid pid) {
  auto threads = ThreadSet::seize_all(pid);
  if (!threads) ::_exit(1);
  auto freeze = Freeze::begin(std::move(*threads), Freeze::Where::kHome);
  if (!freeze) ::_exit(2);
  if (!capture_process(*freeze)) ::_exit(3);
  if (!freeze->release()) ::_exit(4);
}

bool matters(std::uint64_t call) {
  return call == SYS_ptrace || call == SYS_wait4 || call == SYS_waitid || call == SYS_pwrite64 ||
         call == SYS_process_vm_writev;
}

// Runs freeze_and_give_up(pid) up to its n-th call that matters, and kills it there. Returns false
// if it has ended well before; `n` counts from 1. `before_call` is told of each call that is near.
bool killed_before_call(
    int n, HostPid pid, const std::function<void(int call)>& before_call = [](int) {}) {
  Child tracer([pid] {
    ::raise(SIGSTOP);
    freeze_and_give_up(pid);
  });
  int status = 0;
  EXPECT_EQ(::waitpid(tracer.pid().value, &status, WUNTRACED), tracer.pid().value);
  EXPECT_TRUE(seize(tracer.main_thread(), PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
  EXPECT_EQ(::kill(tracer.pid().value, SIGCONT), 0);
  bool before = true;
  for (int seen = 0;;) {
    const auto event = wait_for_stop(tracer.main_thread());
    if (!event) throw std::runtime_error(event.error().message());
    if (event->ended()) {
      tracer.forget();
      EXPECT_TRUE(event->is<Exited>() && event->as<Exited>()->status == 0) << describe(*event);
      return false;
    }
    if (event->is<SyscallStop>()) {
      const auto now = registers(StoppedThread::seen_stopped(tracer.main_thread()));
      if (!now) throw std::runtime_error(now.error().message());
      if (before && matters(now->orig_rax)) {
        before_call(++seen);
        if (seen == n) return true;
      }
      before = !before;
    }
    const auto* signal = event->as<SignalDelivery>();
    const auto on = resume_to_syscall(StoppedThread::seen_stopped(tracer.main_thread()),
                                      signal != nullptr ? signal->info.si_signo : 0);
    if (!on) throw std::runtime_error(on.error().message());
  }
}

// Answers each byte with the next one. Anything that is not as it was ends it: a stray EINTR,
// another signal mask, another register.
void answer_forever(int from, int to) {
  sigset_t mask;
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGUSR2);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  for (;;) {
    char byte = 0;
    if (::read(from, &byte, 1) != 1) ::_exit(17);
    sigset_t now;
    if (::sigprocmask(SIG_SETMASK, nullptr, &now) != 0 ||
        std::memcmp(&now, &mask, sizeof(std::uint64_t)) != 0)
      ::_exit(18);
    byte = static_cast<char>(byte + 1);
    if (::write(to, &byte, 1) != 1) ::_exit(19);
  }
}

char answer_to(char question, int to, int from) {
  char answer = 0;
  if (::write(to, &question, 1) != 1 || ::read(from, &answer, 1) != 1) return 0;
  return answer;
}

TEST(KilledTracer, LeavesAWaitingProgramAsItWasWhereverItIsKilled) {
  constexpr int kMost = 20'000;
  int n = 1;
  for (bool killed = true; killed; ++n) {
    ASSERT_LT(n, kMost);
    auto in = make_pipe();
    auto out = make_pipe();
    Child child([&] {
      in->second.reset();
      out->first.reset();
      answer_forever(in->first.get(), out->second.get());
    });
    in->first.reset();
    out->second.reset();
    ASSERT_EQ(answer_to('a', in->second.get(), out->first.get()), 'b');
    killed = killed_before_call(n, child.pid());
    ASSERT_EQ(answer_to('g', in->second.get(), out->first.get()), 'h')
        << "killed before call " << n << ", status " << child.wait();
  }
  RecordProperty("calls", n);  // in the report: how many places there were
  EXPECT_GT(n, 100);
}

// Says 's' for each SIGUSR1 and 'r' when it is ready for it.
class Hearing {
 public:
  Hearing() : line_(make_pipe().value()), child_([this] { wait_forever(); }) {
    EXPECT_EQ(next(), 'r');
  }
  [[nodiscard]] HostPid pid() const { return child_.pid(); }
  void signal() const { EXPECT_EQ(::kill(pid().value, SIGUSR1), 0); }
  // 0 if nothing is said within ten seconds.
  char next() {
    pollfd ready{line_.first.get(), POLLIN, 0};
    char said = 0;
    if (::poll(&ready, 1, 10'000) != 1 || ::read(line_.first.get(), &said, 1) != 1) return 0;
    return said;
  }

 private:
  [[noreturn]] void wait_forever() {
    static int to = -1;
    to = line_.second.get();
    ::signal(SIGUSR1, [](int) { std::ignore = ::write(to, "s", 1); });
    std::ignore = ::write(to, "r", 1);
    for (;;) ::pause();
  }
  FdPair line_;
  Child child_;
};

// The second call is the interrupt: who is attached and still runs gets the signal before it.
TEST(KilledTracer, TakesNoSignalWithItWhereverItIsKilled) {
  constexpr int kFirstCall = 2;
  constexpr int kAhead = 2;  // and then in the middle of what is done then
  constexpr int kEach = 60;  // calls by which all is stopped; then some of those that read
  constexpr int kStride = 7;
  constexpr int kMost = 20'000;
  int n = kFirstCall;
  for (bool killed = true; killed; n += n < kEach ? 1 : kStride) {
    ASSERT_LT(n, kMost);
    Hearing program;
    const int sent_before = std::max(kFirstCall, n % 2 == 0 ? kFirstCall : n - kAhead);
    bool sent = false;
    killed = killed_before_call(n, program.pid(), [&](int call) {
      if (call != sent_before) return;
      program.signal();
      sent = true;
    });
    if (!sent) program.signal();  // it had ended before that call
    ASSERT_EQ(program.next(), 's') << "killed before call " << n;
  }
  EXPECT_GT(n, 100);
}

// What no mask keeps away.
TEST(Freezing, DropsNoStopThatComesWhileItMakesCalls) {
  Hearing program;
  auto threads = ThreadSet::seize_all(program.pid());
  ASSERT_OK(threads);
  auto freeze = Freeze::begin(std::move(*threads), Freeze::Where::kHome);
  ASSERT_OK(freeze);
  ASSERT_EQ(::kill(program.pid().value, SIGSTOP), 0);
  ASSERT_OK(capture_process(*freeze));
  ASSERT_OK(freeze->release());
  int status = 0;
  ASSERT_EQ(::waitpid(program.pid().value, &status, WUNTRACED), program.pid().value);
  EXPECT_TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
  ASSERT_EQ(::kill(program.pid().value, SIGCONT), 0);
  program.signal();
  EXPECT_EQ(program.next(), 's');
}

// A signal that is taken for a thread is in no queue any more, so none may be.
TEST(KilledTracer, HasTakenNoSignal) {
  Hearing program;
  auto threads = ThreadSet::seize_all(program.pid());
  ASSERT_OK(threads);
  program.signal();
  auto freeze = Freeze::begin(std::move(*threads), Freeze::Where::kHome);
  ASSERT_OK(freeze);
  EXPECT_FALSE(freeze->threads().front().signal);
  ASSERT_OK(freeze->release());
  EXPECT_EQ(program.next(), 's');
}

TEST(KilledTracer, LeavesAllThreadsAndTimersAsTheyWere) {
  SelfChecking program;
  ASSERT_EQ(program.read_line(), "ready");
  constexpr int kStride = 61;
  for (int n = 1; killed_before_call(n, program.pid()); n += kStride)
    ASSERT_EQ(program.ask("rounds"), "moving") << "killed before call " << n;
  EXPECT_EQ(program.ask("quit"), "PASS");
  EXPECT_EQ(program.wait(), 0);
}

}  // namespace
}  // namespace llrun::tracer
