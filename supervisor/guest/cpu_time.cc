#include "supervisor/guest/cpu_time.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <unistd.h>

#include <ctime>

#include "tracer/remote/remote_memory.h"

namespace llrun {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

// The CPU clock of another process or thread, as the kernel numbers it
// (include/linux/posix-timers_types.h).
clockid_t cpu_clock(pid_t id, bool thread) {
  constexpr unsigned kSched = 2;
  constexpr unsigned kPerThread = 4;
  return static_cast<clockid_t>((~static_cast<unsigned>(id) << 3) | kSched |
                                (thread ? kPerThread : 0));
}

std::uint64_t read_clock(clockid_t clock) {
  timespec now{};
  if (::clock_gettime(clock, &now) != 0) return 0;
  return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

timespec to_timespec(std::uint64_t ns) {
  return {static_cast<time_t>(ns / kSecond), static_cast<long>(ns % kSecond)};
}

timeval to_timeval(std::uint64_t ns) {
  return {static_cast<time_t>(ns / kSecond), static_cast<suseconds_t>(ns % kSecond / 1000)};
}

template <typename T>
std::optional<std::int64_t> store(HostPid guest, std::uint64_t address, const T& value,
                                  std::int64_t result) {
  if (address == 0) return result;
  return tracer::write_value(guest, {address}, value) ? result : -EFAULT;
}

}  // namespace

CpuTime::CpuTime(const image::Process& image) : process_before_ns_(image.cpu_time_ns()) {
  for (const auto& thread : image.threads())
    threads_before_ns_[GuestTid{thread.tid()}] = thread.cpu_time_ns();
}

void CpuTime::know_thread(GuestTid guest, HostTid host) {
  const auto before = threads_before_ns_.find(guest);
  if (before != threads_before_ns_.end()) before_ns_[host] = before->second;
}

std::uint64_t CpuTime::process_ns(HostPid guest) const {
  return process_before_ns_ + read_clock(cpu_clock(guest.value, false));
}

std::uint64_t CpuTime::thread_ns(HostTid thread) const {
  const auto before = before_ns_.find(thread);
  return (before == before_ns_.end() ? 0 : before->second) +
         read_clock(cpu_clock(thread.value, true));
}

std::optional<std::int64_t> CpuTime::answer(HostPid guest, const NotifiedCall& call) const {
  switch (call.number) {
    case SYS_clock_gettime: {
      const auto clock = static_cast<clockid_t>(call.args[0]);
      if (clock == CLOCK_PROCESS_CPUTIME_ID)
        return store(guest, call.args[1], to_timespec(process_ns(guest)), 0);
      if (clock == CLOCK_THREAD_CPUTIME_ID)
        return store(guest, call.args[1], to_timespec(thread_ns(call.thread)), 0);
      return std::nullopt;
    }
    case SYS_getrusage: {
      // All of it counts as user time: the kernel tells others only the sum exactly.
      rusage usage{};
      const auto who = static_cast<int>(call.args[0]);
      if (who == RUSAGE_SELF)
        usage.ru_utime = to_timeval(process_ns(guest));
      else if (who == RUSAGE_THREAD)
        usage.ru_utime = to_timeval(thread_ns(call.thread));
      else
        return std::nullopt;
      return store(guest, call.args[1], usage, 0);
    }
    case SYS_times: {
      const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
      tms usage{};
      usage.tms_utime = static_cast<clock_t>(process_ns(guest) / (kSecond / ticks));
      // The return value is the time since an arbitrary point: the monotonic clock here (times(2)).
      const std::uint64_t now = read_clock(CLOCK_MONOTONIC) / (kSecond / ticks);
      return store(guest, call.args[0], usage, static_cast<std::int64_t>(now));
    }
    default:
      return std::nullopt;
  }
}

}  // namespace llrun
