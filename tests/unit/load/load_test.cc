#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <ranges>

#include "supervisor/load/cgroup.h"
#include "supervisor/load/meter.h"
#include "supervisor/load/proc.h"
#include "supervisor/load/processors.h"
#include "supervisor/load/run_queue.h"
#include "supervisor/load/users.h"

namespace llrun::load {
namespace {

TEST(Proc, RunningThreads) {
  EXPECT_EQ(parse_running("0.66 0.36 0.21 4/122 10042\n"), 4U);
  EXPECT_FALSE(parse_running("0.66 0.36"));
}

TEST(Proc, CpuTicks) {
  constexpr std::string_view kText =
      "cpu  10 1 5 100 7 2 3 4 9 9\ncpu0 5 1 2 50 3 1 1 2 0 0\ncpu1 5 0 3 50 4 1 2 2 0 0\nintr "
      "1\n";
  const auto ticks = parse_cpu(kText, [](unsigned) { return true; });
  ASSERT_TRUE(ticks);
  EXPECT_EQ(ticks->total, 132U) << "guest time is in user already";
  EXPECT_EQ(ticks->idle, 107U);
  EXPECT_EQ(ticks->cores, 2U);
  const auto second = parse_cpu(kText, [](unsigned processor) { return processor == 1; });
  ASSERT_TRUE(second);
  EXPECT_EQ(second->total, 67U);
  EXPECT_EQ(second->idle, 54U);
  EXPECT_EQ(second->cores, 1U);
  EXPECT_FALSE(parse_cpu(kText, [](unsigned processor) { return processor == 2; }));
  EXPECT_FALSE(parse_cpu("intr 1\n", [](unsigned) { return true; }));
}

TEST(Proc, MemoryAndPressure) {
  const auto memory =
      parse_memory("MemTotal:       2048 kB\nMemFree: 1 kB\nMemAvailable:   1024 kB\n");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->total_bytes, 2U << 20);
  EXPECT_EQ(memory->available_bytes, 1U << 20);
  EXPECT_EQ(
      parse_pressure(
          "some avg10=36.16 avg60=1.00 avg300=0 total=3\nfull avg10=1 avg60=0 avg300=0 total=0\n"),
      36.16);
  EXPECT_FALSE(parse_pressure("nothing"));
}

TEST(Proc, DisksAreCountedOnce) {
  EXPECT_EQ(parse_disk_bytes("   8 0 sda 1 0 100 0 1 0 10 0 0 0 0\n"
                             "   8 1 sda1 1 0 90 0 1 0 9 0 0 0 0\n"
                             " 253 0 vda 1 0 2 0 1 0 1 0 0 0 0\n"
                             " 259 0 nvme0n1 1 0 1000 0 1 0 1 0 0 0 0\n"
                             " 259 1 nvme0n1p1 1 0 1000 0 1 0 1 0 0 0 0\n"
                             "   7 0 loop0 1 0 100 0 1 0 10 0 0 0 0\n"
                             " 252 0 dm-0 1 0 100 0 1 0 10 0 0 0 0\n"),
            (110U + 3U + 1001U) * 512U);
}

TEST(Proc, ProcessesWithAnyName) {
  const auto ticks = parse_process(
      "42 (a) R (x)) R 1 2 3 4 5 6 7 8 9 10 70 8 0 0 20 0 3 0 5 1 2 3 4 5 6 7 8 0 0 0 0 0 0 0 17 "
      "11 0 0\n");
  ASSERT_TRUE(ticks);
  EXPECT_TRUE(ticks->running);
  EXPECT_EQ(ticks->cpu, 78U);
  EXPECT_EQ(ticks->threads, 3U);
  EXPECT_EQ(ticks->processor, 11U);
  EXPECT_FALSE(parse_process("42 (a) R 1 2 3\n"));
  EXPECT_EQ(ticks->name, "a) R (x)");
}

TEST(Proc, WhatMovesProgramsIsNoLoad) {
  EXPECT_TRUE(is_machinery("llrun-superviso"));
  EXPECT_TRUE(is_machinery("ssh"));
  EXPECT_FALSE(is_machinery("povray"));
}

TEST(Cgroup, FindsVersionTwo) {
  const auto files =
      find_group("0::/user.slice/u.scope\n",
                 "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw\n", "cpu");
  ASSERT_TRUE(files.version2);
  EXPECT_EQ(files.version2->root, "/sys/fs/cgroup");
  EXPECT_EQ(files.version2->group, "/user.slice/u.scope");
  EXPECT_FALSE(files.version1);
}

TEST(Cgroup, FindsVersionOneBesideAnEmptyVersionTwo) {
  const auto files =
      find_group("2:cpu,cpuacct:/box/one\n0::/\n",
                 "32 31 0:29 /box /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
                 "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
                 "cpu");
  ASSERT_TRUE(files.version1 && files.version2);
  EXPECT_EQ(files.version1->group, "/one") << "the mount shows only what is below /box";
  EXPECT_EQ(files.version2->group, "");
}

TEST(Cgroup, QuotaOfVersionTwo) {
  EXPECT_EQ(parse_cpu_max("150000 100000\n"), 1.5);
  EXPECT_FALSE(parse_cpu_max("max 100000\n"));
}

TEST(Users, AreActiveWhileTheyType) {
  char path[] = "/tmp/llrun-terminal-XXXXXX";
  const int file = ::mkstemp(path);
  ASSERT_GE(file, 0);
  const std::vector<std::string> terminals{path, "/dev/pts/no-such"};
  const time_t now = 1'700'000'000;
  const auto typed_at = [&](time_t when) {
    const timespec times[2] = {{when, 0}, {when, 0}};
    ::futimens(file, times);
    return active_owners(terminals, now);
  };
  EXPECT_EQ(typed_at(now - 60), std::set<uid_t>{::getuid()});
  EXPECT_EQ(typed_at(now), std::set<uid_t>{::getuid()});
  EXPECT_TRUE(typed_at(now - 3600).empty());
  ::close(file);
  ::unlink(path);
}

TEST(Smoothed, FollowsInHalfSecondSteps) {
  Smoothed load;
  load.step(4);
  EXPECT_EQ(load.value(), 4) << "the first sample is all that is known";
  load.step(0);
  EXPECT_EQ(load.value(), 3);
  for (int i = 0; i < 40; ++i) load.step(0);
  EXPECT_LT(load.value(), 0.001);
}

class MeterTest : public testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/llrun-load-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    directory_ = path;
  }
  void TearDown() override {
    ::unlink((directory_ + "/speed").c_str());
    ::rmdir(directory_.c_str());
  }
  std::string directory_;
};

