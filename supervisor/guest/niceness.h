// Niceness: how far a guest stands back on its host. Not the program's own, which stays with its
// shadow and is what getpriority(2) tells it.
#pragma once

#include "base/ids.h"
#include "base/result.h"

namespace llrun {

struct Niceness {
  int threads = 0;  // of each thread; what has more keeps it
  int session = 0;  // of its session among others, where sessions share the processors (autogroups)
};
// sched(7). An ended process is no error. EAGAIN and kTimeout: not just now, ask again; the kernel
// takes the niceness of a session only a tenth of a second after the last one of anybody.
[[nodiscard]] Result<> stand_back(HostPid process, const Niceness& niceness);
// Whether its session still does: unlike a thread's, that niceness may be taken back, by any
// process of the session. True where sessions do not share the processors.
[[nodiscard]] bool session_stands_back(HostPid process, int nice);

}  // namespace llrun
