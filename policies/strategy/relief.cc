#include "policies/strategy/relief.h"

#include <algorithm>
#include <vector>

#include "policies/cost.h"
#include "policies/strategy/eligibility.h"

namespace llrun::policies {
namespace {

// Of all memory, that should be free.
constexpr double kKept = 0.05;
constexpr double kKeptUnderPressure = 0.15;
constexpr double kLeastHelp = 0.25;
// What the target compares itself with: any node that does not swap is better than this one.
constexpr double kSwapping = 1e6;

std::optional<std::size_t> best_with_room(const ClusterView& view, double bytes) {
  std::optional<std::size_t> best;
  double best_cost = 0;
  for (std::size_t peer = 0; peer < view.peers.size(); ++peer) {
    const NodeView& node = view.peers[peer];
    const double cost = s_per_cpu_s(node, std::max(node.load, node.run_queue) + node.incoming + 1);
    if (!can_receive(node, bytes) || (best && cost >= best_cost)) continue;
    best = peer;
    best_cost = cost;
  }
  return best;
}

}  // namespace

double memory_shortage(const NodeView& self, double pressure) {
  if (self.memory_bytes <= 0) return 0;
  const double kept = pressure >= kMemoryPressure ? kKeptUnderPressure : kKept;
  return std::max(0.0, kept * self.memory_bytes - self.free_memory_bytes);
}

std::optional<std::size_t> whose_leaving_helps(std::span<const double> bytes, double missing) {
  std::optional<std::size_t> chosen;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] < kLeastHelp * missing || bytes[i] <= 0) continue;
    const bool suffices = bytes[i] >= missing;
    const bool better =
        !chosen || (suffices ? bytes[*chosen] < missing || bytes[i] < bytes[*chosen]
                             : bytes[*chosen] < missing && bytes[i] > bytes[*chosen]);
    if (better) chosen = i;
  }
  return chosen;
}

std::optional<Decision> relieve(const ClusterView& view, std::span<const ProcessView> processes,
                                double missing) {
  if (missing <= 0) return std::nullopt;
  std::vector<const ProcessView*> able;
  std::vector<double> bytes;
  for (const ProcessView& process : processes) {
    if (process.pinned || !best_with_room(view, process.rss_bytes)) continue;
    able.push_back(&process);
    bytes.push_back(process.rss_bytes);
  }
  const auto chosen = whose_leaving_helps(bytes, missing);
  if (!chosen) return std::nullopt;
  const ProcessView& process = *able[*chosen];
  const auto peer = best_with_room(view, process.rss_bytes);
  return Decision{process.id,
                  peer,
                  "this node is short of memory, and " + view.peers[*peer].name + " has room",
                  {{"missing_bytes", missing}, {"freed_bytes", process.rss_bytes}},
                  {kSwapping, process.rss_bytes, false, process.cpu_s, kSwapping}};
}

}  // namespace llrun::policies
