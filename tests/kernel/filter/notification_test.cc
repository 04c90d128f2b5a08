// What the guest's filter does on this kernel: which calls come out, and what answers do.
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "filtered_child.h"
#include "tests/capabilities/capability.h"

namespace llrun {
namespace {

using Install = FilteredChild::Install;

TEST(Notification, AnswerIsTheResult) {
  FilteredChild child({}, [](const Install& install) {
    install();
    return static_cast<int>(::syscall(SYS_socket, 11, 22, 33));
  });
  const auto call = child.next_call();
  EXPECT_EQ(call.number, static_cast<std::uint32_t>(SYS_socket));
  EXPECT_EQ(call.arch, static_cast<std::uint32_t>(AUDIT_ARCH_X86_64));
  EXPECT_EQ(call.thread.value, child.pid());
  EXPECT_EQ(call.args[0], 11U);
  EXPECT_EQ(call.args[2], 33U);
  EXPECT_TRUE(child.notifier().still_valid(call.id));
  ASSERT_TRUE(child.notifier().answer(call.id, 77));
  EXPECT_FALSE(child.notifier().still_valid(call.id));
  EXPECT_EQ(child.exit_status(), 77);
}

TEST(Notification, ErrorIsErrno) {
  FilteredChild child({}, [](const Install& install) {
    install();
    return ::syscall(SYS_setsid) == -1 ? errno : 0;
  });
  ASSERT_TRUE(child.notifier().answer_error(child.next_call().id, EHOSTDOWN));
  EXPECT_EQ(child.exit_status(), EHOSTDOWN);
}

TEST(Notification, ContinueRunsTheCallNatively) {
  FilteredChild child({}, [](const Install& install) {
    install();
    return ::timerfd_create(CLOCK_MONOTONIC, 0) >= 0 ? 5 : 6;
  });
  ASSERT_TRUE(child.notifier().answer_continue(child.next_call().id));
  EXPECT_EQ(child.exit_status(), 5);
}

TEST(Notification, AnsweringTwiceIsGone) {
  FilteredChild child({}, [](const Install& install) {
    install();
    return static_cast<int>(::syscall(SYS_setsid));
  });
  const auto call = child.next_call();
  ASSERT_TRUE(child.notifier().answer(call.id, 3));
  const auto again = child.notifier().answer(call.id, 4);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kGone);
  EXPECT_EQ(child.exit_status(), 3);
}

TEST(Notification, DeathOfTheCallerIsGone) {
  FilteredChild child({}, [](const Install& install) {
    install();
    return static_cast<int>(::syscall(SYS_setsid));
  });
  const auto call = child.next_call();
  ASSERT_EQ(::kill(child.pid(), SIGKILL), 0);
  EXPECT_EQ(child.exit_status(), 1000 + SIGKILL);
  const auto answer = child.notifier().answer(call.id, 4);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kGone);
}

// SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP came with Linux 6.6.
TEST(Notification, WakesSynchronouslyWhereTheKernelCan) {
  utsname name{};
  ASSERT_EQ(::uname(&name), 0);
  int major = 0;
  int minor = 0;
  ASSERT_EQ(std::sscanf(name.release, "%d.%d", &major, &minor), 2);
  FilteredChild child({}, [](const Install& install) {
    install();
    return 0;
  });
  EXPECT_EQ(child.notifier().wakes_synchronously(), major > 6 || (major == 6 && minor >= 6));
  EXPECT_EQ(child.exit_status(), 0);
}

TEST(Notification, UnknownNumbersAndForeignEntriesComeOut) {
  FilteredChild child({}, [](const Install& install) {
    install();
    const long unknown = ::syscall(9999);
    const long x32 = ::syscall(0x40000000L | SYS_getpid);
    return static_cast<int>(unknown + x32);
  });
  const auto unknown = child.next_call();
  EXPECT_EQ(unknown.number, 9999U);
  ASSERT_TRUE(child.notifier().answer(unknown.id, 20));
  const auto x32 = child.next_call();
  EXPECT_EQ(x32.number, 0x40000000U | SYS_getpid);
  ASSERT_TRUE(child.notifier().answer(x32.id, 3));
  EXPECT_EQ(child.exit_status(), 23);
}

long getpid_by_interrupt_80() {
  long result = 20;  // __NR_getpid of 32-bit programs
  asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
  return result;
}

TEST(Notification, A32BitCallOfA64BitProgramComesOut) {
  LLRUN_NEEDS(test::Capability::kSystemCalls32Bit);
  FilteredChild child({}, [](const Install& install) {
    install();
    return static_cast<int>(getpid_by_interrupt_80());
  });
  const auto call = child.next_call();
  EXPECT_EQ(call.arch, static_cast<std::uint32_t>(AUDIT_ARCH_I386));
  EXPECT_EQ(call.number, 20U);
  ASSERT_TRUE(child.notifier().answer(call.id, 31));
  EXPECT_EQ(child.exit_status(), 31);
}

