// Resource limits (getrlimit(2)) as part of a process.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/ids.h"
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

// In words, which of the limits of `pid` a node cannot give whose hard limits are these, by their
// number; none: it can give them all, or does not say.
[[nodiscard]] std::optional<std::string> limit_beyond(HostPid pid,
                                                      std::span<const std::uint64_t> hard_limits);

}  // namespace llrun::tracer
