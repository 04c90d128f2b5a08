// /proc/PID/stat beyond its first fields: layout of the memory, scheduling (proc_pid_stat(5)). The
// addresses are zero unless we may trace the process.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

struct Stat {
  char state = '?';
  std::int32_t parent = 0;
  std::int32_t group = 0;
  std::int32_t session = 0;
  std::int32_t terminal = 0;  // tty_nr: device number of the controlling terminal, 0: none
  std::uint32_t flags = 0;    // of the kernel's, PF_ in include/linux/sched.h
  std::int32_t nice = 0;
  std::int32_t threads = 0;
  std::int32_t processor = 0;  // on which it ran last
  std::uint64_t start_code = 0, end_code = 0, start_stack = 0;
  std::uint64_t start_data = 0, end_data = 0, start_brk = 0;
  std::uint64_t arg_start = 0, arg_end = 0, env_start = 0, env_end = 0;
};

[[nodiscard]] Result<Stat> parse_stat(std::string_view text);
[[nodiscard]] Result<Stat> read_stat(HostPid pid);
[[nodiscard]] Result<Stat> read_stat(HostPid pid, HostTid tid);

}  // namespace llrun::tracer
