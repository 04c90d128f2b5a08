// Niceness: how far a guest stands back on its host. Not the program's own, which stays with its
// shadow and is what getpriority(2) tells it.
#pragma once

#include "base/ids.h"
#include "base/result.h"

namespace llrun {

// Every thread of the process, and its session where sessions share the processors (autogroups,
// sched(7)), gets this niceness; what has more keeps it. An ended process is no error. EAGAIN: the
// kernel takes the niceness of a session only a tenth of a second after the last one of anybody;
// ask again.
[[nodiscard]] Result<> stand_back(HostPid process, int nice);

}  // namespace llrun
