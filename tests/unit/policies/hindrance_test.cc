#include <gtest/gtest.h>

#include <algorithm>

#include "policies/strategy/census.h"
#include "policies/strategy/strategy.h"
#include "tests/unit/policies/clusters.h"

namespace llrun::policies {
namespace {

using testing::cluster;
using testing::make;
using testing::node;
using testing::process;

Census census_of(std::initializer_list<double> ages_s) {
  Census census;
  for (const double age_s : ages_s) census.add(age_s);
  return census;
}

NodeView node_with(std::string name, std::initializer_list<double> ages_s) {
  NodeView view = node(std::move(name), static_cast<double>(ages_s.size()));
  view.census = census_of(ages_s);
  return view;
}

TEST(Census, WithoutOneThatHasAgedSinceItWasCounted) {
  EXPECT_EQ(census_of({3.9}).without(3.9).count(), 0);
  EXPECT_EQ(census_of({3.9}).without(4.1).count(), 0) << "one class on";
  EXPECT_EQ(census_of({0.1}).without(0.4).count(), 0) << "two";
  EXPECT_EQ(census_of({100}).without(1).count(), 1) << "that is somebody else";
  const Census both = census_of({1.5, 3.9});
  EXPECT_EQ(both.without(3.9).at(Census::class_of(1.5)), 1) << "its own class comes first";
  Census part;
  part.add(5, 0.3);
  EXPECT_EQ(part.without(5).count(), 0);
  part.add(2.5);
  EXPECT_EQ(part.without(5).at(Census::class_of(2.5)), 1) << "a part, and somebody else beside it";
}

TEST(Hindrance, NobodyHindersHimself) {
  const std::vector<NodeView> peers{node_with("b", {100})};
  const std::vector processes{process(1, 4.1)};
  auto strategy = make("hindrance");
  for (const double counted_s : {4.1, 3.9, 1.9}) {
    ClusterView view = cluster(node_with("a", {counted_s}), peers);
    view.explain = true;
    const auto decisions = strategy->decide(view, processes);
    ASSERT_EQ(decisions.size(), 1U);
    EXPECT_FALSE(decisions[0].peer) << counted_s;
    const auto& numbers = decisions[0].numbers;
    const auto cost = std::ranges::find(numbers, "cost_here_s", &Numbers::value_type::first);
    ASSERT_NE(cost, numbers.end());
    EXPECT_NEAR(cost->second, shared_life_s(4.1, 1e9, 3), 1e-9) << "its own life, and no more";
  }
}

TEST(Hindrance, NorDoItsThreads) {
  const std::vector<NodeView> peers{node_with("b", {})};
  std::vector processes{process(1, 30)};
  processes[0].cpu_rate = 8;
  NodeView two = node_with("a", {30});
  two.cores = 2;
  two.run_queue = two.load = 8;
  auto strategy = make("hindrance");
  EXPECT_TRUE(strategy->decide(cluster(two, peers), processes).empty())
      << "eight threads that share two cores with nobody";
}

TEST(Hindrance, ProcessesThatLlrunDoesNotKnowHinderToo) {
  const std::vector<NodeView> peers{node_with("b", {})};
  const std::vector processes{process(1, 20)};
  NodeView crowded = node_with("a", {20});
  crowded.run_queue = crowded.load = 4;
  auto strategy = make("hindrance");
  EXPECT_EQ(strategy->decide(cluster(crowded, peers), processes).size(), 1U);
  crowded.load = 1;
  EXPECT_TRUE(strategy->decide(cluster(crowded, peers), processes).empty()) << "for a moment only";
}

TEST(Hindrance, OfThoseTheyCountThatTheNodeHasCounted) {
  const std::vector<NodeView> peers{node_with("b", {})};
  std::vector processes{process(1, 20)};
  NodeView crowded = node_with("a", {20});
  crowded.run_queue = crowded.load = 4;
  crowded.uncounted = 0;
  auto strategy = make("hindrance");
  EXPECT_TRUE(strategy->decide(cluster(crowded, peers), processes).empty())
      << "the load is of those that have left, the run queue of those that came a moment ago";
  crowded.uncounted = 3;
  EXPECT_EQ(strategy->decide(cluster(crowded, peers), processes).size(), 1U);
  processes[0].cpu_rate = 4;
  EXPECT_TRUE(strategy->decide(cluster(crowded, peers), processes).empty()) << "its own threads";
}

TEST(Hindrance, TakesWhoseStrategyCountsOtherwise) {
  auto strategy = make("hindrance");
  Offer offer;
  offer.source_s_per_cpu_s = 2;
  EXPECT_TRUE(strategy->admit(node_with("b", {}), offer).welcome);
  EXPECT_FALSE(strategy->admit(node_with("b", {5, 5}), offer).welcome) << "as crowded";
  offer.at_most_s = -1;
  EXPECT_FALSE(strategy->admit(node_with("b", {}), offer).welcome) << "nothing would do";
}

}  // namespace
}  // namespace llrun::policies
