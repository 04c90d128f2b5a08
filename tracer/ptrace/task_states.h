// What /proc says of the threads of a process: which there are, which have ended, which are traced
// by this thread of ours. What is not in any list of ours is found here.
#pragma once

#include <vector>

#include "base/ids.h"

namespace llrun::tracer {

// Those whose end has not been waited for are among them. None when the process is gone.
[[nodiscard]] std::vector<HostTid> threads_of(HostPid pid);
// Also while its end is still to be told: that of a main thread is told last (ptrace(2)).
[[nodiscard]] bool has_ended(HostTid tid);
// Nothing but its own waking stops it: a parent in vfork(2), a call that waits for a disk or for a
// network's filesystem ("D", proc_pid_status(5)).
[[nodiscard]] bool cannot_be_interrupted(HostTid tid);
// Also when it has ended and has not been waited for.
[[nodiscard]] bool is_traced_by_us(HostTid tid);

}  // namespace llrun::tracer
