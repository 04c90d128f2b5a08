#include "tracer/calls/judge.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include <string>
#include <string_view>

namespace llrun {

void PrintTo(Verdict verdict, std::ostream* out) { *out << static_cast<int>(verdict); }

namespace {

const CallContext kSelf{.home = {}, .self = GuestPid{4711}};
const CallContext kHomebound{.home = {.input = {0}, .terminals = {0, 2}, .offsets = {1}},
                             .self = GuestPid{4711}};

Verdict ask(std::string_view name, CallArgs args = {}, const CallContext& context = kSelf) {
  return CallJudge(context).judge(find_call(name)->number, args);
}

TEST(CallJudge, UnknownNumbersBringHome) {
  EXPECT_EQ(CallJudge(kSelf).judge(9999, {}), Verdict::kBringsHome);
  EXPECT_EQ(CallJudge(kSelf).judge(0x40000000, {}), Verdict::kBringsHome);
}

TEST(CallJudge, FollowsTheClass) {
  EXPECT_EQ(ask("futex"), Verdict::kNative);
  EXPECT_EQ(ask("exit_group"), Verdict::kNative);
  EXPECT_EQ(ask("exit"), Verdict::kEnding);
  EXPECT_EQ(ask("clone3"), Verdict::kThread);
  EXPECT_EQ(ask("fork"), Verdict::kThread);
  EXPECT_EQ(ask("getpriority"), Verdict::kHome);
  EXPECT_EQ(ask("execve"), Verdict::kBringsHome);
  EXPECT_EQ(ask("rt_sigtimedwait"), Verdict::kTraced);
}

TEST(CallJudge, IoctlByRequest) {
  EXPECT_EQ(ask("ioctl", {5, FIOCLEX}), Verdict::kNative);
  EXPECT_EQ(ask("ioctl", {5, FIONREAD}), Verdict::kNative);
  EXPECT_EQ(ask("ioctl", {5, TCGETS}), Verdict::kNative);
  EXPECT_EQ(ask("ioctl", {5, TCSETS}), Verdict::kBringsHome);
  EXPECT_EQ(ask("ioctl", {5, TIOCSPGRP}), Verdict::kBringsHome);
  EXPECT_EQ(ask("ioctl", {5, 0xdeadbeef}), Verdict::kBringsHome);
}

TEST(CallJudge, FcntlByCommand) {
  EXPECT_EQ(ask("fcntl", {3, F_GETFL}), Verdict::kNative);
  EXPECT_EQ(ask("fcntl", {3, F_SETFL, O_NONBLOCK}), Verdict::kNative);
  EXPECT_EQ(ask("fcntl", {3, F_SETFL, O_ASYNC}), Verdict::kBringsHome);
  EXPECT_EQ(ask("fcntl", {3, F_DUPFD_CLOEXEC, 10}), Verdict::kNative);
  for (const int command : {F_SETLK, F_SETLKW, F_GETLK, F_OFD_SETLK, F_SETLEASE, F_NOTIFY, F_SETOWN,
                            F_SETSIG, F_SETPIPE_SZ, F_ADD_SEALS})
    EXPECT_EQ(ask("fcntl", {3, static_cast<std::uint64_t>(command)}), Verdict::kBringsHome)
        << command;
  EXPECT_EQ(ask("fcntl", {3, F_GETPIPE_SZ}), Verdict::kNative);
  EXPECT_EQ(ask("fcntl", {0, F_GETPIPE_SZ}, kHomebound), Verdict::kHomeDescriptor);
}

TEST(CallJudge, MappingsByFlags) {
  EXPECT_EQ(ask("mmap", {0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS}), Verdict::kNative);
  EXPECT_EQ(ask("mmap", {0, 4096, 1, MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE}), Verdict::kNative);
  EXPECT_EQ(ask("mmap", {0, 4096, 3, MAP_SHARED | MAP_ANONYMOUS}), Verdict::kNative);
  EXPECT_EQ(ask("mmap", {0, 4096, 3, MAP_SHARED}), Verdict::kBringsHome);
  EXPECT_EQ(ask("mmap", {0, 4096, 3, MAP_SHARED_VALIDATE | MAP_ANONYMOUS}), Verdict::kBringsHome);
  EXPECT_EQ(ask("mmap", {0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB}),
            Verdict::kBringsHome);
  EXPECT_EQ(ask("mmap", {0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN}),
            Verdict::kBringsHome);
}

TEST(CallJudge, MemoryAdviceByWhetherItIsCarried) {
  EXPECT_EQ(ask("madvise", {0, 4096, MADV_DONTNEED}), Verdict::kNative);
  EXPECT_EQ(ask("madvise", {0, 4096, MADV_FREE}), Verdict::kNative);
  EXPECT_EQ(ask("madvise", {0, 4096, MADV_WIPEONFORK}), Verdict::kBringsHome);
  EXPECT_EQ(ask("madvise", {0, 4096, MADV_DONTFORK}), Verdict::kBringsHome);
  EXPECT_EQ(ask("madvise", {0, 4096, 102}), Verdict::kBringsHome);  // MADV_GUARD_INSTALL
}

TEST(CallJudge, OpeningIsLookedAtButForDirectories) {
  EXPECT_EQ(ask("openat", {0, 0, O_RDONLY}), Verdict::kFileType);
  EXPECT_EQ(ask("openat", {0, 0, O_RDONLY | O_DIRECTORY | O_CLOEXEC}), Verdict::kNative);
  EXPECT_EQ(ask("openat", {0, 0, O_RDWR | O_TMPFILE}), Verdict::kFileType);
  EXPECT_EQ(ask("openat", {0, 0, O_PATH | O_DIRECTORY}), Verdict::kFileType);
  EXPECT_EQ(ask("open", {0, O_DIRECTORY}), Verdict::kNative);
  EXPECT_EQ(ask("open", {O_DIRECTORY, 0}), Verdict::kFileType);
  EXPECT_EQ(ask("creat"), Verdict::kFileType);
  EXPECT_EQ(ask("openat2"), Verdict::kFileType);
}

TEST(CallJudge, SignalsToItselfAreNative) {
  EXPECT_EQ(ask("kill", {4711, SIGTERM}), Verdict::kNative);
  EXPECT_EQ(ask("tgkill", {4711, 4712, SIGTERM}), Verdict::kNative);
  EXPECT_EQ(ask("kill", {4712, SIGTERM}), Verdict::kSignalTarget);
  EXPECT_EQ(ask("kill", {0, SIGTERM}), Verdict::kSignalTarget);
  EXPECT_EQ(ask("kill", {~0ULL, SIGTERM}), Verdict::kSignalTarget);
  EXPECT_EQ(ask("tkill", {4711, SIGTERM}), Verdict::kSignalTarget);
  EXPECT_EQ(ask("kill", {4711, SIGTERM}, {}), Verdict::kSignalTarget);
}

TEST(CallJudge, QuestionsAboutItselfAreNative) {
  EXPECT_EQ(ask("prlimit64", {0, RLIMIT_NOFILE}), Verdict::kNative);
  EXPECT_EQ(ask("prlimit64", {4711, RLIMIT_NOFILE}), Verdict::kNative);
  EXPECT_EQ(ask("prlimit64", {1, RLIMIT_NOFILE}), Verdict::kHome);
  // Home has to know how large a file may become: it writes some of them.
  constexpr std::uint64_t kNew = 0x1000;
  EXPECT_EQ(ask("prlimit64", {0, RLIMIT_FSIZE, 0}), Verdict::kNative);
  EXPECT_EQ(ask("prlimit64", {0, RLIMIT_FSIZE, kNew}), Verdict::kHome);
  EXPECT_EQ(ask("prlimit64", {4711, RLIMIT_FSIZE, kNew}), Verdict::kHome);
  EXPECT_EQ(ask("setrlimit", {RLIMIT_FSIZE, kNew}), Verdict::kHome);
  for (std::uint64_t other = 0; other < RLIM_NLIMITS; ++other) {
    if (other == RLIMIT_FSIZE || other == RLIMIT_CORE) continue;
    EXPECT_EQ(ask("prlimit64", {4711, other, kNew}), Verdict::kNative) << other;
    EXPECT_EQ(ask("setrlimit", {other, kNew}), Verdict::kNative) << other;
  }
  // Here it is held, so that this node's kernel dumps nothing.
  EXPECT_EQ(ask("prlimit64", {0, RLIMIT_CORE, 0}), Verdict::kHome);
  EXPECT_EQ(ask("prlimit64", {4711, RLIMIT_CORE, kNew}), Verdict::kHome);
  EXPECT_EQ(ask("setrlimit", {RLIMIT_CORE, kNew}), Verdict::kHome);
  EXPECT_EQ(ask("setrlimit", {RLIMIT_CORE | (1ULL << 32), kNew}), Verdict::kHome);
  for (std::uint64_t any = 0; any < RLIM_NLIMITS; ++any)
    EXPECT_EQ(ask("getrlimit", {any}), any == RLIMIT_CORE ? Verdict::kHome : Verdict::kNative)
        << any;
  EXPECT_EQ(ask("getpgid", {0}), Verdict::kNative);
  EXPECT_EQ(ask("getpgid", {1}), Verdict::kHome);
}

TEST(CallJudge, ClocksOfCpuTimeAreAnswered) {
  EXPECT_EQ(ask("clock_gettime", {CLOCK_MONOTONIC}), Verdict::kNative);
  EXPECT_EQ(ask("clock_gettime", {CLOCK_PROCESS_CPUTIME_ID}), Verdict::kCpuTime);
  EXPECT_EQ(ask("clock_gettime", {static_cast<std::uint64_t>(-6)}), Verdict::kCpuTime);
  EXPECT_EQ(ask("getrusage", {0}), Verdict::kCpuTime);
  EXPECT_EQ(ask("clock_nanosleep", {CLOCK_MONOTONIC}), Verdict::kNative);
  EXPECT_EQ(ask("clock_nanosleep", {CLOCK_PROCESS_CPUTIME_ID}), Verdict::kBringsHome);
  EXPECT_EQ(ask("timer_create", {CLOCK_PROCESS_CPUTIME_ID}), Verdict::kNative);
  EXPECT_EQ(ask("timer_create", {CLOCK_THREAD_CPUTIME_ID}), Verdict::kBringsHome);
}

TEST(CallJudge, OtherArguments) {
  EXPECT_EQ(ask("prctl", {PR_SET_NAME}), Verdict::kNative);
  EXPECT_EQ(ask("prctl", {PR_GET_CHILD_SUBREAPER}), Verdict::kNative);
  EXPECT_EQ(ask("prctl", {PR_SET_PDEATHSIG}), Verdict::kBringsHome);
  EXPECT_EQ(ask("prctl", {PR_GET_PDEATHSIG}), Verdict::kBringsHome);
  EXPECT_EQ(ask("arch_prctl", {0x1002}), Verdict::kNative);      // ARCH_SET_FS
  EXPECT_EQ(ask("arch_prctl", {0x1023}), Verdict::kBringsHome);  // ARCH_REQ_XCOMP_PERM
  EXPECT_EQ(ask("pipe2", {0, O_CLOEXEC | O_NONBLOCK}), Verdict::kNative);
  EXPECT_EQ(ask("pipe2", {0, O_DIRECT}), Verdict::kBringsHome);
  EXPECT_EQ(ask("close_range", {3, ~0ULL, 4}), Verdict::kNative);
  EXPECT_EQ(ask("close_range", {3, ~0ULL, 2}), Verdict::kBringsHome);  // CLOSE_RANGE_UNSHARE
  EXPECT_EQ(ask("personality", {0xffffffff}), Verdict::kNative);
  EXPECT_EQ(ask("personality", {0x40000}), Verdict::kBringsHome);
  EXPECT_EQ(ask("pkey_mprotect", {0, 4096, 1, ~0ULL}), Verdict::kNative);
  EXPECT_EQ(ask("pkey_mprotect", {0, 4096, 1, 1}), Verdict::kBringsHome);
  EXPECT_EQ(ask("mlock2", {0, 4096, 0}), Verdict::kNative);
  EXPECT_EQ(ask("mlock2", {0, 4096, 1}), Verdict::kBringsHome);
  EXPECT_EQ(ask("membarrier", {1}), Verdict::kNative);
  EXPECT_EQ(ask("membarrier", {8}), Verdict::kBringsHome);
  EXPECT_EQ(ask("mknod", {0, S_IFIFO | 0600}), Verdict::kNative);
  EXPECT_EQ(ask("mknodat", {0, 0, S_IFSOCK | 0600}), Verdict::kBringsHome);
}

TEST(CallJudge, UpperHalvesOf32BitArgumentsDoNotEvade) {
  constexpr std::uint64_t kGarbage = 0xabcdef01'00000000;
  EXPECT_EQ(ask("read", {kGarbage | 0}, kHomebound), Verdict::kHomeDescriptor);
  EXPECT_EQ(ask("ioctl", {7, kGarbage | FIONREAD}), Verdict::kNative);
  EXPECT_EQ(ask("kill", {kGarbage | 4711}), Verdict::kNative);
}

TEST(CallJudge, InputIsHomes) {
  EXPECT_EQ(ask("read", {0}, kHomebound), Verdict::kHomeDescriptor);
  EXPECT_EQ(ask("read", {3}, kHomebound), Verdict::kNative);
  EXPECT_EQ(ask("sendfile", {3, 0}, kHomebound), Verdict::kHomeDescriptor);
  EXPECT_EQ(ask("splice", {0, 0, 3}, kHomebound), Verdict::kHomeDescriptor);
  EXPECT_EQ(ask("poll", {}, kHomebound), Verdict::kHomeDescriptor);
  EXPECT_EQ(ask("epoll_ctl", {3, 1, 0}, kHomebound), Verdict::kHomeDescriptor);
  EXPECT_EQ(ask("epoll_ctl", {3, EPOLL_CTL_ADD, 4}, kHomebound), Verdict::kWatched);
  EXPECT_EQ(ask("epoll_ctl", {3, EPOLL_CTL_MOD, 4}, kHomebound), Verdict::kNative);
  EXPECT_EQ(ask("poll", {}, kSelf), Verdict::kNative);
}

TEST(CallJudge, TerminalsAreHomes) {
  EXPECT_EQ(ask("ioctl", {2, TCGETS}, kHomebound), Verdict::kHomeDescriptor);
  EXPECT_EQ(ask("ioctl", {2, TIOCGWINSZ}, kHomebound), Verdict::kHomeDescriptor);
  EXPECT_EQ(ask("ioctl", {2, FIONREAD}, kHomebound), Verdict::kHomeDescriptor);
  EXPECT_EQ(ask("ioctl", {2, TCSETS}, kHomebound), Verdict::kHomeDescriptor);
  EXPECT_EQ(ask("ioctl", {1, TCSETS}, kHomebound), Verdict::kBringsHome);
  EXPECT_EQ(ask("write", {2}, kHomebound), Verdict::kNative);
}

TEST(CallJudge, SharedOffsetsAreHomes) {
  EXPECT_EQ(ask("write", {1}, kHomebound), Verdict::kHomeDescriptor);
  EXPECT_EQ(ask("lseek", {1}, kHomebound), Verdict::kHomeDescriptor);
  EXPECT_EQ(ask("pwrite64", {1}, kHomebound), Verdict::kHomeDescriptor);
  EXPECT_EQ(ask("copy_file_range", {5, 0, 1}, kHomebound), Verdict::kHomeDescriptor);
  EXPECT_EQ(ask("write", {5}, kHomebound), Verdict::kNative);
}

TEST(CallJudge, NumbersOfHomeDescriptorsAreWatched) {
  for (const std::uint64_t fd : {0, 1, 2}) {
    EXPECT_EQ(ask("dup", {fd}, kHomebound), Verdict::kHomeDescriptor);
    EXPECT_EQ(ask("dup2", {7, fd}, kHomebound), Verdict::kHomeDescriptor);
    EXPECT_EQ(ask("dup3", {fd, 7}, kHomebound), Verdict::kHomeDescriptor);
    EXPECT_EQ(ask("close", {fd}, kHomebound), Verdict::kHomeDescriptor);
    EXPECT_EQ(ask("fcntl", {fd, F_DUPFD}, kHomebound), Verdict::kHomeDescriptor);
    EXPECT_EQ(ask("fcntl", {fd, F_SETFL}, kHomebound), Verdict::kHomeDescriptor);
    EXPECT_EQ(ask("fcntl", {fd, F_SETFD}, kHomebound), Verdict::kNative);
  }
  EXPECT_EQ(ask("close", {3}, kHomebound), Verdict::kNative);
  EXPECT_EQ(ask("close_range", {3, 9}, kHomebound), Verdict::kHomeDescriptor);
}

TEST(CallJudge, WhatNobodyMayHaveMadeOnAPeer) {
  const CallJudge judge(CallContext{});
  const auto never = [&judge](const char* name, const CallArgs& args) {
    return judge.never_here(find_call(name)->number, args);
  };
  EXPECT_TRUE(never("keyctl", {}));
  EXPECT_TRUE(never("socket", {AF_VSOCK}));
  EXPECT_TRUE(never("socket", {AF_ALG | 0x100000000}));  // the kernel takes 32 bits
  EXPECT_TRUE(never("socket", {AF_PACKET}));
  EXPECT_FALSE(never("socket", {AF_UNIX}));
  EXPECT_TRUE(never("clone", {CLONE_NEWUSER | SIGCHLD}));
  EXPECT_TRUE(never("clone", {CLONE_THREAD | CLONE_VM | CLONE_SIGHAND | CLONE_NEWNET}));
  EXPECT_FALSE(never("clone", {SIGCHLD}));
  EXPECT_FALSE(never("read", {}));
  EXPECT_TRUE(judge.never_here(100000, {}));
  EXPECT_EQ(ask("clone", {CLONE_NEWUSER | SIGCHLD}, CallContext{}), Verdict::kBringsHome);
}

}  // namespace
}  // namespace llrun
