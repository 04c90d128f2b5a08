// Origin: who answers for this node. A random identity, made once in the state directory (machine
// ids are cloned), the boot, and the pid namespace whose processes can be seen from here.
#pragma once

#include <string>

#include "base/result.h"
#include "supervisor/protocol/hello.pb.h"

namespace llrun::holding {

// That of the agent `node` with this state directory; made if there is none yet. Two that make it
// at once get the same one.
[[nodiscard]] Result<std::string> identity_in(const std::string& state_directory,
                                              const std::string& node);

// Of this user's agent `node`, as seen from this process. What cannot be found out is left empty,
// and is believed by nobody.
[[nodiscard]] protocol::Origin own_origin(const std::string& node);

}  // namespace llrun::holding
