// /proc/PID/mountinfo: what is mounted where a process lives (proc_pid_mountinfo(5)).
//
// It names the filesystem behind a descriptor (its mount id is in fdinfo) without asking that
// filesystem, which statfs(2) would: a server of it that does not answer stops whoever asks.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace llrun::tracer {

// Mount id -> type ("ext4", "proc", "fuse.sshfs").
using MountTypes = std::map<std::uint64_t, std::string>;

[[nodiscard]] MountTypes parse_mount_types(std::string_view text);
// Empty: it may not be looked at.
[[nodiscard]] MountTypes read_mount_types(HostPid pid);

// What statfs(2) would say of such a filesystem in f_type; 0: none of those that are told apart
// here.
[[nodiscard]] long filesystem_magic(std::string_view type);

}  // namespace llrun::tracer
