#include <cmath>
#include <cstdio>

#include "policies/sim/erlang.h"
#include "tools/llrunsim.h"

namespace llrun::llrunsim {

namespace {

struct Check {
  std::string strategy;
  std::size_t nodes;
  double rho;
  double theory;
};

Result<policies::sim::Interval> measure(const Request& request, const Check& check) {
  policies::sim::Scenario scenario = request.scenario;
  scenario.workload = "poisson";
  scenario.sizes = "exponential:1";
  scenario.rho = check.rho;
  scenario.config.nodes.assign(check.nodes, {});
  scenario.home_weights.clear();
  LLRUN_TRY_ASSIGN(const auto records, policies::sim::compare(scenario, {check.strategy},
                                                              request.replications, request.seed));
  return records.back().response_s;
}

bool print_check(const Request& request, const Check& check,
                 const policies::sim::Interval& measured) {
  const double off = measured.mean / check.theory - 1;
  const bool right = std::abs(off) <= 0.02;
  if (request.json) {
    std::printf("%s\n", nlohmann::json{{"schema", 1},
                                       {"strategy", check.strategy},
                                       {"nodes", check.nodes},
                                       {"rho", check.rho},
                                       {"theory", check.theory},
                                       {"measured", measured.mean},
                                       {"ci95", measured.half_width},
                                       {"off", off},
                                       {"right", right}}
                            .dump()
                            .c_str());
  } else {
    std::printf("%-6s n=%-3zu rho=%.1f  theory %7.4f  measured %7.4f ±%.4f  off %+.2f%%  %s\n",
                check.strategy.c_str(), check.nodes, check.rho, check.theory, measured.mean,
                measured.half_width, 100 * off, right ? "right" : "WRONG");
  }
  std::fflush(stdout);
  return right;
}

}  // namespace

// 0 when every figure is within 2 % of theory.
Result<int> run_validate(const Request& request) {
  bool all_right = true;
  for (const std::size_t nodes : {std::size_t{3}, std::size_t{6}, std::size_t{16}}) {
    for (const double rho : {0.5, 0.6, 0.7, 0.8, 0.9}) {
      const int count = static_cast<int>(nodes);
      for (const Check& check :
           {Check{"none", nodes, rho, policies::sim::response_alone(rho)},
            Check{"ideal", nodes, rho, policies::sim::response_ideal(count, rho)}}) {
        LLRUN_TRY_ASSIGN(const auto measured, measure(request, check));
        all_right = print_check(request, check, measured) && all_right;
      }
    }
  }
  return all_right ? 0 : 1;
}

}  // namespace llrun::llrunsim
