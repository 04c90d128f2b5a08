// What a mere stop does to a call that does not bear one.
#pragma once

#include "base/result.h"
#include "tracer/ptrace/ptrace.h"

namespace llrun::tracer {

// Whether a signal is queued, for the thread or its process, that the thread does not block.
[[nodiscard]] Result<bool> signal_waits(const StoppedThread& thread);

// epoll_wait and its like return EINTR on a mere stop. The program must not notice: the call is
// made again, unless a signal waits.
[[nodiscard]] Result<> undo_interruption(const StoppedThread& thread);

}  // namespace llrun::tracer
