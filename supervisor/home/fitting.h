// Whether a peer can give one certain program what it has. What the nodes are, whatever the
// program, is compared by traits.h.
#pragma once

#include <optional>
#include <string>

#include "base/ids.h"
#include "supervisor/protocol/hello.pb.h"

namespace llrun {

// Why this program, running as yet, cannot go there, in words; nothing: it can.
[[nodiscard]] std::optional<std::string> why_not_this_program(HostPid program,
                                                              const protocol::NodeTraits& peer);

}  // namespace llrun
