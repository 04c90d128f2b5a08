#include "policies/strategy/shortest.h"

#include "policies/cost.h"
#include "policies/strategy/builtin.h"
#include "policies/strategy/placement_strategy.h"
#include "policies/strategy/targets.h"

namespace llrun::policies {

Placement place_shortest(const ClusterView& view, double bytes, double margin, std::size_t asked,
                         Random& random) {
  const double here = s_per_cpu_s(view.self, view.self.crowd() + 1);
  if (here <= 1 / view.self.speed && view.self.crowd() == 0 && view.self.speed >= 1)
    return stay_here(view, bytes, "this node is idle");
  const Targets targets(view, Targets::Crowd::kNow, random);
  const auto best = targets.best(bytes);
  // Asking tells the truth for a round trip: then a peer that only looks as good is worth asking.
  const double bar = asked > 1 ? here * 1.001 : here * (1 - margin);
  if (!best || best->s_per_cpu_s >= bar)
    return stay_here(view, bytes, "no node is less crowded than this one");
  Placement placement =
      go_to(view, best->peer, bytes, view.peers[best->peer].name + " is the least crowded node");
  if (asked > 1) placement.also = targets.runners_up(bytes, asked - 1);
  return placement;
}

namespace {

class Shortest final : public PlacementStrategy {
 public:
  explicit Shortest(const Settings& settings)
      : margin_(settings["margin"]), random_(settings.seed()) {}
  std::string_view name() const override { return "shortest"; }

 protected:
  Placement choose(const ClusterView& view, double bytes) override {
    return place_shortest(view, bytes, margin_, 1, random_);
  }

 private:
  double margin_;
  Random random_;
};

}  // namespace

BuiltinStrategy shortest_strategy() {
  return {{"shortest",
           "programs start on the least crowded node",
           {{"margin", 0.01, "part by which a peer must be better than this node"}}},
          [](const Settings& settings) -> std::unique_ptr<Strategy> {
            return std::make_unique<Shortest>(settings);
          }};
}

}  // namespace llrun::policies
