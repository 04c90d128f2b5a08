// Thrift: a process that is slower away than it would be at home comes home.
#pragma once

#include <optional>

#include "policies/strategy/decision.h"
#include "policies/strategy/views.h"

namespace llrun::policies {

// A decision when `process` is away from home and its home calls and traffic cost more than home's
// crowd would.
[[nodiscard]] std::optional<Decision> thrift(const ClusterView& view, const ProcessView& process);

}  // namespace llrun::policies
