#include "policies/strategy/targets.h"

#include <algorithm>

#include "policies/cost.h"
#include "policies/strategy/eligibility.h"

namespace llrun::policies {

namespace {

constexpr std::size_t kKept = 16;

double crowd_of(const NodeView& node, Targets::Crowd measure) {
  const double now = node.run_queue;
  return (measure == Targets::Crowd::kNow ? now : std::max(now, node.load)) + node.incoming;
}

bool better(const Target& a, const Target& b) { return a.s_per_cpu_s < b.s_per_cpu_s; }

}  // namespace

Targets::Targets(const ClusterView& view, Crowd measure, Random& random) : view_(view) {
  const std::size_t count = view.peers.size();
  if (count == 0) return;
  const std::size_t start = random.below(count);  // equal nodes: whoever comes first from here
  for (std::size_t step = 0; step < count; ++step) {
    const std::size_t peer = start + step < count ? start + step : start + step - count;
    const NodeView& node = view.peers[peer];
    if (!can_receive(node, 0)) continue;
    const double crowd = crowd_of(node, measure);
    const Target target{peer, crowd, s_per_cpu_s(node, crowd + 1)};
    if (best_.size() == kKept && !better(target, best_.back())) continue;
    if (best_.size() == kKept) best_.pop_back();
    best_.insert(std::upper_bound(best_.begin(), best_.end(), target, better), target);
  }
}

std::optional<Target> Targets::best(double bytes) const {
  for (const Target& target : best_)
    if (has_room(view_.peers[target.peer], bytes)) return target;
  return std::nullopt;
}

std::vector<std::size_t> Targets::runners_up(double bytes, std::size_t count) const {
  std::vector<std::size_t> peers;
  bool first = true;
  for (const Target& target : best_) {
    if (!has_room(view_.peers[target.peer], bytes)) continue;
    if (!first && peers.size() < count) peers.push_back(target.peer);
    first = false;
  }
  return peers;
}

void Targets::took(const Target& target) {
  const auto found = std::find_if(best_.begin(), best_.end(),
                                  [&](const Target& t) { return t.peer == target.peer; });
  if (found == best_.end()) return;
  Target changed = *found;
  best_.erase(found);
  changed.crowd += 1;
  changed.s_per_cpu_s = s_per_cpu_s(view_.peers[changed.peer], changed.crowd + 1);
  best_.insert(std::upper_bound(best_.begin(), best_.end(), changed, better), changed);
}

}  // namespace llrun::policies
