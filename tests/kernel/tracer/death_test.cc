// What the kernel does when traced threads end, or one of them executes another program, and what
// their tracer owes: what letting go of threads relies on (tracer/ptrace/letting_go.h). ptrace(2),
// "Death under ptrace" and "execve(2) under ptrace".
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "base/fd.h"
#include "tests/unit/tracer/child.h"
#include "tracer/ptrace/ptrace.h"
#include "tracer/ptrace/task_states.h"
#include "tracer/ptrace/wait.h"

namespace llrun::tracer {
namespace {

constexpr std::chrono::seconds kGenerous{60};
using Look = std::function<bool()>;

bool until(const Look& condition) {
  const auto end = std::chrono::steady_clock::now() + kGenerous;
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    ::usleep(500);
  }
  return false;
}

// Two threads beside the main one, which wait; each does what it is told to.
class Threads {
 public:
  explicit Threads(const std::function<void()>& main, const std::function<void()>& other)
      : order_(*make_pipe()), child_([&, this] {
          for (int i = 0; i < 2; ++i)
            std::thread([&, this, acts = i == 1] {
              if (acts) await_and(other);
              for (;;) ::pause();
            }).detach();
          await_and(main);
          for (;;) ::pause();
        }) {
    EXPECT_TRUE(until([this] { return threads_of(pid()).size() == 3; }));
    threads_ = threads_of(pid());
    std::ranges::sort(threads_);
  }
  [[nodiscard]] HostPid pid() const { return child_.pid(); }
  [[nodiscard]] HostTid tid(std::size_t index) const { return threads_[index]; }  // 0: main
  void tell() const {
    const char byte = 'g';
    ASSERT_EQ(::write(order_.second.get(), &byte, 1), 1);
  }
  void forget() { child_.forget(); }

