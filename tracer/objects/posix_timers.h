// POSIX timers (timer_create(2)), made again under the ids that the program knows them by.
//
// They are left as they are by the capture: a program that is not moved after all has lost nothing.
// A tick that is queued travels as a signal; one that comes between the capture and the shadow is
// dropped with its timer, which rings at the other side instead.
#pragma once

#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/objects/pins.h"
#include "tracer/remote/batch.h"

namespace llrun::tracer {

using PosixTimers = google::protobuf::RepeatedPtrField<image::PosixTimer>;

// `ids`: the program's own id of each thread. Timers that cannot be carried become pins.
using ThreadIds = std::vector<std::pair<HostTid, GuestTid>>;
[[nodiscard]] Result<Pins> capture_posix_timers(RemoteSyscalls& calls, RemoteArena arena,
                                                const ThreadIds& ids, PosixTimers& into);
[[nodiscard]] Result<> make_posix_timers(RemoteSyscalls& calls, RemoteArena arena,
                                         const PosixTimers& timers);
[[nodiscard]] Result<> delete_posix_timers(RemoteSyscalls& calls, RemoteArena arena,
                                           const PosixTimers& timers);

}  // namespace llrun::tracer
