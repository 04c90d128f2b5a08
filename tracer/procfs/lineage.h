// The first fields of /proc/PID/stat: where a process stands among the others (proc_pid_stat(5)).
// Readable for every process, whoever owns it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

struct Lineage {
  std::string name;  // may hold blanks and parentheses
  char state = '?';
  HostPid parent;
  HostPid group;
  HostPid session;
  std::uint64_t kernel_flags = 0;  // PF_*, include/linux/sched.h
};

[[nodiscard]] Result<Lineage> parse_lineage(std::string_view stat);
[[nodiscard]] Result<Lineage> read_lineage(HostPid pid);
[[nodiscard]] Result<Lineage> read_lineage(HostPid pid, HostTid tid);

}  // namespace llrun::tracer
