#include "tracer/procfs/timers.h"

#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "base/fd.h"
#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {

constexpr int kOwnCpuTime = -6;             // CLOCK_PROCESS_CPUTIME_ID as the kernel keeps it
constexpr int kTimerCreateRestoreIds = 77;  // PR_TIMER_CREATE_RESTORE_IDS, Linux 6.15
constexpr int kRestoreIdsGet = 2;           // PR_TIMER_CREATE_RESTORE_IDS_GET

std::unexpected<Error> malformed(std::string_view line) {
  return failure(ErrorCode::kProtocol, "read /proc/PID/timers: \"" + std::string(line) + "\"");
}

// "60/00007fff86e452a8": the signal and its value.
bool parse_signal(std::string_view text, PosixTimerInfo& timer) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const auto signal = parse_number<int>(text.substr(0, slash));
  const auto value = parse_number<std::uint64_t>(text.substr(slash + 1), 16);
  if (!signal || !value) return false;
  timer.signal = *signal;
  timer.value = *value;
  return true;
}

// "signal/pid.2634", "none/pid.2634", "signal/tid.2636"
bool parse_notify(std::string_view text, PosixTimerInfo& timer) {
  const auto slash = text.find('/');
  const auto dot = text.find('.');
  if (slash == std::string_view::npos || dot == std::string_view::npos || dot < slash) return false;
  const auto kind = text.substr(0, slash);
  timer.notify = kind == "none" ? SIGEV_NONE : kind == "thread" ? SIGEV_THREAD : SIGEV_SIGNAL;
  const auto id = parse_number<pid_t>(text.substr(dot + 1));
  if (!id) return false;
  if (text.substr(slash + 1, dot - slash - 1) != "tid") return true;
  timer.notify |= SIGEV_THREAD_ID;
  timer.thread = HostTid{*id};
  return true;
}

bool parse_line(std::string_view key, std::string_view value, PosixTimerInfo& timer) {
  if (key == "signal") return parse_signal(value, timer);
  if (key == "notify") return parse_notify(value, timer);
  if (key != "ClockID") return true;  // of a newer kernel
  const auto clock = parse_number<int>(value);
  timer.clock = clock.value_or(0);
  return clock.has_value();
}

bool is_carried_clock(int clock) {
  constexpr std::array kClocks{CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI,
                               kOwnCpuTime};
  return std::ranges::find(kClocks, clock) != kClocks.end();
}

}  // namespace

bool can_restore_timer_ids() {
  static const bool can = ::prctl(kTimerCreateRestoreIds, kRestoreIdsGet, 0, 0, 0) >= 0;
  return can;
}

Result<std::vector<PosixTimerInfo>> parse_posix_timers(std::string_view text) {
  std::vector<PosixTimerInfo> timers;
  for (const auto line : split_lines(text)) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const auto key = line.substr(0, colon);
    const auto value = trim(line.substr(colon + 1));
    if (key == "ID") {
      const auto id = parse_number<int>(value);
      if (!id) return malformed(line);
      timers.push_back({.id = *id});
    } else if (timers.empty() || !parse_line(key, value, timers.back())) {
      return malformed(line);
    }
  }
  return timers;
}

Result<std::vector<PosixTimerInfo>> read_posix_timers(HostPid pid) {
  LLRUN_TRY_ASSIGN(const auto text,
                   read_whole_file("/proc/" + std::to_string(pid.value) + "/timers"));
  return parse_posix_timers(text);
}

std::optional<std::string> why_not_carried(const PosixTimerInfo& timer) {
  const std::string name = "POSIX timer " + std::to_string(timer.id);
  if (!is_carried_clock(timer.clock))
    return name + " rings by clock " + std::to_string(timer.clock) +
           " (a thread's CPU time, another process's, or one that wakes the machine)";
  if (!can_restore_timer_ids())
    return name + " cannot be made again under its id: that needs Linux 6.15";
  return std::nullopt;
}

}  // namespace llrun::tracer