// Input is at home whatever is in the upper half of the argument; the other descriptor runs at full
// speed.
TEST(Notification, ReadsOfHomesInputComeOut) {
  ChildOptions options;
  options.filter.context.home.input = {0};
  FilteredChild child(options, [](const Install& install) {
    int ends[2];
    if (::pipe(ends) != 0) return 100;
    install();
    char byte = 0;
    if (::write(ends[1], "n", 1) != 1 || ::read(ends[0], &byte, 1) != 1) return 101;
    return static_cast<int>(::syscall(SYS_read, 0x100000000L, &byte, 1));
  });
  const auto call = child.next_call();
  EXPECT_EQ(call.number, static_cast<std::uint32_t>(SYS_read));
  ASSERT_TRUE(child.notifier().answer(call.id, 42));
  EXPECT_EQ(child.exit_status(), 42);
}

TEST(TraceStop, WithoutATracerTheCloneFamilyIsMissing) {
  FilteredChild child({}, [](const Install& install) {
    install();
    const long made = ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    return made == -1 && errno == ENOSYS ? 9 : 10;
  });
  EXPECT_EQ(child.exit_status(), 9);
}

TEST(TraceStop, ATracerSeesTheCloneFamily) {
  FilteredChild child({}, [](const Install& install) {
    install();
    ::syscall(SYS_setsid);
    return ::syscall(SYS_fork) == -1 && errno == ENOSYS ? 9 : 10;
  });
  const auto parked = child.next_call();
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, child.pid(), 0, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL), 0);
  ASSERT_TRUE(child.notifier().answer(parked.id, 0));
  int status = 0;
  ASSERT_EQ(::waitpid(child.pid(), &status, __WALL), child.pid());
  EXPECT_EQ(status >> 8, SIGTRAP | (PTRACE_EVENT_SECCOMP << 8));
  // Skip it: number −1, result in rax.
  ASSERT_EQ(::ptrace(PTRACE_POKEUSER, child.pid(), 15 * 8, -1L), 0);
  ASSERT_EQ(::ptrace(PTRACE_POKEUSER, child.pid(), 10 * 8, static_cast<long>(-ENOSYS)), 0);
  ASSERT_EQ(::ptrace(PTRACE_CONT, child.pid(), 0, 0), 0);
  EXPECT_EQ(child.exit_status(), 9);
}

// mov %edi,%eax; mov %esi,%edi; mov %edx,%esi; syscall; ret
constexpr unsigned char kCallCode[] = {0x89, 0xf8, 0x89, 0xf7, 0x89, 0xd6, 0x0f, 0x05, 0xc3};

// A page with one call in the stub's range and one beside it.
class StubCalls : public testing::Test {
 protected:
  using Call = long (*)(int number, int a, int b);
  StubCalls() {
    page_ = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                   -1, 0);
    std::memcpy(page_, kCallCode, sizeof(kCallCode));
    std::memcpy(static_cast<char*>(page_) + 64, kCallCode, sizeof(kCallCode));
    const auto start = reinterpret_cast<std::uint64_t>(page_);
    options_.filter.stub = StubCode{start + 6, start + 8};  // just the instruction
    inside_ = reinterpret_cast<Call>(page_);
    outside_ = reinterpret_cast<Call>(static_cast<char*>(page_) + 64);
  }
  ~StubCalls() override { ::munmap(page_, 4096); }

  void* page_ = nullptr;
  ChildOptions options_;
  Call inside_ = nullptr, outside_ = nullptr;
};

TEST_F(StubCalls, ItsCallsAreNotifiedLikeAnyOther) {
  FilteredChild child(options_, [this](const Install& install) {
    install();
    return static_cast<int>(inside_(SYS_timerfd_create, CLOCK_MONOTONIC, 0) +
                            outside_(SYS_timerfd_create, CLOCK_MONOTONIC, 0));
  });
  for (const std::uint64_t at : {0, 64}) {
    const auto call = child.next_call();
    EXPECT_EQ(call.number, static_cast<std::uint32_t>(SYS_timerfd_create));
    EXPECT_EQ(call.instruction_pointer, reinterpret_cast<std::uint64_t>(page_) + at + 8);
    ASSERT_TRUE(child.notifier().answer(call.id, 33));
  }
  EXPECT_EQ(child.exit_status(), 66);
}

TEST_F(StubCalls, WhatIsInjectedIsNotMadeWithoutATracer) {
  FilteredChild child(options_, [this](const Install& install) {
    install();
    return inside_(SYS_prctl, PR_SET_KEEPCAPS, 1) == -ENOSYS ? 9 : 10;
  });
  EXPECT_EQ(child.exit_status(), 9);
}

TEST_F(StubCalls, WhatIsInjectedStopsForTheTracerAndIsMade) {
  FilteredChild child(options_, [this](const Install& install) {
    install();
    ::syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0);  // until it is traced
    return inside_(SYS_prctl, PR_SET_KEEPCAPS, 1) == 0 ? 9 : 10;
  });
  const auto parked = child.next_call();
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, child.pid(), 0, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL), 0);
  ASSERT_TRUE(child.notifier().answer(parked.id, 0));
  int status = 0;
  ASSERT_EQ(::waitpid(child.pid(), &status, __WALL), child.pid());
  EXPECT_EQ(status >> 8, SIGTRAP | (PTRACE_EVENT_SECCOMP << 8));
  unsigned long data = 0;
  ASSERT_EQ(::ptrace(PTRACE_GETEVENTMSG, child.pid(), 0, &data), 0);
  EXPECT_EQ(data, kInjectedCall);
  ASSERT_EQ(::ptrace(PTRACE_CONT, child.pid(), 0, 0), 0);
  EXPECT_EQ(child.exit_status(), 9);
}

}  // namespace
}  // namespace llrun
