#include "policies/cost.h"

#include <algorithm>
#include <cmath>

namespace llrun::policies {

namespace {

// Pre-copy sends everything once and then what was written meanwhile; each round shrinks by the
// ratio of writing to sending. What is left after the rounds travels in the freeze.
struct Precopy {
  double sent_bytes;
  double left_bytes;
};

Precopy precopy(const ProcessView& process, const Link& link, double rounds) {
  const double ratio = std::min(1.0, process.dirty_bytes_per_s / link.bandwidth_bytes_per_s);
  Precopy result{process.dirty_bytes, 0};
  double left = process.dirty_bytes * ratio;
  for (int round = 1; round < static_cast<int>(rounds); ++round) {
    result.sent_bytes += left;
    left *= ratio;
  }
  result.left_bytes = left;
  return result;
}

}  // namespace

MoveCost move_cost(const ProcessView& process, const Link& link, const CostModel& model) {
  const Precopy copy = precopy(process, link, model.precopy_rounds);
  MoveCost cost;
  cost.network_bytes = copy.sent_bytes + copy.left_bytes;
  cost.transfer_s = model.setup_s + copy.sent_bytes / link.bandwidth_bytes_per_s;
  cost.freeze_s = model.freeze_s + model.freeze_s_per_byte * process.dirty_bytes + 2 * link.rtt_s +
                  copy.left_bytes / link.bandwidth_bytes_per_s;
  cost.cpu_s = model.move_cpu_s + cost.network_bytes * model.cpu_s_per_byte;
  return cost;
}

double away_tax(double home_calls_per_s, double home_bytes_per_s, const Link& link,
                const CostModel& model) {
  return home_calls_per_s * (link.rtt_s + model.home_call_s) +
         home_bytes_per_s / link.bandwidth_bytes_per_s;
}

double s_per_cpu_s(const NodeView& node, double processes) {
  return std::max(1.0, processes / std::max(node.cores, 0.01)) / std::max(node.speed, 0.01);
}

}  // namespace llrun::policies
