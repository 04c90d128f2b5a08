// /proc/PID/fd: the descriptors of a process, as links and as files (proc_pid_fd(5)).
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

// Ascending.
[[nodiscard]] Result<std::vector<int>> list_fds(HostPid pid);

// In place of a link that is longer than can be read: no path, so that nothing is taken for it.
inline constexpr const char* kNameTooLong = "a file whose name is too long";

struct FdLink {
  int fd = -1;
  std::string text;  // "/home/u/x", "pipe:[4711]", "/tmp/y (deleted)"
};
// All of them at once, about 1 µs each; one that closes meanwhile is left out.
[[nodiscard]] Result<std::vector<FdLink>> read_fd_links(HostPid pid);

[[nodiscard]] std::string fd_path(HostPid pid, int fd);  // "/proc/PID/fd/N"
// Of the file behind it: what this kernel knows, without asking a server of its filesystem, which
// may not answer. What the file is, its device and its inode do not change; sizes and times may be
// old.
[[nodiscard]] Result<struct stat> stat_fd(HostPid pid, int fd);

}  // namespace llrun::tracer
