#include "policies/strategy/builtin.h"
#include "policies/strategy/eligibility.h"
#include "policies/strategy/placement_strategy.h"

namespace llrun::policies {

namespace {

// Each node deals its programs to all nodes in turn, itself included, whatever their load.
class RoundRobin final : public PlacementStrategy {
 public:
  explicit RoundRobin(std::uint64_t seed) : turn_(static_cast<std::size_t>(seed >> 32)) {}
  std::string_view name() const override { return "round-robin"; }

  Admission admit(const NodeView& self, const Offer& offer) override {
    if (can_receive(self, offer.bytes)) return {};
    return {false, self.name + " takes no guests now"};
  }

 protected:
  Placement choose(const ClusterView& view, double bytes) override {
    const std::size_t places = view.peers.size() + 1;
    for (std::size_t step = 0; step < places; ++step) {
      const std::size_t turn = turn_++ % places;
      if (turn == view.peers.size()) return stay_here(view, bytes, "it is this node's turn");
      if (can_receive(view.peers[turn], bytes))
        return go_to(view, turn, bytes, "it is the turn of " + view.peers[turn].name);
    }
    return stay_here(view, bytes, "no node can receive it");
  }

 private:
  std::size_t turn_;  // nodes do not all begin with the same one
};

}  // namespace

BuiltinStrategy round_robin_strategy() {
  return {{"round-robin", "each program starts on the next node in turn", {}},
          [](const Settings& settings) -> std::unique_ptr<Strategy> {
            return std::make_unique<RoundRobin>(settings.seed());
          }};
}

}  // namespace llrun::policies
