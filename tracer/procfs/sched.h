// /proc/PID/task/TID/sched: since when a sleeping thread has slept.
//
// se.exec_start is the scheduler's clock of a core when the thread last ran there. The clock leaves
// out time stolen by interrupts and by the host, so it is turned into CLOCK_MONOTONIC by looking at
// our own exec_start on the same core: right to 0.3 ms.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

// The value of se.exec_start.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_exec_start(std::string_view sched);

class SleepClock {
 public:
  // CLOCK_MONOTONIC when `tid` last ran; nothing where the kernel does not say or the thread runs.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> last_ran(HostPid pid, HostTid tid);

 private:
  [[nodiscard]] std::optional<std::chrono::nanoseconds> offset_of_core(int core);
  std::map<int, std::optional<std::chrono::nanoseconds>> offsets_;
};

// CLOCK_MONOTONIC, CLOCK_BOOTTIME now.
[[nodiscard]] std::chrono::nanoseconds monotonic_now();
[[nodiscard]] std::chrono::nanoseconds boottime_now();

}  // namespace llrun::tracer
