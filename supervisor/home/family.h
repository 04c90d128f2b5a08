// Where a program stands among home's processes, beyond what /proc/PID/stat says of it alone.
#pragma once

#include <vector>

#include "base/ids.h"

namespace llrun {

// Its parent, the parent's parent, and so on below process 1: any of them may be the subreaper that
// becomes the parent of its orphans (prctl(2), PR_SET_CHILD_SUBREAPER), which no file tells.
[[nodiscard]] std::vector<HostPid> ancestors_of(HostPid process);

// No member of the process group has a parent in another group of the same session, so that nobody
// could continue a stopped member (kernel/exit.c, will_become_orphaned_pgrp). False for group 0.
[[nodiscard]] bool is_orphaned(HostPid group);

}  // namespace llrun
