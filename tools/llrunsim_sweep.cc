#include <cstdio>
#include <map>

#include "tools/llrunsim.h"

namespace llrun::llrunsim {

namespace {

void print_point(const Request& request, double value,
                 const policies::sim::StrategyRecord& record) {
  if (request.json) {
    nlohmann::json point = to_json(record);
    point["parameter"] = request.parameter;
    point["value"] = value;
    std::printf("%s\n", point.dump().c_str());
    return;
  }
  std::printf("%s=%-8g ", request.parameter.c_str(), value);
  print_record(record);
}

policies::sim::Plot plot_of(const Request& request) {
  policies::sim::Plot plot;
  plot.title = "Mean response over that of ideal levelling";
  plot.x_label = request.parameter;
  plot.y_label = "response / ideal";
  return plot;
}

}  // namespace

Result<int> run_sweep(const Request& request) {
  if (request.values.empty()) return failure(ErrorCode::kInvalid, "sweep needs --values");
  policies::sim::Plot plot = plot_of(request);
  for (const double value : request.values) {
    policies::sim::Scenario scenario = request.scenario;
    LLRUN_TRY(set_quantity(scenario, request.parameter, value));
    LLRUN_TRY_ASSIGN(
        const auto records,
        policies::sim::compare(scenario, request.strategies, request.replications, request.seed));
    plot.lines.resize(records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      print_point(request, value, records[i]);
      plot.lines[i].name = records[i].strategy;
      plot.lines[i].points.emplace_back(value, records[i].to_ideal.mean);
    }
    std::fflush(stdout);
  }
  if (!request.svg.empty()) LLRUN_TRY(write_file(request.svg, policies::sim::to_svg(plot)));
  return 0;
}

}  // namespace llrun::llrunsim
