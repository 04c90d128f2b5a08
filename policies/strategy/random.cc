#include "policies/random.h"

#include "policies/strategy/builtin.h"
#include "policies/strategy/eligibility.h"
#include "policies/strategy/placement_strategy.h"

namespace llrun::policies {

namespace {

// Any node that may receive, this one included, with equal chance, whatever its load.
class RandomStrategy final : public PlacementStrategy {
 public:
  explicit RandomStrategy(std::uint64_t seed) : random_(seed) {}
  std::string_view name() const override { return "random"; }

  Admission admit(const NodeView& self, const Offer& offer) override {
    if (can_receive(self, offer.bytes)) return {};
    return {false, self.name + " takes no guests now"};
  }

 protected:
  Placement choose(const ClusterView& view, double bytes) override {
    std::vector<std::size_t> choices;
    for (std::size_t peer = 0; peer < view.peers.size(); ++peer)
      if (can_receive(view.peers[peer], bytes)) choices.push_back(peer);
    const std::size_t pick = random_.below(choices.size() + 1);
    if (pick == choices.size()) return stay_here(view, bytes, "chance says here");
    return go_to(view, choices[pick], bytes, "chance says " + view.peers[choices[pick]].name);
  }

 private:
  Random random_;
};

}  // namespace

BuiltinStrategy random_strategy() {
  return {{"random", "each program starts on a node chosen by chance", {}},
          [](const Settings& settings) -> std::unique_ptr<Strategy> {
            return std::make_unique<RandomStrategy>(settings.seed());
          }};
}

}  // namespace llrun::policies
