#include "supervisor/guest/cpu_time.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "base/bytes.h"
#include "base/fd.h"
#include "supervisor/guest/guest_memory.h"
#include "tracer/procfs/text.h"

namespace llrun {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

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
  return static_cast<std::uint64_t>(now.tv_sec * kSecond + now.tv_nsec);
}

timespec to_timespec(std::uint64_t nanoseconds) {
  const auto ns = static_cast<std::int64_t>(nanoseconds);
  return {ns / kSecond, ns % kSecond};
}

timeval to_timeval(std::uint64_t nanoseconds) {
  const auto ns = static_cast<std::int64_t>(nanoseconds);
  return {ns / kSecond, ns % kSecond / 1000};
}

// How far the world's monotonic clock, which is home's, is ahead of this node's.
std::int64_t monotonic_offset_ns(HostPid guest) {
  const auto text =
      read_whole_file(fmt::format("/proc/{}/timens_offsets", guest.value)).value_or("");
  const auto line = tracer::split_words(text);
  if (line.size() < 3 || line[0] != "monotonic") return 0;
  const auto seconds = tracer::parse_number<std::int64_t>(line[1]);
  const auto rest = tracer::parse_number<std::int64_t>(line[2]);
  return seconds && rest ? *seconds * kSecond + *rest : 0;
}

// The most that was resident at once, in KiB.
long most_resident(HostPid guest) {
  const auto text = read_whole_file(fmt::format("/proc/{}/status", guest.value)).value_or("");
  const auto line = tracer::split_words(tracer::value_of(text, "VmHWM").value_or(""));
  return line.empty() ? 0 : tracer::parse_number<long>(line[0]).value_or(0);
}

template <typename T>
std::optional<std::int64_t> store(HostPid guest, std::uint64_t address, const T& value,
                                  std::int64_t result) {
  return write_as_guest(guest, {address}, bytes_of(value)) ? result : -EFAULT;
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
      usage.ru_maxrss = most_resident(guest);
      return store(guest, call.args[1], usage, 0);
    }
    case SYS_times: {
      const std::int64_t ticks = ::sysconf(_SC_CLK_TCK);
      tms usage{};
      usage.tms_utime =
          static_cast<clock_t>(static_cast<std::int64_t>(process_ns(guest)) / (kSecond / ticks));
      // The return value is the time since a point that is the same for all that a kernel has run
      // since it started. Who wants only that gives no address.
      const auto now = ::times(nullptr) + monotonic_offset_ns(guest) / (kSecond / ticks);
      if (call.args[0] == 0) return now;
      return store(guest, call.args[0], usage, now);
    }
    default:
      return std::nullopt;
  }
}

}  // namespace llrun
