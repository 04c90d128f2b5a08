// Answers to questions for CPU time. The test plays the guest.
#include "supervisor/guest/cpu_time.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <string>
#include <tuple>

#include "base/fd.h"

namespace llrun {
namespace {

std::optional<std::int64_t> ask(std::uint32_t number, std::uint64_t first, const void* second,
                                HostPid guest = {::getpid()}) {
  NotifiedCall call;
  call.number = number;
  call.args = {first, reinterpret_cast<std::uint64_t>(second)};
  call.thread = HostTid{::getpid()};
  return CpuTime().answer(guest, call);
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

// A process whose monotonic clock is `seconds` ahead of ours. It ends with this.
class InAnotherTime {
 public:
  explicit InAnotherTime(long seconds) {
    int ready[2];
    if (::pipe(ready) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const bool entered = ::unshare(CLONE_NEWUSER | CLONE_NEWTIME) == 0;
      const Fd offsets(::open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC));
      const std::string line = "monotonic " + std::to_string(seconds) + " 0\n";
      const char done = entered && ::write(offsets.get(), line.data(), line.size()) ==
                                       static_cast<ssize_t>(line.size());
      std::ignore = ::write(ready[1], &done, 1);
      for (;;) ::pause();
    }
    char done = 0;
    is_there_ = ::read(ready[0], &done, 1) == 1 && done == 1;
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~InAnotherTime() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  InAnotherTime(const InAnotherTime&) = delete;
  InAnotherTime& operator=(const InAnotherTime&) = delete;
  [[nodiscard]] bool is_there() const { return is_there_; }
  [[nodiscard]] HostPid pid() const { return {pid_}; }

 private:
  pid_t pid_ = -1;
  bool is_there_ = false;
};

TEST(CpuTime, TimesCountsByTheWorldsClock) {
  constexpr long kAhead = 1000;
  const InAnotherTime guest(kAhead);
  ASSERT_TRUE(guest.is_there());
  const auto before = ::times(nullptr) + kAhead * ::sysconf(_SC_CLK_TCK);
  const auto between = ask(SYS_times, 0, nullptr, guest.pid());
  const auto after = ::times(nullptr) + kAhead * ::sysconf(_SC_CLK_TCK);
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
