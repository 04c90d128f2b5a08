#include "policies/sim/erlang.h"

namespace llrun::policies::sim {

// By the recursion of Erlang B, which neither overflows nor cancels.
double erlang_c(int servers, double load) {
  double blocked = 1;
  for (int n = 1; n <= servers; ++n) blocked = load * blocked / (n + load * blocked);
  const double rho = load / servers;
  return blocked / (1 - rho * (1 - blocked));
}

double response_alone(double rho) { return 1 / (1 - rho); }

double response_ideal(int nodes, double rho) {
  return 1 + erlang_c(nodes, nodes * rho) / (nodes * (1 - rho));
}

}  // namespace llrun::policies::sim
