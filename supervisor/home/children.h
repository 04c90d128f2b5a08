// The children of a program, which take part like their parent: each has a supervisor of its own.
#pragma once

#include <chrono>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "supervisor/home/options.h"

namespace llrun {

// How long ago the process was started; zero if it is gone. /proc/PID/stat, field 22.
[[nodiscard]] std::chrono::milliseconds process_age(HostPid pid);

// Children that have lived for a while: most do not, and are not worth a supervisor.
[[nodiscard]] std::vector<HostPid> long_lived_children(HostPid parent,
                                                       std::chrono::milliseconds age);

// Start a supervisor for a child, with the parent's options. It is nobody's child.
// `by_list`: only the load-level list decides whether it takes part.
[[nodiscard]] Result<> supervise_child(HostPid child, const HomeOptions& options, bool by_list);

}  // namespace llrun
