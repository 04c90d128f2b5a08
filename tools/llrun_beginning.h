// The beginning of a supervisor, in the process that is about to become one.
//
// Most programs end within a tenth of a second, and to start a supervisor costs more than they do:
// so it is waited for that long first. And a supervisor that cannot even begin (its libraries do
// not fit, a limit is in its way) must not be silent: a process watches until it has.
#pragma once

namespace llrun::launcher {

// Waits for the end of the process that `pidfd` refers to, a tenth of a second at most. True: it
// has ended, and has left no process that would need a supervisor. The caller was made after that
// process had begun and before it could make others.
[[nodiscard]] bool ends_at_once(int pidfd);

// Starts a process that watches the beginning of the supervisor that the caller becomes, and tells
// of its end in the log of process `pid`, and on `verbose_fd` unless that is -1. The caller's
// standard error is led to it: what says a NUL there has begun. False: there is no such process.
[[nodiscard]] bool watch_beginning(int pid, int verbose_fd);

}  // namespace llrun::launcher
