#include "policies/random.h"
#include "policies/strategy/builtin.h"
#include "policies/strategy/eligibility.h"
#include "policies/strategy/placement_strategy.h"

namespace llrun::policies {

namespace {

// Eager, Lazowska, Zahorjan 1986: a program starts here while this node has fewer than `threshold`
// processes a core; otherwise on the first of `tries` random peers that has fewer, otherwise here.
class Threshold final : public PlacementStrategy {
 public:
  explicit Threshold(const Settings& settings)
      : threshold_(settings["threshold"]),
        tries_(static_cast<int>(settings["tries"])),
        random_(settings.seed()) {}
  std::string_view name() const override { return "threshold"; }

  Admission admit(const NodeView& self, const Offer& offer) override {
    if (!can_receive(self, offer.bytes)) return {false, self.name + " takes no guests now"};
    if (!below(self)) return {false, self.name + " is above the threshold"};
    return {};
  }

 protected:
  Placement choose(const ClusterView& view, double bytes) override {
    if (below(view.self)) return stay_here(view, bytes, "this node is below the threshold");
    for (int attempt = 0; attempt < tries_ && !view.peers.empty(); ++attempt) {
      const std::size_t peer = random_.below(view.peers.size());
      if (can_receive(view.peers[peer], bytes) && below(view.peers[peer]))
        return go_to(view, peer, bytes, view.peers[peer].name + " is below the threshold");
    }
    return stay_here(view, bytes, "no peer that was asked is below the threshold");
  }

 private:
  bool below(const NodeView& node) const { return node.crowd() < threshold_ * node.cores; }

  double threshold_;
  int tries_;
  Random random_;
};

}  // namespace

BuiltinStrategy threshold_strategy() {
  return {{"threshold",
           "programs start on a random peer below the threshold when this node is not",
           {{"threshold", 1, "processes a core from which on a node is busy"},
            {"tries", 3, "random peers looked at"}}},
          [](const Settings& settings) -> std::unique_ptr<Strategy> {
            return std::make_unique<Threshold>(settings);
          }};
}

}  // namespace llrun::policies
