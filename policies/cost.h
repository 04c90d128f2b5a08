// What a move costs: the process, both nodes, and the wire. Estimates before the fact, measured
// afterwards by the agent, which feeds the model's constants from its own migrations.
#pragma once

#include "policies/strategy/views.h"

namespace llrun::policies {

// How CPU and memory of one move are spent.
struct MoveCost {
  double transfer_s = 0;  // pre-copy; the program runs on at the source
  double freeze_s = 0;    // the program stands still
  double cpu_s = 0;       // of each end
  double network_bytes = 0;

  // What the move takes from the program and its neighbours, in seconds: the measure that
  // strategies compare with what the move gains.
  [[nodiscard]] double total_s() const { return freeze_s + 2 * cpu_s; }
};

[[nodiscard]] MoveCost move_cost(const ProcessView& process, const Link& link,
                                 const CostModel& model);

// Wall seconds added to each CPU second by home calls and home traffic when the program is away on
// `link`.
[[nodiscard]] double away_tax(double home_calls_per_s, double home_bytes_per_s, const Link& link,
                              const CostModel& model);

// Wall seconds for one CPU second of a process that is one of `processes` on `node`: 1 on an idle
// node of speed 1. The one measure in which nodes of different cores and speeds compare.
[[nodiscard]] double s_per_cpu_s(const NodeView& node, double processes);

}  // namespace llrun::policies
