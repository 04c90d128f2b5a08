#include "supervisor/load/meter.h"

#include <sched.h>
#include <unistd.h>
#include <utmpx.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <utility>

#include "base/fd.h"
#include "supervisor/load/cgroup.h"
#include "supervisor/load/proc.h"
#include "supervisor/load/speed.h"

namespace llrun::load {
namespace {

double affinity_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return static_cast<double>(::sysconf(_SC_NPROCESSORS_ONLN));
}

double pressure(const char* resource) {
  const auto text = read_whole_file(std::string("/proc/pressure/") + resource);
  return text ? parse_pressure(*text).value_or(-1) : -1;
}

std::uint32_t users_logged_in() {
  std::set<std::string> users;
  ::setutxent();
  while (const utmpx* entry = ::getutxent())
    if (entry->ut_type == USER_PROCESS)
      users.emplace(entry->ut_user, ::strnlen(entry->ut_user, sizeof entry->ut_user));
  ::endutxent();
  return static_cast<std::uint32_t>(users.size());
}

void fill_memory(protocol::Load& load) {
  const auto text = read_whole_file("/proc/meminfo");
  auto memory = (text ? parse_memory(*text) : std::nullopt).value_or(Memory{});
  if (const auto limit = memory_limit()) {
    memory.total_bytes = std::min(memory.total_bytes, limit->limit_bytes);
    memory.available_bytes =
        std::min(memory.available_bytes, limit->limit_bytes - limit->used_bytes);
  }
  load.set_total_memory_bytes(memory.total_bytes);
  load.set_free_memory_bytes(memory.available_bytes);
}

std::uint64_t realtime_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace

double usable_cores() {
  const auto quota = cpu_quota();
  return quota ? std::min(affinity_cores(), quota->cores) : affinity_cores();
}

LoadMeter::LoadMeter(const std::string& state_directory)
    : own_machine_(is_machines_pid_namespace()), speed_(core_speed(state_directory)) {
  step();
  (void)measure();
}

void LoadMeter::step() {
  activity_ = own_machine_ ? look_at_machine() : look_at_processes();
  run_queue_.step(activity_.running);
}

// The machine's idle cores, but no more than our share: what the quota, or in a pid namespace of
// our own what we may use at all, leaves after what was used.
double LoadMeter::idle_cores(double seconds) {
  const double capacity = usable_cores();
  double idle = capacity;
  const auto text = read_whole_file("/proc/stat");
  if (const auto ticks = text ? parse_cpu(*text) : std::nullopt) {
    const auto passed =
        static_cast<double>(ticks->total - std::exchange(total_ticks_, ticks->total));
    const auto idled = static_cast<double>(ticks->idle - std::exchange(idle_ticks_, ticks->idle));
    if (passed > 0) idle = std::min(idle, idled / passed * ticks->cores);
  }
  if (const auto quota = cpu_quota(); quota && quota->used_s) {
    const double used = *quota->used_s - std::exchange(quota_used_s_, *quota->used_s);
    idle = std::min(idle, capacity - used / seconds);
  }
  if (activity_.used_s) {
    // Processes that ended take their time with them: the sum may fall.
    const double used =
        std::max(0.0, *activity_.used_s - std::exchange(used_s_, *activity_.used_s));
    idle = std::min(idle, capacity - used / seconds);
  }
  return std::max(0.0, idle);
}

double LoadMeter::disk_rate(double seconds) {
  const auto text = read_whole_file("/proc/diskstats");
  const auto bytes = text ? parse_disk_bytes(*text) : 0;
  const auto passed = bytes - std::exchange(disk_bytes_, bytes);
  return static_cast<double>(passed) / (1U << 20) / seconds;
}

protocol::Load LoadMeter::measure() {
  const auto now = Clock::now();
  const std::chrono::duration<double> passed = now - std::exchange(measured_at_, now);
  const double seconds = std::clamp(passed.count(), 0.01, 3600.0);
  protocol::Load load;
  load.set_run_queue(run_queue_.value());
  load.set_cores(static_cast<std::uint32_t>(affinity_cores()));
  load.set_speed(speed_);
  load.set_capacity(usable_cores());
  load.set_cpu_idle(idle_cores(seconds));
  fill_memory(load);
  load.set_pressure_cpu(pressure("cpu"));
  load.set_pressure_memory(pressure("memory"));
  load.set_disk_io_rate(disk_rate(seconds));
  load.set_users(users_logged_in());
  load.set_measured_at_ms(realtime_ms());
  load.set_reachable(true);
  return load;
}

}  // namespace llrun::load
