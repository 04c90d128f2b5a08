// What a shadow must not have of the program that it stands for: timers, signals that wait,
// handlers, and what the kernel keeps of each thread for the program's memory, which goes.
#pragma once

#include <csignal>
#include <vector>

#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/ptrace/thread_set.h"
#include "tracer/remote/remote_arena.h"

namespace llrun::tracer {

[[nodiscard]] bool same_signal(const siginfo_t& a, const siginfo_t& b);

// Takes it from threads that are stopped, and have all of it, or, where a shadow could not be
// filled to the end, a part. What has waited for them and is not in `process`: signals that came
// since.
[[nodiscard]] Result<std::vector<siginfo_t>> clear_program(ThreadSet& threads, const StubPage& stub,
                                                           const image::Process& process);

}  // namespace llrun::tracer
