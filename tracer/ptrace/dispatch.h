// System calls that the kernel sends back to the program that makes them (syscall user dispatch).
#pragma once

#include "tracer/ptrace/ptrace.h"

namespace llrun::tracer {

// Whether its system calls may be sent back to the program as SIGSYS, as a byte of its memory says
// (PR_SET_SYSCALL_USER_DISPATCH). False also where the kernel does not tell (before 6.4).
[[nodiscard]] bool dispatches_calls(const StoppedThread& thread);

}  // namespace llrun::tracer
