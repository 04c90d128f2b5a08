#include "supervisor/guest/oom_score.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace llrun {
namespace {

TEST(OomScore, AGuestGoesBeforeItsSupervisorAndMostOthers) {
  EXPECT_EQ(oom_score_of_guest(0, 0), 500);
  EXPECT_EQ(oom_score_of_guest(0, 200), 700);
  EXPECT_EQ(oom_score_of_guest(300, 200), 800);
  EXPECT_EQ(oom_score_of_guest(-900, 0), 500) << "what protects it at home does not here";
  EXPECT_EQ(oom_score_of_guest(800, 0), 1000);
}

TEST(OomScore, TheProgramsOwnComesHome) {
  EXPECT_EQ(oom_score_at_home(0, 0, 500), 0);
  EXPECT_EQ(oom_score_at_home(-900, 200, 700), -900);
  EXPECT_EQ(oom_score_at_home(0, 0, 650), 650) << "it has raised its own";
  EXPECT_EQ(oom_score_at_home(1000, 0, 1000), 1000);
}

TEST(OomScore, EverybodyMayRaiseHisOwn) {
  const auto before = supervisors_oom_score();
  ASSERT_TRUE(set_oom_score(HostPid{::getpid()}, 1000));
  EXPECT_EQ(supervisors_oom_score(), 1000);
  EXPECT_TRUE(set_oom_score(HostPid{::getpid()}, before)) << "and take that back";
  EXPECT_FALSE(set_oom_score(HostPid{-1}, 0));
}

}  // namespace
}  // namespace llrun
