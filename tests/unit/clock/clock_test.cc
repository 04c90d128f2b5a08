#include "base/clock.h"

#include <gtest/gtest.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>

#include "base/event_loop.h"

namespace llrun {
namespace {

TEST(Clocks, AreTheKernels) {
  const auto reading = read_clocks();
  timespec boot{};
  ::clock_gettime(CLOCK_BOOTTIME, &boot);
  EXPECT_LE(reading.boottime_ns, boot.tv_sec * 1'000'000'000 + boot.tv_nsec);
  EXPECT_LE(reading.boottime_ns, BootClock::now().time_since_epoch().count());
  EXPECT_LE(reading.monotonic_ns, MonotonicClock::now().time_since_epoch().count());
  EXPECT_LE(reading.monotonic_ns, reading.boottime_ns);
}

// A node's sleep as a test pretends it. Last of all here: it is for the whole process.
TEST(Sleeps, StandStillOnOneClockAndNotOnTheOther) {
  char name[] = "/tmp/llrun-clock-XXXXXX";
  const int fd = ::mkstemp(name);
  ASSERT_GE(fd, 0);
  std::int64_t slept_ns = 0;
  ASSERT_EQ(::pwrite(fd, &slept_ns, sizeof slept_ns, 0), sizeof slept_ns);
  pretend_sleeps("/nowhere");
  Sleeps sleeps;
  pretend_sleeps(name);
  EXPECT_EQ(sleeps.look().count(), 0);
  const auto loop = EventLoop::create();
  ASSERT_TRUE(loop);
  bool rang = false;
  (*loop)->after(std::chrono::minutes(1), [&] { rang = true; });

  const auto boot = BootClock::now();
  const auto monotonic = MonotonicClock::now();
  slept_ns = std::chrono::nanoseconds(std::chrono::hours(1)).count();
  ASSERT_EQ(::pwrite(fd, &slept_ns, sizeof slept_ns, 0), sizeof slept_ns);
  EXPECT_GE(BootClock::now(), boot);
  EXPECT_LT(BootClock::now() - boot, std::chrono::minutes(30));
  EXPECT_LT(MonotonicClock::now() - monotonic, -std::chrono::minutes(30))
      << "as if the hour that has passed had been slept through";
  EXPECT_GE(sleeps.look(), std::chrono::minutes(59));
  EXPECT_EQ(sleeps.look().count(), 0) << "told once";
  EXPECT_FALSE(rang);
  EXPECT_LT(read_clocks().boottime_ns - read_clocks().monotonic_ns, slept_ns)
      << "what programs see is the kernel's";
  ::close(fd);
  ::unlink(name);
}

}  // namespace
}  // namespace llrun
