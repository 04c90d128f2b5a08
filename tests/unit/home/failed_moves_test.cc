#include "supervisor/home/failed_moves.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/fd.h"

namespace llrun {
namespace {

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