TEST_F(MeterTest, ThisNodeMakesSense) {
  LoadMeter meter(directory_);
  meter.step();
  const auto load = meter.measure();
  EXPECT_GT(load.cores(), 0U);
  EXPECT_GT(load.capacity(), 0);
  EXPECT_LE(load.capacity(), load.cores());
  EXPECT_GE(load.cpu_idle(), 0);
  EXPECT_LE(load.cpu_idle(), load.capacity());
  EXPECT_GT(load.total_memory_bytes(), load.free_memory_bytes());
  EXPECT_GE(load.run_queue(), 0);
  EXPECT_GT(load.measured_at_ms(), 0U);
}

TEST(Processors, OursAreSomeOfTheMachines) {
  const auto ours = Processors::ours();
  EXPECT_GT(ours.count(), 0U);
  EXPECT_EQ(ours.count(),
            static_cast<unsigned>(std::ranges::count_if(std::views::iota(0U, 8192U),
                                                        [&](unsigned p) { return ours.has(p); })));
  EXPECT_FALSE(Processors({false, true}).has(0));
  EXPECT_TRUE(Processors({false, true}).has(1));
  EXPECT_FALSE(Processors({false, true}).has(7));
}

// A child that computes on the one processor that the caller is bound to.
class BoundToOneProcessor : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::sched_getaffinity(0, sizeof before_, &before_), 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int processor = 0; CPU_COUNT(&one) == 0; ++processor)
      if (CPU_ISSET(processor, &before_)) CPU_SET(processor, &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    busy_ = ::fork();
    if (busy_ == 0)
      for (volatile unsigned turn = 0;;) turn = turn + 1;
  }
  void TearDown() override {
    if (busy_ > 0) {
      ::kill(busy_, SIGKILL);
      ::waitpid(busy_, nullptr, 0);
    }
    ::sched_setaffinity(0, sizeof before_, &before_);
  }
  cpu_set_t before_{};
  pid_t busy_ = -1;
};

TEST_F(BoundToOneProcessor, WhatRunsThereIsCounted) {
  RunQueue queue;
  EXPECT_GE(queue.look().running, 1);
  EXPECT_GE(queue.look().running, 1) << "also when its other looks are remembered";
  EXPECT_EQ(usable_cores(), std::min(1.0, usable_cores()));
}

}  // namespace
}  // namespace llrun::load
