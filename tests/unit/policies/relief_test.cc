#include "policies/strategy/relief.h"

#include <gtest/gtest.h>

#include <array>

namespace llrun::policies {
namespace {

TEST(Relief, TheSmallestThatSufficesElseTheLargest) {
  const std::array<double, 4> bytes{10, 50, 200, 80};
  EXPECT_EQ(whose_leaving_helps(bytes, 60), 3U);
  EXPECT_EQ(whose_leaving_helps(bytes, 100), 2U);
  EXPECT_EQ(whose_leaving_helps(bytes, 500), 2U);
  EXPECT_EQ(whose_leaving_helps(bytes, 5), 0U);
  EXPECT_EQ(whose_leaving_helps(bytes, 1000), std::nullopt) << "not even a quarter";
  EXPECT_EQ(whose_leaving_helps({}, 1), std::nullopt);
}

TEST(Relief, PressureAsksForMoreRoom) {
  NodeView node;
  node.memory_bytes = 1000;
  node.free_memory_bytes = 100;
  EXPECT_EQ(memory_shortage(node, 0), 0);
  EXPECT_EQ(memory_shortage(node, -1), 0) << "no PSI here";
  EXPECT_EQ(memory_shortage(node, 20), 50);
  node.free_memory_bytes = 10;
  EXPECT_EQ(memory_shortage(node, -1), 40);
  node.memory_bytes = 0;
  EXPECT_EQ(memory_shortage(node, 50), 0) << "nothing is known";
}

TEST(Relief, GoesToTheLeastCrowdedNodeWithRoom) {
  std::array<NodeView, 3> peers;
  for (auto& peer : peers) peer.memory_bytes = peer.free_memory_bytes = 1000;
  peers[0].free_memory_bytes = 100;
  peers[1].run_queue = 3;
  ClusterView view;
  view.peers = peers;
  std::array<ProcessView, 2> processes;
  processes[0].id = 1;
  processes[0].rss_bytes = 20;
  processes[1].id = 2;
  processes[1].rss_bytes = 300;
  const auto decision = relieve(view, processes, 200);
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->process, 2U);
  EXPECT_EQ(decision->peer, 2U);
  processes[1].pinned = true;
  EXPECT_FALSE(relieve(view, processes, 200));
  EXPECT_FALSE(relieve(view, processes, 0));
}

}  // namespace
}  // namespace llrun::policies
