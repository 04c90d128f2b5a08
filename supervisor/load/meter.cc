#include "supervisor/load/meter.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/fd.h"
#include "supervisor/load/cgroup.h"
#include "supervisor/load/proc.h"
#include "supervisor/load/processors.h"
#include "supervisor/load/users.h"

namespace llrun::load {
namespace {

double since(std::uint64_t& before, std::uint64_t now) {
  const auto earlier = std::exchange(before, now);
  return now > earlier ? static_cast<double>(now - earlier) : 0.0;
}

double pressure(const char* resource) {
  const auto text = read_whole_file(std::string("/proc/pressure/") + resource);
  return text ? parse_pressure(*text).value_or(-1) : -1;
}

std::uint64_t realtime_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace

double usable_cores() {
  const double allowed = Processors::ours().count();
  const auto quota = cpu_quota();
  return quota ? std::min(allowed, quota->cores) : allowed;
}

void measure_memory(protocol::Load& load) {
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

LoadMeter::LoadMeter(const std::string& state_directory)
    : speeds_(state_directory + "/speed", own_cpu_model(), measure_core_speed) {
  step();
  (void)measure();
}

void LoadMeter::step() {
  looked_at_ms_ = realtime_ms();
  activity_ = running_.look();
  run_queue_.step(activity_.running);
}

// The idle cores of our processors, but no more than our share: what the quota, or in a pid
// namespace of our own what we may use at all, leaves after what was used.
double LoadMeter::idle_cores(double seconds) {
  const double capacity = usable_cores();
  double idle = capacity;
  const auto processors = Processors::ours();
  const auto text = read_whole_file("/proc/stat");
  if (const auto ticks = text ? parse_cpu(*text, [&](unsigned cpu) { return processors.has(cpu); })
                              : std::nullopt) {
    // After a change of the set the sums may have fallen: one measurement without a word of them.
    const double passed = since(total_ticks_, ticks->total);
    const double idled = since(idle_ticks_, ticks->idle);
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
  load.set_running(activity_.running);
  load.set_cores(Processors::ours().count());
  speeds_.measure_again();
  load.set_speed(speeds_.own());
  load.set_cpu_model(speeds_.model());
  load.set_capacity(usable_cores());
  load.set_cpu_idle(idle_cores(seconds));
  measure_memory(load);
  load.set_pressure_cpu(pressure("cpu"));
  load.set_pressure_memory(pressure("memory"));
  load.set_pressure_io(pressure("io"));
  load.set_disk_io_rate(disk_rate(seconds));
  load.set_users(active_users(::time(nullptr)));
  load.set_measured_at_ms(looked_at_ms_);
  load.set_reachable(true);
  return load;
}

}  // namespace llrun::load
