// Answers to questions for CPU time. The test plays the guest.
#include "supervisor/guest/cpu_time.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace llrun {
namespace {

std::optional<std::int64_t> ask(std::uint32_t number, std::uint64_t first, const void* second) {
  NotifiedCall call;
  call.number = number;
  call.args = {first, reinterpret_cast<std::uint64_t>(second)};
  call.thread = HostTid{::getpid()};
  return CpuTime().answer(HostPid{::getpid()}, call);
}

// As the kernel does it (kernel/time/posix-timers.c, kernel/sys.c).
TEST(CpuTime, IsWrittenOnlyWhereTheProgramMayWrite) {
  void* const constant = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (const void* place :
       {static_cast<const void*>(nullptr), static_cast<const void*>(constant)}) {
    EXPECT_EQ(ask(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, place), -EFAULT);
    EXPECT_EQ(ask(SYS_getrusage, RUSAGE_SELF, place), -EFAULT);
  }
  EXPECT_EQ(ask(SYS_times, reinterpret_cast<std::uint64_t>(constant), nullptr), -EFAULT);
  for (std::size_t at = 0; at < 4096; ++at) EXPECT_EQ(static_cast<char*>(constant)[at], 0);
  ::munmap(constant, 4096);
}

TEST(CpuTime, TimesCountsFromWhereTheKernelDoes) {
  const auto before = ::times(nullptr);
  const auto between = ask(SYS_times, 0, nullptr);
  const auto after = ::times(nullptr);
  ASSERT_TRUE(between);
  EXPECT_LE(before, *between);
  EXPECT_LE(*between, after);
}

TEST(CpuTime, UsageTellsTheMostThatWasResident) {
  constexpr std::size_t kMuch = 64 << 20;
  void* const much = ::mmap(nullptr, kMuch, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  ASSERT_NE(much, MAP_FAILED);
  ::munmap(much, kMuch);
  rusage usage{};
  ASSERT_EQ(ask(SYS_getrusage, RUSAGE_SELF, &usage), 0);
  EXPECT_GE(usage.ru_maxrss, static_cast<long>(kMuch / 1024));
}

}  // namespace
}  // namespace llrun
