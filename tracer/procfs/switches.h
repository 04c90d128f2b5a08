// What /proc tells of a thread's coming and going: whether it sleeps, in which call, and how often
// it has.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ids.h"

namespace llrun::tracer {

// voluntary_ctxt_switches of /proc/PID/task/TID/status: each sleep of a thread, and each stop, adds
// one.
[[nodiscard]] std::optional<std::uint64_t> voluntary_switches(HostPid pid, HostTid tid);

// The number of the call that it sleeps in, of /proc/PID/task/TID/syscall; nothing while it runs.
[[nodiscard]] std::optional<std::uint64_t> sleeps_in_call(HostPid pid, HostTid tid);
[[nodiscard]] std::optional<std::uint64_t> parse_call_number(std::string_view text);

// How long it has been on a processor: the first field of /proc/PID/task/TID/schedstat.
[[nodiscard]] std::optional<std::chrono::nanoseconds> time_on_processor(HostPid pid, HostTid tid);

}  // namespace llrun::tracer
