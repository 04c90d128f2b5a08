// Thrift: a process that is slower away than it would be at home comes home.
#pragma once

#include <optional>

#include "policies/strategy/decision.h"
#include "policies/strategy/views.h"

namespace llrun::policies {

// A decision when `process` is away, asks something of its home, and would be faster there by more
// than the way back costs. The reason says whether what it asks of home is why, or home's crowd.
[[nodiscard]] std::optional<Decision> thrift(const ClusterView& view, const ProcessView& process);

}  // namespace llrun::policies
