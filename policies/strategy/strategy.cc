#include "policies/strategy/strategy.h"

#include "policies/cost.h"
#include "policies/strategy/eligibility.h"

namespace llrun::policies {

Placement Strategy::place(const ClusterView&, const ExecView&) {
  return {std::nullopt, "this strategy starts programs where they are", {}, {}};
}

int Strategy::guest_nice(double) const { return 0; }

Admission Strategy::admit(const NodeView& self, const Offer& offer) {
  if (!self.levelling) return {false, "levelling is switched off on " + self.name};
  if (!self.accepts) return {false, self.name + " takes no guests now"};
  if (!has_room(self, offer.bytes)) return {false, "too little free memory on " + self.name};
  const double cost = s_per_cpu_s(self, self.crowd() + 1);
  if (cost >= offer.source_s_per_cpu_s)
    return {false, self.name + " has become as busy as the source"};
  return {true, "", cost};
}

}  // namespace llrun::policies
