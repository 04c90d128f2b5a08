// What a process is just doing: its threads, children and timers.
#include <algorithm>

#include "tracer/objects/kcmp.h"
#include "tracer/objects/pins_parts.h"
#include "tracer/procfs/directory.h"
#include "tracer/procfs/lineage.h"
#include "tracer/procfs/timers.h"

namespace llrun::tracer {
namespace {

constexpr std::uint64_t kExiting = 0x4;  // PF_EXITING, include/linux/sched.h

std::optional<Pin> main_thread_pin(HostPid pid, const Credentials& main) {
  if (main.core_dumping) return Pin{"it is writing a core file", "it is about to end"};
  if (main.state == 'Z' || main.state == 'X') return main_thread_has_ended();
  if (main.state == 'T')
    return Pin{"it is stopped (job control)",
               "continue it: fg, bg, or kill -CONT " + std::to_string(pid.value)};
  const auto lineage = read_lineage(pid);
  if (lineage && (lineage->kernel_flags & kExiting) != 0)
    return Pin{"it is about to end", "let it"};
  return std::nullopt;
}

bool differs(const Credentials& thread, const Credentials& main) {
  return thread.uids != main.uids || thread.gids != main.gids || thread.groups != main.groups ||
         thread.permitted_capabilities != main.permitted_capabilities ||
         thread.seccomp != main.seccomp || thread.seccomp_filters != main.seccomp_filters;
}

void add_other_thread_pins(HostPid pid, HostTid tid, const Credentials& main, Pins& pins) {
  const auto it = read_credentials(pid, tid);
  if (!it || it->state == 'Z' || it->state == 'X') return;  // has ended meanwhile
  if (it->tracer != main.tracer) add_tracer_pin(it->tracer, pins);
  if (differs(*it, main))
    pins.push_back(
        {"its thread " + std::to_string(tid.value) + " has other rights than the rest of it",
         "it can move once that thread has ended"});
}

std::string words_for_child(HostPid pid, HostPid child, const Lineage& lineage) {
  const std::string name = std::to_string(child.value) + " " + lineage.name;
  if (lineage.state == 'Z')
    return "it has the child " + name + ", which has ended and is not yet waited for";
  const auto borrowed = share(TaskObject::kMemory, pid.value, child.value);
  if (borrowed && *borrowed)
    return "it is just starting another program (vfork, child " + name + ")";
  return "it has the child " + name;
}

}  // namespace

Pin main_thread_has_ended() {
  return {"its main thread has ended while others run on",
          "such a program cannot be made again elsewhere"};
}

void add_thread_pins(HostPid pid, const std::vector<HostTid>& tids, Pins& pins) {
  const auto main = read_credentials(pid);
  if (!main) return;
  add_tracer_pin(main->tracer, pins);
  if (auto pin = main_thread_pin(pid, *main)) pins.push_back(std::move(*pin));
  const std::size_t count = std::min(tids.size(), kMostThreadsLookedAt);
  for (std::size_t i = 0; i < count; ++i)
    if (tids[i].value != pid.value) add_other_thread_pins(pid, tids[i], *main, pins);
}

void add_child_pins(HostPid pid, Pins& pins) {
  const auto children = list_children(pid);
  if (!children) return;
  for (const HostPid child : *children)
    if (const auto lineage = read_lineage(child))
      pins.push_back({words_for_child(pid, child, *lineage),
                      "it can move once that process has ended and been waited for"});
}

void add_timer_pins(HostPid pid, Pins& pins) {
  const auto timers = read_posix_timers(pid);
  if (!timers) return;
  for (const auto& timer : *timers)
    if (auto why = why_not_carried(timer))
      pins.push_back({std::move(*why), "it can move once that timer has been deleted"});
}

}  // namespace llrun::tracer
