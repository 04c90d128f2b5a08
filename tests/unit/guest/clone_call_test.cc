#include "supervisor/guest/clone_call.h"

#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

namespace llrun {
namespace {

constexpr std::uint64_t kLibrary = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                                   CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                                   CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

HostPid self() { return HostPid{::getpid()}; }

tracer::Registers clone3(const clone_args& arguments, std::uint64_t size = sizeof(clone_args)) {
  tracer::Registers registers{};
  registers.orig_rax = SYS_clone3;
  registers.rdi = reinterpret_cast<std::uint64_t>(&arguments);
  registers.rsi = size;
  registers.rdx = 7;  // the function and its argument, which glibc keeps in registers
  registers.r8 = 8;
  return registers;
}

clone_args of_a_library() {
  clone_args arguments{};
  arguments.flags = kLibrary;
  arguments.child_tid = 0x1000;
  arguments.parent_tid = 0x2000;
  arguments.stack = 0x10000;
  arguments.stack_size = 0x8000;
  arguments.tls = 0x3000;
  return arguments;
}

TEST(CloneCall, AThreadIsMadeByRegistersAlone) {
  const auto arguments = of_a_library();
  for (const std::uint64_t size :
       {CLONE_ARGS_SIZE_VER0, CLONE_ARGS_SIZE_VER1, CLONE_ARGS_SIZE_VER2}) {
    const auto before = clone3(arguments, size);
    const auto call = CloneCall::read(self(), before);
    ASSERT_TRUE(call);
    EXPECT_TRUE(call->makes_thread());
    const auto made = call->in_registers(before);
    EXPECT_EQ(made.orig_rax, static_cast<std::uint64_t>(SYS_clone));
    EXPECT_EQ(made.rdi, kLibrary);
    EXPECT_EQ(made.rsi, 0x18000U);
    EXPECT_EQ(made.rdx, 0x2000U);
    EXPECT_EQ(made.r10, 0x1000U);
    EXPECT_EQ(made.r8, 0x3000U);
    const auto after = CloneCall::given_back(made, before);
    EXPECT_EQ(after.orig_rax, before.orig_rax);
    EXPECT_EQ(after.rdi, before.rdi);
    EXPECT_EQ(after.rdx, 7U);
    EXPECT_EQ(after.r8, 8U);
  }
}

TEST(CloneCall, AThreadIsAlwaysTraced) {
  tracer::Registers before{};
  before.orig_rax = SYS_clone;
  before.rdi = kLibrary | CLONE_UNTRACED | CLONE_PTRACE | 0xf'0000'0000;
  before.rsi = 0x18000;
  const auto call = CloneCall::read(self(), before);
  ASSERT_TRUE(call && call->makes_thread());
  EXPECT_EQ(call->in_registers(before).rdi, kLibrary);
}

TEST(CloneCall, WhatNoLibraryAsksForIsForHome) {
  const auto makes_thread = [](auto change) {
    auto arguments = of_a_library();
    change(arguments);
    const auto call = CloneCall::read(self(), clone3(arguments));
    return call && call->makes_thread();
  };
  EXPECT_TRUE(makes_thread([](clone_args&) {}));
  EXPECT_FALSE(makes_thread([](clone_args& it) { it.flags &= ~CLONE_THREAD; }));
  EXPECT_FALSE(makes_thread([](clone_args& it) { it.flags &= ~CLONE_VM; }));
  EXPECT_FALSE(makes_thread([](clone_args& it) { it.flags |= CLONE_NEWUSER; }));
  EXPECT_FALSE(makes_thread([](clone_args& it) { it.flags |= CLONE_PIDFD; }));
  EXPECT_FALSE(makes_thread([](clone_args& it) { it.flags |= CLONE_INTO_CGROUP; }));
  EXPECT_FALSE(makes_thread([](clone_args& it) { it.exit_signal = SIGCHLD; }));
  EXPECT_FALSE(makes_thread([](clone_args& it) { it.set_tid_size = 1; }));
  EXPECT_FALSE(makes_thread([](clone_args& it) { it.stack_size = 0; }));
  EXPECT_FALSE(makes_thread([](clone_args& it) { it.stack = ~std::uint64_t{0}; }));
}

TEST(CloneCall, SizesThatTheKernelRefusesAreForHome) {
  const auto arguments = of_a_library();
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{63}, std::uint64_t{5000}}) {
    const auto call = CloneCall::read(self(), clone3(arguments, size));
    ASSERT_TRUE(call);
    EXPECT_FALSE(call->makes_thread());
  }
}

TEST(CloneCall, AProcessIsNone) {
  tracer::Registers fork{};
  fork.orig_rax = SYS_fork;
  fork.rdi = kLibrary;
  const auto call = CloneCall::read(self(), fork);
  ASSERT_TRUE(call);
  EXPECT_FALSE(call->makes_thread());
}

TEST(CloneCall, ArgumentsThatAreNotThereAreAnError) {
  tracer::Registers registers{};
  registers.orig_rax = SYS_clone3;
  registers.rdi = 8;
  registers.rsi = sizeof(clone_args);
  EXPECT_FALSE(CloneCall::read(self(), registers));
}

}  // namespace
}  // namespace llrun
