#include "tracer/procfs/sched.h"

#include <sched.h>

#include <ctime>
#include <string>

#include "base/fd.h"
#include "tracer/procfs/stat.h"
#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {

using std::chrono::nanoseconds;

nanoseconds clock_now(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

std::optional<nanoseconds> read_exec_start(const std::string& path) {
  const auto text = read_whole_file(path);
  if (!text) return std::nullopt;
  return parse_exec_start(*text);
}

// Our thread on one core, as long as this lives.
class Visit {
 public:
  explicit Visit(int core) {
    ::sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t there;
    CPU_ZERO(&there);
    CPU_SET(static_cast<std::size_t>(core), &there);
    ::sched_setaffinity(0, sizeof there, &there);
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() { ::sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_{};
};

}  // namespace

std::optional<nanoseconds> parse_exec_start(std::string_view sched) {
  // The last one: the first line begins with the thread's name, which may be this very word.
  const auto start = sched.rfind("\nse.exec_start");
  if (start == std::string_view::npos) return std::nullopt;
  const auto colon = sched.find(':', start);
  if (colon == std::string_view::npos) return std::nullopt;
  const auto value = trim(sched.substr(colon + 1, sched.find('\n', colon) - colon - 1));
  double milliseconds = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), milliseconds);
  constexpr double kMost = 1e12;  // thirty years since the start of the machine
  if (parsed.ec != std::errc{} || !(milliseconds >= 0 && milliseconds < kMost)) return std::nullopt;
  return nanoseconds(static_cast<std::int64_t>(milliseconds * 1e6));
}

std::optional<nanoseconds> SleepClock::last_ran(HostPid pid, HostTid tid) {
  const auto stat = read_stat(pid, tid);
  if (!stat || stat->state != 'S') return std::nullopt;
  const auto offset = offset_of_core(stat->processor);
  const auto ran = read_exec_start("/proc/" + std::to_string(pid.value) + "/task/" +
                                   std::to_string(tid.value) + "/sched");
  if (!offset || !ran) return std::nullopt;
  return *ran + *offset;
}

std::optional<nanoseconds> SleepClock::offset_of_core(int core) {
  const auto known = offsets_.find(core);
  if (known != offsets_.end()) return known->second;
  const Visit visit(core);
  ::sched_yield();  // brings our exec_start up to now (kernel/sched/fair.c, yield_task_fair)
  const auto now = monotonic_now();
  const auto ours = read_exec_start("/proc/thread-self/sched");
  const auto offset = ours ? std::optional(now - *ours) : std::nullopt;
  offsets_[core] = offset;
  return offset;
}

nanoseconds monotonic_now() { return clock_now(CLOCK_MONOTONIC); }
nanoseconds boottime_now() { return clock_now(CLOCK_BOOTTIME); }

}  // namespace llrun::tracer
