// mosix: after Barak, Guday and Wheeler, "The MOSIX distributed operating system" (1993). The
// smoothed load of each node, divided by its speed, is compared; when a peer is better by more than
// the move would cost it, the process with the largest weighted load goes to the best one.
// Information loses its weight as it ages, and so does the memory of having been moved.
#include <algorithm>
#include <cmath>
#include <utility>

#include "policies/cost.h"
#include "policies/random.h"
#include "policies/strategy/builtin.h"
#include "policies/strategy/eligibility.h"

namespace llrun::policies {

namespace {

class Mosix final : public Strategy {
 public:
  explicit Mosix(const Settings& settings)
      : decay_(settings["decay"]),
        speed_weight_(settings["speed"]),
        difference_(settings["difference"]),
        stay_s_(settings["stay_s"]),
        random_(settings.seed()) {}
  std::string_view name() const override { return "mosix"; }
  std::vector<Decision> decide(const ClusterView& view,
                               std::span<const ProcessView> processes) override;

 private:
  [[nodiscard]] double weighted_load(const NodeView& node, double processes) const {
    return processes / (node.cores * std::pow(node.speed, speed_weight_));
  }
  // Old news of an idle node is half forgotten: it is taken to have become as this one is.
  [[nodiscard]] double believed(const NodeView& node, const NodeView& self) const {
    const double trust = std::pow(decay_, node.age_s);
    const double typical = self.load / self.cores * node.cores;
    return trust * node.load + (1 - trust) * typical + node.incoming;
  }
  [[nodiscard]] std::optional<std::size_t> best_peer(const ClusterView& view, double bytes,
                                                     double& load);
  [[nodiscard]] double weight(const ProcessView& process) const;

  double decay_, speed_weight_, difference_, stay_s_;
  Random random_;
};

std::optional<std::size_t> Mosix::best_peer(const ClusterView& view, double bytes, double& load) {
  std::optional<std::size_t> best;
  const std::size_t count = view.peers.size();
  const std::size_t start = count > 0 ? random_.below(count) : 0;
  for (std::size_t step = 0; step < count; ++step) {
    const std::size_t peer = (start + step) % count;
    const NodeView& node = view.peers[peer];
    const double there = weighted_load(node, believed(node, view.self) + 1);
    if ((best && there >= load) || !can_receive(node, bytes)) continue;
    best = peer;
    load = there;
  }
  return best;
}

// What it burdens this node with, less while its last move is fresh.
double Mosix::weight(const ProcessView& process) const {
  if (process.moves == 0) return process.cpu_rate;
  return process.cpu_rate * (1 - std::pow(decay_, process.last_move_age_s));
}

std::vector<Decision> Mosix::decide(const ClusterView& view,
                                    std::span<const ProcessView> processes) {
  const ProcessView* heaviest = nullptr;
  for (const ProcessView& process : processes) {
    if (process.pinned || process.cpu_s < process.cpu_rate * 1.0)
      continue;  // a second old at least
    if (process.moves > 0 && process.last_move_age_s < stay_s_) continue;
    const auto rank = [this](const ProcessView& p) {
      return std::pair(weight(p), p.cpu_since_move_s);
    };
    if (heaviest == nullptr || rank(process) > rank(*heaviest)) heaviest = &process;
  }
  if (heaviest == nullptr) return {};
  double there = 0;
  const auto peer = best_peer(view, heaviest->rss_bytes, there);
  const double here = weighted_load(view.self, view.self.load);
  Numbers numbers{{"load_here", here}, {"load_there", there}, {"weight", weight(*heaviest)}};
  const double cost = peer ? move_cost(*heaviest, view.peers[*peer].link, view.cost).total_s() : 0;
  // The migration's own cost, spread over the CPU the process has shown so far, raises the bar.
  const double bar = difference_ + cost / std::max(heaviest->cpu_since_move_s, 0.1);
  numbers.emplace_back("bar", bar);
  if (!peer || here - there < bar) {
    if (!view.explain) return {};
    return {
        {heaviest->id, std::nullopt, "no peer is less loaded by enough", std::move(numbers), {}}};
  }
  const Offer offer{s_per_cpu_s(view.self, view.self.crowd()), heaviest->rss_bytes, false};
  return {{heaviest->id, peer, view.peers[*peer].name + " has the smallest weighted load",
           std::move(numbers), offer}};
}

}  // namespace

BuiltinStrategy mosix_strategy() {
  return {{"mosix",
           "the heaviest process moves to the node of smallest weighted load",
           {{"decay", 0.9, "what a second leaves of the weight of old news, and of a past move"},
            {"speed", 1, "power of a node's speed that divides its load"},
            {"difference", 0.2, "of weighted loads, that is not worth a move"},
            {"stay_s", 1, "seconds a process stays after a move"}}},
          [](const Settings& settings) -> std::unique_ptr<Strategy> {
            return std::make_unique<Mosix>(settings);
          }};
}

}  // namespace llrun::policies
