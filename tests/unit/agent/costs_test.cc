#include "supervisor/agent/costs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "policies/cost.h"

namespace llrun::agent {
namespace {

double freeze_of(const Costs& costs, double bytes) {
  const auto model = costs.model();
  return model.freeze_s + model.freeze_s_per_byte * bytes;
}

TEST(Costs, BeginWithAModestGuess) {
  const Costs costs("");
  EXPECT_NEAR(freeze_of(costs, 0), 0.05, 1e-6);
  EXPECT_NEAR(freeze_of(costs, 100e6), 0.9, 1e-6);
  EXPECT_EQ(costs.bandwidth("b"), 0);
}

TEST(Costs, FollowWhatMovesHaveCost) {
  Costs costs("");
  for (int i = 0; i < 30; ++i) {
    costs.learn_move("b", 0.01, 1e6, 0.01);
    costs.learn_move("b", 0.11, 101e6, 0.1);
  }
  EXPECT_NEAR(freeze_of(costs, 50e6), 0.059, 0.02);
  EXPECT_NEAR(costs.bandwidth("b"), 101e6 / 0.1 / (1 << 20), 100);
}

TEST(Costs, AMoveOfLittleSaysNothingOfTheLink) {
  Costs costs("");
  costs.learn_move("b", 0.01, 1000, 0.005);
  EXPECT_EQ(costs.bandwidth("b"), 0);
}

TEST(Costs, AreNeverNegative) {
  Costs costs("");
  for (int i = 0; i < 50; ++i) {
    costs.learn_move("b", 5, 1e6, 1);
    costs.learn_move("b", 0.1, 500e6, 1);
  }
  EXPECT_GE(costs.model().freeze_s, 0);
  EXPECT_GE(costs.model().freeze_s_per_byte, 0);
}

TEST(Costs, AreKept) {
  const std::string file = "/tmp/llrun-costs-" + std::to_string(::getpid());
  {
    Costs costs(file);
    for (int i = 0; i < 20; ++i) costs.learn_move("b", 0.2, 50e6, 1);
  }
  const Costs again(file);
  EXPECT_NEAR(freeze_of(again, 50e6), 0.2, 0.1);
  EXPECT_NEAR(again.bandwidth("b"), 47.7, 0.1);
  for (const char* text : {"nonsense", "1e-300 1 1 1 1", "2 1e8 -1 1e16 9e7"}) {
    std::ofstream(file) << text;
    const Costs damaged(file);
    EXPECT_NEAR(freeze_of(damaged, 0), 0.05, 1e-6) << text;
  }
  ::unlink(file.c_str());
}

TEST(Costs, OnlyAMoveSeenToHappenTeaches) {
  Costs costs("");
  Supervised process;
  process.report.set_job("job");
  process.report.set_where("b");
  process.report.set_moves(3);
  process.report.set_last_transfer_bytes(100U << 20);
  process.report.set_last_transfer_us(1'000'000);
  const Supervised* all[] = {&process};
  costs.learn(all);
  EXPECT_EQ(costs.bandwidth("b"), 0) << "it may have moved long ago";
  process.report.set_moves(4);
  costs.learn(all);
  EXPECT_NEAR(costs.bandwidth("b"), 100, 1);
}

}  // namespace
}  // namespace llrun::agent
