// What every strategy must keep to, over random clusters.
#include <gtest/gtest.h>

#include <set>

#include "policies/cost.h"
#include "policies/random.h"
#include "policies/strategy/eligibility.h"
#include "tests/unit/policies/clusters.h"

namespace llrun::policies {
namespace {

using testing::make;
using testing::node;
using testing::process;

struct RandomCluster {
  explicit RandomCluster(Random& random) {
    const std::size_t count = 1 + random.below(12);
    for (std::size_t i = 0; i < count; ++i)
      peers.push_back(some_node(random, "p" + std::to_string(i)));
    self = some_node(random, "self");
    self.age_s = 0;
    const auto running = static_cast<std::uint64_t>(self.run_queue);
    for (std::uint64_t id = 1; id <= running; ++id) processes.push_back(some_process(random, id));
    view.self = self;
    for (const ProcessView& p : processes) view.self.census.add(p.cpu_s);
    view.peers = peers;
  }
  static NodeView some_node(Random& random, std::string name) {
    NodeView some = node(std::move(name), static_cast<double>(random.below(8)),
                         static_cast<double>(1 + random.below(4)), 0.5 + random.uniform() * 2);
    some.levelling = random.below(8) != 0;
    some.accepts = random.below(8) != 0;
    some.memory_bytes = 8e9;
    some.free_memory_bytes = random.uniform() * 8e9;
    some.age_s = random.uniform() * 10;
    return some;
  }
  static ProcessView some_process(Random& random, std::uint64_t id) {
    ProcessView some = process(id, random.uniform() * 300);
    some.rss_bytes = some.dirty_bytes = random.uniform() * 2e9;
    some.pinned = random.below(5) == 0;
    some.placed = random.below(2) == 0;
    some.moves = static_cast<int>(random.below(3));
    some.last_move_age_s = random.uniform() * 20;
    return some;
  }

  NodeView self;
  std::vector<NodeView> peers;
  std::vector<ProcessView> processes;
  ClusterView view;
};

class EveryStrategy : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryStrategy, MovesOnlyWhatMayLeaveToWhatMayReceiveAndEachOnce) {
  Random random(11);
  auto strategy = make(GetParam());
  for (int round = 0; round < 500; ++round) {
    const RandomCluster cluster(random);
    std::set<std::uint64_t> seen;
    for (const Decision& decision : strategy->decide(cluster.view, cluster.processes)) {
      ASSERT_TRUE(decision.peer);
      ASSERT_LT(*decision.peer, cluster.peers.size());
      const ProcessView& moved = cluster.processes.at(decision.process - 1);
      EXPECT_FALSE(moved.pinned);
      EXPECT_TRUE(can_receive(cluster.peers[*decision.peer], moved.rss_bytes));
      EXPECT_TRUE(seen.insert(decision.process).second);
      EXPECT_FALSE(decision.reason.empty());
    }
  }
}

TEST_P(EveryStrategy, PlacesOnlyWhereANodeMayReceive) {
  Random random(12);
  auto strategy = make(GetParam());
  for (int round = 0; round < 500; ++round) {
    const RandomCluster cluster(random);
    ExecView exec;
    exec.rss_bytes = random.uniform() * 2e9;
    const Placement placement = strategy->place(cluster.view, exec);
    EXPECT_FALSE(placement.reason.empty());
    if (!placement.peer) continue;
    EXPECT_TRUE(can_receive(cluster.peers.at(*placement.peer), exec.rss_bytes));
    for (const std::size_t peer : placement.also)
      EXPECT_TRUE(can_receive(cluster.peers.at(peer), exec.rss_bytes));
  }
}

TEST_P(EveryStrategy, ExplainsEachProcessWhenAsked) {
  Random random(13);
  for (int round = 0; round < 50; ++round) {
    RandomCluster cluster(random);
    for (const Decision& decision : make(GetParam())->decide(cluster.view, cluster.processes))
      EXPECT_FALSE(decision.reason.empty());
  }
}

TEST_P(EveryStrategy, AdmitsNobodyWhereLevellingIsOff) {
  NodeView target = node("t", 0);
  target.levelling = false;
  EXPECT_FALSE(make(GetParam())->admit(target, {9, 0, false, 10, 100}).welcome);
}

// Two nodes with the same processes: nothing may move, whatever the ages, in either direction.
TEST_P(EveryStrategy, EqualNodesNeverSwap) {
  if (GetParam() == "random" || GetParam() == "round-robin")
    return;  // these look at no load, by definition
  Random random(14);
  auto strategy = make(GetParam());
  for (int round = 0; round < 300; ++round) {
    const auto count = 1 + random.below(6);
    NodeView here = node("here", static_cast<double>(count));
    std::vector<ProcessView> processes;
    for (std::uint64_t id = 1; id <= count; ++id) {
      processes.push_back(process(id, random.uniform() * 1000));
      here.census.add(processes.back().cpu_s);
    }
    NodeView there = here;
    there.name = "there";
    const std::vector<NodeView> peers{there};
    EXPECT_TRUE(strategy->decide(testing::cluster(here, peers), processes).empty());
    NodeView silent = node("here", static_cast<double>(count));  // the same without any census
    const std::vector<NodeView> silent_peers{node("there", static_cast<double>(count))};
    const auto moves = strategy->decide(testing::cluster(silent, silent_peers), processes);
    for (const Decision& move : moves)  // believed to gain: the target, knowing better, refuses
      EXPECT_FALSE(strategy->admit(there, move.offer).welcome) << GetParam();
  }
}

INSTANTIATE_TEST_SUITE_P(Builtin, EveryStrategy, ::testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const auto& info : builtin_strategies())
                             names.emplace_back(info.name);
                           return names;
                         }()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace llrun::policies
