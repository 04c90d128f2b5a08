// Scenario: a cluster and a workload, from which any number of independent replications can be run
// with any strategy. What llrunsim's options describe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "policies/sim/simulator.h"

namespace llrun::policies::sim {

struct Scenario {
  SimConfig config;
  std::string workload = "poisson";         // "kacer-tvrdik", "log"
  std::string sizes = "pareto:1:0.2:1000";  // "exponential:MEAN", "pareto:ALPHA:LOW:HIGH"; seconds
  double rho = 0.7;                  // of all capacity; for the log: the capacity is chosen to fit
  std::vector<double> home_weights;  // empty: equal, or by capacity where nodes differ
  std::uint64_t jobs = 1'000'000;
  double batch_mean = 1;
  double rss_mean_bytes = 0;
  bool consecutive = true;
  std::shared_ptr<const std::vector<Job>> log;
};

// "3": equal nodes; "2x4:1.5:8192,1x1": counts x cores : speed : MiB.
[[nodiscard]] Result<std::vector<SimNode>> parse_nodes(std::string_view text);
[[nodiscard]] Result<SizeLaw> parse_sizes(std::string_view text, double& mean_s);
// "a,b,c" as numbers.
[[nodiscard]] Result<std::vector<double>> parse_numbers(std::string_view text);
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);

[[nodiscard]] Result<std::unique_ptr<Workload>> make_workload(const Scenario& scenario,
                                                              std::uint64_t seed);

// Gives the nodes the cores that make the log's load `rho` of them.
void fit_cores(Scenario& scenario);

[[nodiscard]] Result<SimResult> replicate(const Scenario& scenario, std::string_view strategy,
                                          std::uint64_t seed, const OutcomeSink& sink = nullptr);

}  // namespace llrun::policies::sim
