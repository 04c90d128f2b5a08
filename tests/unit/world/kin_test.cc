// Plans are checked by carrying them out on paper: every member's session, group and parent follow
// from who made it, as in the kernel.
#include "supervisor/world/kin.h"

#include <gtest/gtest.h>

#include <map>

namespace llrun::world {
namespace {

struct Paper {
  pid_t parent = 1, session = 0, group = 0;
};

// setsid, setpgid and CLONE_PARENT on paper. Fails where the kernel would.
std::map<pid_t, Paper> carry_out(const KinPlan& plan) {
  std::map<pid_t, Paper> all;
  all[1] = {0, plan.init_leads_session ? 1 : 0, plan.init_leads_session ? 1 : 0};
  for (std::size_t i = 0; i < plan.members.size(); ++i) {
    const auto& member = plan.members[i];
    EXPECT_LT(member.maker, static_cast<int>(i)) << "made before its maker";
    const pid_t maker =
        member.maker == kInit ? 1 : plan.members[static_cast<std::size_t>(member.maker)].pid;
    EXPECT_FALSE(member.sibling && maker == 1) << "init has no siblings";
    EXPECT_FALSE(all.contains(member.pid)) << "made twice";
    Paper self{member.sibling ? all[maker].parent : maker, all[maker].session, all[maker].group};
    if (member.leads_session)
      self.session = self.group = member.pid;
    else if (member.group != 0) {
      const bool joins = member.group != member.pid;
      EXPECT_TRUE(!joins ||
                  (all.contains(member.group) && all[member.group].session == self.session))
          << "setpgid to a group of another session";
      self.group = member.group;
    }
    all[member.pid] = self;
  }
  return all;
}

// kernel/exit.c will_become_orphaned_pgrp
bool orphaned(const std::map<pid_t, Paper>& all, pid_t group) {
  for (const auto& [pid, self] : all) {
    if (self.group != group || self.parent == 0) continue;
    const auto& parent = all.at(self.parent);
    if (parent.group != group && parent.session == self.session) return false;
  }
  return true;
}

void expect_as_planned(const Kinship& home) {
  const auto plan = plan_kin(home);
  ASSERT_TRUE(plan) << plan.error().message();
  ASSERT_EQ(plan->members.back().pid, home.pid);
  auto all = carry_out(*plan);
  const auto& guest = all[home.pid];
  EXPECT_EQ(guest.parent, home.parent > 1 ? home.parent : 1);
  EXPECT_EQ(guest.session, home.session);
  EXPECT_EQ(guest.group, home.group);
  if (home.parent > 1) {
    EXPECT_EQ(all[home.parent].session, home.parent_session);
    EXPECT_EQ(all[home.parent].group, home.parent_group);
  }
  if (home.session > 1) {
    EXPECT_EQ(all[home.session].session, home.session);
    EXPECT_EQ(orphaned(all, home.group), home.group_orphaned);
  }
  EXPECT_TRUE(home.group <= 1 || all.contains(home.group));
  // Each reaper is above the parent, those named first below those named later.
  pid_t below = home.pid;
  for (const pid_t parent : plan->parents) {
    pid_t above = below;
    while (above > 1 && above != parent) above = all[above].parent;
    EXPECT_EQ(above, parent) << "not above " << below;
    below = parent;
  }
}

// Whatever is above the parent changes nothing.
void expect_as_at_home(Kinship home) {
  expect_as_planned(home);
  home.ancestors = {home.parent_session, 12, 11, home.session, 10};
  expect_as_planned(home);
}

TEST(Kin, AJobOfAnInteractiveShell) { expect_as_at_home({50, 40, 40, 50, 40, 40, false}); }
TEST(Kin, InAPipelineLedByAnother) { expect_as_at_home({50, 40, 40, 48, 40, 40, false}); }
TEST(Kin, OfAScriptThatAShellRuns) { expect_as_at_home({50, 45, 40, 45, 40, 45, false}); }
TEST(Kin, OfAScriptThatLostItsShell) { expect_as_at_home({50, 45, 40, 45, 40, 45, true}); }
TEST(Kin, OfAScriptInAPipeline) { expect_as_at_home({50, 45, 40, 44, 40, 44, false}); }
TEST(Kin, ALeaderOfItsSession) { expect_as_at_home({50, 45, 50, 50, 40, 45, true}); }
TEST(Kin, ALeaderWhoseParentIsInit) { expect_as_at_home({50, 1, 50, 50, 1, 1, true}); }
TEST(Kin, ADaemonOfInit) { expect_as_at_home({50, 1, 45, 45, 1, 1, true}); }
TEST(Kin, ADaemonInAGroupOfAnother) { expect_as_at_home({50, 1, 40, 45, 1, 1, true}); }
TEST(Kin, ReparentedToASubreaper) { expect_as_at_home({50, 30, 40, 45, 30, 30, true}); }
TEST(Kin, ReparentedToASubreaperThatLeadsNothing) {
  expect_as_at_home({50, 30, 40, 40, 20, 25, true});
}
TEST(Kin, InASessionThatHomeCannotName) { expect_as_at_home({50, 45, 0, 0, 0, 0, false}); }
TEST(Kin, InAGroupOfSuchASession) { expect_as_at_home({50, 45, 0, 50, 0, 45, false}); }
TEST(Kin, InTheSessionOfAContainersShell) { expect_as_at_home({50, 1, 1, 50, 1, 1, false}); }
TEST(Kin, UnderAScriptOfAContainersShell) { expect_as_at_home({50, 45, 1, 45, 1, 45, false}); }

TEST(Kin, WhatNoWorldCanShowIsRefused) {
  EXPECT_EQ(plan_kin({1, 0, 1, 1, 0, 0, false}).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(plan_kin({50, 45, 0, 0, 40, 40, false}).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace llrun::world
