// The simulator: nodes that share their processors, jobs that arrive at them, and the very
// strategies that the node agent runs, asked with the same views. One run, one strategy, one
// workload, one thread; the same configuration and seed give the same result to the last bit.
//
// What is modelled. A job arrives at its home; the home's strategy places it: here at once, or on a
// peer after `place_s`, if the peer's strategy admits it. Once every `decide_s`, at its own phase,
// each node asks its strategy about the processes it has; what the target admits is pre-copied (the
// link of both ends is occupied, the process runs on), frozen, and lands. Moves and placements burn
// CPU on the nodes. What a node knows of others is `information_s` old, except what it has itself
// sent there since; of itself and, as a target that admits, it knows the truth. Large clusters know
// only a random few at a time.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "policies/cost_model.h"
#include "policies/sim/node.h"
#include "policies/sim/workload.h"
#include "policies/strategy/strategy.h"

namespace llrun::policies::sim {

struct SimConfig {
  std::vector<SimNode> nodes = std::vector<SimNode>(3);
  std::string strategy = "none";  // "ideal": all nodes are one, at no cost
  std::map<std::string, double, std::less<>> strategy_numbers;
  std::uint64_t seed = 1;
  CostModel cost;                    // of moves: what they cost, and what strategies are told
  double place_s = 0.05;             // a remote start is later by this
  double place_cpu_s = 0.01;         // and costs both ends this
  Link link;                         // between any two nodes
  double information_s = 1;          // age of what is known of others, at least
  double information_step_s = 0.25;  // and at most this more
  double decide_s = 1;               // period of decisions; 0: none
  double after_s = 0;                // processes younger than this are not shown to decide()
  bool asks_at_start = true;         // place() is asked; else every job starts at its home
  double place_from_s = 0;           // of jobs that need at least so much: as if hints named them
  bool knows_lives = false;          // an oracle: what is left of each process stands for its age
  std::size_t most_known = 64;       // peers a node knows at a time
  double skip_s = 0;                 // jobs that arrive before are simulated but not counted
};

// One counted job's course, for those who want more than means.
struct JobOutcome {
  const Job* job;
  double response_s;
  int moves;
};

struct SimResult {
  std::uint64_t jobs = 0;  // counted
  double mean_response_s = 0;
  double mean_slowdown = 0;  // response over size on an idle node of speed 1
  double p99_slowdown = 0;   // within 3 %
  double mean_cpu_s = 0;     // size of the counted jobs
  std::uint64_t placed_away = 0;
  std::uint64_t moves = 0;
  std::uint64_t moved_jobs = 0;
  int most_moves = 0;               // of one job
  std::uint64_t refusals = 0;       // by admit()
  std::uint64_t most_promised = 0;  // newcomers on their way to one node at a time
  double overhead_cpu_s = 0;
  double network_bytes = 0;
  double end_s = 0;        // when the last job ended
  double frozen_s = 0;     // all moves together
  double utilisation = 0;  // CPU used over CPU there was until the last arrival
  double wasted = 0;       // part of the cores that was idle while as many processes shared others
  // What becomes of the long ones: jobs of at least kLong_s.
  double long_slowdown = 0, worst_long_slowdown = 0;
  std::uint64_t moved_often = 0;  // jobs that moved more than four times
  std::uint64_t events = 0;

  [[nodiscard]] double moves_per_moved() const {
    return moved_jobs == 0 ? 0 : static_cast<double>(moves) / static_cast<double>(moved_jobs);
  }
};

using OutcomeSink = std::function<void(const JobOutcome&)>;
[[nodiscard]] Result<SimResult> simulate(const SimConfig& config, Workload& workload,
                                         const OutcomeSink& sink = nullptr);

}  // namespace llrun::policies::sim
