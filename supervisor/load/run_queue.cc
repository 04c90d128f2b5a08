#include "supervisor/load/run_queue.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "base/fd.h"
#include "supervisor/load/proc.h"

namespace llrun::load {
namespace {

// PROC_PID_INIT_INO of the kernel's include/linux/proc_ns.h: the first pid namespace.
constexpr const char* kFirstPidNamespace = "pid:[4026531836]";

class ProcDirectory {
 public:
  ProcDirectory() : directory_(::opendir("/proc")) {}
  ~ProcDirectory() {
    if (directory_ != nullptr) ::closedir(directory_);
  }
  ProcDirectory(const ProcDirectory&) = delete;
  ProcDirectory& operator=(const ProcDirectory&) = delete;

  // The next process's id, 0 at the end.
  int next() {
    while (const dirent* entry = directory_ == nullptr ? nullptr : ::readdir(directory_))
      if (const int pid = std::atoi(entry->d_name); pid > 0) return pid;
    return 0;
  }

 private:
  DIR* directory_;
};

std::optional<ProcessTicks> read_ticks(const std::string& directory) {
  const auto text = read_whole_file(directory + "/stat");
  return text ? parse_process(*text) : std::nullopt;
}

bool counts(const ProcessTicks& ticks, const Processors* only) {
  return ticks.running && (only == nullptr || only->has(ticks.processor));
}

unsigned running_threads(const std::string& process, const Processors* only) {
  const auto tasks = process + "/task";
  DIR* directory = ::opendir(tasks.c_str());
  if (directory == nullptr) return 0;
  unsigned running = 0;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    const auto ticks = read_ticks(tasks + "/" + entry->d_name);
    if (ticks && counts(*ticks, only)) ++running;
  }
  ::closedir(directory);
  return running;
}

bool is_machines_pid_namespace() {
  const auto link = read_link("/proc/self/ns/pid");
  return link && *link == kFirstPidNamespace;
}

// Of one that sleeps: 3 s until it is seen to have woken.
constexpr unsigned kMostLooksLeftOut = 7;

// The reader counts itself.
Activity look_at_machine() {
  const auto text = read_whole_file("/proc/loadavg");
  const auto running = text ? parse_running(*text) : std::nullopt;
  return {running && *running > 0 ? static_cast<double>(*running - 1) : 0.0, std::nullopt};
}

}  // namespace

RunQueue::RunQueue() : own_machine_(is_machines_pid_namespace()) {}

Activity RunQueue::look() {
  if (!own_machine_) return look_at_processes(nullptr);
  const auto processors = Processors::ours();
  if (processors.are_the_machines()) return look_at_machine();
  auto activity = look_at_processes(&processors);
  activity.used_s.reset();  // of processors, /proc/stat knows
  return activity;
}

Activity RunQueue::look_at_processes(const Processors* only) {
  Activity activity;
  std::uint64_t used = 0;
  auto before = std::exchange(known_, {});
  ProcDirectory processes;
  while (const int pid = processes.next()) {
    if (pid == ::getpid()) continue;
    const auto known = before.find(pid);
    if (known != before.end() && known->second.looks_left > 0) {
      used += known->second.cpu;
      auto sleeper = before.extract(known);
      --sleeper.mapped().looks_left;
      known_.insert(std::move(sleeper));
      continue;
    }
    const auto directory = "/proc/" + std::to_string(pid);
    const auto ticks = read_ticks(directory);
    if (!ticks) continue;
    used += ticks->cpu;
    const bool has_slept =
        known != before.end() && known->second.cpu == ticks->cpu && !ticks->running;
    const unsigned pause = has_slept ? std::min(2 * known->second.pause + 1, kMostLooksLeftOut) : 0;
    known_[pid] = {ticks->cpu, pause, pause};
    if (is_machinery(ticks->name)) continue;
    // The line of a process is that of its first thread. Other threads are looked at only when one
    // of them has run lately: most processes sleep, and this is done twice a second.
    if (ticks->threads == 1) {
      activity.running += counts(*ticks, only) ? 1 : 0;
    } else if (!has_slept) {
      activity.running += running_threads(directory, only);
    }
  }
  activity.used_s = static_cast<double>(used) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return activity;
}

}  // namespace llrun::load
