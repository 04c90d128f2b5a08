// What a mere stop does to a call that does not bear one.
#pragma once

#include "base/result.h"
#include "tracer/ptrace/ptrace.h"

namespace llrun::tracer {

// epoll_wait and its like return EINTR on a mere stop. The program must not notice: the call is
// made again, unless a handler runs.
[[nodiscard]] Result<> undo_interruption(const StoppedThread& thread);

}  // namespace llrun::tracer
