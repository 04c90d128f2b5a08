#include "supervisor/agent/decider.h"

#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>

#include "supervisor/agent/crowd.h"
#include "supervisor/agent/views.h"
#include "tests/unit/control/fixture.h"

namespace llrun::agent {
namespace {

using protocol::ControlMessage;
using protocol::ProcessReport;

// Two nodes, one process, and the supervisor's end of a socket that shows what it is told.
class DeciderTest : public control::ControlFixture {
 protected:
  void SetUp() override {
    ControlFixture::SetUp();
    auto pair = make_socketpair(SOCK_SEQPACKET);
    ASSERT_TRUE(pair);
    agent_end_ = *control::Connection::create(*loop_, std::move(pair->first));
    supervisor_ = *control::Connection::create(*loop_, std::move(pair->second));
    agent_end_->listen(
        [this](const ControlMessage& message, auto) { processes_.take(agent_end_, message); },
        [this](const std::string&) { processes_.gone(agent_end_.get()); });
    supervisor_->listen(
        [this](ControlMessage message, auto) { told_.push_back(std::move(message)); },
        [](const std::string&) {});
    start_decider();
    here_ = load("a", 4);
    known_["b"] = {load("b", 0), Decider::Clock::now()};
    report_.set_pid(4711);
    report_.set_program("povray");
    report_.set_eligible(true);
    report_.set_age_ms(60'000);
    report_.set_cpu_ms(30'000);
    report_.set_cpu_rate(1);
    report_.set_resident_bytes(1U << 20);
  }

  void start_decider() {
    auto decider =
        Decider::create(config_, log_, processes_,
                        {[this]() -> const std::map<std::string, Known>& { return known_; },
                         [this](const std::string&) { return &command_; }});
    ASSERT_TRUE(decider) << decider.error().message();
    decider_ = std::move(*decider);
  }
  // All that run there are programs of llrun that are as old as ours.
  static protocol::Load load(const std::string& node, double run_queue) {
    protocol::Load load;
    policies::Census census;
    census.add(30, run_queue);
    tell(census, load);
    load.set_node(node);
    load.set_run_queue(run_queue);
    load.set_running(run_queue);
    load.set_cores(1);
    load.set_capacity(1);
    load.set_speed(1);
    load.set_total_memory_bytes(8ULL << 30);
    load.set_free_memory_bytes(4ULL << 30);
    load.set_levelling(true);
    load.set_accepts(true);
    load.set_reachable(true);
    return load;
  }
  void say() {
    ControlMessage message;
    *message.mutable_report() = report_;
    processes_.take(agent_end_, message);
  }
  void decide() {
    say();
    decider_->decide(here_);
    wait();
  }
  void wait() {
    // What was sent has arrived when something sent after it has.
    ControlMessage mark;
    mark.mutable_verb()->set_verb("mark");
    agent_end_->send(mark);
    run_until([&] { return !told_.empty() && told_.back().has_verb(); });
    told_.pop_back();
  }
  void answer(protocol::Answer::Status status) {
    ControlMessage message;
    message.set_id(told_.back().id());
    message.mutable_answer()->set_status(status);
    told_.clear();
    processes_.take(agent_end_, message);
  }

  config::Config config_;
  EventLog log_{"", "test"};
  Processes processes_{log_};
  std::map<std::string, Known> known_;
  std::vector<std::string> command_{"ssh", "b", "llrund", "--stdio"};
  std::shared_ptr<control::Connection> agent_end_, supervisor_;
  std::unique_ptr<Decider> decider_;
  std::vector<ControlMessage> told_;
  protocol::Load here_;
  ProcessReport report_;
};

TEST_F(DeciderTest, SendsAProcessFromACrowdedNodeToAnIdleOne) {
  decide();
  ASSERT_EQ(told_.size(), 1U);
  const auto& migrate = told_[0].migrate();
  EXPECT_EQ(migrate.pid(), 4711);
  EXPECT_EQ(migrate.node(), "b");
  EXPECT_EQ(migrate.channel_command_size(), 4);
  EXPECT_FALSE(migrate.by_hand());
  EXPECT_NE(migrate.reason().find("run queue 4.0"), std::string::npos) << migrate.reason();
  EXPECT_GE(migrate.offer().source_s_per_cpu_s(), 4) << "the target reckons with what it is here";
  EXPECT_EQ(migrate.offer().cpu_rate(), 1);
}

TEST_F(DeciderTest, WhatIsOnItsWayOutDoesNotCountAsLoad) {
  here_ = load("a", 2);
  ProcessReport other = report_;
  other.set_pid(4712);
  decide();
  ASSERT_EQ(told_.size(), 1U) << "two on one core, and b idle";
  report_ = other;
  known_["c"] = {load("c", 0), Decider::Clock::now()};
  decide();
  EXPECT_EQ(told_.size(), 1U) << "when the first has gone the second is alone here";
}

TEST_F(DeciderTest, NorDoesWhatHasGotAShareOfACoreOnly) {
  here_ = load("a", 2);
  here_.set_run_queue(2.5);  // and what it costs to move the first
  here_.set_running(3);
  report_.set_cpu_rate(0.5);
  ProcessReport other = report_;
  other.set_pid(4712);
  decide();
  ASSERT_EQ(told_.size(), 1U) << "two on one core, and b idle";
  report_ = other;
  decide();
  EXPECT_EQ(told_.size(), 1U) << "when the first has gone the second is alone here";
}

TEST_F(DeciderTest, ShortMemoryComesFirstAndPicksWhoseLeavingHelps) {
  here_ = load("a", 1);
  here_.set_total_memory_bytes(1000U << 20);
  here_.set_free_memory_bytes(10U << 20);  // 40 MiB are missing to a twentieth
  report_.set_resident_bytes(5U << 20);
  decide();
  EXPECT_TRUE(told_.empty()) << "it would not help";
  report_.set_resident_bytes(100U << 20);
  decide();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_NE(told_[0].migrate().reason().find("short of memory"), std::string::npos);
  decide();
  EXPECT_EQ(told_.size(), 1U) << "it is on its way: that will do";
}

TEST_F(DeciderTest, WhatItsHostSentAwayNeedNotSettle) {
  report_.set_moves(1);
  report_.set_since_last_move_ms(2000);
  report_.set_cpu_since_move_ms(30'000);
  report_.set_last_node("c");
  report_.set_sent_home(true);
  known_["c"] = {load("c", 0), Decider::Clock::now()};
  decide();
  EXPECT_TRUE(told_.empty()) << "c would have it back at once";
  known_["c"].load.set_accepts(false);
  decide();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].migrate().node(), "b");
}

TEST_F(DeciderTest, TheTargetReckonsAgain) {
  protocol::Hello hello;
  hello.mutable_offer()->set_source_s_per_cpu_s(2);
  EXPECT_EQ(decider_->why_not(load("b", 0), hello), "");
  EXPECT_NE(decider_->why_not(load("b", 4), hello), "") << "it has become busy";
  auto promised = load("b", 0);
  promised.set_incoming(2);
  EXPECT_NE(decider_->why_not(promised, hello), "") << "what is on its way counts";
  auto off = load("b", 0);
  off.set_levelling(false);
  EXPECT_NE(decider_->why_not(off, hello), "");
  hello.mutable_offer()->set_at_most_s(1);
  EXPECT_EQ(decider_->why_not(load("b", 0), hello), "");
  hello.mutable_offer()->set_at_most_s(0.01);
  EXPECT_NE(decider_->why_not(load("b", 0), hello), "") << "it wants less hindrance than that";
  hello.mutable_offer()->set_by_hand(true);
  EXPECT_EQ(decider_->why_not(off, hello), "") << "a person wants it";
}

TEST_F(DeciderTest, ExplainsWithNumbers) {
  decide();
  answer(protocol::Answer::STATUS_DONE);
  report_.set_pid(4713);
  decide();
  const auto* process = processes_.home(4713);
  ASSERT_NE(process, nullptr);
  answer(protocol::Answer::STATUS_DONE);
  const auto goes = decider_->explain(*process, here_);
  EXPECT_NE(goes.text.find("should go to b"), std::string::npos) << goes.text;
  for (const auto* name : {"cost_here_s", "cost_there_s", "price_s", "dirty_bytes", "moves"})
    EXPECT_NE(goes.json.find(name), std::string::npos) << goes.json;
  const auto stays = decider_->explain(*process, load("a", 1));
  EXPECT_NE(stays.text.find("stays: no node would hinder it less"), std::string::npos)
      << stays.text;
  EXPECT_EQ(decider_->best(here_, false).text, "b");
  EXPECT_EQ(decider_->best(load("a", 0), false).text, "a") << "as good as any";
}

TEST_F(DeciderTest, StaysWhereItIsAsGood) {
  here_ = load("a", 1);
  decide();
  EXPECT_TRUE(told_.empty()) << "alone here, and it would be alone there";
}

TEST_F(DeciderTest, OneDecisionAtATimeAndARefusalIsRemembered) {
  decide();
  ASSERT_EQ(told_.size(), 1U);
  decide();
  EXPECT_EQ(told_.size(), 1U) << "the first is not answered yet";
  answer(protocol::Answer::STATUS_REFUSED);
  decide();
  EXPECT_TRUE(told_.empty());
}

TEST_F(DeciderTest, WhatMayNotGoIsNotSent) {
  const auto stays = [&](auto change) {
    const auto before = report_;
    change(report_);
    decide();
    report_ = before;
    return told_.empty();
  };
  EXPECT_TRUE(stays([](auto& report) { report.set_eligible(false); }));
  EXPECT_TRUE(stays([](auto& report) { report.set_stay(true); }));
  EXPECT_TRUE(stays([](auto& report) { report.add_pins()->set_what("fd 7"); }));
  EXPECT_TRUE(stays([](auto& report) { report.set_where("c"); }));
  EXPECT_TRUE(stays([](auto& report) { report.set_only_node("c"); }));
  EXPECT_TRUE(stays([](auto& report) { report.set_role(ProcessReport::ROLE_GUEST); }));
  EXPECT_TRUE(stays([](auto& report) {
    report.set_moves(1);
    report.set_since_last_move_ms(2000);
    report.set_cpu_since_move_ms(30'000);
  })) << "it has just moved";
  EXPECT_FALSE(stays([](auto& report) { report.set_only_node("b"); }));
}

TEST_F(DeciderTest, WhatCannotReceiveIsNotChosen) {
  const auto stays = [&](auto change) {
    known_["b"].load = load("b", 0);
    change(known_["b"].load);
    decide();
    return told_.empty();
  };
  EXPECT_TRUE(stays([](auto& load) { load.set_reachable(false); }));
  EXPECT_TRUE(stays([](auto& load) { load.set_accepts(false); }));
  EXPECT_TRUE(stays([](auto& load) { load.set_levelling(false); }));
  EXPECT_TRUE(stays([](auto& load) { load.set_free_memory_bytes(1); }));
  EXPECT_TRUE(stays([](auto& load) { load.set_incoming(12); }));
  here_.set_levelling(false);
  EXPECT_TRUE(stays([](auto&) {})) << "this node takes no part";
  here_.set_levelling(true);
  EXPECT_FALSE(stays([](auto&) {}));
}

TEST_F(DeciderTest, AnUnknownStrategyIsRefusedByName) {
  config_.strategy = "coin-toss";
  const auto decider = Decider::create(config_, log_, processes_, {});
  ASSERT_FALSE(decider);
  EXPECT_NE(decider.error().message().find("coin-toss"), std::string::npos);
}

TEST_F(DeciderTest, AQuestionToASupervisorThatEndsIsAnswered) {
  decide();
  supervisor_->close();
  run_until([&] { return processes_.all().empty(); });
  ControlMessage last;
  EXPECT_EQ(processes_.home(4711), nullptr);
}

// One program, on a node that counts who else runs there.
class StrangersTest : public DeciderTest {
 protected:
  void SetUp() override {
    DeciderTest::SetUp();
    decider_->count(strangers_);
    here_ = load("a", 1);
    say();
  }
  void look(double running, int times = 1) {
    for (int i = 0; i < times; ++i) strangers_.look(running, processes_.all(), view_of(here_, 0));
  }

  Strangers strangers_;
};

TEST_F(StrangersTest, OneOfAMomentIsNotTakenForOneThatHasLeft) {
  here_.set_run_queue(2);     // it goes on counting a program that has left
  report_.set_cpu_rate(0.5);  // a share with that one
  say();
  look(1, 4);
  here_.set_running(2);
  look(2);
  EXPECT_EQ(strangers_.lasting(), 0);
  decide();
  EXPECT_TRUE(told_.empty()) << told_[0].migrate().reason();
}

TEST_F(StrangersTest, WhoLastsCounts) {
  here_.set_run_queue(2);
  here_.set_running(2);
  report_.set_cpu_rate(0.5);
  say();
  look(2, 8);
  EXPECT_NEAR(strangers_.lasting(), 1, 0.2);
  decide();
  EXPECT_EQ(told_.size(), 1U);
}

TEST_F(StrangersTest, WhoHasLeftDoesNot) {
  look(2, 8);
  look(1);
  EXPECT_EQ(strangers_.lasting(), 0);
}

TEST_F(StrangersTest, NobodyIsThatLlrunKnows) {
  report_.set_cpu_rate(0);
  report_.set_age_ms(1000);
  say();
  look(1, 8);
  EXPECT_EQ(strangers_.lasting(), 0) << "it has just started";
  report_.set_age_ms(60'000);
  report_.set_moves(2);
  report_.set_since_last_move_ms(1000);
  say();
  look(1, 8);
  EXPECT_EQ(strangers_.lasting(), 0) << "it has just come back";
  report_.set_role(ProcessReport::ROLE_GUEST);
  report_.set_since_last_move_ms(60'000);
  say();
  look(1, 8);
  EXPECT_EQ(strangers_.lasting(), 0) << "a guest";
}

TEST_F(StrangersTest, EveryoneIsBesideAProgramThatSleepsOrIsAway) {
  report_.set_cpu_rate(0);
  say();
  look(1, 8);
  EXPECT_NEAR(strangers_.lasting(), 1, 0.2);
  report_.set_cpu_rate(1);
  report_.set_where("b");
  say();
  look(1, 8);
  EXPECT_NEAR(strangers_.lasting(), 1, 0.2);
}

TEST_F(StrangersTest, TheThreadsOfAnotherProgramHinderToo) {
  here_ = load("a", 2);
  here_.set_run_queue(6);
  here_.set_running(6);
  here_.set_capacity(2);
  report_.set_stay(true);
  report_.set_cpu_rate(5.0 / 3);
  say();
  report_.set_pid(4712);
  report_.set_stay(false);
  report_.set_cpu_rate(1.0 / 3);
  say();
  look(6, 8);
  EXPECT_NEAR(strangers_.lasting(), 0, 1e-9);
  decide();
  EXPECT_EQ(told_.size(), 1U) << "beside five threads on two cores";
}

// Programs that have just started: povray is known to run long.
class PlacingTest : public DeciderTest {
 protected:
  void SetUp() override {
    config_.strategy = "combined";
    DeciderTest::SetUp();
    char name[] = "/tmp/llrun-placing-XXXXXX";
    directory_ = mkdtemp(name);
    expect({{"povray", "long"}, {"mkisofs", "short"}, {"vi", "never"}});
    processes_.observe({[this](const auto& report) {
                          experience_->heard(report);
                          decider_->heard(report, here_);
                        },
                        [this](const auto& report) { experience_->ended(report); },
                        [](const auto&) {}});
    report_.set_eligible(false);
    report_.set_age_ms(20);
    report_.set_cpu_ms(10);
    report_.set_cpu_rate(0);
    report_.set_executable("/usr/bin/povray");
    report_.set_waits_until_ms(5000);
  }
  void TearDown() override {
    std::filesystem::remove_all(directory_);
    DeciderTest::TearDown();
  }
  void expect(const std::map<std::string, std::string>& hints) {
    auto made = Experience::create(hints, directory_, log_);
    ASSERT_TRUE(made);
    experience_ = std::move(*made);
    decider_->learn_from(*experience_);
  }
  void hear() {
    say();
    wait();
  }
  void run_to_its_end(double cpu_s) {
    ProcessReport run = report_;
    run.set_pid(99);
    run.set_cpu_ms(static_cast<std::uint64_t>(1000 * cpu_s));
    experience_->heard(run);
    experience_->ended(run);
  }

  std::string directory_;
  std::unique_ptr<Experience> experience_;
};

TEST_F(PlacingTest, AProgramThatIsExpectedToBeLongIsPlacedAtItsStart) {
  hear();
  ASSERT_EQ(told_.size(), 1U);
  const auto& migrate = told_[0].migrate();
  EXPECT_EQ(migrate.node(), "b");
  EXPECT_TRUE(migrate.offer().at_start());
  EXPECT_EQ(migrate.offer().cpu_rate(), 1) << "the owner's limits count it";
  EXPECT_NE(migrate.reason().find("placed at its start, since a hint says that povray runs long"),
            std::string::npos)
      << migrate.reason();
  EXPECT_NE(decider_->explain(*processes_.home(4711), here_).text.find("at its start: placed"),
            std::string::npos);
}

TEST_F(PlacingTest, TheDefaultStrategyPlacesToo) {
  config_.strategy = std::string(policies::kDefaultStrategy);
  start_decider();
  decider_->learn_from(*experience_);
  hear();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_TRUE(told_[0].migrate().offer().at_start());
  for (const auto* number : {"cost_here_s", "cost_there_s"})
    EXPECT_NE(told_[0].migrate().reason().find(number), std::string::npos);
}

TEST_F(PlacingTest, WithoutThatNothingChanges) {
  const auto stays = [&](auto change) {
    const auto before = report_;
    change(report_);
    hear();
    report_ = before;
    return told_.empty();
  };
  EXPECT_TRUE(
      stays([](auto& report) { report.set_executable("/bin/ls"), report.set_program("ls"); }));
  EXPECT_TRUE(stays([](auto& report) { report.set_executable("/bin/mkisofs"); })) << "short";
  EXPECT_TRUE(stays([](auto& report) { report.set_executable("/bin/vi"); })) << "never";
  EXPECT_TRUE(stays([](auto& report) { report.set_waits_until_ms(0); })) << "--after, say";
  EXPECT_TRUE(stays([](auto& report) { report.set_waits_until_ms(4'000'000); }))
      << "not longer than the age it waits for";
  EXPECT_TRUE(stays([](auto& report) { report.set_stay(true); }));
  EXPECT_TRUE(stays([](auto& report) { report.add_pins()->set_what("fd 7"); }));
  EXPECT_TRUE(stays([](auto& report) { report.set_where("b"); }));
  EXPECT_TRUE(stays([](auto& report) { report.set_role(ProcessReport::ROLE_GUEST); }));
  EXPECT_TRUE(stays([](auto& report) { report.set_only_node("c"); })) << "c is not reachable";
  here_.set_levelling(false);
  EXPECT_TRUE(stays([](auto&) {}));
  here_.set_levelling(true);
  EXPECT_FALSE(stays([](auto&) {}));
}

TEST_F(PlacingTest, OnlyEnoughRunsAreAnExpectation) {
  expect({});
  for (int run = 0; run < 4; ++run) run_to_its_end(60);
  hear();
  EXPECT_TRUE(told_.empty()) << "four runs are too few";
  run_to_its_end(60);
  run_to_its_end(0.1);
  hear();
  ASSERT_EQ(told_.size(), 1U) << "five of six were long";
  EXPECT_NE(told_[0].migrate().reason().find("most runs of povray have been longer than 5 s"),
            std::string::npos)
      << told_[0].migrate().reason();
  for (int run = 0; run < 4; ++run) run_to_its_end(0.1);
  report_.set_pid(4712);
  hear();
  EXPECT_EQ(told_.size(), 1U) << "half of them were short";
}

TEST_F(PlacingTest, OneIsAskedAboutOnceForEachProgramItExecutes) {
  here_ = load("a", 0);
  hear();
  EXPECT_TRUE(told_.empty()) << "this node is as good";
  here_ = load("a", 4);
  hear();
  EXPECT_TRUE(told_.empty()) << "that was settled";
  const auto explained = decider_->explain(*processes_.home(4711), here_);
  EXPECT_NE(explained.json.find("it starts here"), std::string::npos) << explained.json;
  report_.set_executable("/opt/povray");
  hear();
  EXPECT_EQ(told_.size(), 1U) << "an exec makes another program of it";
}

TEST_F(PlacingTest, WhileNoNodeIsReachableTheQuestionIsOpen) {
  known_["b"].load.set_reachable(false);
  hear();
  EXPECT_TRUE(told_.empty());
  known_["b"].load.set_reachable(true);
  hear();
  EXPECT_EQ(told_.size(), 1U);
}

TEST_F(PlacingTest, WhatStartsTogetherCountsBeforeItIsMeasured) {
  here_ = load("a", 0);
  here_.set_measured_at_ms(1);  // long before
  hear();
  EXPECT_TRUE(told_.empty()) << "the first is alone here";
  report_.set_pid(4712);
  hear();
  ASSERT_EQ(told_.size(), 1U) << "the second would share with the first";
  EXPECT_EQ(told_[0].migrate().pid(), 4712);
  report_.set_pid(4713);
  known_["c"] = {load("c", 0), Decider::Clock::now()};
  hear();
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_EQ(told_[1].migrate().node(), "c") << "b has been promised one";
}

TEST_F(PlacingTest, TheNewcomerIsNoCompanyToItself) {
  here_ = load("a", 1);
  hear();
  EXPECT_TRUE(told_.empty()) << "the one that was measured is itself";
}

TEST_F(PlacingTest, ARefusalAsksTheNextAndThenLetsTheOrdinaryRulesHold) {
  known_["c"] = {load("c", 0), Decider::Clock::now()};
  hear();
  ASSERT_EQ(told_.size(), 1U);
  const auto first = told_[0].migrate().node();
  answer(protocol::Answer::STATUS_REFUSED);
  wait();
  ASSERT_EQ(told_.size(), 1U) << "combined names two candidates";
  EXPECT_NE(told_[0].migrate().node(), first);
  answer(protocol::Answer::STATUS_REFUSED);
  wait();
  EXPECT_TRUE(told_.empty());
  report_.set_eligible(true);
  report_.set_age_ms(6000);
  report_.set_cpu_ms(6000);
  report_.set_cpu_rate(1);
  report_.set_waits_until_ms(0);
  decide();
  ASSERT_EQ(told_.size(), 1U) << "nothing rests or waits for a placement that failed";
  EXPECT_FALSE(told_[0].migrate().offer().at_start());
}

TEST_F(PlacingTest, AnEndInBetweenIsNoHarm) {
  hear();
  ASSERT_EQ(told_.size(), 1U);
  supervisor_->close();
  run_until([&] { return processes_.all().empty(); });
  decider_->decide(here_);
}

// One of this home that is on b.
class AwayTest : public DeciderTest {
 protected:
  void SetUp() override {
    DeciderTest::SetUp();
    here_ = load("a", 0);
    known_["b"].load = load("b", 3);
    report_.set_eligible(false);
    report_.set_where("b");
    report_.set_last_node("b");
    report_.set_state("Away");
    report_.set_moves(1);
    report_.set_since_last_move_ms(60'000);
    report_.set_cpu_since_move_ms(30'000);
  }
};

TEST_F(AwayTest, ComesHomeWhenThatRunsItSooner) {
  decide();
  ASSERT_EQ(told_.size(), 1U);
  ASSERT_TRUE(told_[0].has_come_home());
  EXPECT_EQ(told_[0].come_home().pid(), 4711);
  EXPECT_NE(told_[0].come_home().reason().find(
                "run queue 3.0 on the 1.0 cores of b, 0.0 on the 1.0 of a"),
            std::string::npos)
      << told_[0].come_home().reason();
  decide();
  EXPECT_EQ(told_.size(), 1U) << "the first is not answered yet";
  answer(protocol::Answer::STATUS_REFUSED);
  decide();
  EXPECT_TRUE(told_.empty()) << "a refusal is remembered";
}

TEST_F(AwayTest, GoesOnToAThirdNode) {
  here_ = load("a", 2);
  known_["c"] = {load("c", 0), Decider::Clock::now()};
  decide();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].migrate().node(), "c");
}

TEST_F(AwayTest, TwoDoNotLeaveWhereOneIsEnough) {
  known_["b"].load = load("b", 2);
  decide();
  ASSERT_EQ(told_.size(), 1U);
  answer(protocol::Answer::STATUS_DONE);
  report_.set_state("Returning");
  ProcessReport other = report_;
  decide();
  other.set_pid(4712);
  other.set_state("Away");
  report_ = other;
  decide();
  EXPECT_TRUE(told_.empty()) << "when the first has left the other is alone";
}

TEST_F(AwayTest, StaysWhereItIsBest) {
  known_["b"].load = load("b", 1);
  decide();
  EXPECT_TRUE(told_.empty());
}

TEST_F(AwayTest, ComesHomeFromWhereItsHomeCallsMakeItSlow) {
  known_["b"].load = load("b", 1);
  known_["b"].load.set_rtt_us(1000);
  report_.set_home_calls_rate(2000);
  decide();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_TRUE(told_[0].has_come_home());
}

TEST_F(AwayTest, IsLeftAloneWhereNobodyKnowsBetter) {
  const auto stays = [&](auto change) {
    const auto before = report_;
    change(report_);
    decide();
    report_ = before;
    return told_.empty();
  };
  EXPECT_TRUE(stays([](auto& report) { report.set_last_reason(std::string(Decider::kByHand)); }));
  EXPECT_TRUE(stays([](auto& report) { report.set_since_last_move_ms(2000); })) << "it settles";
  EXPECT_TRUE(stays([](auto& report) { report.set_state("Returning"); }));
  EXPECT_TRUE(stays([](auto& report) { report.set_stay(true); }));
  EXPECT_TRUE(stays([](auto& report) { report.set_where("c"); })) << "nobody hears c";
  known_["b"].load.set_reachable(false);
  EXPECT_TRUE(stays([](auto&) {}));
  known_["b"].load.set_reachable(true);
  EXPECT_FALSE(stays([](auto&) {}));
}

TEST_F(AwayTest, IsExplainedFromWhereItIs) {
  decide();
  answer(protocol::Answer::STATUS_DONE);
  const auto text = decider_->explain(*processes_.home(4711), here_).text;
  EXPECT_NE(text.find("should go to a"), std::string::npos) << text;
  EXPECT_NE(text.find("its home"), std::string::npos) << text;
}

TEST_F(AwayTest, ABlockedHomeTakesItsOwn) {
  here_.set_accepts(false);
  decide();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_TRUE(told_[0].has_come_home());
}

}  // namespace
}  // namespace llrun::agent
