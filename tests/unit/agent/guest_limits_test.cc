#include "supervisor/agent/guest_limits.h"

#include <sys/stat.h>

#include <fstream>

#include "base/fd.h"
#include "supervisor/agent/guest_group.h"
#include "tests/unit/agent/guests_fixture.h"

namespace llrun::agent {
namespace {

class GuestLimitsTest : public GuestsFixture {
 protected:
  static protocol::Hello newcomer(std::uint64_t mebibytes, double cores = 1) {
    protocol::Hello hello;
    hello.set_memory_bytes(mebibytes << 20);
    hello.mutable_offer()->set_cpu_rate(cores);
    return hello;
  }
  // The process that is asked to leave; 0: nobody is.
  int asked() {
    const auto told = take_told();
    return told.empty() ? 0 : told.back().come_home().pid();
  }

  config::Config config_;
};

TEST_F(GuestLimitsTest, WhatWasPromisedCounts) {
  config_.guests.max = 2;
  config_.guests.memory = 100;
  GuestLimits limits(config_, log_, processes_, false);
  EXPECT_EQ(limits.why_not(newcomer(60)), "");
  limits.let_in(1, newcomer(60));
  EXPECT_EQ(limits.incoming(), 1U);
  EXPECT_NE(limits.why_not(newcomer(60)).find("guests.memory"), std::string::npos);
  EXPECT_EQ(limits.why_not(newcomer(30)), "");
  limits.let_in(2, newcomer(30));
  EXPECT_NE(limits.why_not(newcomer(1)).find("guests.max"), std::string::npos);
  limits.gone(1);
  EXPECT_EQ(limits.why_not(newcomer(1)), "");
}

TEST_F(GuestLimitsTest, ThreadsOfAllCountTogether) {
  config_.guests.processes = 10;
  GuestLimits limits(config_, log_, processes_, false);
  auto six = newcomer(1);
  six.set_threads(6);
  EXPECT_EQ(limits.why_not(six), "");
  limits.let_in(1, six);
  EXPECT_NE(limits.why_not(six).find("guests.processes"), std::string::npos);
  EXPECT_EQ(limits.why_not(newcomer(1)), "");
  config_.guests.processes = 0;
  EXPECT_EQ(limits.why_not(six), "");
}

TEST_F(GuestLimitsTest, CoresAreReckonedWhereNoGroupKeepsThem) {
  config_.guests.cpu = 1;
  GuestLimits looking(config_, log_, processes_, false);
  looking.let_in(1, newcomer(1, 1));
  EXPECT_NE(looking.why_not(newcomer(1, 1)).find("guests.cpu"), std::string::npos);
  GuestLimits grouped(config_, log_, processes_, true);
  grouped.let_in(1, newcomer(1, 1));
  EXPECT_EQ(grouped.why_not(newcomer(1, 1)), "") << "they share what the group gives";
}

TEST_F(GuestLimitsTest, TheOneWhoseLeavingSufficesIsSentHome) {
  config_.guests.memory = 100;
  GuestLimits limits(config_, log_, processes_, false);
  guest(1, 10);
  guest(2, 40);
  guest(3, 80);
  limits.look(0);
  EXPECT_EQ(asked(), 2) << "30 MiB too many: the smallest that suffices";
  limits.look(0);
  EXPECT_EQ(asked(), 0) << "one at a time";
}

TEST_F(GuestLimitsTest, NobodyIsSentHomeWithinTheLimits) {
  config_.guests.memory = 200;
  config_.guests.cpu = 1;
  GuestLimits limits(config_, log_, processes_, false);
  guest(1, 100);
  guest(2, 90);
  limits.look(0);
  EXPECT_EQ(asked(), 0);
}

TEST_F(GuestLimitsTest, ANodeShortOfMemorySendsGuestsHome) {
  GuestLimits limits(config_, log_, processes_, false);
  guest(1, 10);
  guest(2, 300);
  limits.look(200.0 * (1 << 20));
  EXPECT_EQ(asked(), 2);
}

TEST(GuestGroup, IsMadeInVersionOne) {
  char path[] = "/tmp/llrun-group-XXXXXX";
  ASSERT_NE(::mkdtemp(path), nullptr);
  const std::string own = path;
  const auto group = own + "/" + GuestGroup::name_for("b");
  ASSERT_EQ(::mkdir(group.c_str(), 0755), 0);
  for (const auto* name : {"/cpu.cfs_period_us", "/cpu.cfs_quota_us", "/cgroup.procs"})
    std::ofstream(group + name) << "";
  config::GuestLimits limits;
  limits.cpu = 1.5;
  {
    const GuestGroup made({own, ""}, "b", limits);
    EXPECT_TRUE(made.limits_cpu());
    ASSERT_EQ(made.procs_files().size(), 1U);
    EXPECT_EQ(*read_whole_file(group + "/cpu.cfs_quota_us"), "150000");
  }
  const GuestGroup none({own, ""}, "b", {});
  EXPECT_FALSE(none.limits_cpu()) << "the owner limits nothing";
  const GuestGroup nowhere({"/proc", ""}, "b", limits);
  EXPECT_FALSE(nowhere.limits_cpu());
  EXPECT_TRUE(nowhere.procs_files().empty());
  ASSERT_EQ(std::system(("rm -r " + own).c_str()), 0);
}

}  // namespace
}  // namespace llrun::agent
