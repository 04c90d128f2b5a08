#include <cerrno>
#include <cstdio>
#include <fstream>

#include "tools/llrunsim.h"

namespace llrun::llrunsim {

using policies::sim::Interval;
using policies::sim::StrategyRecord;

namespace {

nlohmann::json interval(const Interval& value) {
  return {{"mean", value.mean}, {"ci95", value.half_width}};
}

}  // namespace

void print_record(const StrategyRecord& record) {
  std::printf(
      "%-17s %8.3f ±%6.3f %7.3f ±%5.3f %8.2f %7.1f %8.1f%% %7.2f%% %6.2f %5d %6.2f%% %6.2f %6.0f\n",
      record.strategy.c_str(), record.response_s.mean, record.response_s.half_width,
      record.to_ideal.mean, record.to_ideal.half_width, record.slowdown.mean,
      record.replications[0].p99_slowdown, 100 * record.placed_away_part, 100 * record.moved_part,
      record.moves_per_moved, record.most_moves, 100 * record.wasted, record.long_slowdown,
      record.worst_long_slowdown);
}

nlohmann::json to_json(const StrategyRecord& record) {
  std::uint64_t refusals = 0;
  double overhead = 0, bytes = 0, utilisation = 0;
  for (const auto& result : record.replications) {
    refusals += result.refusals;
    overhead += result.overhead_cpu_s;
    bytes += result.network_bytes;
    utilisation += result.utilisation / static_cast<double>(record.replications.size());
  }
  return {{"schema", 1},
          {"strategy", record.strategy},
          {"replications", record.replications.size()},
          {"jobs", record.replications[0].jobs},
          {"response_s", interval(record.response_s)},
          {"to_ideal", interval(record.to_ideal)},
          {"slowdown", interval(record.slowdown)},
          {"slowdown_p99", record.replications[0].p99_slowdown},
          {"placed_away", record.placed_away_part},
          {"moved", record.moved_part},
          {"moves_per_moved", record.moves_per_moved},
          {"most_moves", record.most_moves},
          {"moved_more_than_four_times", record.moved_often_part},
          {"wasted", record.wasted},
          {"long_slowdown", record.long_slowdown},
          {"worst_long_slowdown", record.worst_long_slowdown},
          {"refusals", refusals},
          {"overhead_cpu_s", overhead},
          {"network_bytes", bytes},
          {"utilisation", utilisation}};
}

Result<> write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.flush();
  if (!file) return system_error("write " + path);
  return {};
}

}  // namespace llrun::llrunsim
