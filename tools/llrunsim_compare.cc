#include <cstdio>

#include "tools/llrunsim.h"

namespace llrun::llrunsim {

Result<int> run_compare(const Request& request) {
  const auto progress = [&](const std::string& strategy) {
    if (!request.quiet) std::fprintf(stderr, "%s done\n", strategy.c_str());
  };
  LLRUN_TRY_ASSIGN(const auto records,
                   policies::sim::compare(request.scenario, request.strategies,
                                          request.replications, request.seed, progress));
  if (!request.json)
    std::printf("%-17s %8s  %6s %7s  %5s %8s %7s %9s %8s %6s %5s %7s %6s %6s\n", "strategy",
                "response", "95 %", "/ideal", "95 %", "slowdown", "p99", "away", "moved", "moves",
                "most", "wasted", "long", "worst");
  for (const auto& record : records) {
    if (request.json)
      std::printf("%s\n", to_json(record).dump().c_str());
    else
      print_record(record);
  }
  return 0;
}

Result<int> run_list(const Request& request) {
  for (const auto& info : policies::builtin_strategies()) {
    if (request.json) {
      nlohmann::json settings = nlohmann::json::object();
      for (const auto& setting : info.settings)
        settings[std::string(setting.name)] = setting.default_value;
      std::printf("%s\n", nlohmann::json{{"schema", 1},
                                         {"strategy", info.name},
                                         {"summary", info.summary},
                                         {"settings", settings}}
                              .dump()
                              .c_str());
      continue;
    }
    std::printf("%-17s %s\n", std::string(info.name).c_str(), std::string(info.summary).c_str());
    for (const auto& setting : info.settings)
      std::printf("    %-13s %-6g %s\n", std::string(setting.name).c_str(), setting.default_value,
                  std::string(setting.meaning).c_str());
  }
  return 0;
}

}  // namespace llrun::llrunsim
