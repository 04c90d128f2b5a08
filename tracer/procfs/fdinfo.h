// /proc/PID/fdinfo/N: what the kernel tells about an open file description (proc_pid_fdinfo(5),
// fs/proc/fd.c and the show_fdinfo of each kind).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

// One "tfd:" line of an epoll instance.
struct EpollInfo {
  int fd = -1;
  std::uint32_t events = 0;
  std::uint64_t data = 0;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;  // the kernel's own dev_t encoding, not st_dev
};

struct FdInfo {
  std::uint64_t position = 0;
  int flags = 0;               // F_GETFL, without O_CLOEXEC
  bool close_on_exec = false;  // of this descriptor
  std::uint64_t mount_id = 0;
  std::vector<std::string>
      locks;  // "POSIX  ADVISORY  WRITE …": held through this file by this process
  std::optional<std::uint64_t> eventfd_count;
  std::optional<bool> eventfd_semaphore;  // since 6.5
  std::vector<EpollInfo> epoll;
};

[[nodiscard]] Result<FdInfo> parse_fdinfo(std::string_view text);
[[nodiscard]] Result<FdInfo> read_fdinfo(HostPid pid, int fd);

}  // namespace llrun::tracer
