// Interval timers (setitimer(2)): real, virtual and profiling time.
#pragma once

#include <signal.h>

#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/remote/batch.h"

namespace llrun::tracer {

using IntervalTimers = google::protobuf::RepeatedPtrField<image::IntervalTimer>;

// What is left of the timers; they run on.
[[nodiscard]] Result<> read_interval_timers(RemoteSyscalls& calls, RemoteArena arena,
                                            IntervalTimers& into);
// From now on they ring elsewhere.
[[nodiscard]] Result<> stop_interval_timers(RemoteSyscalls& calls, RemoteArena arena);
// Whether a signal is of a timer that ran when it was read: it has rung here since, and will there.
[[nodiscard]] bool has_rung_since(const siginfo_t& signal, const IntervalTimers& timers);
[[nodiscard]] Result<> arm_interval_timers(RemoteSyscalls& calls, RemoteArena arena,
                                           const IntervalTimers& timers);

}  // namespace llrun::tracer
