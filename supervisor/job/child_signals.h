// How a supervisor hears of its children and of the threads that it traces.
#pragma once

#include <functional>

#include "base/event_loop.h"
#include "base/fd.h"
#include "base/result.h"

namespace llrun {

// `changed` on `loop` after every SIGCHLD, of which several may have become one: look at
// everything. To be called before any thread exists, so that all of them leave that signal to the
// loop. Broken pipes and files over the limit of their size, which is that of whoever
// started the program, are told by errors from here on, not by SIGPIPE and SIGXFSZ. Ends when the
// descriptor is closed.
[[nodiscard]] Result<Fd> watch_child_signals(EventLoop& loop, std::function<void()> changed);

}  // namespace llrun
