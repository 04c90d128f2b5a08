// Relief: a node short of memory lets the process go whose leaving helps. It comes before any
// strategy: a node that swaps runs nothing well, so what the move costs is not weighed.
#pragma once

#include <optional>
#include <span>

#include "policies/strategy/decision.h"
#include "policies/strategy/views.h"

namespace llrun::policies {

// Share of the time in which some process waits for memory (PSI, percent) from which a node is
// short of it although some is free.
inline constexpr double kMemoryPressure = 10;

// Bytes that are missing for the node's own work; 0: nothing is. `pressure`: PSI avg10, negative
// where the kernel has none.
[[nodiscard]] double memory_shortage(const NodeView& self, double pressure);

// Of several that would free so many bytes each: the smallest that suffices, else the largest, but
// none that would not even free a quarter of what is missing.
[[nodiscard]] std::optional<std::size_t> whose_leaving_helps(std::span<const double> bytes,
                                                             double missing);

// Which process should leave, and whereto: the least crowded node with room for it.
[[nodiscard]] std::optional<Decision> relieve(const ClusterView& view,
                                              std::span<const ProcessView> processes,
                                              double missing);

}  // namespace llrun::policies
