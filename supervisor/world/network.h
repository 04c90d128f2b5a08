// The network of a world: a loopback interface on which every address is local, and nothing else.
//
// So a program's own addresses, whatever they are at home, exist for bind(2) and connect(2), and no
// packet ever leaves.
#pragma once

#include "base/result.h"

namespace llrun::world {

// In a new network namespace, with CAP_NET_ADMIN there. IPv6 is set up where the kernel has it.
[[nodiscard]] Result<> set_up_network();

}  // namespace llrun::world
