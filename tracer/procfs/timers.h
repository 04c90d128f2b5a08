// /proc/PID/timers: the timers of timer_create(2) (fs/proc/base.c show_timer).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

struct PosixTimerInfo {
  int id = -1;
  int signal = 0;
  std::uint64_t value = 0;          // sigev_value
  int notify = 0;                   // SIGEV_SIGNAL, SIGEV_NONE, with SIGEV_THREAD_ID
  std::optional<HostTid> thread{};  // SIGEV_THREAD_ID: whom the signal is for
  int clock = 0;                    // a thread's or process's CPU time is a negative number
};

[[nodiscard]] Result<std::vector<PosixTimerInfo>> parse_posix_timers(std::string_view text);
[[nodiscard]] Result<std::vector<PosixTimerInfo>> read_posix_timers(HostPid pid);

// Whether this kernel makes timers under given ids.
[[nodiscard]] bool can_restore_timer_ids();

// Why such a timer cannot be made again elsewhere, in words ("POSIX timer 3 rings by …"); nothing:
// it can.
[[nodiscard]] std::optional<std::string> why_not_carried(const PosixTimerInfo& timer);

}  // namespace llrun::tracer
