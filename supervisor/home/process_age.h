// How old a process is.
#pragma once

#include <chrono>

#include "base/ids.h"

namespace llrun {

// How long after the boot the process was started, and how long ago; zero if it is gone.
// /proc/PID/stat, field 22.
[[nodiscard]] std::chrono::milliseconds process_start(HostPid pid);
[[nodiscard]] std::chrono::milliseconds process_age(HostPid pid);

}  // namespace llrun
