#include "policies/strategy/placement_strategy.h"

#include <algorithm>
#include <utility>

#include "policies/cost.h"
#include "policies/strategy/eligibility.h"

namespace llrun::policies {

std::vector<Decision> PlacementStrategy::decide(const ClusterView& view,
                                                std::span<const ProcessView> processes) {
  std::vector<Decision> decisions;
  std::unordered_set<std::uint64_t> seen;
  for (const ProcessView& process : processes) {
    Decision decision = place_late(view, process);
    if (!process.pinned) seen.insert(process.id);
    if (decision.peer || view.explain) decisions.push_back(std::move(decision));
  }
  dealt_ = std::move(seen);
  return decisions;
}

Decision PlacementStrategy::place_late(const ClusterView& view, const ProcessView& process) {
  Decision decision{process.id, std::nullopt, why_pinned(process), {}, {}};
  if (process.pinned) return decision;
  if (process.placed || process.moves > 0 || dealt_.contains(process.id)) {
    decision.reason = "it has been placed; " + std::string(name()) + " moves nothing twice";
    return decision;
  }
  Placement placement = choose(view, process.rss_bytes);
  return {process.id, placement.peer, std::move(placement.reason), std::move(placement.numbers),
          placement.offer};
}

Placement PlacementStrategy::place(const ClusterView& view, const ExecView& exec) {
  if (exec.never) return stay_here(view, exec.rss_bytes, "a hint says never");
  Placement placement = choose(view, exec.rss_bytes);
  placement.offer.at_start = true;
  return placement;
}

Placement stay_here(const ClusterView& view, double bytes, std::string reason) {
  const double here = s_per_cpu_s(view.self, view.self.crowd() + 1);
  return {
      std::nullopt, std::move(reason), {{"crowd_here", view.self.crowd()}}, {here, bytes, false}};
}

Placement go_to(const ClusterView& view, std::size_t peer, double bytes, std::string reason) {
  Placement placement = stay_here(view, bytes, std::move(reason));
  placement.peer = peer;
  placement.numbers.emplace_back("crowd_there", view.peers[peer].crowd());
  return placement;
}

}  // namespace llrun::policies
