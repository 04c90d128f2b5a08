#include "supervisor/load/run_queue.h"

#include <dirent.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

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

// Threads of one process that want a core. Only a process whose first thread runs or that has used
// CPU lately can have any; those with one thread are known from the process itself.
unsigned running_threads(int pid) {
  const auto tasks = "/proc/" + std::to_string(pid) + "/task";
  DIR* directory = ::opendir(tasks.c_str());
  if (directory == nullptr) return 0;
  unsigned running = 0;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    const auto text = read_whole_file(tasks + "/" + entry->d_name + "/stat");
    const auto ticks = text ? parse_process(*text) : std::nullopt;
    if (ticks && ticks->running) ++running;
  }
  ::closedir(directory);
  return running;
}

}  // namespace

bool is_machines_pid_namespace() {
  const auto link = read_link("/proc/self/ns/pid");
  return link && *link == kFirstPidNamespace;
}

Activity look_at_machine() {
  const auto text = read_whole_file("/proc/loadavg");
  const auto running = text ? parse_running(*text) : std::nullopt;
  // The reader counts itself.
  return {running && *running > 0 ? static_cast<double>(*running - 1) : 0.0, std::nullopt};
}

Activity look_at_processes() {
  Activity activity;
  std::uint64_t ticks_used = 0;
  ProcDirectory processes;
  while (const int pid = processes.next()) {
    const auto text = read_whole_file("/proc/" + std::to_string(pid) + "/stat");
    const auto ticks = text ? parse_process(*text) : std::nullopt;
    if (!ticks || pid == ::getpid()) continue;
    ticks_used += ticks->cpu;
    activity.running += running_threads(pid);
  }
  activity.used_s = static_cast<double>(ticks_used) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return activity;
}

}  // namespace llrun::load
