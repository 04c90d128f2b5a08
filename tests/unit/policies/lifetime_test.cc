#include <gtest/gtest.h>

#include "policies/cost.h"
#include "tests/unit/policies/clusters.h"

namespace llrun::policies {
namespace {

using testing::cluster;
using testing::make;
using testing::node;
using testing::process;

class LifetimeTest : public ::testing::Test {
 protected:
  std::vector<Decision> decide(const NodeView& self, const std::vector<ProcessView>& processes) {
    ClusterView view = cluster(self, peers);
    view.cost.freeze_s = 1;
    view.cost.move_cpu_s = 0;
    return strategy->decide(view, processes);
  }
  std::vector<NodeView> peers{node("b", 0)};
  std::unique_ptr<Strategy> strategy = make("lifetime");
};

// Two processes here, none there: each second of CPU becomes one second faster; the cost is a
// little over 1 s.
TEST_F(LifetimeTest, MovesOnceThePastPaysForTheMove) {
  EXPECT_TRUE(decide(node("a", 2), {process(1, 0.9), process(2, 0.1)}).empty());
  const auto moves = decide(node("a", 2), {process(1, 1.1), process(2, 0.1)});
  ASSERT_EQ(moves.size(), 1U);
  EXPECT_EQ(moves[0].process, 1U);
  EXPECT_FALSE(moves[0].numbers.empty());
}

TEST_F(LifetimeTest, CountsFromTheLastMoveNotFromTheStart) {
  ProcessView old = process(1, 1000);
  old.moves = 1;
  old.last_move_age_s = 30;
  old.cpu_since_move_s = 0.5;
  EXPECT_TRUE(decide(node("a", 2), {old, process(2, 0.1)}).empty());
}

TEST_F(LifetimeTest, EqualNodesNeverSwap) {
  peers = {node("b", 2)};
  EXPECT_TRUE(decide(node("a", 2), {process(1, 1e6), process(2, 1e6)}).empty());
  peers = {node("b", 1)};
  EXPECT_TRUE(decide(node("a", 2), {process(1, 1e6), process(2, 1e6)}).empty());
}

TEST_F(LifetimeTest, StartsElsewhereOnlyWhatIsKnownToPay) {
  ClusterView view = cluster(node("a", 1), peers);
  view.place_s = 0.5;
  ExecView exec;
  EXPECT_FALSE(strategy->place(view, exec).peer) << "who knows";
  exec.expected_cpu_s = 0.4;
  EXPECT_FALSE(strategy->place(view, exec).peer) << "too short";
  exec.expected_cpu_s = 60;
  EXPECT_TRUE(strategy->place(view, exec).peer);
  view = cluster(node("a", 0), peers);
  EXPECT_FALSE(strategy->place(view, exec).peer) << "as good here";
}

TEST_F(LifetimeTest, DoesNotEmptyTheNode) {
  std::vector<ProcessView> processes;
  for (std::uint64_t id = 1; id <= 6; ++id) processes.push_back(process(id, 100));
  EXPECT_EQ(decide(node("a", 6), processes).size(), 3U);
}

TEST_F(LifetimeTest, BelievesHistoryRatherThanTheLaw) {
  ProcessView long_lived = process(1, 0.1);
  long_lived.remaining_cpu_s = 500;
  ProcessView ending = process(2, 100);
  ending.remaining_cpu_s = 0.2;
  const auto moves = decide(node("a", 2), {ending, long_lived});
  ASSERT_EQ(moves.size(), 1U);
  EXPECT_EQ(moves[0].process, 1U);
}

TEST_F(LifetimeTest, GoesToTheFasterNodeThoughNeitherIsBusy) {
  peers = {node("b", 0, 1, 4)};
  EXPECT_EQ(decide(node("a", 1), {process(1, 100)}).size(), 1U);
}

TEST_F(LifetimeTest, LeavesPinnedProcessesAndFullNodesAlone) {
  ProcessView pinned = process(1, 100);
  pinned.pinned = true;
  EXPECT_TRUE(decide(node("a", 2), {pinned}).empty());
  peers[0].memory_bytes = 1e9;
  ProcessView big = process(2, 100);
  big.rss_bytes = 1e9;
  EXPECT_TRUE(decide(node("a", 2), {big}).empty());
}

TEST_F(LifetimeTest, BringsHomeWhatIsSlowerAway) {
  ProcessView chatty = process(1, 100);
  chatty.moves = 1;
  chatty.last_move_age_s = 10;
  chatty.home = 0;
  chatty.home_calls_per_s = 20000;
  const auto moves = decide(node("a", 1), {chatty});
  ASSERT_EQ(moves.size(), 1U);
  EXPECT_EQ(moves[0].peer, 0U);
  EXPECT_NE(moves[0].reason.find("slower away"), std::string::npos);

  chatty.home_calls_per_s = 1;
  EXPECT_TRUE(decide(node("a", 1), {chatty}).empty()) << "that is next to nothing";
  const auto crowded = decide(node("a", 3), {chatty});
  ASSERT_EQ(crowded.size(), 1U);
  EXPECT_NE(crowded[0].reason.find("home would run it sooner"), std::string::npos);

  NodeView threads = node("a", 4);
  threads.census.add(100);
  peers[0].run_queue = peers[0].load = 2;
  chatty.moves = 4;
  chatty.last_move_age_s = 10;
  StrategyOptions still;
  still.numbers["most_moves"] = 4;
  ClusterView view = cluster(threads, peers);
  EXPECT_TRUE(make("lifetime", still)->decide(view, std::vector{chatty}).empty())
      << "its own four threads are no crowd";
}

TEST(MoveCost, GrowsWithWhatIsWrittenWhileItIsSent) {
  ProcessView quiet = process(1, 1), busy = process(2, 1);
  quiet.dirty_bytes = busy.dirty_bytes = 1e9;
  busy.dirty_bytes_per_s = 60e6;
  const Link link;
  const CostModel model;
  EXPECT_LT(move_cost(quiet, link, model).freeze_s, 0.1);
  EXPECT_GT(move_cost(busy, link, model).freeze_s, 1.0);
  EXPECT_GT(move_cost(busy, link, model).network_bytes,
            move_cost(quiet, link, model).network_bytes);
}

TEST(SecondsPerCpuSecond, CountsCoresAndSpeed) {
  EXPECT_DOUBLE_EQ(s_per_cpu_s(node("a", 0, 4), 3), 1);
  EXPECT_DOUBLE_EQ(s_per_cpu_s(node("a", 0, 4), 8), 2);
  EXPECT_DOUBLE_EQ(s_per_cpu_s(node("a", 0, 1, 2), 1), 0.5);
}

}  // namespace
}  // namespace llrun::policies
