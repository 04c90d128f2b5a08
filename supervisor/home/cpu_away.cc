#include "supervisor/home/cpu_away.h"

#include <utility>

namespace llrun {

void CpuAway::add_to(image::Process& leaving) const {
  leaving.set_cpu_time_ns(leaving.cpu_time_ns() + process_ns);
  for (auto& thread : *leaving.mutable_threads()) {
    const auto away = threads_ns.find(thread.tid());
    if (away != threads_ns.end()) thread.set_cpu_time_ns(thread.cpu_time_ns() + away->second);
  }
}

void CpuAway::note(const image::Process& returned) {
  process_ns += returned.cpu_time_ns();
  // Ids of threads that have ended may be another's next time.
  const auto before = std::exchange(threads_ns, {});
  for (const auto& thread : returned.threads()) {
    const auto away = before.find(thread.tid());
    threads_ns[thread.tid()] = thread.cpu_time_ns() + (away == before.end() ? 0 : away->second);
  }
}

}  // namespace llrun
