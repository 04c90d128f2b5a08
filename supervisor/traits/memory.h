// What this node's kernel has for programs' memory, timers and pipes, and how much of it.
#pragma once

#include "supervisor/protocol/hello.pb.h"

namespace llrun::traits {

void add_memory(protocol::NodeTraits& traits);

}  // namespace llrun::traits
