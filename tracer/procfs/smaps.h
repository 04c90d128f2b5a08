// /proc/PID/maps and /proc/PID/smaps: the mappings of a process (proc_pid_maps(5),
// proc_pid_smaps(5)).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

struct MapEntry {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  bool readable = false;
  bool writable = false;
  bool executable = false;
  bool shared = false;
  std::uint64_t offset = 0;
  std::uint64_t device = 0;  // as st_dev
  std::uint64_t inode = 0;
  std::string name;            // path or [name]; newlines unescaped; a trailing " (deleted)" kept
  std::string vm_flags;        // smaps only: "rd wr mr mw me ac"
  std::uint64_t resident = 0;  // bytes, smaps only
  std::uint64_t private_dirty = 0;  // bytes, smaps only
  int protection_key = 0;           // smaps only
  [[nodiscard]] std::uint64_t size() const { return end - start; }
  // Whether VmFlags holds the two letters.
  [[nodiscard]] bool has_flag(std::string_view flag) const;
};

// Text of either file; the lines that only smaps has are taken in where they are.
[[nodiscard]] Result<std::vector<MapEntry>> parse_maps(std::string_view text);
// Cheap: no walk over the page tables.
[[nodiscard]] Result<std::vector<MapEntry>> read_maps(HostPid pid);
// With VmFlags; walks the page tables, about 4 ms a resident GiB.
[[nodiscard]] Result<std::vector<MapEntry>> read_smaps(HostPid pid);

}  // namespace llrun::tracer
