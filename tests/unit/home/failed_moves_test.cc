#include "supervisor/home/failed_moves.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/unit/clock/pretended_sleep.h"

namespace llrun {
namespace {

// Longer than two lines of a test take on any machine, and shorter than any pause.
constexpr std::chrono::seconds kAMoment{50};

TEST(FailedMoves, HoldForTheNodeUntilTheStateChanges) {
  FailedMoves failed;
  EXPECT_FALSE(failed.any());
  failed.note({"b", "it lacks something", "state"});
  failed.look("state");
  ASSERT_TRUE(failed.against("b"));
  EXPECT_NE(failed.against("b")->find("it lacks something"), std::string::npos);
  EXPECT_FALSE(failed.against("c"));
  EXPECT_FALSE(failed.pin());  // it may go to others
  EXPECT_EQ(failed.in_words().size(), 1U);
  failed.look("another state");
  EXPECT_FALSE(failed.any());
  EXPECT_FALSE(failed.against("b"));
}

TEST(FailedMoves, AFailedCaptureHoldsForEveryNode) {
  FailedMoves failed;
  failed.note({"", "it cannot be captured", "state"});
  EXPECT_TRUE(failed.against("b"));
  EXPECT_TRUE(failed.against("c"));
  ASSERT_TRUE(failed.pin());
  EXPECT_NE(failed.pin()->what.find("it cannot be captured"), std::string::npos);
  EXPECT_FALSE(failed.pin()->remedy.empty());
  failed.look("another state");
  EXPECT_FALSE(failed.pin());
}

TEST(FailedMoves, ACaptureThatFailsAgainIsWaitedForLongerEachTime) {
  test::PretendedSleep node;  // its clock is set back by what is written, and so forth by less
  FailedMoves failed;
  const auto fails_and_waits = [&](std::chrono::nanoseconds from, std::chrono::nanoseconds pause) {
    node.write(from);
    failed.note({"", "it cannot be captured", "state"});
    node.write(from - pause + kAMoment);
    EXPECT_TRUE(failed.pin());
    node.write(from - pause);
    EXPECT_FALSE(failed.pin());
  };
  fails_and_waits(std::chrono::hours(9), std::chrono::minutes(1));
  fails_and_waits(std::chrono::hours(8), std::chrono::minutes(2));
  fails_and_waits(std::chrono::hours(7), std::chrono::minutes(4));
  failed.look("another state");
  fails_and_waits(std::chrono::hours(6), std::chrono::minutes(1));
}

TEST(StateOfProgram, ChangesWithTheFilesThatItHasMappedAndNotWithNamelessMemory) {
  const HostPid us{::getpid()};
  const Fd file = open_file("/proc/self/exe", O_RDONLY).value();
  constexpr std::size_t kSize = std::size_t{1} << 16;
  const std::string before = state_of_program(us);
  // Of a kind that there is no other of.
  void* nameless =
      ::mmap(nullptr, kSize, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(nameless, MAP_FAILED);
  EXPECT_EQ(state_of_program(us), before);
  ::munmap(nameless, kSize);
  void* named = ::mmap(nullptr, kSize, PROT_READ, MAP_SHARED, file.get(), 0);
  ASSERT_NE(named, MAP_FAILED);
  EXPECT_NE(state_of_program(us), before);
  ::munmap(named, kSize);
  EXPECT_EQ(state_of_program(us), before);
}

TEST(StateOfProgram, ChangesWithWhatItHasOpenAndNotWithTime) {
  const HostPid us{::getpid()};
  const std::string before = state_of_program(us);
  ASSERT_FALSE(before.empty());
  EXPECT_EQ(state_of_program(us), before);
  {
    const Fd file = open_file("/dev/null", O_RDONLY).value();
    EXPECT_NE(state_of_program(us), before);
  }
  EXPECT_EQ(state_of_program(us), before);
}

}  // namespace
}  // namespace llrun
