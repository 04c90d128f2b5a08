#include "supervisor/agent/guest_limits.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <fstream>

#include "base/fd.h"
#include "supervisor/agent/guest_group.h"
#include "supervisor/migration/machine.h"
#include "tests/unit/control/fixture.h"

namespace llrun::agent {
namespace {

using protocol::ControlMessage;
using protocol::ProcessReport;

// Guests whose supervisors are the ends of one socket, and what they are told.
class GuestLimitsTest : public control::ControlFixture {
 protected:
  void SetUp() override {
    ControlFixture::SetUp();
    auto pair = make_socketpair(SOCK_SEQPACKET);
    ASSERT_TRUE(pair);
    agent_end_ = *control::Connection::create(*loop_, std::move(pair->first));
    guests_ = *control::Connection::create(*loop_, std::move(pair->second));
    agent_end_->listen([](const ControlMessage&, auto) {}, [](const std::string&) {});
    guests_->listen([this](ControlMessage message, auto) { told_.push_back(std::move(message)); },
                    [](const std::string&) {});
  }

  void guest(int pid, std::uint64_t mebibytes, std::uint64_t cpu_ms = 0) {
    ControlMessage message;
    auto& report = *message.mutable_report();
    report.set_pid(pid);
    report.set_supervisor_pid(static_cast<std::uint32_t>(pid) + 1000);
    report.set_role(ProcessReport::ROLE_GUEST);
    report.set_state(std::string(migration::name(migration::GuestState::kSettled)));
    report.set_resident_bytes(mebibytes << 20);
    report.set_cpu_ms(cpu_ms);
    processes_.take(agent_end_, message);
  }
  static protocol::Hello newcomer(std::uint64_t mebibytes, double cores = 1) {
    protocol::Hello hello;
    hello.set_memory_bytes(mebibytes << 20);
    hello.mutable_offer()->set_cpu_rate(cores);
    return hello;
  }
  // The process that is asked to leave; 0: nobody is.
  int asked() {
    ControlMessage mark;
    mark.mutable_verb()->set_verb("mark");
    agent_end_->send(mark);
    run_until([&] { return !told_.empty() && told_.back().has_verb(); });
    told_.pop_back();
    const int pid = told_.empty() ? 0 : told_.back().come_home().pid();
    told_.clear();
    return pid;
  }

  config::Config config_;
  EventLog log_{"", "test"};
  Processes processes_{log_};
  std::shared_ptr<control::Connection> agent_end_, guests_;
  std::vector<ControlMessage> told_;
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
