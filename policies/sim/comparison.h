// Comparison: many strategies, one workload, several independent replications; each replication
// gives every strategy the very same arrivals and sizes, so ratios are known far better than means.
#pragma once

#include <string>
#include <vector>

#include "policies/sim/scenario.h"
#include "policies/sim/statistics.h"

namespace llrun::policies::sim {

struct StrategyRecord {
  std::string strategy;
  std::vector<SimResult> replications;
  Interval response_s;
  Interval slowdown;
  Interval to_ideal;  // mean response over that of ideal levelling
  // Over the replications together.
  double moves_per_moved = 0;
  int most_moves = 0;
  double placed_away_part = 0;
  double moved_often_part = 0;  // of all jobs
  double wasted = 0, long_slowdown = 0, worst_long_slowdown = 0;
  double moved_part = 0;
};

// "ideal" is always run, whether listed or not. `progress` is told each run that has ended.
[[nodiscard]] Result<std::vector<StrategyRecord>> compare(
    const Scenario& scenario, const std::vector<std::string>& strategies, int replications,
    std::uint64_t seed, const std::function<void(const std::string&)>& progress = nullptr);

}  // namespace llrun::policies::sim
