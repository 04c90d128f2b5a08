// The simulator against theory, in short: CTest label long has the full ranges.
#include "policies/sim/simulator.h"

#include <gtest/gtest.h>

#include <sstream>

#include "policies/sim/comparison.h"
#include "policies/sim/erlang.h"
#include "policies/sim/information_run.h"

namespace llrun::policies::sim {
namespace {

Scenario exponential(double rho, std::uint64_t jobs) {
  Scenario scenario;
  scenario.sizes = "exponential:1";
  scenario.rho = rho;
  scenario.jobs = jobs;
  return scenario;
}

double response(const Scenario& scenario, std::string_view strategy, std::uint64_t seed = 1) {
  const auto result = replicate(scenario, strategy, seed);
  LLRUN_CHECK(result.has_value(), result.error().message());
  return result->mean_response_s;
}

TEST(ErlangC, AgreesWithKnownValues) {
  EXPECT_NEAR(erlang_c(1, 0.7), 0.7, 1e-12);
  EXPECT_NEAR(erlang_c(2, 1), 1.0 / 3, 1e-12);
  EXPECT_NEAR(response_ideal(1, 0.5), 2, 1e-12);
}

TEST(Simulator, AgreesWithTheoryWithinTwoPercent) {
  const Scenario scenario = exponential(0.6, 300000);
  EXPECT_NEAR(response(scenario, "none") / response_alone(0.6), 1, 0.02);
  EXPECT_NEAR(response(scenario, "ideal") / response_ideal(3, 0.6), 1, 0.02);
}

TEST(Simulator, IsTheSameForTheSameSeedAndDiffersForAnother) {
  Scenario scenario = exponential(0.7, 5000);
  EXPECT_EQ(response(scenario, "hindrance", 3), response(scenario, "hindrance", 3));
  EXPECT_NE(response(scenario, "hindrance", 3), response(scenario, "hindrance", 4));
}

TEST(Simulator, EveryJobEndsUnderEveryStrategy) {
  Scenario scenario;
  scenario.jobs = 3000;
  scenario.config.nodes = *parse_nodes("2x1:1:2048,1x4:2:4096");
  scenario.rss_mean_bytes = 2e8;
  for (const StrategyInfo& info : builtin_strategies()) {
    const auto result = replicate(scenario, info.name, 1);
    ASSERT_TRUE(result) << info.name;
    EXPECT_EQ(result->jobs, 3000U) << info.name;
    EXPECT_GE(result->mean_slowdown, 0.5) << info.name;
  }
}

// Two jobs share n0 for ten seconds while n1 is idle: half of all cores is wasted.
TEST(Simulator, SeesIdleCoresBesideWaitingJobs) {
  std::vector<Job> jobs(3);
  for (Job& job : jobs) job.cpu_s = 10;
  jobs[2].arrival_s = 10;
  jobs[2].home = 1;
  SimConfig config;
  config.nodes.resize(2);
  const auto workload = listed_workload(jobs);
  const auto result = simulate(config, *workload);
  ASSERT_TRUE(result);
  EXPECT_NEAR(result->wasted, 0.5, 1e-9);
  EXPECT_NEAR(result->utilisation, 0.5, 1e-9);
  EXPECT_NEAR(result->long_slowdown, (2 + 2 + 1) / 3.0, 1e-6);
  EXPECT_NEAR(result->worst_long_slowdown, 2, 1e-6);
}

TEST(Simulator, OldJobsMoveOnlyWhereStartsAreNotAskedFor) {
  Scenario scenario;
  scenario.jobs = 3000;
  scenario.config.asks_at_start = false;
  scenario.config.after_s = 5;
  const auto result = replicate(scenario, "hindrance", 1, [](const JobOutcome& job) {
    EXPECT_TRUE(job.response_s >= 5 || job.moves == 0);
  });
  ASSERT_TRUE(result);
  EXPECT_EQ(result->placed_away, 0U);
  EXPECT_GT(result->moves, 0U);
}

TEST(Simulator, NobodyMovesMoreThanFourTimes) {
  Scenario scenario;
  scenario.jobs = 20000;
  scenario.config.cost.freeze_s = 0.1;
  for (const char* name : {"combined", "hindrance"}) {
    const auto result = replicate(scenario, name, 2);
    ASSERT_TRUE(result);
    EXPECT_GT(result->moves, 0U) << name;
    EXPECT_LE(result->most_moves, 4) << name;
    EXPECT_EQ(result->moved_often, 0U) << name;
  }
}

TEST(Simulator, MovesCostWhatTheyAreSaidToCost) {
  Scenario scenario;
  scenario.jobs = 20000;
  scenario.config.place_cpu_s = 0;
  const auto result = replicate(scenario, "lifetime", 1);
  ASSERT_TRUE(result);
  EXPECT_GT(result->moves, 0U);
  EXPECT_NEAR(result->overhead_cpu_s, 2 * 0.02 * static_cast<double>(result->moves),
              0.05 * result->overhead_cpu_s);
}

TEST(KacerTvrdik, HasTheSizesAndTheConsecutiveProcessesOfThePaper) {
  KacerTvrdikOptions options;
  options.batches_each = 20;
  const auto workload = kacer_tvrdik_workload(options);
  double last_s = 0;
  for (auto job = workload->next(); job; job = workload->next()) {
    EXPECT_GE(job->arrival_s, last_s);
    EXPECT_LE(job->cpu_s, 60);
    EXPECT_EQ(job->rss_bytes, 0.5e6);
    last_s = job->arrival_s;
    int batch = 1;
    for (auto next = workload->follows(*job, last_s + 100); next;
         next = workload->follows(*next, last_s + 100)) {
      EXPECT_EQ(next->home, job->home);
      ++batch;
    }
    EXPECT_LE(batch, 10);
  }
}

TEST(Swf, ReadsJobsAndRefusesOtherText) {
  std::istringstream log(
      "; a comment\n1 10 0 50 2 -1 -1 -1 -1 -1 -1 7 1 -1 -1 4 -1 -1\n"
      "2 20 0 -1 1 -1 -1 -1 -1 -1 -1 7 1 -1 -1 4 -1 -1\n");
  const auto jobs = read_swf(log, {3, 1, 100});
  ASSERT_TRUE(jobs);
  ASSERT_EQ(jobs->size(), 1U);
  EXPECT_EQ(jobs->front().cpu_s, 100);
  EXPECT_EQ(jobs->front().home, 1U);
  std::istringstream damaged("1 2 three\n");
  EXPECT_FALSE(read_swf(damaged, {3, 1, 100}));
}

TEST(ScenarioText, RefusesWhatItCannotMean) {
  double mean = 0;
  for (const char* bad : {"", "0", "3x0:1", "x", "3x1:-1", "2000000"})
    EXPECT_FALSE(parse_nodes(bad)) << bad;
  for (const char* bad : {"", "pareto", "pareto:1:5:2", "exponential:-1", "normal:1"})
    EXPECT_FALSE(parse_sizes(bad, mean)) << bad;
  EXPECT_EQ(parse_nodes("2x4:1.5:100,1x1")->size(), 3U);
}

// Ten seconds' load of one idle node among ten busy ones, each of which knows only what was five
// seconds ago.
TEST(Herd, OldNewsSendsNoTargetMoreThanItCanUse) {
  Scenario scenario;
  scenario.config.nodes.assign(11, SimNode{});
  scenario.home_weights.assign(11, 1);
  scenario.home_weights[10] = 0;
  scenario.config.information_s = 5;
  scenario.jobs = 20000;
  for (const char* strategy : {"threshold", "limited", "shortest", "mosix", "opportunity-cost",
                               "lifetime", "combined", "hindrance"}) {
    const auto result = replicate(scenario, strategy, 1);
    ASSERT_TRUE(result);
    EXPECT_LE(result->most_promised, 4U) << strategy;
  }
}

TEST(Gossip, CostsTheSameForEachNodeHoweverManyThereAre) {
  InformationConfig few, many;
  few.nodes = 100;
  many.nodes = 400;
  few.seconds = many.seconds = 30;
  const auto small = run_information(few, 1), large = run_information(many, 1);
  ASSERT_TRUE(small && large);
  EXPECT_NEAR(large->bytes_per_node_s / small->bytes_per_node_s, 1, 0.1);
  EXPECT_NEAR(large->messages_per_node_s / small->messages_per_node_s, 1, 0.1);
  EXPECT_LE(large->age_p95_s, 8);
}

}  // namespace
}  // namespace llrun::policies::sim
