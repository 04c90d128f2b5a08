#include <gtest/gtest.h>

#include <algorithm>

#include "supervisor/doctor/node.h"
#include "supervisor/doctor/pair.h"
#include "supervisor/protocol/version.h"
#include "supervisor/traits/traits.h"

namespace llrun::doctor {
namespace {

using Level = Finding::Level;

TEST(Doctor, JudgesReleases) {
  EXPECT_EQ(judge_release("6.18.0-1-amd64").level, Level::kOk);
  EXPECT_EQ(judge_release("5.14.0-427.el9.x86_64").level, Level::kOk);
  EXPECT_EQ(judge_release("5.10.0-28-amd64").level, Level::kMissing);
  EXPECT_EQ(judge_release("nonsense").level, Level::kMissing);
}

TEST(Doctor, NamesTheSettingOfYama) {
  EXPECT_EQ(judge_yama("").level, Level::kOk);
  EXPECT_EQ(judge_yama("0").level, Level::kOk);
  EXPECT_EQ(judge_yama("1").level, Level::kNote);
  EXPECT_EQ(judge_yama("2").remedy, "sysctl kernel.yama.ptrace_scope=1");
  EXPECT_NE(judge_yama("3").remedy.find("boot"), std::string::npos);
}

TEST(Doctor, CountsSubordinateIds) {
  const auto judge = [](const char* uids, bool installed = true) {
    return judge_subordinate_ids("user", 1000, uids, "user:100000:65536\n", installed);
  };
  EXPECT_EQ(judge("user:100000:65536\n").level, Level::kOk);
  EXPECT_EQ(judge("1000:100000:65536\n").level, Level::kOk);
  EXPECT_EQ(judge("other:100000:65536\n").level, Level::kNote);
  EXPECT_NE(judge("user:100000:100\n").remedy.find("--add-subuids"), std::string::npos);
  EXPECT_NE(judge("user:100000:65536\n", false).remedy.find("uidmap"), std::string::npos);
}

TEST(Doctor, LooksForSeccompsActions) {
  EXPECT_EQ(judge_seccomp("kill_process trap errno user_notif trace log allow").level, Level::kOk);
  EXPECT_EQ(judge_seccomp("kill_process trap errno trace log allow").level, Level::kMissing);
}

TEST(Doctor, TellsTheTier) {
  Abilities all{true, true, true, true, true, ""};
  EXPECT_EQ(judge_tier(all).level, Level::kOk);
  auto no_fuse = all;
  no_fuse.opens_fuse = no_fuse.makes_worlds = false;
  EXPECT_TRUE(judge_tier(no_fuse).what.starts_with("B:"));
  auto no_namespaces = all;
  no_namespaces.makes_user_namespaces = no_namespaces.makes_worlds = false;
  EXPECT_TRUE(judge_tier(no_namespaces).what.starts_with("C:"));
  auto no_ptrace = all;
  no_ptrace.traces = false;
  EXPECT_TRUE(judge_tier(no_ptrace).what.starts_with("none"));
}

TEST(Doctor, EveryFindingSaysWhatWouldChangeIt) {
  for (const auto& finding : examine_node()) {
    EXPECT_FALSE(finding.about.empty());
    EXPECT_FALSE(finding.what.empty()) << finding.about;
    if (finding.level == Level::kOk) continue;
    EXPECT_FALSE(finding.lost.empty()) << finding.about;
    EXPECT_TRUE(finding.level == Level::kMissing || !finding.remedy.empty()) << finding.about;
  }
}

TEST(Doctor, IsOneLineOfJson) {
  const auto line = json_of(missing("a", "b \"quoted\"\n", "c", "d"));
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(line.find(R"("finding":"missing")"), std::string::npos) << line;
}

class Pair : public testing::Test {
 protected:
  void SetUp() override {
    hello_.set_version(kProtocolVersion);
    *hello_.mutable_traits() = local_traits();
    load_.set_accepts(true);
    load_.set_rtt_us(200);
    load_.set_bandwidth(100);
  }
  std::vector<std::string> missing_ones() {
    std::vector<std::string> found;
    for (const auto& finding : examine_pair(hello_, load_))
      if (finding.level == Level::kMissing) found.push_back(finding.about);
    return found;
  }
  protocol::Hello hello_;
  protocol::Load load_;
};

TEST_F(Pair, TwinsFit) { EXPECT_EQ(missing_ones(), std::vector<std::string>{}); }

TEST_F(Pair, ClocksApart) {
  load_.set_clock_offset_ms(-2500);
  load_.set_clock_error_ms(2000);
  EXPECT_EQ(missing_ones(), std::vector<std::string>{}) << "they may not be";
  load_.set_clock_error_ms(20);
  EXPECT_EQ(missing_ones(), (std::vector<std::string>{"clocks (there)", "clocks (back)"}));
}

TEST_F(Pair, AnOlderCpuOnlyOneWay) {
  auto& flags = *hello_.mutable_traits()->mutable_cpu_flags();
  const auto sse = std::find(flags.begin(), flags.end(), "sse4_2");
  ASSERT_NE(sse, flags.end());
  flags.erase(sse);
  EXPECT_EQ(missing_ones(), std::vector<std::string>{"CPU features (there)"});
}

TEST_F(Pair, AnotherKernelAndVersion) {
  hello_.mutable_traits()->set_vdso("another");
  hello_.set_version(kProtocolVersion + 1);
  EXPECT_EQ(missing_ones(),
            (std::vector<std::string>{"protocol", "kernel (there)", "kernel (back)"}));
}

}  // namespace
}  // namespace llrun::doctor
