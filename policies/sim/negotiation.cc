#include "policies/sim/negotiation.h"

#include <algorithm>

namespace llrun::policies::sim {

std::optional<std::size_t> Negotiation::ask(std::size_t source, std::size_t first,
                                            const std::vector<std::size_t>& also,
                                            const Offer& offer) {
  std::optional<std::size_t> best;
  double best_cost = 0;
  const auto consider = [&](std::size_t peer) {
    const std::size_t target = knowledge_.node_of(peer);
    const Admission admission =
        cluster_[target].strategy->admit(knowledge_.self(target, clock_.now_s()), offer);
    if (!admission.welcome) {
      ++refusals_;
      // It is as busy as if ours had gone there.
      knowledge_.sent(source, target, clock_.now_s(), offer.cpu_age_s);
      return;
    }
    if (best && admission.cost_s >= best_cost) return;
    best = target;
    best_cost = admission.cost_s;
  };
  consider(first);
  for (const std::size_t peer : also) consider(peer);
  if (best) promise(source, *best, offer);
  return best;
}

void Negotiation::promise(std::size_t source, std::size_t target, const Offer& offer) {
  knowledge_.sent(source, target, clock_.now_s(), offer.cpu_age_s);
  Node& node = cluster_[target];
  ++node.incoming;
  node.promised.add(offer.cpu_age_s);
  most_promised_ = std::max(most_promised_, static_cast<std::uint64_t>(node.incoming));
}

void Negotiation::redeem(std::size_t target, double cpu_age_s) {
  Node& node = cluster_[target];
  --node.incoming;
  node.promised = node.promised.without(cpu_age_s);
}

}  // namespace llrun::policies::sim
