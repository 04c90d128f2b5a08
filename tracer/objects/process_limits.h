// Resource limits (getrlimit(2)) as part of a process.
#pragma once

#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/remote/batch.h"

namespace llrun::tracer {

[[nodiscard]] Result<> capture_limits(RemoteSyscalls& calls, RemoteArena arena,
                                      image::Process& process);
// A hard limit that is lower here is an error that names it; those that the kernel derives from the
// size of the machine (processes, pending signals) are set as far as they go.
[[nodiscard]] Result<> restore_limits(RemoteSyscalls& calls, RemoteArena arena,
                                      const image::Process& process);
// Nanoseconds a thread has run (/proc/PID/task/TID/schedstat).
[[nodiscard]] std::uint64_t cpu_time_of_thread(HostPid pid, HostTid tid);

}  // namespace llrun::tracer
