// Interval timers (setitimer(2)): real, virtual and profiling time.
#pragma once

#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/remote/batch.h"

namespace llrun::tracer {

using IntervalTimers = google::protobuf::RepeatedPtrField<image::IntervalTimer>;

// Stop the timers and say what was left of them: from now on they belong to the image. Whoever lets
// the program run on after all arms them again.
[[nodiscard]] Result<> take_interval_timers(RemoteSyscalls& calls, RemoteArena arena,
                                            IntervalTimers& into);
[[nodiscard]] Result<> arm_interval_timers(RemoteSyscalls& calls, RemoteArena arena,
                                           const IntervalTimers& timers);

}  // namespace llrun::tracer
