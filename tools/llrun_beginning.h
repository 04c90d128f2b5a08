// The beginning of a supervisor, in the process that is about to become one.
//
// Most programs end within a tenth of a second, and to start a supervisor costs more than they do:
// so it is waited for that long first; and then with the agent, until it sees a reason. And a
// supervisor that cannot even begin (its libraries do not fit, a limit is in its way) must not be
// silent: a process watches until it has.
#pragma once

namespace llrun::launcher {

// What has become of a process within a tenth of a second: it has ended; or has, and has left some
// that would need a supervisor; or lives. The caller was made after that process had begun and
// before it could make others.
enum class Life { kEnded, kLeftSomebody, kGoesOn };
[[nodiscard]] Life life_of(int pidfd);

// Waits with the agent (base/waiting.h), if there is one, for as long as it sees no reason to have
// the process watched. True: the process has ended, and has left nobody. `agent`: its name, if it
// was given.
[[nodiscard]] bool ends_unwatched(int pidfd, int pid, const char* agent);

// Starts a process that watches the beginning of the supervisor that the caller becomes, and tells
// of its end in the log of process `pid`, and on `verbose_fd` unless that is -1. The caller's
// standard error is led to it: what says a NUL there has begun. False: there is no such process.
[[nodiscard]] bool watch_beginning(int pid, int verbose_fd);

}  // namespace llrun::launcher
