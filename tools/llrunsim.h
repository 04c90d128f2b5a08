// llrunsim's verbs and what they share.
#pragma once

#include <boost/program_options.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "policies/sim/comparison.h"
#include "policies/sim/svg_plot.h"

namespace llrun::llrunsim {

// What the command line said.
struct Request {
  std::string verb;
  policies::sim::Scenario scenario;
  std::vector<std::string> strategies;
  int replications = 5;
  std::uint64_t seed = 1;
  bool json = false;
  bool quiet = false;
  std::string svg;             // file to write a plot to
  std::string parameter;       // of sweep
  std::vector<double> values;  // of sweep, and numbers of nodes of information
  double vanish = 0;           // of information: part of the nodes
  double seconds = 60;         // of information
};

inline constexpr int kUsage = 2;

// kInvalid: usage, in words. A verb of "help" means that help was asked for.
[[nodiscard]] Result<Request> parse_command_line(int argc, char** argv);
[[nodiscard]] std::string usage();
// Sets one simulated quantity by its option's name (freeze, place, information, rho, …).
[[nodiscard]] Result<> set_quantity(policies::sim::Scenario& scenario, const std::string& name,
                                    double value);

[[nodiscard]] Result<int> run_compare(const Request& request);
[[nodiscard]] Result<int> run_sweep(const Request& request);
[[nodiscard]] Result<int> run_validate(const Request& request);
[[nodiscard]] Result<int> run_information(const Request& request);
[[nodiscard]] Result<int> run_list(const Request& request);

void print_record(const policies::sim::StrategyRecord& record);
[[nodiscard]] nlohmann::json to_json(const policies::sim::StrategyRecord& record);
[[nodiscard]] Result<> write_file(const std::string& path, const std::string& text);

}  // namespace llrun::llrunsim
