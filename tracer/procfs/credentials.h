// /proc/PID/status and /proc/PID/task/TID/status: who a task is, who watches it, what confines it
// (proc_pid_status(5)).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

struct Credentials {
  std::string name;
  char state = '?';  // R S D T t Z X …
  std::int32_t parent = 0;
  std::int32_t tracer = 0;              // the tracing *thread*'s id; 0: none
  std::array<std::uint32_t, 4> uids{};  // real, effective, saved, filesystem
  std::array<std::uint32_t, 4> gids{};
  std::vector<std::uint32_t> groups;
  std::uint64_t pending_signals = 0;  // of the thread and of the process
  std::uint64_t blocked_signals = 0;
  std::uint64_t permitted_capabilities = 0;
  std::uint64_t effective_capabilities = 0;
  int seccomp = 0;          // 0 none, 1 strict, 2 filter
  int seccomp_filters = 0;  // how many, since 5.9
  bool core_dumping = false;
  bool shadow_stack = false;  // x86_Thread_features
};

[[nodiscard]] Result<Credentials> parse_credentials(std::string_view status);
[[nodiscard]] Result<Credentials> read_credentials(HostPid pid);
[[nodiscard]] Result<Credentials> read_credentials(HostPid pid, HostTid tid);

}  // namespace llrun::tracer
