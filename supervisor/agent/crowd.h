// The census of this node as the others are told it: who of the processes that we know wants to
// run, and how old each is in CPU seconds (policies/strategy/census.h).
#pragma once

#include <vector>

#include "policies/strategy/census.h"
#include "supervisor/agent/processes.h"

namespace llrun::agent {

// `running`: processes that want to run, `cores`: that they may use. Processes that llrun does not
// know are not in it; a strategy takes them to be of middle age.
[[nodiscard]] policies::Census census_of(const std::vector<const Supervised*>& processes,
                                         double running, double cores);
void tell(const policies::Census& census, protocol::Load& load);
[[nodiscard]] policies::Census told_census(const protocol::Load& load);

}  // namespace llrun::agent
