#include "policies/sim/comparison.h"

#include <algorithm>
#include <utility>

namespace llrun::policies::sim {

namespace {

std::vector<double> responses(const StrategyRecord& record) {
  std::vector<double> values;
  for (const SimResult& result : record.replications) values.push_back(result.mean_response_s);
  return values;
}

void summarize(StrategyRecord& record, const StrategyRecord& ideal) {
  std::vector<double> slowdowns;
  double jobs = 0, moves = 0, moved = 0, away = 0;
  for (const SimResult& result : record.replications) {
    slowdowns.push_back(result.mean_slowdown);
    jobs += static_cast<double>(result.jobs);
    moves += static_cast<double>(result.moves);
    moved += static_cast<double>(result.moved_jobs);
    away += static_cast<double>(result.placed_away);
    record.moved_often_part += static_cast<double>(result.moved_often);
    record.wasted += result.wasted / static_cast<double>(record.replications.size());
    record.long_slowdown += result.long_slowdown / static_cast<double>(record.replications.size());
    record.worst_long_slowdown = std::max(record.worst_long_slowdown, result.worst_long_slowdown);
    record.most_moves = std::max(record.most_moves, result.most_moves);
  }
  record.response_s = confidence_95(responses(record));
  record.slowdown = confidence_95(slowdowns);
  record.to_ideal = paired_ratio_95(responses(record), responses(ideal));
  record.moves_per_moved = moved > 0 ? moves / moved : 0;
  record.moved_often_part = jobs > 0 ? record.moved_often_part / jobs : 0;
  record.moved_part = jobs > 0 ? moved / jobs : 0;
  record.placed_away_part = jobs > 0 ? away / jobs : 0;
}

}  // namespace

Result<std::vector<StrategyRecord>> compare(
    const Scenario& scenario, const std::vector<std::string>& strategies, int replications,
    std::uint64_t seed, const std::function<void(const std::string&)>& progress) {
  std::vector<StrategyRecord> records(1);
  records[0].strategy = "ideal";
  for (const std::string& name : strategies)
    if (name != "ideal") records.emplace_back().strategy = name;
  for (StrategyRecord& record : records) {
    for (int i = 0; i < replications; ++i) {
      LLRUN_TRY_ASSIGN(SimResult result,
                       replicate(scenario, record.strategy, seed + static_cast<std::uint64_t>(i)));
      record.replications.push_back(result);
    }
    if (progress) progress(record.strategy);
  }
  const StrategyRecord ideal = records[0];
  for (StrategyRecord& record : records) summarize(record, ideal);
  return records;
}

}  // namespace llrun::policies::sim
