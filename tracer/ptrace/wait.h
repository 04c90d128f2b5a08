// Waiting for one traced thread to stop or end. Always by its own id, so that nobody's event is
// stolen, and always bounded.
#pragma once

#include <chrono>
#include <optional>

#include "base/ids.h"
#include "base/result.h"
#include "tracer/ptrace/stop_event.h"

namespace llrun::tracer {

// Generous: a thread that does not stop within this sits in an uninterruptible sleep.
inline constexpr std::chrono::milliseconds kStopTimeout{10'000};

// If the tracer is killed at a SignalDelivery stop, the signal is delivered only if nobody has
// taken the stop (kernel/exit.c, wait_task_stopped). One that is left is seen again by the next
// wait: so whoever leaves it resumes the thread before.
enum class SignalStops { kTake, kLeave };

// Between two looks for what nothing tells of: waitpid has no timeout, and SIGCHLD belongs to the
// event loop. Most stops come within some microseconds of being asked for, so yield first, then
// sleep, longer and longer.
class Pauses {
 public:
  void pause();
  // It takes long: worth a look at other reasons.
  [[nodiscard]] bool sleeps() const { return count_ > kYields; }
  void start_anew() { count_ = 0; }

 private:
  static constexpr int kYields = 64;
  int count_ = 0;
};

// The next event of `tid` (waitpid with __WALL). kTimeout when none comes, naming the thread; kGone
// when it is no longer ours to wait for, or has ended and cannot be told to have: a main thread's
// end is told only when the other threads have been waited for.
[[nodiscard]] Result<StopEvent> wait_for_stop(HostTid tid,
                                              std::chrono::milliseconds timeout = kStopTimeout,
                                              SignalStops signal_stops = SignalStops::kTake);
// The next event of `tid` if there is one already.
[[nodiscard]] Result<std::optional<StopEvent>> poll_stop(
    HostTid tid, SignalStops signal_stops = SignalStops::kTake);

// The next stop of a thread that somebody else cares for: its end is kGone here, and left to be met
// by them.
[[nodiscard]] Result<StopEvent> next_stop(HostTid tid,
                                          std::chrono::milliseconds timeout = kStopTimeout);
// Its end if it has come already; stops are left.
[[nodiscard]] Result<std::optional<StopEvent>> poll_end(HostTid tid);

// Wait until `tid` has ended; stops on the way are passed over, and signals suppressed.
[[nodiscard]] Result<StopEvent> wait_for_end(HostTid tid,
                                             std::chrono::milliseconds timeout = kStopTimeout);

}  // namespace llrun::tracer
