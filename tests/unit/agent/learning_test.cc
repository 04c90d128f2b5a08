// Hints, history and the census as the agent uses them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "supervisor/agent/crowd.h"
#include "supervisor/agent/experience.h"
#include "supervisor/agent/learned_verbs.h"

namespace llrun::agent {
namespace {

using protocol::ProcessReport;

class LearningTest : public ::testing::Test {
 protected:
  LearningTest() {
    char name[] = "/tmp/llrun-learning-XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~LearningTest() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<Experience> experience(std::map<std::string, std::string> hints = {}) {
    auto made = Experience::create(hints, directory_, log_);
    EXPECT_TRUE(made) << made.error().message();
    return made ? std::move(*made) : nullptr;
  }
  static ProcessReport report_of(const std::string& path, double cpu_s) {
    ProcessReport report;
    report.set_pid(4711);
    report.set_program(path.substr(path.rfind('/') + 1));
    report.set_executable(path);
    report.set_cpu_ms(static_cast<std::uint64_t>(cpu_s * 1000));
    report.set_cpu_rate(1);
    return report;
  }
  static void run_to_its_end(Experience& experience, const std::string& path, double cpu_s) {
    experience.heard(report_of(path, cpu_s));
    experience.ended(report_of(path, cpu_s));
  }
  // What llrunctl would have got.
  struct Heard {
    std::vector<std::string> lines;
    protocol::Answer answer;
  };
  template <typename Verb>
  static Heard ask(const Verb& verb) {
    Heard heard;
    verb(control::Reply([&](const protocol::ControlMessage& message) {
      if (message.has_row()) heard.lines.push_back(message.row().line());
      if (message.has_answer()) heard.answer = message.answer();
    }));
    return heard;
  }

  std::string directory_;
  EventLog log_{"", "test"};
};

TEST_F(LearningTest, LongProgramsAreLearnedAndSoAreShortOnes) {
  auto agent = experience();
  agent->heard(report_of("/usr/bin/povray", 1));
  EXPECT_FALSE(agent->expect(report_of("/usr/bin/povray", 1)).remaining_cpu_s);
  for (int i = 0; i < 20; ++i) run_to_its_end(*agent, "/usr/bin/povray", 600);
  for (int i = 0; i < 20; ++i) run_to_its_end(*agent, "/usr/bin/short", 6);
  agent->heard(report_of("/usr/bin/povray", 5));
  EXPECT_GT(*agent->expect(report_of("/usr/bin/povray", 5)).remaining_cpu_s, 300);
  agent->heard(report_of("/usr/bin/short", 5));
  EXPECT_LT(*agent->expect(report_of("/usr/bin/short", 5)).remaining_cpu_s, 3);
}

TEST_F(LearningTest, ARunWhoseSupervisorVanishedTeachesNothing) {
  auto agent = experience();
  agent->heard(report_of("/usr/bin/povray", 3));
  agent->lost(report_of("/usr/bin/povray", 3));
  agent->ended(report_of("/usr/bin/povray", 3));
  EXPECT_TRUE(agent->history().all().empty());
}

TEST_F(LearningTest, HintsGoBeforeHistory) {
  auto agent = experience({{"povray", "2m"}, {"/bin/ls", "never"}});
  for (int i = 0; i < 20; ++i) run_to_its_end(*agent, "/usr/bin/povray", 600);
  EXPECT_DOUBLE_EQ(*agent->expect(report_of("/usr/bin/povray", 20)).remaining_cpu_s, 100);
  EXPECT_TRUE(agent->expect(report_of("/bin/ls", 20)).hint->never);
  EXPECT_FALSE(Experience::create({{"povray", "sometimes"}}, directory_, log_));
}

TEST_F(LearningTest, HistoryIsShownAndUnknownProgramsAreRefused) {
  auto agent = experience();
  const auto asked = [&](std::vector<std::string> words) {
    return ask([&](const control::Reply& reply) { history_verb(*agent, words, reply); });
  };
  EXPECT_EQ(asked({}).answer.text(), "nothing has run here yet");
  run_to_its_end(*agent, "/usr/bin/povray", 60);
  EXPECT_NE(asked({}).lines.at(0).find("/usr/bin/povray"), std::string::npos);
  EXPECT_EQ(asked({"povray", "--json"}).lines.size(), 1U);
  EXPECT_NE(asked({"povray", "--json"}).lines[0].find("\"runs\":1"), std::string::npos);
  EXPECT_EQ(asked({"ls"}).answer.status(), protocol::Answer::STATUS_REFUSED);
}

TEST_F(LearningTest, TheStrategyIsShownAndChanged) {
  auto strategies = *Strategies::create("lifetime", {});
  const auto asked = [&](std::vector<std::string> words) {
    return ask([&](const control::Reply& reply) { strategy_verb(strategies, log_, words, reply); });
  };
  const auto decides = [&] {
    for (const auto& line : asked({}).lines)
      if (line.starts_with("* ")) return line.substr(2, line.find(' ', 2) - 2);
    return std::string();
  };
  EXPECT_EQ(decides(), "lifetime");
  EXPECT_EQ(asked({"hindrance", "margin=2"}).answer.status(), protocol::Answer::STATUS_DONE);
  EXPECT_EQ(decides(), "hindrance");
  EXPECT_EQ(strategies.of("b").name(), "hindrance");
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {"coin-toss"}, {"hindrance", "no-such=1"}, {"hindrance", "margin"}, {"exec:relative"}}) {
    EXPECT_EQ(asked(wrong).answer.status(), protocol::Answer::STATUS_USAGE) << wrong[0];
    EXPECT_EQ(decides(), "hindrance") << "nothing changes";
  }
  EXPECT_EQ(asked({"exec:/bin/false"}).answer.status(), protocol::Answer::STATUS_DONE);
  EXPECT_EQ(decides(), "exec:/bin/false");
}

TEST_F(LearningTest, TheCensusCountsWhoWantsToRunHere) {
  const auto at = [](const policies::Census& census, double age) {
    return census.at(policies::Census::class_of(age));
  };
  Supervised third{report_of("/bin/a", 100), nullptr}, sleeping{report_of("/bin/b", 1), nullptr},
      away{report_of("/bin/c", 10), nullptr}, guest{report_of("", 1000), nullptr};
  third.report.set_cpu_rate(0.34);
  sleeping.report.set_cpu_rate(0.01);
  away.report.set_where("b");
  guest.report.set_role(ProcessReport::ROLE_GUEST);
  const auto census = census_of({&third, &sleeping, &away, &guest}, 3, 1);
  EXPECT_NEAR(at(census, 100), 1, 0.05) << "alone it would use a whole core";
  EXPECT_NEAR(at(census, 1000), 1, 0.01);
  EXPECT_NEAR(census.count(), 2, 0.05);
  protocol::Load load;
  tell(census, load);
  EXPECT_NEAR(told_census(load).count(), 2, 0.05);
  load.add_census(7);
  load.set_census(0, -3);
  EXPECT_NEAR(told_census(load).count(), 2, 0.05) << "nonsense of another node is no count";
}

}  // namespace
}  // namespace llrun::agent
