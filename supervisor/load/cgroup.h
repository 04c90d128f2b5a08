// What control groups leave of the machine to this process, of version 1 and 2 alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace llrun::load {

// Where the files of a controller are for this process, from the innermost group up to `root`.
struct GroupPath {
  std::string root;   // mount point
  std::string group;  // below it, "" or "/a/b"
};
// From /proc/self/cgroup and /proc/self/mountinfo. `controller` is "cpu", "memory", …; nothing
// where it is not mounted.
struct GroupFiles {
  std::optional<GroupPath> version1;
  std::optional<GroupPath> version2;
};
[[nodiscard]] GroupFiles find_group(std::string_view self_cgroup, std::string_view mountinfo,
                                    std::string_view controller);

struct CpuQuota {
  double cores = 0;              // the narrowest of the groups we are in
  std::optional<double> used_s;  // CPU seconds used so far in that group
};
[[nodiscard]] std::optional<CpuQuota> cpu_quota();

struct MemoryLimit {
  std::uint64_t limit_bytes = 0;
  std::uint64_t used_bytes = 0;  // without what can be dropped (inactive file pages)
};
[[nodiscard]] std::optional<MemoryLimit> memory_limit();

// "100000 50000" or "max 100000" of cpu.max.
[[nodiscard]] std::optional<double> parse_cpu_max(std::string_view text);

}  // namespace llrun::load
