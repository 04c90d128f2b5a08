// The folders of /proc whose entries are numbers: processes, threads, descriptors.
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

// The entries that are numbers, ascending. ENOENT of a process's folder is kGone.
[[nodiscard]] Result<std::vector<int>> list_numbers(const std::string& path);
[[nodiscard]] Result<std::vector<int>> list_numbers(int directory);  // not owned

[[nodiscard]] Result<std::vector<HostPid>> list_processes();
[[nodiscard]] Result<std::vector<HostTid>> list_threads(HostPid pid);
// /proc/PID/task/*/children (CONFIG_PROC_CHILDREN), zombies included.
[[nodiscard]] Result<std::vector<HostPid>> list_children(HostPid pid);

}  // namespace llrun::tracer
