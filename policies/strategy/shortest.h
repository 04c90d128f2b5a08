// The least crowded node of all, counting the newcomer: what `shortest` is, and how others place.
#pragma once

#include "policies/random.h"
#include "policies/strategy/decision.h"
#include "policies/strategy/views.h"

namespace llrun::policies {

// Here unless a peer would run a CPU second sooner by more than `margin` of what it takes here.
// `asked`: so many of the best are named, for the least crowded in truth to get it.
[[nodiscard]] Placement place_shortest(const ClusterView& view, double bytes, double margin,
                                       std::size_t asked, Random& random);

}  // namespace llrun::policies
