// A process that is killed shows it before its end is met.
#include "tracer/procfs/ending.h"

#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "tests/unit/tracer/child.h"
#include "tracer/procfs/stat.h"
#include "tracer/ptrace/thread_set.h"
#include "tracer/ptrace/wait.h"

namespace llrun::tracer {
namespace {

constexpr int kRounds = 200;

TEST(Ending, IsSeenFromTheKillOn) {
  for (int round = 0; round < kRounds; ++round) {
    Child child([] { ::pause(); });
    EXPECT_FALSE(is_ending(child.pid()));
    ASSERT_EQ(::kill(child.pid().value, SIGKILL), 0);
    ASSERT_TRUE(is_ending(child.pid())) << round;
  }
}

TEST(Ending, IsSeenInAStoppedThreadToo) {
  for (int round = 0; round < kRounds; ++round) {
    Child child([] { ::pause(); });
    auto threads = ThreadSet::seize_all(child.pid(), PTRACE_O_EXITKILL);
    ASSERT_TRUE(threads);
    ASSERT_TRUE(threads->stop_all());
    EXPECT_FALSE(is_ending(child.pid()));
    ASSERT_EQ(::kill(child.pid().value, SIGKILL), 0);
    ASSERT_TRUE(is_ending(child.pid())) << round;
    ASSERT_TRUE(wait_for_end(HostTid{child.pid().value}));
  }
}

TEST(Ending, IsNotThatOfTheMainThreadAlone) {
  Child child([] {
    std::thread([] { ::pause(); }).detach();
    ::syscall(SYS_exit, 0);
  });
  for (int tries = 0; tries < 20'000; ++tries) {
    const auto stat = read_stat(child.pid());
    ASSERT_TRUE(stat);
    if (stat->state == 'Z') break;
    ::usleep(500);
  }
  EXPECT_EQ(read_stat(child.pid())->state, 'Z');
  EXPECT_FALSE(is_ending(child.pid()));
}

}  // namespace
}  // namespace llrun::tracer