 private:
  void await_and(const std::function<void()>& act) const {
    if (!act) return;
    char byte = 0;
    if (::read(order_.first.get(), &byte, 1) == 1) act();
  }
  FdPair order_;
  Child child_;
  std::vector<HostTid> threads_;
};

void execute() { ::execl("/bin/sh", "sh", "-c", "exit 7", nullptr); }
const std::function<void()> kNothing;

bool stop_one(HostTid tid) { return interrupt(tid) && wait_for_stop(tid); }

TEST(TracedThread, ThatIsKilledIsToldOfOnlyWhenItIsWaitedFor) {
  Threads program(kNothing, kNothing);
  for (int i = 0; i < 3; ++i) ASSERT_OK(seize(program.tid(static_cast<std::size_t>(i)), 0));
  ASSERT_TRUE(stop_one(program.tid(2)));
  ASSERT_EQ(::kill(program.pid().value, SIGKILL), 0);
  ASSERT_TRUE(until([&] { return has_ended(program.tid(0)) && has_ended(program.tid(2)); }));
  // No request but waiting has a meaning for it.
  const auto detached = detach(StoppedThread::seen_stopped(program.tid(2)));
  ASSERT_FALSE(detached);
  EXPECT_EQ(detached.error().code, ErrorCode::kGone);
  EXPECT_TRUE(is_traced_by_us(program.tid(2)));
  // The main thread's end is told last.
  EXPECT_FALSE(poll_end(program.tid(0))->has_value());
  EXPECT_EQ(wait_for_stop(program.tid(0)).error().code, ErrorCode::kGone);
  ASSERT_OK(wait_for_end(program.tid(1)));
  EXPECT_FALSE(poll_end(program.tid(0))->has_value());
  ASSERT_OK(wait_for_end(program.tid(2)));
  ASSERT_OK(wait_for_end(program.tid(0)));
  program.forget();
}

TEST(TracedThread, IsNotWaitedForByWhoWaitsForStopsOnly) {
  Threads program(kNothing, kNothing);
  ASSERT_OK(seize(program.tid(1), 0));
  ASSERT_TRUE(stop_one(program.tid(1)));
  ASSERT_EQ(::kill(program.pid().value, SIGKILL), 0);
  EXPECT_EQ(next_stop(program.tid(1)).error().code, ErrorCode::kGone);
  const auto end = wait_for_end(program.tid(1));
  ASSERT_OK(end);
  EXPECT_EQ(end->as<Killed>()->signal, SIGKILL);
}

// kernel/exit.c, wait_task_stopped: a stop of a traced thread is told, and taken, whatever was
// asked for.
TEST(TracedThread, TellsAStopAlsoToWhoWaitsForEndsOnly) {
  Threads program(kNothing, kNothing);
  ASSERT_OK(seize(program.tid(1), 0));
  ASSERT_OK(interrupt(program.tid(1)));
  siginfo_t seen{};
  constexpr int kLook = WEXITED | __WALL | WNOHANG | WNOWAIT;
  ASSERT_TRUE(until([&] {
    return ::waitid(P_PID, static_cast<id_t>(program.tid(1).value), &seen, kLook) == 0 &&
           seen.si_pid != 0;
  }));
  EXPECT_EQ(seen.si_code, CLD_TRAPPED);
  // So whoever looks for an end looks at what he sees.
  EXPECT_FALSE(poll_end(program.tid(1))->has_value());
  const auto event = poll_stop(program.tid(1));
  ASSERT_TRUE(event && *event);
  EXPECT_TRUE((*event)->is<EventStop>());
  ASSERT_OK(detach(StoppedThread::seen_stopped(program.tid(1))));
}

TEST(TracedMainThread, ThatEndsAloneIsToldOfWhenTheOthersEnd) {
  Threads program([] { ::syscall(SYS_exit, 3); }, kNothing);
  ASSERT_OK(seize(program.tid(0), 0));
  program.tell();
  ASSERT_TRUE(until([&] { return has_ended(program.tid(0)); }));
  EXPECT_FALSE(poll_end(program.tid(0))->has_value());
  EXPECT_TRUE(is_traced_by_us(program.tid(0)));
  ASSERT_EQ(::kill(program.pid().value, SIGKILL), 0);
  ASSERT_OK(wait_for_end(program.tid(0)));
  program.forget();
}

// fs/exec.c, de_thread: it holds the lock that attaching takes (kernel/ptrace.c, ptrace_attach).
TEST(Exec, WaitsForATracedThreadToBeWaitedForAndAttachingWaitsForTheExec) {
  Threads program(execute, kNothing);
  ASSERT_OK(seize(program.tid(1), 0));
  program.tell();
  ASSERT_TRUE(until([&] { return has_ended(program.tid(1)); }));
  std::atomic<pid_t> attaching = 0;
  std::atomic<bool> attached = false;
  std::thread other([&] {
    attaching = ::gettid();
    std::ignore = seize(program.tid(0), 0);
    attached = true;
    std::ignore = interrupt(program.tid(0));  // and lets go when it ends
  });
  ASSERT_TRUE(until([&] {
    const auto call =
        read_whole_file("/proc/self/task/" + std::to_string(attaching.load()) + "/syscall");
    return call && call->starts_with(std::to_string(SYS_ptrace) + " ");
  }));
  EXPECT_FALSE(attached);
  ASSERT_OK(wait_for_end(program.tid(1)));  // by a thread that is not the one that waits
  other.join();
  EXPECT_TRUE(attached);
  int status = 0;
  ASSERT_EQ(::waitpid(program.pid().value, &status, 0), program.pid().value);
  program.forget();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

TEST(Exec, ByAnotherThreadLeavesTheTracerTheMainThreadsIdAlone) {
  Threads program(kNothing, execute);
  for (int i = 0; i < 3; ++i)
    ASSERT_OK(seize(program.tid(static_cast<std::size_t>(i)), PTRACE_O_TRACEEXEC));
  program.tell();
  ASSERT_TRUE(until([&] {  // whoever acts is not known: the ends of the others are taken
    for (const std::size_t other : {1U, 2U}) std::ignore = poll_end(program.tid(other));
    return threads_of(program.pid()).size() == 1;
  }));
  const auto event = wait_for_stop(program.tid(0));
  ASSERT_OK(event);
  ASSERT_TRUE(event->is<ExecEvent>()) << describe(*event);
  const auto former = event->as<ExecEvent>()->former;
  EXPECT_TRUE(former == program.tid(1) || former == program.tid(2));
  EXPECT_EQ(poll_stop(former).error().code, ErrorCode::kGone);
  ASSERT_OK(detach(StoppedThread::seen_stopped(program.tid(0))));
}

// Without PTRACE_O_TRACEEXEC a seized thread is not stopped by its exec, and stays attached.
TEST(Exec, IsNoStopOfItsOwn) {
  Child child([] {
    ::raise(SIGSTOP);
    ::execl("/bin/sleep", "sleep", "1000", nullptr);
  });
  int status = 0;
  ASSERT_EQ(::waitpid(child.pid().value, &status, WUNTRACED), child.pid().value);
  ASSERT_OK(seize(child.main_thread(), 0));
  ASSERT_EQ(::kill(child.pid().value, SIGCONT), 0);
  ASSERT_TRUE(until([&] {
    const auto event = poll_stop(child.main_thread());
    if (event && *event) std::ignore = resume(StoppedThread::seen_stopped(child.main_thread()));
    const auto name = read_whole_file("/proc/" + std::to_string(child.pid().value) + "/comm");
    return name && *name == "sleep\n";
  }));
  EXPECT_TRUE(is_traced_by_us(child.main_thread()));
}

}  // namespace
}  // namespace llrun::tracer
