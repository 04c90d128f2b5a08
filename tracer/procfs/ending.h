// Whether a process is on its way out, before its tracer or parent has heard of its end.
#pragma once

#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

// True from the moment when kill(2) with SIGKILL has returned, or a fatal signal or the exit of
// another thread has reached its main thread: its end is sure, and will be met. SigPnd and ShdPnd
// of /proc/PID/status, and PF_SIGNALED (include/linux/sched.h) of field 9 of /proc/PID/stat. A main
// thread that has left alone, while others go on, is no end.
[[nodiscard]] bool is_ending(HostPid pid);

// What a file of /proc or a call answered about the process, or that this has ended. Nobody may
// look into one that has no memory any more, and the kernel says EACCES then
// (kernel/ptrace.c, __ptrace_may_access), which sounds like a lack of rights.
[[nodiscard]] Error ended_or(HostPid pid, const Error& error);

}  // namespace llrun::tracer
