// What queueing theory says of nodes that share their processors, for comparison with the
// simulator.
#pragma once

namespace llrun::policies::sim {

// Erlang C: the chance that an arrival finds all of `servers` busy, offered `load` = arrivals ×
// mean size.
[[nodiscard]] double erlang_c(int servers, double load);

// Mean response in units of the mean size. Both hold for every law of sizes (processor sharing is
// insensitive).
[[nodiscard]] double response_alone(double rho);             // no balancing, each node for itself
[[nodiscard]] double response_ideal(int nodes, double rho);  // all share all, at no cost

}  // namespace llrun::policies::sim
