// The least crowded node of all, counting the newcomer: what `shortest` is, and how others place.
#pragma once

#include "policies/random.h"
#include "policies/strategy/decision.h"
#include "policies/strategy/views.h"

namespace llrun::policies {

// Here unless a peer would run a CPU second sooner by more than `margin` of what it takes here.
[[nodiscard]] Placement place_shortest(const ClusterView& view, double bytes, double margin,
                                       Random& random);

}  // namespace llrun::policies
