#include <algorithm>

#include "policies/cost.h"
#include "policies/random.h"
#include "policies/strategy/builtin.h"
#include "policies/strategy/eligibility.h"
#include "policies/strategy/placement_strategy.h"

namespace llrun::policies {

namespace {

// A program starts here while this node is idle; otherwise on the least crowded of a limited number
// of random peers, if that is less crowded than this node (the power of few choices).
class Limited final : public PlacementStrategy {
 public:
  explicit Limited(const Settings& settings)
      : choices_(static_cast<int>(settings["choices"])), random_(settings.seed()) {}
  std::string_view name() const override { return "limited"; }

 protected:
  Placement choose(const ClusterView& view, double bytes) override {
    const double here = s_per_cpu_s(view.self, view.self.crowd() + 1);
    double best = here;
    std::optional<std::size_t> chosen;
    for (int i = 0; i < choices_ && !view.peers.empty(); ++i) {
      const std::size_t peer = random_.below(view.peers.size());
      const double there = s_per_cpu_s(view.peers[peer], view.peers[peer].crowd() + 1);
      if (there >= best || !can_receive(view.peers[peer], bytes)) continue;
      best = there;
      chosen = peer;
    }
    if (!chosen) return stay_here(view, bytes, "none of the few peers looked at is less crowded");
    return go_to(view, *chosen, bytes, view.peers[*chosen].name + " is the least crowded of a few");
  }

 private:
  int choices_;
  Random random_;
};

}  // namespace

BuiltinStrategy limited_strategy() {
  return {{"limited",
           "programs start on the least crowded of a few random peers, or here",
           {{"choices", 2, "random peers looked at"}}},
          [](const Settings& settings) -> std::unique_ptr<Strategy> {
            return std::make_unique<Limited>(settings);
          }};
}

}  // namespace llrun::policies
