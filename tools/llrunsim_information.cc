#include <cstdio>

#include "policies/sim/information_run.h"
#include "tools/llrunsim.h"

namespace llrun::llrunsim {

namespace {

void print_result(const Request& request, const policies::sim::InformationConfig& config,
                  const policies::sim::InformationResult& result) {
  if (request.json) {
    std::printf("%s\n", nlohmann::json{{"schema", 1},
                                       {"policy", config.policy},
                                       {"nodes", config.nodes},
                                       {"vanish", config.vanish_part},
                                       {"known", result.known},
                                       {"age_mean_s", result.age_mean_s},
                                       {"age_p95_s", result.age_p95_s},
                                       {"messages_per_node_s", result.messages_per_node_s},
                                       {"bytes_per_node_s", result.bytes_per_node_s},
                                       {"bytes_busiest_s", result.bytes_busiest_s},
                                       {"gone_known", result.gone_known_part},
                                       {"forgotten_after_s", result.forgotten_after_s}}
                            .dump()
                            .c_str());
    return;
  }
  std::printf("%-7s %6zu %6.0f%% %7.1f %8.2f %8.2f %9.2f %10.0f %11.0f %7.2f%% %8.0f\n",
              config.policy.c_str(), config.nodes, 100 * config.vanish_part, result.known,
              result.age_mean_s, result.age_p95_s, result.messages_per_node_s,
              result.bytes_per_node_s, result.bytes_busiest_s, 100 * result.gone_known_part,
              result.forgotten_after_s);
  std::fflush(stdout);
}

}  // namespace

// `values`: numbers of nodes. direct is left out where its messages would not fit in memory.
Result<int> run_information(const Request& request) {
  constexpr double kMostDirect = 300;
  const std::vector<double> sizes =
      request.values.empty() ? std::vector<double>{3, 10, 30, 100, 300, 1000} : request.values;
  if (!request.json)
    std::printf("%-7s %6s %7s %7s %8s %8s %9s %10s %11s %8s %8s\n", "policy", "nodes", "vanish",
                "known", "age s", "p95 s", "msg/n/s", "B/n/s", "busiest B/s", "gone", "forgot s");
  for (const double size : sizes)
    for (const char* policy : {"direct", "master", "gossip"}) {
      if (std::string(policy) == "direct" && size > kMostDirect) continue;
      policies::sim::InformationConfig config;
      config.policy = policy;
      config.nodes = static_cast<std::size_t>(size);
      config.vanish_part = request.vanish;
      config.seconds = request.seconds;
      LLRUN_TRY_ASSIGN(const auto result, policies::sim::run_information(config, request.seed));
      print_result(request, config, result);
    }
  return 0;
}

}  // namespace llrun::llrunsim
