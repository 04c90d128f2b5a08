#include "supervisor/agent/guest_ageing.h"

#include "tests/unit/agent/guests_fixture.h"

namespace llrun::agent {
namespace {

using migration::GuestState;

class GuestAgeingTest : public GuestsFixture {
 protected:
  static protocol::ProcessReport aged(int pid, std::uint64_t cpu_ms, int nice = 0) {
    auto report = report_of(pid);
    report.set_cpu_ms(cpu_ms);
    report.set_nice(nice);
    return report;
  }
  // Whoever is told to stand back, by how much; one level a CPU second.
  std::vector<int> look() {
    ageing_.look([](double cpu_age_s) { return static_cast<int>(cpu_age_s); });
    std::vector<int> nice;
    for (const auto& message : take_told()) {
      EXPECT_TRUE(message.has_stand_back());
      nice.push_back(message.stand_back().nice());
      if (!answers_) continue;
      protocol::ControlMessage answer;
      answer.set_id(message.id());
      answer.mutable_answer()->set_status(protocol::Answer::STATUS_DONE);
      processes_.take(agent_end_, answer);
    }
    return nice;
  }

  bool answers_ = true;
  GuestAgeing ageing_{log_, processes_};
};

TEST_F(GuestAgeingTest, AGuestIsToldWhenItHasAged) {
  hear(aged(1, 900));
  EXPECT_EQ(look(), std::vector<int>{}) << "still young";
  hear(aged(1, 3100));
  EXPECT_EQ(look(), std::vector<int>{3});
  hear(aged(1, 3900, 3));
  EXPECT_EQ(look(), std::vector<int>{}) << "it says that it does already";
  hear(aged(1, 4100, 3));
  EXPECT_EQ(look(), std::vector<int>{4});
}

TEST_F(GuestAgeingTest, OneThatDoesNotAnswerIsAskedOnce) {
  hear(aged(1, 3100));
  answers_ = false;
  EXPECT_EQ(look(), std::vector<int>{3});
  hear(aged(1, 4100));
  EXPECT_EQ(look(), std::vector<int>{});
}

TEST_F(GuestAgeingTest, NobodyIsToldToStandBackLess) {
  hear(aged(1, 2000, 7));
  EXPECT_EQ(look(), std::vector<int>{}) << "the strategy was another one before";
}

TEST_F(GuestAgeingTest, OnlyGuestsThatHaveSettled) {
  auto arriving = aged(1, 9000);
  arriving.set_state(std::string(migration::name(GuestState::kRunning)));
  hear(arriving);
  auto home = aged(2, 9000);
  home.set_role(protocol::ProcessReport::ROLE_HOME);
  hear(home);
  EXPECT_EQ(look(), std::vector<int>{});
}

}  // namespace
}  // namespace llrun::agent
