// A signal that is blocked by the time its tracer lets it be delivered goes back to the queue that
// it came from (kernel/signal.c, ptrace_signal): what RemoteSyscalls puts a program's own SIGTRAP
// back by.
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <csignal>
#include <functional>

#include "base/fd.h"
#include "tests/unit/tracer/child.h"
#include "tracer/procfs/text.h"
#include "tracer/ptrace/ptrace.h"
#include "tracer/ptrace/wait.h"

namespace llrun::tracer {
namespace {

// Of /proc/PID/status: SigPnd, what waits for the thread, or ShdPnd, for the process.
bool waits(HostPid pid, const char* queue, int signal) {
  const auto status =
      read_whole_file("/proc/" + std::to_string(pid.value) + "/status").value_or("");
  const auto set = std::stoull(std::string(value_of(status, queue).value_or("0")), nullptr, 16);
  return ((set >> (signal - 1)) & 1) != 0;
}

void goes_back(const std::function<void(HostPid)>& send, const char* queue, const char* other) {
  Child child([] {
    for (;;) ::pause();
  });
  const HostTid tid = child.main_thread();
  ASSERT_OK(seize(tid, 0));
  send(child.pid());
  const auto delivery = wait_for_stop(tid);
  ASSERT_OK(delivery);
  ASSERT_TRUE(delivery->is<SignalDelivery>());
  EXPECT_FALSE(waits(child.pid(), queue, SIGTRAP));
  ASSERT_OK(set_signal_mask(StoppedThread::seen_stopped(tid), ~std::uint64_t{0}));
  ASSERT_OK(interrupt(tid));
  ASSERT_OK(resume(StoppedThread::seen_stopped(tid), SIGTRAP));
  const auto stop = wait_for_stop(tid);
  ASSERT_OK(stop);
  EXPECT_TRUE(stop->is<EventStop>());
  EXPECT_TRUE(waits(child.pid(), queue, SIGTRAP));
  EXPECT_FALSE(waits(child.pid(), other, SIGTRAP));
}

TEST(ABlockedDelivery, GoesBackToTheProcess) {
  goes_back([](HostPid pid) { ::kill(pid.value, SIGTRAP); }, "ShdPnd", "SigPnd");
}

TEST(ABlockedDelivery, GoesBackToTheThread) {
  goes_back([](HostPid pid) { ::syscall(SYS_tgkill, pid.value, pid.value, SIGTRAP); }, "SigPnd",
            "ShdPnd");
}

}  // namespace
}  // namespace llrun::tracer
