// Which numbers refer to one open file description.
#pragma once

#include <vector>

#include "tracer/objects/descriptors_view.h"

namespace llrun::tracer {

// The descriptors of one description, ascending; never empty.
using DescriptorGroup = std::vector<DescriptorView>;

// All descriptors of `pid`, grouped by kcmp(2), groups in the order of their first numbers. One
// that closes while we look is left out.
// `names_are_ours`: DescriptorView.
[[nodiscard]] Result<std::vector<DescriptorGroup>> group_descriptors(HostPid pid,
                                                                     bool names_are_ours);

}  // namespace llrun::tracer
