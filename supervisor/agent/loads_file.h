// The loads of all nodes in a file, for scripts: NODE.loads beside the control socket.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "supervisor/protocol/control.pb.h"

namespace llrun::agent {

// A heading that begins with #, then one line a node, columns separated by blanks; docs/agent.md
// has their meaning. "-" where nothing is known.
[[nodiscard]] std::string loads_text(std::span<const protocol::Load> loads);
// Readers see the old file or the new one, never a part.
[[nodiscard]] Result<> write_loads(const std::string& file, const std::string& text);

}  // namespace llrun::agent
