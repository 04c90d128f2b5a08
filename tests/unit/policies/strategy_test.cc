#include "policies/strategy/strategy.h"

#include <gtest/gtest.h>

#include "tests/unit/policies/clusters.h"

namespace llrun::policies {
namespace {

using testing::cluster;
using testing::make;
using testing::node;
using testing::process;

TEST(Factory, KnowsEveryListedStrategyByName) {
  for (const StrategyInfo& info : builtin_strategies())
    EXPECT_EQ(make(info.name)->name(), info.name);
}

TEST(Factory, RefusesUnknownNamesInWords) {
  const auto result = make_strategy("clever");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
  EXPECT_NE(result.error().message().find("lifetime"), std::string::npos);
}

TEST(Factory, RefusesUnknownSettingsInWords) {
  const auto result = make_strategy("threshold", {1, {{"treshold", 2.0}}});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message().find("it has threshold, tries"), std::string::npos);
}

TEST(None, StaysAndSaysWhy) {
  const std::vector<NodeView> peers{node("b", 0)};
  ClusterView view = cluster(node("a", 5), peers);
  const std::vector processes{process(1, 1000)};
  auto none = make("none");
  EXPECT_TRUE(none->decide(view, processes).empty());
  view.explain = true;
  const auto answers = none->decide(view, processes);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_FALSE(answers[0].peer);
  EXPECT_FALSE(answers[0].reason.empty());
}

TEST(RandomStrategy, UsesEveryNodeAboutEqually) {
  const std::vector<NodeView> peers{node("b", 9), node("c", 0)};
  auto strategy = make("random");
  int there[3] = {0, 0, 0};
  for (int i = 0; i < 3000; ++i) {
    const Placement placement = strategy->place(cluster(node("a", 0), peers), {});
    ++there[placement.peer ? *placement.peer + 1 : 0];
  }
  for (const int count : there) EXPECT_NEAR(count, 1000, 120);
}

TEST(RandomStrategy, AnswersTheSameToTheSameSeed) {
  const std::vector<NodeView> peers{node("b", 9), node("c", 0), node("d", 1)};
  auto first = make("random", {7, {}});
  auto second = make("random", {7, {}});
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(first->place(cluster(node("a", 0), peers), {}).peer,
              second->place(cluster(node("a", 0), peers), {}).peer);
}

TEST(PlacementStrategies, PlaceAnUnofferedProcessOnceOnly) {
  const std::vector<NodeView> peers{node("b", 0)};
  const ClusterView view = cluster(node("a", 3), peers);
  ProcessView attached = process(1, 10);
  attached.placed = false;
  auto strategy = make("threshold");
  EXPECT_EQ(strategy->decide(view, std::vector{attached}).size(), 1U);
  EXPECT_TRUE(strategy->decide(view, std::vector{attached}).empty());
}

TEST(Threshold, StaysBelowItAndLooksForRoomAboveIt) {
  const std::vector<NodeView> peers{node("b", 0)};
  auto strategy = make("threshold");
  EXPECT_FALSE(strategy->place(cluster(node("a", 0), peers), {}).peer);
  EXPECT_TRUE(strategy->place(cluster(node("a", 1), peers), {}).peer);
}

TEST(PlacementStrategies, HonourNever) {
  const std::vector<NodeView> peers{node("b", 0)};
  ExecView exec;
  exec.never = true;
  for (const StrategyInfo& info : builtin_strategies())
    EXPECT_FALSE(make(info.name)->place(cluster(node("a", 9), peers), exec).peer) << info.name;
}

TEST(Admission, RefusesWhatWouldBeNoBetterOff) {
  auto strategy = make("lifetime");
  EXPECT_TRUE(strategy->admit(node("b", 1), {3, 0, false}).welcome);
  const Admission refusal = strategy->admit(node("b", 2), {3, 0, false});
  EXPECT_FALSE(refusal.welcome);
  EXPECT_FALSE(refusal.reason.empty());
}

TEST(Admission, CountsWhatIsOnItsWay) {
  NodeView target = node("b", 0);
  target.incoming = 2;
  EXPECT_FALSE(make("lifetime")->admit(target, {3, 0, false}).welcome);
}

// Two old processes here; there, as was said five seconds ago, two as old.
TEST(HindranceStrategy, AsksWhereWhatIsKnownIsOldAndMeansItOnlyWhereItIsNew) {
  const std::vector<ProcessView> processes{process(1, 100), process(2, 100)};
  NodeView here = node("here", 2), there = node("there", 2);
  for (NodeView* side : {&here, &there}) {
    side->census.add(100);
    side->census.add(100);
  }
  EXPECT_TRUE(make("hindrance")->decide(cluster(here, {there}), processes).empty());
  there.age_s = 5;
  const std::vector<NodeView> peers{there};
  auto view = cluster(here, peers);
  auto strategy = make("hindrance");
  const auto asked = strategy->decide(view, processes);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_TRUE(asked[0].probe);
  EXPECT_FALSE(strategy->admit(node("there", 2), asked[0].offer).welcome) << "it is as it was";
  EXPECT_TRUE(strategy->admit(node("there", 0), asked[0].offer).welcome) << "it is idle now";
  view.explain = true;
  for (const Decision& decision : strategy->decide(view, processes)) EXPECT_FALSE(decision.peer);
}

// Idle and of no speed it costs 0/0, which is neither more nor less than what it costs here.
TEST(OpportunityCostStrategy, DoesNotGoToANodeThatComputesNothing) {
  const std::vector<NodeView> peers{node("b", 0, 4, 0)};
  const std::vector<ProcessView> processes{process(1, 100)};
  EXPECT_TRUE(make("opportunity-cost")->decide(cluster(node("self", 5), peers), processes).empty());
}

TEST(MovingOften, EndsAfterFourMoves) {
  const std::vector<NodeView> peers{node("there", 0)};
  for (const char* name : {"hindrance", "combined"}) {
    std::vector<ProcessView> processes{process(1, 1000), process(2, 1000), process(3, 1000)};
    for (ProcessView& one : processes) {
      one.moves = 3;
      one.last_move_age_s = 100;
    }
    const auto view = cluster(node("here", 3), peers);
    EXPECT_FALSE(make(name)->decide(view, processes).empty()) << name;
    for (ProcessView& one : processes) one.moves = 4;
    EXPECT_TRUE(make(name)->decide(view, processes).empty()) << name;
  }
}

TEST(Admission, RefusesWhatWouldMakeTheNodeSwap) {
  NodeView target = node("b", 0);
  target.memory_bytes = 1e9;
  target.free_memory_bytes = 1e8;
  EXPECT_FALSE(make("lifetime")->admit(target, {9, 2e8, false}).welcome);
  EXPECT_TRUE(make("lifetime")->admit(target, {9, 1e7, false}).welcome);
}

}  // namespace
}  // namespace llrun::policies
