// What must hold between two nodes so that programs of one can run on the other.
#pragma once

#include <vector>

#include "supervisor/doctor/finding.h"
#include "supervisor/protocol/control.pb.h"
#include "supervisor/protocol/hello.pb.h"

namespace llrun::doctor {

// From this node to the peer and back: what it said of itself when the channel was opened, and its
// last load, in which the round trip and the difference of the clocks are ours.
[[nodiscard]] std::vector<Finding> examine_pair(const protocol::Hello& theirs,
                                                const protocol::Load& load);

}  // namespace llrun::doctor
