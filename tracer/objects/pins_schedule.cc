// How a process asks to be scheduled: what this node's scheduler promises it cannot be promised
// elsewhere.
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>

#include "base/fd.h"
#include "tracer/objects/pins_parts.h"

namespace llrun::tracer {
namespace {

// Processors 0 to 8191 (the kernel's largest NR_CPUS), as sched_getaffinity(2) gives them.
using Processors = std::array<std::uint64_t, 128>;

std::optional<Processors> processors_of(pid_t task) {
  Processors mask{};
  if (::syscall(SYS_sched_getaffinity, task, sizeof mask, mask.data()) < 0) return std::nullopt;
  return mask;
}

bool is_less_than(const Processors& mask, const Processors& all) {
  for (std::size_t i = 0; i < mask.size(); ++i)
    if ((mask[i] & ~all[i]) != 0) return false;
  return mask != all;
}

std::string list(const Processors& mask) {
  std::string text;
  for (std::size_t cpu = 0; cpu < mask.size() * 64; ++cpu)
    if ((mask[cpu / 64] >> (cpu % 64) & 1) != 0)
      text += (text.empty() ? "" : ",") + std::to_string(cpu);
  return text;
}

std::string cpuset_of(pid_t pid) {
  return read_whole_file("/proc/" + std::to_string(pid) + "/cpuset").value_or(std::string{});
}

// The processors that it would have if nobody had restricted it: its parent's, or ours where the
// parent lives under another limit of the node's (cpuset).
std::optional<Processors> unrestricted(HostPid pid, HostPid parent) {
  const std::string cpuset = cpuset_of(pid.value);
  for (const pid_t other : {parent.value, ::getpid()})
    if (other > 0 && cpuset_of(other) == cpuset)
      if (const auto mask = processors_of(other)) return mask;
  return std::nullopt;
}

std::string words_for(HostPid pid, HostTid tid) {
  return tid.value == pid.value ? "it" : "its thread " + std::to_string(tid.value);
}

std::optional<Pin> policy_pin(HostPid pid, HostTid tid) {
  const int policy = ::sched_getscheduler(tid.value);
  if (policy < 0) return std::nullopt;
  switch (policy & ~SCHED_RESET_ON_FORK) {
    case SCHED_OTHER:
    case SCHED_BATCH:
    case SCHED_IDLE:
      return std::nullopt;
    default:
      return Pin{words_for(pid, tid) + " runs under a real-time or other special scheduling policy",
                 "start it without chrt or the like"};
  }
}

std::optional<Pin> affinity_pin(HostPid pid, HostTid tid, const Processors& all) {
  const auto mask = processors_of(tid.value);
  if (!mask || !is_less_than(*mask, all)) return std::nullopt;
  return Pin{words_for(pid, tid) + " is bound to the processors " + list(*mask) + " of this node",
             "start it without taskset or binding of threads"};
}

}  // namespace

// One pin of a sort is enough: a program that binds one thread binds them all.
void add_schedule_pins(HostPid pid, HostPid parent, const std::vector<HostTid>& tids, Pins& pins) {
  const auto all = unrestricted(pid, parent);
  std::optional<Pin> policy;
  std::optional<Pin> affinity;
  const std::size_t count = std::min(tids.size(), kMostThreadsLookedAt);
  for (std::size_t i = 0; i < count; ++i) {
    if (!policy) policy = policy_pin(pid, tids[i]);
    if (!affinity && all) affinity = affinity_pin(pid, tids[i], *all);
  }
  if (policy) pins.push_back(std::move(*policy));
  if (affinity) pins.push_back(std::move(*affinity));
}

}  // namespace llrun::tracer
