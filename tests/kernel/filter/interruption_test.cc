// How a thread that waits in a notification is frozen: both wait modes of the kernel.
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "filtered_child.h"

namespace llrun {
namespace {

using Install = FilteredChild::Install;
// The kernel's own codes, include/linux/errno.h.
constexpr int kERestartSys = 512;
constexpr int kERestartNoIntr = 513;

int call_once(const Install& install) {
  install();
  return static_cast<int>(::syscall(SYS_setsid));
}

// Waits for the stop that PTRACE_INTERRUPT asked for and reads the registers there.
user_regs_struct registers_at_interrupt(pid_t pid) {
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, __WALL), pid);
  EXPECT_EQ(status >> 8, SIGTRAP | (PTRACE_EVENT_STOP << 8));
  user_regs_struct registers{};
  EXPECT_EQ(::ptrace(PTRACE_GETREGS, pid, 0, &registers), 0);
  return registers;
}

// With WAIT_KILLABLE_RECV a received call waits on until it is answered; −ERESTARTNOINTR makes it
// stop with exact registers and ask again afterwards.
TEST(Interruption, ARestartCodeFreezesAThreadThatWaitsKillably) {
  FilteredChild child({.filter = {}, .install_flags = SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
                      call_once);
  const auto call = child.next_call();
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, child.pid(), 0, PTRACE_O_EXITKILL), 0);
  ASSERT_EQ(::ptrace(PTRACE_INTERRUPT, child.pid(), 0, 0), 0);
  EXPECT_TRUE(child.notifier().still_valid(call.id));
  ASSERT_TRUE(child.notifier().answer_error(call.id, kERestartNoIntr));
  const auto registers = registers_at_interrupt(child.pid());
  EXPECT_EQ(registers.orig_rax, static_cast<unsigned long long>(SYS_setsid));
  EXPECT_EQ(static_cast<long long>(registers.rax), -kERestartNoIntr);
  EXPECT_EQ(registers.rip, call.instruction_pointer);
  ASSERT_EQ(::ptrace(PTRACE_CONT, child.pid(), 0, 0), 0);
  const auto again = child.next_call();
  EXPECT_NE(again.id, call.id);
  EXPECT_EQ(again.number, call.number);
  ASSERT_TRUE(child.notifier().answer(again.id, 12));
  EXPECT_EQ(child.exit_status(), 12);
}

// Without it the interruption itself takes the call back: the stop comes with −ERESTARTSYS, the
// answer is too late.
TEST(Interruption, AnInterruptionTakesTheCallBack) {
  FilteredChild child({}, call_once);
  const auto call = child.next_call();
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, child.pid(), 0, PTRACE_O_EXITKILL), 0);
  ASSERT_EQ(::ptrace(PTRACE_INTERRUPT, child.pid(), 0, 0), 0);
  const auto registers = registers_at_interrupt(child.pid());
  EXPECT_EQ(registers.orig_rax, static_cast<unsigned long long>(SYS_setsid));
  EXPECT_EQ(static_cast<long long>(registers.rax), -kERestartSys);
  EXPECT_FALSE(child.notifier().still_valid(call.id));
  const auto late = child.notifier().answer_error(call.id, kERestartNoIntr);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kGone);
  ASSERT_EQ(::ptrace(PTRACE_CONT, child.pid(), 0, 0), 0);
  const auto again = child.next_call();
  EXPECT_EQ(again.number, call.number);
  ASSERT_TRUE(child.notifier().answer(again.id, 13));
  EXPECT_EQ(child.exit_status(), 13);
}

// A result put in place before the signal is delivered: the handler runs, and the call returns what
// home did.
TEST(Interruption, AResultSurvivesTheSignalThatInterrupts) {
  static volatile sig_atomic_t handled = 0;
  FilteredChild child({}, [](const Install& install) {
    struct sigaction action {};
    action.sa_handler = [](int) { handled = 1; };
    action.sa_flags = SA_RESTART;
    if (::sigaction(SIGUSR1, &action, nullptr) != 0) return 100;
    install();
    const long result = ::syscall(SYS_setsid);
    return static_cast<int>(result) + (handled ? 1 : 0);
  });
  const auto call = child.next_call();
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, child.pid(), 0, PTRACE_O_EXITKILL), 0);
  ASSERT_EQ(::kill(child.pid(), SIGUSR1), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child.pid(), &status, __WALL), child.pid());
  ASSERT_TRUE(WIFSTOPPED(status));
  EXPECT_EQ(WSTOPSIG(status), SIGUSR1);
  EXPECT_FALSE(child.notifier().still_valid(call.id));
  user_regs_struct registers{};
  ASSERT_EQ(::ptrace(PTRACE_GETREGS, child.pid(), 0, &registers), 0);
  EXPECT_EQ(static_cast<long long>(registers.rax), -kERestartSys);
  registers.rax = 50;
  registers.orig_rax = static_cast<unsigned long long>(-1);
  ASSERT_EQ(::ptrace(PTRACE_SETREGS, child.pid(), 0, &registers), 0);
  ASSERT_EQ(::ptrace(PTRACE_CONT, child.pid(), 0, SIGUSR1), 0);
  EXPECT_EQ(child.exit_status(), 51);
}

}  // namespace
}  // namespace llrun
