// What a tracer that is killed leaves in a thread without PTRACE_O_EXITKILL (kernel/ptrace.c,
// exit_ptrace): what docs/capture.md, "Whoever freezes may be killed", relies on.
#include <gtest/gtest.h>
#include <sys/ptrace.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "base/fd.h"
#include "tests/unit/tracer/child.h"
#include "tests/unit/tracer/shared_flag.h"
#include "tracer/ptrace/ptrace.h"
#include "tracer/ptrace/wait.h"
#include "tracer/remote/lent_site.h"
#include "tracer/stub/stub.h"

namespace llrun::tracer {
namespace {

constexpr int kRight = 7;

// Runs until it is told to end, and then ends with kRight.
class Runner {
 public:
  explicit Runner(const std::function<void()>& each_time)
      : child_([this, &each_time] {
          while (!*end_) each_time();
          ::_exit(kRight);
        }) {}
  [[nodiscard]] HostPid pid() const { return child_.pid(); }
  [[nodiscard]] HostTid tid() const { return child_.main_thread(); }
  // Its wait status.
  int let_end() {
    *end_ = true;
    return child_.wait();
  }

 private:
  SharedFlag end_;
  Child child_;
};

// A process does `what` to the stopped thread, and is killed.
void do_and_be_killed(HostTid tid, unsigned options,
                      const std::function<bool(const StoppedThread&)>& what) {
  Child tracer([&] {
    if (!seize(tid, options) || !interrupt(tid) || !wait_for_stop(tid)) ::_exit(1);
    if (!what(StoppedThread::seen_stopped(tid))) ::_exit(2);
    ::raise(SIGKILL);
  });
  const int status = tracer.wait();
  ASSERT_TRUE(WIFSIGNALED(status)) << "it did not come so far: " << WEXITSTATUS(status);
}

bool stands_traced(HostTid tid) {
  const auto text =
      read_whole_file("/proc/" + std::to_string(tid.value) + "/stat").value_or(std::string());
  const auto name_end = text.rfind(')');
  return name_end != std::string::npos && text.substr(name_end + 2, 1) == "t";
}

// Lets the thread go to its next call, and does not wait for it as a tracer does.
bool go_to_call_unheard(const StoppedThread& thread) {
  const HostTid tid = thread.tid();
  if (!resume_to_syscall(StoppedThread::seen_stopped(tid))) return false;
  constexpr int kMostLooks = 10'000'000;
  for (int looks = 0; looks < kMostLooks; ++looks)
    if (stands_traced(tid)) return true;
  return false;
}

void call_something() { std::ignore = ::getppid(); }

TEST(KilledTracersThread, DiesOfAStep) {
  Runner runner([] {});
  do_and_be_killed(runner.tid(), 0, [](const StoppedThread& thread) {
    return step(StoppedThread::seen_stopped(thread.tid())) && wait_for_stop(thread.tid());
  });
  const int status = runner.let_end();
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTRAP);
}

TEST(KilledTracersThread, DoesNotWhenItHasBeenStoppedAnewSince) {
  Runner runner([] {});
  do_and_be_killed(runner.tid(), 0, [](const StoppedThread& thread) {
    return step(StoppedThread::seen_stopped(thread.tid())) && wait_for_stop(thread.tid()) &&
           stop_anew(thread);
  });
  const int status = runner.let_end();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == kRight) << status;
}

TEST(KilledTracersThread, DiesOfACallStopThatNobodyHasHeardOf) {
  Runner runner(call_something);
  do_and_be_killed(runner.tid(), 0, go_to_call_unheard);
  const int status = runner.let_end();
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTRAP);
}

TEST(KilledTracersThread, DoesNotWhenSuchStopsAreMarked) {
  Runner runner(call_something);
  do_and_be_killed(runner.tid(), PTRACE_O_TRACESYSGOOD, go_to_call_unheard);
  const int status = runner.let_end();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == kRight) << status;
}

// Whoever has taken a signal's stop takes the signal with it; who has only looked does not.
TEST(KilledTracersThread, GetsASignalWhoseStopWasNotTaken) {
  for (const auto stops : {SignalStops::kLeave, SignalStops::kTake}) {
    SharedFlag heard;
    static SharedFlag* in_handler = nullptr;
    in_handler = &heard;
    std::ignore = ::signal(SIGUSR1, [](int) { **in_handler = true; });
    Runner runner([] {});
    std::ignore = ::signal(SIGUSR1, SIG_DFL);
    do_and_be_killed(runner.tid(), 0, [stops](const StoppedThread& thread) {
      const HostTid tid = thread.tid();
      if (!resume(StoppedThread::seen_stopped(tid)) || ::kill(tid.value, SIGUSR1) != 0)
        return false;
      const auto event = wait_for_stop(tid, kStopTimeout, stops);
      return event && event->is<SignalDelivery>();
    });
    const int status = runner.let_end();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == kRight) << status;
    EXPECT_EQ(*heard, stops == SignalStops::kLeave);
  }
}

// The vdso ends with zeros, and who writes there gets a page of his own.
TEST(LentSite, IsBehindTheCodeOfTheVdsoAndOfNobodyElse) {
  Runner runner([] {});
  ASSERT_OK(seize(runner.tid(), PTRACE_O_EXITKILL));
  ASSERT_OK(interrupt(runner.tid()));
  ASSERT_OK(wait_for_stop(runner.tid()));
  auto lent = LentSite::open(runner.pid());
  ASSERT_OK(lent);
  ASSERT_EQ(lent->site().after, SyscallSite::After::kReturn);
  const auto code = returning_code();
  std::vector<std::byte> there(code.size());
  ASSERT_OK(read_memory(runner.pid(), lent->site().address, there));
  EXPECT_TRUE(std::ranges::equal(there, code));
  // A fork has its vdso where its parent has.
  const auto* ours = reinterpret_cast<const std::byte*>(lent->site().address.value);
  EXPECT_TRUE(std::all_of(ours, ours + code.size(), [](std::byte b) { return b == std::byte{0}; }));
  ASSERT_OK(lent->close());
  ASSERT_OK(read_memory(runner.pid(), lent->site().address, there));
  EXPECT_TRUE(std::ranges::all_of(there, [](std::byte b) { return b == std::byte{0}; }));
  ASSERT_OK(detach(StoppedThread::seen_stopped(runner.tid())));
  EXPECT_EQ(WEXITSTATUS(runner.let_end()), kRight);
}

}  // namespace
}  // namespace llrun::tracer
