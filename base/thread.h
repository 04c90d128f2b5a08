// A thread that may not be had: a user has so many processes and threads on a machine and no more
// (RLIMIT_NPROC), what else he runs included, and std::thread throws then. A supervisor that holds
// a program must not end for that.
#pragma once

#include <functional>
#include <thread>

#include "base/result.h"

namespace llrun {

[[nodiscard]] Result<std::thread> make_thread(std::function<void()> body);
// The same, but no signal ever reaches it: neither a handler's nor SIGPIPE.
[[nodiscard]] Result<std::thread> make_thread_without_signals(std::function<void()> body);

}  // namespace llrun
